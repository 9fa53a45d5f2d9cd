"""The loop: collect, unpack, parse, store, settle. Every item ends stored, duplicate, set aside or reject."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic

from sqlite_utils import Database

from dmarcwatch.arrival import Arrival
from dmarcwatch.collect import Collector, Item
from dmarcwatch.errors import CollectError, DmarcwatchError
from dmarcwatch.filing import Accounts, Filing, Rules, outcome
from dmarcwatch.mail.headers import MailHeaders
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.memory import SourceMemory
from dmarcwatch.store.rollup import settle_pool
from dmarcwatch.store.unjudged import note_changed
from dmarcwatch.store.writer import Filed, Writer
from dmarcwatch.unpack import Unpacked

BATCH_ITEMS = 100
"""Items of one transaction: fewer cost a tenth more time, more make a second writer wait longer."""
BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of one transaction's items, so that a hundred large mails do not stand in memory at once."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the loop has to know of a source."""

    ses: bool = False
    """A bucket that SES inbound writes to: its headers are the mail host's word."""
    settles: bool = False
    """Something is to be done at the origin after the commit."""


PLAIN = Kind()
"""A source that is only read."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one run goes; what lies beyond waits for the next."""

    items: int | None = None
    deadline: float | None = None
    """By `clock`, in seconds."""
    since: datetime | None = None
    """Items that reached their origin before this moment are left, aware UTC."""
    clock: Callable[[], float] = monotonic

    def exceeded(self, items: int) -> bool:
        """Whether to stop after this many items."""
        if self.items is not None and items >= self.items:
            return True
        return self.deadline is not None and self.clock() >= self.deadline


NO_BOUNDS = Bounds()
"""A run that drains the source."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """All that reading sources into one database needs."""

    database: Database
    rules: Rules
    now: datetime
    """When the run began, aware UTC."""
    progress: Callable[[Accounts], None] = lambda accounts: None
    bounds: Bounds = NO_BOUNDS

    def begin(self, source: str, kind: Kind = PLAIN) -> "Run":
        """A run of the source with this name, noted in `runs` from its first moment."""
        return Run(self, source, kind)


class Run:
    """One reading of one source."""

    def __init__(self, ingest: Ingest, source: str, kind: Kind) -> None:
        self._kind = kind
        self._ingest = ingest
        self._connection: sqlite3.Connection = ingest.database.conn
        with self._errors():
            self._memory = SourceMemory(self._connection, source)
            self._id = _start_run(self._connection, source, ingest.now)
        self._local = False
        self._writer = Writer(self._connection, ingest.rules.senders)
        self._trust = ingest.rules.trust.of(recorded=self._memory.mail_hosts(), ses=kind.ses)
        self._filing = Filing(self._connection, self._writer, ingest.rules)
        self.accounts = Accounts()

    def read(self, collector: Collector) -> None:
        """Store batch after batch, settle each after its commit, then tidy the pool.

        Raises CollectError when the source fails midway (what came before is committed) and StoreError
        when the database does.
        """
        self._local = collector.local
        with self._errors():
            if self._kind.settles:
                self._make_up(collector)
            for batch in batches(self._bounded(collector.items(self._memory))):
                first, last = self._store(batch)
                if self._kind.settles:
                    collector.settle(batch)
                    self._note_settled(range(first, last + 1))
            with transaction(self._connection):
                self._memory.write()
                settle_pool(self._connection)
                self._end(None)

    def failed(self, error: DmarcwatchError) -> None:
        """Note why the run ended early."""
        with self._errors(), transaction(self._connection):
            settle_pool(self._connection)
            self._end(error.message)

    def _make_up(self, collector: Collector) -> None:
        """Settle what an earlier run stored and could not settle any more."""
        waiting = self._memory.unsettled()
        for start in range(0, len(waiting), BATCH_ITEMS):
            part = waiting[start : start + BATCH_ITEMS]
            collector.settle([Item(origin, token, b"") for _, origin, token in part])
            self._note_settled([item for item, _, _ in part])

    def _note_settled(self, items: Sequence[int]) -> None:
        with transaction(self._connection):
            self._memory.note_settled(items)

    def _bounded(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items of this run: those inside its bounds."""
        bounds = self._ingest.bounds
        for number, item in enumerate(items):
            if bounds.exceeded(number):
                return
            if bounds.since and item.received_at and item.received_at < bounds.since:
                # Not stored, so it must be seen again by a run without this bound.
                self._memory.stay()
                continue
            yield item

    def _errors(self) -> AbstractContextManager[None]:
        return store_errors(_path(self._connection))

    def _store(self, batch: Sequence[Item]) -> tuple[int, int]:
        """Store a batch in one transaction; the first and the last id of its items."""
        accounts, first = self.accounts, self._writer.next_item()
        try:
            with transaction(self._connection):
                for item in batch:
                    accounts += self._store_item(item)
                self._writer.flush()
                note_changed(self._connection, self._writer.touched)
                self._writer.touched.clear()
                self._memory.write()
        except BaseException:
            self._writer.abandon()
            raise
        self.accounts = accounts
        self._ingest.progress(accounts)
        return first, self._writer.next_item() - 1

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
        filed = Filed(self._memory.id, self._id, outcome(accounts), not self._kind.settles)
        self._writer.add_item(row, arrival, filed)
        if self._filing.keeps_bytes(unpacked, accounts):
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
            "records = ?, messages = ?, problems = ?, dropped = ?, unread_messages = ?, ended_at = ?, "
            "error = ? WHERE id = ?",
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
