"""Mailboxes restored from a backup: UIDVALIDITY stays, and UIDs are given once more to other messages."""

import json

import pytest

from dmarcwatch.collect.imap_marks import Mark, Place, place_of, read_marks, written
from dmarcwatch.collect.sources import Settle
from tests.collectors.contract import MAIL
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.odd_server import odd_server
from tests.collectors.test_imap_faults import NUMBERED, collect_from

NEW = [b"Subject: new %d\r\n\r\nnew\r\n" % number for number in range(4)]


@pytest.fixture
def restored(mailbox, tmp_path):
    """What was read before the mailbox of one message was restored: that one, and two that are gone."""
    mailbox.deliver(MAIL[0])
    mailbox.backup(tmp_path / "backup")
    mailbox.deliver(*MAIL[1:])
    memory = RunMemory()
    items = read_all(mailbox.collector(), memory)
    assert len(items) == len(MAIL)
    mailbox.close()
    mailbox.restore(tmp_path / "backup")
    return memory, items


def test_mail_with_the_numbers_of_lost_mail_is_read(mailbox, restored):
    memory, _ = restored
    mailbox.deliver(NEW[0])
    assert [item.data for item in read_all(mailbox.collector(), memory)] == [MAIL[0], NEW[0]]
    assert mailbox.reasons() == ["renumbered"]
    mailbox.deliver(*NEW[1:])
    assert [item.data for item in read_all(mailbox.collector(), memory)] == NEW[1:]
    assert read_all(mailbox.collector(), memory) == []
    assert mailbox.reasons() == ["renumbered"]


def test_a_restored_mailbox_without_news_is_noticed_before_its_numbers_pass_the_mark(mailbox, restored):
    memory, _ = restored
    read_all(mailbox.collector(), memory)
    mailbox.deliver(*NEW)
    assert [item.data for item in read_all(mailbox.collector(), memory)] == NEW


def test_other_mail_with_the_same_number_is_not_settled(mailbox, restored):
    memory, items = restored
    mailbox.deliver(NEW[0])
    collector = mailbox.collector(Settle.DELETE)
    again = read_all(collector, memory)
    collector.settle(items)
    assert len(mailbox.flags()) == 2
    assert mailbox.reasons() == ["renumbered", "unsettled"]
    collector.settle(again)
    assert mailbox.flags() == {}


def test_mail_of_before_is_not_settled_even_where_nothing_was_read_since(mailbox, restored):
    memory, items = restored
    mailbox.deliver(NEW[0])
    collector = mailbox.collector(Settle.DELETE)
    collector.items(memory)
    collector.settle(items[:2])
    assert len(mailbox.flags()) == 2
    assert mailbox.reasons() == ["unsettled"]


def test_numbers_that_were_never_given_are_not_settled(mailbox, restored):
    _, items = restored
    mailbox.collector(Settle.DELETE).settle(items)
    assert len(mailbox.flags()) == 1
    assert mailbox.reasons() == ["unsettled"]


def test_a_mark_held_back_by_a_message_that_waits_notices_it_too():
    memory = RunMemory()
    with odd_server(dict(NUMBERED), refused={3}) as odd:
        collect_from(odd, memory)
        del odd.messages[8], odd.messages[4_000_000_000]
        odd.refused.clear()
        odd.messages[6] = b"Subject: other\r\n\r\n"
        read, reasons = collect_from(odd, memory)
        assert (read, reasons) == ([NUMBERED[3], NUMBERED[5], odd.messages[6]], ["renumbered"])


def test_mail_that_went_away_is_no_reason_to_read_again():
    memory = RunMemory()
    with odd_server(dict(NUMBERED), tells_next_uid=False) as odd:
        collect_from(odd, memory)
        del odd.messages[4_000_000_000]
        assert collect_from(odd, memory) == ([], [])


# -- marks and tokens ------------------------------------------------------------------------------


def test_what_older_versions_remembered_is_understood():
    old = json.dumps({"INBOX": [7, 12], "Reports": [8, 1], "inbox": [7, 3]})
    assert read_marks(old) == {"INBOX": Mark(7, 12, 0, 12), "Reports": Mark(8, 1, 0, 1)}
    assert read_marks(None) == {}


def test_marks_survive_being_written():
    marks = {"INBOX": Mark(7, 12, 2, 15), "a/b": Mark(8)}
    assert read_marks(written(marks)) == marks


def test_a_token_names_its_place_and_old_ones_do_too():
    assert Mark(7).token("a/b", 12) == "a/b/7/12"
    assert place_of("a/b/7/12") == Place("a/b", 7, 0, 12)
    assert place_of(Mark(7, generation=3).token("a.b", 12)) == Place("a.b", 7, 3, 12)
    assert place_of("Inbox/7/12").folder == "INBOX"
