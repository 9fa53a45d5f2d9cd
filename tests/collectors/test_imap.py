import json
import threading
from dataclasses import replace

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Watcher, unheard
from dmarcwatch.collect.imap_reading import BATCH_BYTES, BATCH_MESSAGES, FolderReading, windows
from dmarcwatch.collect.imap_session import Session
from dmarcwatch.collect.sources import Security, Settle
from dmarcwatch.errors import CollectError
from tests.collectors.contract import MAIL, SettlingContract
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.wire import Wire


class TestDovecot(SettlingContract):
    @pytest.fixture
    def origin(self, mailbox):
        return mailbox


class TestDovecotThatMoves(TestDovecot):
    gone_after = Settle.MOVE


class TestPymap(SettlingContract):
    @pytest.fixture
    def origin(self, pymap_mailbox):
        return pymap_mailbox


def mails(number: int, *, size: int = 0) -> list[bytes]:
    return [b"Subject: %d\r\n\r\n%s\r\n" % (index, b"x" * size) for index in range(number)]


def reading_of(mailbox, session: Session) -> FolderReading:
    return FolderReading(session, session.open(mailbox.folder), budgets=Budgets(), notify=unheard)


def renumber(mailbox) -> None:
    """Dovecot gives new numbers when its list of them is lost."""
    folder = mailbox.server.mail / mailbox.source.user
    for lost in (folder / "dovecot-uidlist", *folder.glob("dovecot.index*")):
        lost.unlink()


def allow(mailbox, folder: str, rights: str) -> None:
    """Give the owner only these rights (RFC 4314 section 2.1)."""
    acl = mailbox.server.mail / mailbox.source.user / f".{folder}" / "dovecot-acl"
    acl.write_text(f"owner {rights}\n")


@pytest.fixture
def session(mailbox):
    session = Session(mailbox.source, mailbox.source.password.resolve)
    yield session
    session.close()


# -- which messages are new ------------------------------------------------------------------------


def test_an_item_knows_when_the_server_received_it_and_where_it_lies(mailbox):
    mailbox.client().append("INBOX", "", '"20-Nov-2026 08:00:00 +0200"', MAIL[0])
    (item,) = read_all(mailbox.collector())
    validity, uid = item.token.split("/")[1:]
    assert item.received_at.isoformat() == "2026-11-20T06:00:00+00:00"
    assert item.origin == f"imap://{mailbox.source.user}@localhost/INBOX;UIDVALIDITY={validity}/;UID={uid}"


def test_without_news_the_last_message_is_not_mistaken_for_one(mailbox):
    mailbox.deliver(*MAIL)
    collector, memory = mailbox.collector(), RunMemory()
    read_all(collector, memory)
    memory.tokens.clear()  # only the position says that there is nothing new
    assert read_all(collector, memory) == []


def test_without_news_a_thousand_messages_cost_no_more_than_one(mailbox):
    mailbox.deliver(*mails(1000))
    memory = RunMemory()
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        plain = {"port": wire.port, "security": Security.NONE}
        assert len(read_all(mailbox.collector(**plain), memory)) == 1000
        before = wire.received_bytes
        assert read_all(mailbox.collector(**plain), memory) == []
        mailbox.close()
        assert wire.received_bytes - before < 5000


def test_a_message_somebody_marked_as_deleted_is_not_read(mailbox):
    mailbox.deliver(*MAIL)
    mailbox.mark(2, r"\Deleted")
    assert [item.data for item in read_all(mailbox.collector())] == [MAIL[0], MAIL[2]]


def test_messages_are_found_through_windows_of_any_size(mailbox, session):
    mailbox.deliver(*mails(9))
    reading = reading_of(mailbox, session)
    assert reading.uids(1, window=2) == list(range(1, 10))
    assert reading.uids(4, window=2) == list(range(4, 10))
    assert reading.uids(99, window=2) == []


def test_windows_cover_every_message_once_from_the_top():
    assert list(windows(120_000, 50_000)) == [(100_001, "*"), (50_001, "100000"), (1, "50000")]
    assert list(windows(50_000, 50_000)) == [(1, "*")]
    assert list(windows(0, 50_000)) == []


def test_a_new_uidvalidity_means_reading_everything_again(mailbox):
    mailbox.deliver(*MAIL)
    memory = RunMemory()
    first = read_all(mailbox.collector(), memory)
    renumber(mailbox)
    again = read_all(mailbox.collector(), memory)
    assert [item.data for item in again] == [item.data for item in first]
    assert not {item.token for item in again} & {item.token for item in first}
    assert mailbox.reasons() == ["renumbered"]


def test_a_message_that_goes_away_while_reading_is_noticed_and_skipped(mailbox):
    mailbox.deliver(*mails(BATCH_MESSAGES + 2))
    items = mailbox.collector().items(RunMemory())
    next(items)
    mailbox.mark(BATCH_MESSAGES + 1, r"\Deleted")
    mailbox.client().expunge()
    assert len(list(items)) == BATCH_MESSAGES
    assert mailbox.reasons() == ["vanished"]


def test_the_position_never_runs_ahead_of_what_was_handed_over(mailbox):
    mailbox.deliver(*mails(2 * BATCH_MESSAGES + 5))
    memory = RunMemory()
    for handed, item in enumerate(mailbox.collector().items(memory), 1):
        memory.commit([item])
        next_uid = json.loads(memory.written)["INBOX"][1] if memory.written else 1
        assert next_uid - 1 < handed
    memory.commit([])
    assert json.loads(memory.written)["INBOX"][1] == 2 * BATCH_MESSAGES + 6


# -- sizes -----------------------------------------------------------------------------------------


def test_batches_are_bounded_in_messages_and_in_bytes(mailbox, session):
    mailbox.deliver(*mails(BATCH_MESSAGES + 1), *mails(3, size=BATCH_BYTES // 2))
    reading = reading_of(mailbox, session)
    batches = [[mail.size for mail in batch] for batch in reading.batches(reading.uids(1), RunMemory())]
    assert [len(batch) for batch in batches] == [BATCH_MESSAGES, 2, 1, 1]
    assert all(sum(batch) <= BATCH_BYTES for batch in batches)


def test_of_a_message_beyond_the_budget_only_the_head_is_fetched(mailbox):
    large = b"From: a@example.net\r\nSubject: large\r\n\r\n" + b"x" * 200_000
    mailbox.deliver(MAIL[0], large, MAIL[1])
    small = replace(Budgets(), max_message_bytes=100_000)
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        items = read_all(mailbox.collector(budgets=small, port=wire.port, security=Security.NONE))
        assert wire.received_bytes < 100_000
    assert [item.headers_only for item in items] == [False, True, False]
    assert (items[1].data, items[1].size) == (b"From: a@example.net\r\nSubject: large\r\n\r\n", len(large))


# -- folders ---------------------------------------------------------------------------------------


def test_folders_are_read_by_name_and_by_pattern_but_never_the_one_for_settled_mail(mailbox):
    mailbox.create("Reports", "Reports/Google", "Reports/Yahoo &- more", "DMARC/Done", "Other")
    for folder in ("INBOX", "Reports/Google", "Reports/Yahoo &- more", "DMARC/Done", "Other"):
        mailbox.deliver(f"Subject: {folder}\r\n\r\n".encode(), folder=folder)
    read = read_all(mailbox.collector(folders=("INBOX", "Reports/*", "*/Done")))
    assert [item.token.rsplit("/", 2)[0] for item in read] == [
        "INBOX",
        "Reports/Google",
        "Reports/Yahoo & more",
    ]


def test_each_folder_has_a_mark_of_its_own(mailbox):
    mailbox.create("Reports")
    mailbox.deliver(MAIL[0])
    mailbox.deliver(MAIL[1], folder="Reports")
    memory = RunMemory()
    read_all(mailbox.collector(), memory)
    assert [item.data for item in read_all(mailbox.collector(folders=("*",)), memory)] == [MAIL[1]]
    assert read_all(mailbox.collector(), memory) == []


def test_a_slash_in_a_folder_name_stands_for_whatever_the_server_uses(mailbox):
    mailbox.source = replace(mailbox.source, user="dotted")
    mailbox.create("INBOX.DMARC.In")
    mailbox.deliver(*MAIL, folder="INBOX.DMARC.In")
    collector = mailbox.collector(Settle.MOVE, folders=("DMARC/In",))
    collector.settle(read_all(collector))
    assert len(mailbox.flags("INBOX.DMARC.Done")) == len(MAIL)


def test_a_missing_folder_is_an_error_that_names_those_there_are(mailbox):
    mailbox.create("Reports")
    with pytest.raises(CollectError, match=r"the folder Repotrs cannot be opened: .*doesn't exist") as caught:
        read_all(mailbox.collector(folders=("Repotrs",)))
    assert caught.value.hint == "Folders there are: INBOX, Reports."


def test_a_folder_without_permission_is_an_error(mailbox):
    mailbox.create("Locked")
    allow(mailbox, "Locked", "l")
    with pytest.raises(CollectError, match="may not open the folder Locked") as caught:
        read_all(mailbox.collector(folders=("Locked",)))
    assert caught.value.hint


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
    renumber(mailbox)
    mailbox.collector(Settle.DELETE).settle(items)
    assert len(read_all(mailbox.collector())) == len(MAIL)
    assert mailbox.reasons() == ["unsettled"]


def test_a_folder_that_may_only_be_read_is_read_but_cannot_be_settled(mailbox):
    mailbox.create("Shared")
    mailbox.deliver(*MAIL, folder="Shared")
    allow(mailbox, "Shared", "lr")
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


# -- waiting ---------------------------------------------------------------------------------------


def deliver_soon(mailbox) -> threading.Timer:
    mailbox.client()
    timer = threading.Timer(0.3, mailbox.deliver, [MAIL[0]])
    timer.start()
    return timer


def test_new_mail_ends_the_wait(mailbox):
    collector = mailbox.collector()
    assert isinstance(collector, Watcher)
    read_all(collector)
    timer = deliver_soon(mailbox)
    assert collector.watch(30)
    timer.join()
    assert len(read_all(collector)) == 1


def test_a_server_without_idle_is_asked(mailbox):
    collector = mailbox.collector(host=mailbox.server.few_capabilities, verify_certificate=False)
    read_all(collector)
    timer = deliver_soon(mailbox)
    assert collector.watch(1)
    timer.join()


def test_mail_that_came_between_reading_and_waiting_is_not_waited_for(mailbox):
    collector = mailbox.collector()
    read_all(collector)
    mailbox.deliver(MAIL[0])
    assert collector.watch(30)


def test_a_wait_without_news_ends(mailbox):
    collector = mailbox.collector()
    read_all(collector)
    assert not collector.watch(0.2)
