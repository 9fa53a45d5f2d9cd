"""The loop: collect, unpack, parse, store, settle. Every item ends stored, duplicate, set aside or reject."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from sqlite_utils import Database

from dmarcwatch.budgets import Budgets
from dmarcwatch.check.trusting import Trust
from dmarcwatch.classify import Classifier
from dmarcwatch.collect import Collector, Item
from dmarcwatch.errors import CollectError, DmarcwatchError, MalformedXml, ReportError, UnpackError
from dmarcwatch.parse import read
from dmarcwatch.report import Report, Tier
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.memory import SourceMemory
from dmarcwatch.store.rollup import settle_pool
from dmarcwatch.store.writer import Arrival, Source, Writer
from dmarcwatch.unpack import Document, Unpacked, unpack

BATCH_ITEMS = 100
"""Items of one transaction: fewer cost a tenth more time, more make a second writer wait longer."""
BATCH_BYTES = 16 * 1024 * 1024
"""Bytes of one transaction's items, so that a hundred large mails do not stand in memory at once."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What a run did; items = those that brought a report + duplicates + set aside + rejects (by item)."""

    items: int = 0
    reports: int = 0
    duplicates: int = 0
    set_aside: int = 0
    rejects: int = 0
    records: int = 0
    messages: int = 0
    problems: int = 0
    unread_messages: int = 0
    """Messages of records that could not be used, as far as the report says how many."""

    def __add__(self, other: "Accounts") -> "Accounts":
        return Accounts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Ingest:
    """All that reading sources into one database needs."""

    database: Database
    classifier: Classifier
    senders: Senders
    trust: Trust
    now: datetime
    budgets: Budgets = Budgets()
    is_ours: Callable[[str], bool] = lambda domain: True
    """Whether reports on a policy domain are the user's; others are set aside."""
    progress: Callable[[Accounts], None] = lambda accounts: None

    def begin(self, source: str) -> "Run":
        """A run of the source with this name, noted in `runs` from its first moment."""
        return Run(self, source)


class Run:
    """One reading of one source."""

    def __init__(self, ingest: Ingest, source: str) -> None:
        self._ingest = ingest
        self._connection: sqlite3.Connection = ingest.database.conn
        with self._errors():
            self._memory = SourceMemory(self._connection, source)
            self._id = _start_run(self._connection, source, ingest.now)
        self._local = False
        self._writer = Writer(self._connection, ingest.senders)
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
        digest = sha256(item.data).hexdigest()
        received = _not_after(item.received_at, self._ingest.now)
        arrival = Arrival(item.origin, item.token, digest, item.size or len(item.data), received, self._local)
        try:
            with self._savepoint("item"):
                return self._unpack_item(item, arrival)
        except (sqlite3.Error, DmarcwatchError):
            raise
        except Exception as error:  # a fault of ours must cost one item, not the run
            row = self._writer.add_item(arrival, source=self._memory.id, run=self._id, outcome="reject")
            self._writer.keep_raw(row, item.data)
            message = f"dmarcwatch failed on it: {type(error).__name__}: {error}"
            self._writer.add_reject(row, arrival, name="", reason="internal", message=message)
            return Accounts(items=1, rejects=1)

    def _unpack_item(self, item: Item, arrival: Arrival) -> Accounts:
        try:
            if item.headers_only:
                raise UnpackError("too-large", f"{arrival.size:,} bytes are more than one item may have")
            unpacked = unpack(item.data, self._ingest.budgets)
        except UnpackError as error:
            row = self._writer.add_item(arrival, source=self._memory.id, run=self._id, outcome="reject")
            self._writer.keep_raw(row, item.data)
            self._writer.add_reject(row, arrival, name="", reason=error.reason, message=error.message)
            return Accounts(items=1, rejects=1)
        return self._store_unpacked(item, arrival, unpacked)

    def _store_unpacked(self, item: Item, arrival: Arrival, unpacked: Unpacked) -> Accounts:
        sender = self._ingest.trust.sender(item.data, unpacked.headers, local=arrival.local)
        headers = unpacked.headers
        dated = _not_after(headers.date, self._ingest.now) if headers else None
        arrival = replace(
            arrival,
            received_at=arrival.received_at or dated,
            from_domain=headers.from_domain if headers else None,
            authserv_id=sender.authserv_id,
            verified=sender.verified,
        )
        row = self._writer.add_item(arrival, source=self._memory.id, run=self._id, outcome="stored")
        self._writer.keep_raw(row, item.data)
        accounts = Accounts(items=1)
        for fault in unpacked.faults:
            self._writer.add_reject(row, arrival, name=fault.name, reason=fault.reason, message=fault.message)
            accounts += Accounts(rejects=1)
        for part in unpacked.set_aside:
            self._writer.add_set_aside(row, kind=part.kind, name=part.name, size=len(part.data))
            accounts += Accounts(set_aside=1)
        for document in unpacked.documents:
            accounts += self._store_document(
                document, row, arrival, lambda report: self._ingest.trust.tier(sender, report)
            )
        self._writer.set_outcome(row, _outcome(accounts))
        return accounts

    def _store_document(
        self, document: Document, item: int, arrival: Arrival, tier: Callable[[Report], Tier]
    ) -> Accounts:
        twin = self._writer.twin(document.sha256)
        if twin is not None:
            self._writer.lift(twin, tier(self._writer.report(twin)))
            return Accounts(duplicates=1)
        try:
            return self._read_document(document, item, arrival, tier)
        except ReportError as error:
            self._writer.add_reject(
                item, arrival, name=document.name, reason=error.reason, message=error.message
            )
            return Accounts(rejects=1)

    def _read_document(
        self, document: Document, item: int, arrival: Arrival, tier: Callable[[Report], Tier]
    ) -> Accounts:
        """Read and store one document; broken XML a second time, with recovery."""
        recover = document.truncated
        while True:
            try:
                with self._savepoint("document"):
                    reading = read(document.chunks, budgets=self._ingest.budgets, recover=recover)
                    if not self._ingest.is_ours(reading.report.policy.domain):
                        self._writer.add_set_aside(
                            item, kind="foreign-domain", name=document.name, size=document.size
                        )
                        return Accounts(set_aside=1)
                    source = Source(
                        item, arrival.origin, document.name, document.sha256, arrival.received_at,
                        tier(reading.report),
                    )  # fmt: skip
                    stored = self._writer.add_report(source, reading, self._ingest.classifier.classify)
                    return Accounts(
                        reports=1,
                        records=stored.records,
                        messages=stored.messages,
                        problems=stored.problems,
                        unread_messages=stored.unread_messages,
                    )
            except MalformedXml:
                if recover:
                    raise
                recover = True

    @contextmanager
    def _savepoint(self, name: str) -> Iterator[None]:
        self._connection.execute(f"SAVEPOINT {name}")
        mark = self._writer.mark()
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute(f"ROLLBACK TO {name}")
                self._writer.back_to(mark)
            raise
        finally:
            if self._connection.in_transaction:
                self._connection.execute(f"RELEASE {name}")

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


def _outcome(accounts: Accounts) -> str:
    if accounts.reports:
        return "stored"
    if accounts.duplicates:
        return "duplicate"
    return "set-aside" if accounts.set_aside else "reject"


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
