"""The loop: collect, unpack, parse, store, settle. Every item ends stored, duplicate, set aside or reject."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from sqlite_utils import Database

from dmarcwatch.arrival import Arrival
from dmarcwatch.collect import Collector, Item
from dmarcwatch.errors import CollectError, DmarcwatchError
from dmarcwatch.filing import Accounts, Filing, Rules, outcome
from dmarcwatch.headers import MailHeaders
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.memory import SourceMemory
from dmarcwatch.store.rollup import settle_pool
from dmarcwatch.store.writer import Writer
from dmarcwatch.unpack import Unpacked

BATCH_ITEMS = 100
"""Items of one transaction: fewer cost a tenth more time, more make a second writer wait longer."""
BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of one transaction's items, so that a hundred large mails do not stand in memory at once."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """All that reading sources into one database needs."""

    database: Database
    rules: Rules
    now: datetime
    """When the run began, aware UTC."""
    progress: Callable[[Accounts], None] = lambda accounts: None

    def begin(self, source: str, *, ses: bool = False) -> "Run":
        """A run of the source with this name, noted in `runs` from its first moment.

        `ses`: the source is a bucket that SES inbound writes to.
        """
        return Run(self, source, ses=ses)


class Run:
    """One reading of one source."""

    def __init__(self, ingest: Ingest, source: str, *, ses: bool) -> None:
        self._ingest = ingest
        self._connection: sqlite3.Connection = ingest.database.conn
        with self._errors():
            self._memory = SourceMemory(self._connection, source)
            self._id = _start_run(self._connection, source, ingest.now)
        self._local = False
        self._writer = Writer(self._connection, ingest.rules.senders)
        self._trust = ingest.rules.trust.of(recorded=self._memory.mail_hosts(), ses=ses)
        self._filing = Filing(self._connection, self._writer, ingest.rules)
        self.accounts = Accounts()

    @property
    def touched(self) -> frozenset[str]:
        """The policy domains whose figures changed."""
        return frozenset(self._writer.touched)

    def read(self, collector: Collector) -> None:
        """Store batch after batch, settle each after its commit, then tidy the pool.

        Raises CollectError when the source fails midway (what came before is committed) and StoreError
        when the database does.
        """
        self._local = collector.local
        with self._errors():
            for batch in batches(collector.items(self._memory)):
                self._store(batch)
                collector.settle(batch)
            with transaction(self._connection):
                self._memory.write()
                settle_pool(self._connection)
                self._end(None)

    def failed(self, error: DmarcwatchError) -> None:
        """Note why the run ended early."""
        with self._errors(), transaction(self._connection):
            settle_pool(self._connection)
            self._end(error.message)

    def _errors(self) -> AbstractContextManager[None]:
        return store_errors(_path(self._connection))

    def _store(self, batch: Sequence[Item]) -> None:
        accounts = self.accounts
        try:
            with transaction(self._connection):
                for item in batch:
                    accounts += self._store_item(item)
                self._writer.flush()
                self._memory.write()
        except BaseException:
            self._writer.abandon()
            raise
        self.accounts = accounts
        self._ingest.progress(accounts)

    def _store_item(self, item: Item) -> Accounts:
        received = _not_after(item.received_at, self._ingest.now)
        arrival = Arrival(
            origin=item.origin,
            token=item.token,
            sha256=sha256(item.data).hexdigest(),
            size=item.size or len(item.data),
            received_at=received,
            local=self._local,
        )
        unpacked = self._filing.open(item.data, arrival.size, headers_only=item.headers_only)
        if isinstance(unpacked, Unpacked):
            arrival = self._introduce(item.data, arrival, unpacked.headers)
        row = self._writer.next_item()
        accounts = self._filing.file(row, arrival, unpacked)
        self._writer.add_item(row, arrival, source=self._memory.id, run=self._id, outcome=outcome(accounts))
        self._writer.keep_raw(row, item.data)
        return Accounts(items=1) + accounts

    def _introduce(self, data: bytes, arrival: Arrival, headers: MailHeaders | None) -> Arrival:
        """The arrival with what the mail and its host say of the sender."""
        sender = self._trust.introduce(data, headers, local=arrival.local)
        dated = _not_after(headers.date, self._ingest.now) if headers else None
        return replace(
            arrival,
            received_at=arrival.received_at or dated,
            from_domain=headers.from_domain if headers else None,
            authserv_id=sender.authserv_id,
            verified=sender.passed,
        )

    def _end(self, error: str | None) -> None:
        ended = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._connection.execute(
            "UPDATE runs SET items = ?, reports = ?, duplicates = ?, set_aside = ?, rejects = ?, "
            "records = ?, messages = ?, problems = ?, unread_messages = ?, ended_at = ?, error = ? "
            "WHERE id = ?",
            (*astuple(self.accounts), ended, error, self._id),
        )


def batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    """The items in transactions' worth; nothing is held back when the source fails midway."""
    batch: list[Item] = []
    size = 0
    try:
        for item in items:
            batch.append(item)
            size += len(item.data)
            if len(batch) >= BATCH_ITEMS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except CollectError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _not_after(moment: datetime | None, now: datetime) -> datetime | None:
    """A mail's own date is a claim; one in the future would hide the report from every verdict."""
    return min(moment, now) if moment else None


def _start_run(connection: sqlite3.Connection, source: str, now: datetime) -> int:
    row = connection.execute(
        "INSERT INTO runs (source, started_at) VALUES (?, ?) RETURNING id",
        (source, now.strftime("%Y-%m-%dT%H:%M:%SZ")),
    ).fetchone()
    identity: int = row[0]
    return identity


def _path(connection: sqlite3.Connection) -> str:
    path: str = connection.execute("PRAGMA database_list").fetchone()[2]
    return path
