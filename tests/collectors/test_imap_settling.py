import pytest

from dmarcwatch.collect.sources import Settle
from dmarcwatch.errors import CollectError
from tests.collectors.contract import MAIL
from tests.collectors.memory import read_all

# -- settling --------------------------------------------------------------------------------------


def test_marking_as_seen_marks_only_what_is_settled(mailbox):
    mailbox.deliver(*MAIL)
    collector = mailbox.collector(Settle.SEEN)
    collector.settle(read_all(collector)[:2])
    assert list(mailbox.flags().values()) == [r"\Seen", r"\Seen", ""]


@pytest.mark.parametrize("listener", ["no_move", "few_capabilities"])
@pytest.mark.parametrize("settle", [Settle.MOVE, Settle.DELETE])
def test_somebody_elses_deleted_mail_is_never_expunged(mailbox, settle, listener):
    mailbox.deliver(*MAIL)
    host = getattr(mailbox.server, listener)
    collector = mailbox.collector(settle, host=host, verify_certificate=False)
    items = read_all(collector)
    mailbox.mark(3, r"\Deleted")
    collector.settle(items[:1])
    assert mailbox.flags()[3] == r"\Deleted"


def test_without_move_a_message_is_copied_and_taken_away_by_its_number(mailbox):
    mailbox.deliver(*MAIL)
    collector = mailbox.collector(Settle.MOVE, host=mailbox.server.no_move, verify_certificate=False)
    collector.settle(read_all(collector)[:1])
    assert list(mailbox.flags()) == [2, 3]
    assert len(mailbox.flags("DMARC/Done")) == 1


def test_without_uidplus_a_message_stays_marked_as_deleted_and_that_is_said(mailbox):
    mailbox.deliver(*MAIL)
    collector = mailbox.collector(
        Settle.DELETE, host=mailbox.server.few_capabilities, verify_certificate=False
    )
    collector.settle(read_all(collector)[:1])
    assert mailbox.flags() == {1: r"\Deleted", 2: "", 3: ""}
    assert mailbox.reasons() == ["unsettled"]
    assert len(read_all(collector)) == 2


def test_messages_with_new_numbers_are_not_settled_by_their_old_ones(mailbox):
    mailbox.deliver(*MAIL)
    items = read_all(mailbox.collector())
    mailbox.renumber()
    mailbox.collector(Settle.DELETE).settle(items)
    assert len(read_all(mailbox.collector())) == len(MAIL)
    assert mailbox.reasons() == ["unsettled"]


def test_a_folder_that_may_only_be_read_is_read_but_cannot_be_settled(mailbox):
    mailbox.create("Shared")
    mailbox.deliver(*MAIL, folder="Shared")
    mailbox.allow("Shared", "lr")
    collector = mailbox.collector(Settle.DELETE, folders=("Shared",))
    items = read_all(collector)
    assert len(items) == len(MAIL)
    with pytest.raises(CollectError, match="may only read the folder Shared") as caught:
        collector.settle(items)
    assert caught.value.hint


def test_settled_mail_of_several_folders_goes_to_one(mailbox):
    mailbox.create("Reports")
    mailbox.deliver(MAIL[0])
    mailbox.deliver(MAIL[1], folder="Reports")
    collector = mailbox.collector(Settle.MOVE, folders=("INBOX", "Reports"))
    collector.settle(read_all(collector))
    assert (mailbox.flags(), mailbox.flags("Reports"), len(mailbox.flags("DMARC/Done"))) == ({}, {}, 2)
