"""`fetch` as a process, disturbed at random moments between real servers and the database: a few rounds.

`python -m bench.faults` plays hundreds.
"""

import sqlite3
from contextlib import closing
from random import Random

import pytest

from bench.fault_kinds import KINDS, Fetch
from bench.fault_origins import BucketOrigin, MailboxOrigin
from bench.faults import Tally, buckets, drain, mailboxes, play
from dmarcwatch.collect.sources import Settle
from tests.contents import contents, differences

TABLES = (
    "items", "_raw", "rejects", "set_aside", "reports", "problems", "_records", "_stream_days", "_pool_days",
    "_domain_days", "_selector_days", "_place_addresses", "streams", "verdicts",
)  # fmt: skip


@pytest.fixture
def make_mailbox(dovecot):
    with mailboxes(dovecot) as make:
        yield make


@pytest.fixture
def make_bucket(seaweedfs, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "set by what follows, taken back by this")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "as well")
    with buckets(seaweedfs) as make:
        yield make


def assert_nothing_was_lost(make, kind, **seed):
    tally = Tally()
    play(make, {kind: tally}, range(1), **seed)
    assert tally.rounds == 1
    assert tally.wrong == []


@pytest.mark.parametrize("kind", ["killed", "stalled", "memory short"])
def test_a_mailbox_read_by_disturbed_runs_is_read_as_by_one(make_mailbox, kind):
    assert_nothing_was_lost(make_mailbox, kind, seed=11)


@pytest.mark.parametrize("kind", ["cut", "disk full", "handles short"])
def test_a_bucket_read_by_disturbed_runs_is_read_as_by_one(make_bucket, kind):
    assert_nothing_was_lost(make_bucket, kind, seed=12)


def test_every_kind_of_fault_is_played_in_some_round():
    assert set(KINDS) == {
        "killed",
        "helper killed",
        "cut",
        "stalled",
        "disk full",
        "memory short",
        "handles short",
    }


# -- what the rounds would notice ------------------------------------------------------------------


def test_a_mailbox_that_is_not_as_configured_is_noticed(dovecot):
    origin = MailboxOrigin(dovecot, None, "fault-noticed", [b"Subject: a\r\n\r\n"])
    assert list(origin.wrong(Settle.NOTHING)) == []
    assert len(list(origin.wrong(Settle.SEEN))) == 1
    assert len(list(origin.wrong(Settle.MOVE))) == 2


def test_a_bucket_that_is_not_as_configured_is_noticed(make_bucket, seaweedfs):
    origin = BucketOrigin(seaweedfs, None, "fault-noticed/", [b"Subject: a\r\n\r\n"])
    assert list(origin.wrong(Settle.NOTHING)) == []
    assert len(list(origin.wrong(Settle.DELETE))) == 1
    assert len(list(origin.wrong(Settle.MOVE))) == 2


def test_a_database_that_misses_anything_is_noticed(make_mailbox, tmp_path):
    origin = make_mailbox("fault-compared", Random(1))
    (tmp_path / "dmarcwatch.toml").write_text(origin.table(Settle.NOTHING))
    fetch = Fetch(tmp_path, tmp_path / "a.db")
    assert drain(fetch) == []
    whole = contents(fetch.database)
    for table in TABLES:
        (tmp_path / "b.db").unlink(missing_ok=True)
        with closing(sqlite3.connect(fetch.database)) as connection:  # with what its journal still holds
            connection.execute("VACUUM INTO ?", (str(tmp_path / "b.db"),))
        with closing(sqlite3.connect(tmp_path / "b.db", isolation_level=None)) as connection:
            column = connection.execute(f"SELECT * FROM {table}").description[0][0]
            connection.execute(f"DELETE FROM {table} WHERE {column} = (SELECT min({column}) FROM {table})")
            assert connection.execute("SELECT changes()").fetchone() != (0,), f"nothing is in {table}"
        assert differences(whole, contents(tmp_path / "b.db")), table
