"""The connection ends after each kind of command, and the mailbox and the database are as if it had not."""

from contextlib import suppress

import pytest

from dmarcwatch.collect.sources import Security, Settle
from dmarcwatch.compose import compose
from dmarcwatch.errors import CollectError
from dmarcwatch.ingest import Ingest, Kind
from tests.build import record, report
from tests.collectors.wire import Wire
from tests.database import NOW, fresh, rows, rules

MAILS = [
    b"Content-Type: text/xml\r\n\r\n" + compose(report(report_id=f"{number}"), [record(messages=number + 1)])
    for number in range(3)
]
READING = ["CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH", "BODY.PEEK"]
SETTLING = ["SELECT", "NAMESPACE", "CREATE", "LOGOUT"]


def fetch(database, collector) -> None:
    """A run as `fetch` makes it; one that fails is followed by another, as cron does."""
    ingest = Ingest(database, rules(), NOW)
    with suppress(CollectError):
        try:
            ingest.begin(collector.source, Kind(settles=True)).read(collector)
        finally:
            collector.close()


def fetch_behind(mailbox, host: str, command: str, path, settle: Settle):
    """What is stored after a run that was cut and one that was not."""
    mailbox.deliver(*MAILS)
    with Wire(host, mailbox.server.port) as wire, fresh(path) as database:
        wire.cut_after = command.encode()
        for _ in range(2):
            options = {"port": wire.port, "security": Security.NONE, "timeout_seconds": 5}
            fetch(database, mailbox.collector(settle, **options))
        assert wire.struck == 1, f"no {command} was sent"
        return rows(database, "SELECT report_id, messages, settled FROM reports JOIN items i ON i.id = item")


ALL = [("0", 1, 1), ("1", 2, 1), ("2", 3, 1)]


@pytest.mark.parametrize("command", [*READING, *SETTLING, "UID MOVE"])
def test_cut_after_a_command_each_message_is_stored_and_moved_once(mailbox, tmp_path, command):
    stored = fetch_behind(mailbox, "127.0.0.1", command, tmp_path / "dmarc.db", Settle.MOVE)
    assert sorted(stored) == ALL
    assert mailbox.flags() == {}
    assert len(mailbox.flags("DMARC/Done")) == len(MAILS)


@pytest.mark.parametrize("command", ["UID COPY", "UID STORE", "UID EXPUNGE"])
def test_cut_in_a_move_of_several_commands_no_message_is_lost(mailbox, tmp_path, command):
    host = mailbox.server.no_move
    assert sorted(fetch_behind(mailbox, host, command, tmp_path / "dmarc.db", Settle.MOVE)) == ALL
    assert mailbox.flags() == {}
    copies = len(mailbox.flags("DMARC/Done"))
    # Whether the server copied before the connection ended nobody can know: then twice, never nowhere.
    assert copies == len(MAILS) if command != "UID COPY" else copies in {len(MAILS), 2 * len(MAILS)}


@pytest.mark.parametrize("command", ["UID STORE", "UID EXPUNGE"])
def test_cut_in_deleting_each_message_is_stored_once_and_gone(mailbox, tmp_path, command):
    stored = fetch_behind(mailbox, "127.0.0.1", command, tmp_path / "dmarc.db", Settle.DELETE)
    assert sorted(stored) == ALL
    assert mailbox.flags() == {}


def test_cut_in_marking_each_message_is_stored_once_and_seen(mailbox, tmp_path):
    stored = fetch_behind(mailbox, "127.0.0.1", "UID STORE", tmp_path / "dmarc.db", Settle.SEEN)
    assert sorted(stored) == ALL
    assert list(mailbox.flags().values()) == [r"\Seen"] * len(MAILS)
