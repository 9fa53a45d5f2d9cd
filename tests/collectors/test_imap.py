import json
from dataclasses import replace

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import unheard
from dmarcwatch.collect.imap_reading import BATCH_BYTES, BATCH_MESSAGES, FolderReading, windows
from dmarcwatch.collect.imap_session import Session
from dmarcwatch.collect.sources import Security, Settle
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
    return FolderReading(session, session.open(mailbox.folder), str, budgets=Budgets(), notify=unheard)


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


def test_a_message_somebody_marked_as_deleted_is_read_as_long_as_it_is_there(mailbox):
    mailbox.deliver(*MAIL)
    mailbox.mark(2, r"\Deleted")
    memory = RunMemory()
    assert [item.data for item in read_all(mailbox.collector(), memory)] == MAIL
    mailbox.client().uid("STORE", "2", "-FLAGS", r"(\Deleted)")
    assert read_all(mailbox.collector(), memory) == []


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
    mailbox.renumber()
    again = read_all(mailbox.collector(), memory)
    assert [item.data for item in again] == [item.data for item in first]
    assert not {item.token for item in again} & {item.token for item in first}
    assert mailbox.reasons() == ["renumbered"]


def test_an_empty_folder_with_new_numbers_is_said_once(mailbox):
    mailbox.deliver(MAIL[0])
    memory = RunMemory()
    read_all(mailbox.collector(), memory)
    mailbox.mark(1, r"\Deleted")
    mailbox.client().expunge()
    mailbox.renumber()
    for _ in range(2):
        assert read_all(mailbox.collector(), memory) == []
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
