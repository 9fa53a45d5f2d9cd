"""The loop: collect, unpack, parse, store, settle. Every item ends stored, duplicate, set aside or reject."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from time import monotonic
from typing import NamedTuple

from sqlite_utils import Database

from dmarcwatch.batches import Batch, batches
from dmarcwatch.collect import Collector, Item
from dmarcwatch.collect.foreseen import understood
from dmarcwatch.errors import DmarcwatchError, WorkerError
from dmarcwatch.filing import Accounts, Filing
from dmarcwatch.hand import Done, Task
from dmarcwatch.prepared import Prepared
from dmarcwatch.preparing import Preparer, Rules
from dmarcwatch.settling import Settling
from dmarcwatch.store.database import fit_cache, store_errors, transaction
from dmarcwatch.store.memory import SourceMemory
from dmarcwatch.store.pool import settle_pool
from dmarcwatch.store.unjudged import note_changed
from dmarcwatch.store.writer import Filed, Ids, Writer
from dmarcwatch.workers import Workers

ALONE_BATCHES = 2
"""Batches that are read without help: starting processes costs as much as two hundred reports."""


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


class Plan(NamedTuple):
    """How many processes read ahead once a run turns out to be large, and how each gets its rules."""

    processes: int
    rules: Callable[[], Rules]
    """Can be pickled."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """All that reading sources into one database needs."""

    database: Database
    rules: Rules
    now: datetime
    """When the run began, aware UTC."""
    progress: Callable[[Accounts], None] = lambda accounts: None
    bounds: Bounds = NO_BOUNDS
    workers: Plan | None = None
    """None: all in one process."""

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
        if kind.settles:
            # What is taken away at its origin must outlive a power cut here.
            self._connection.execute("PRAGMA synchronous = FULL")
        with self._errors():
            self._hosts = self._memory.mail_hosts()
        self._writer = Writer(self._connection, ingest.rules.senders)
        self._filing = Filing(self._connection, self._writer, ingest.rules)
        self.accounts = Accounts()
        """What the run did so far and committed."""

    def read(self, collector: Collector) -> None:
        """Store batch after batch, settle each after its commit, then tidy the pool.

        Raises CollectError when the source fails midway (what came before is committed) or when something
        could not be settled (all is committed), and StoreError when the database fails.
        """
        with self._errors():
            # Before anything is settled, because it knows which numbers a mailbox gave anew.
            items = self._bounded(understood(collector, self._memory))
            settling = Settling(self._connection, self._memory, collector) if self._kind.settles else None
            if settling:
                settling.make_up()
            with closing(
                self._prepared(batches(items, self._memory.take), local=collector.local)
            ) as prepared:
                for batch, contents in prepared:
                    found = self._store(batch, contents)
                    if settling:
                        settling.settle(found, told_of=batch.items)
            with transaction(self._connection):
                self._memory.write(self._memory.take())
                settle_pool(self._connection, self._ingest.now.date())
                self._end(None)
        if settling and settling.failure:
            raise settling.failure

    def _prepared(
        self, waiting: Iterator[Batch], *, local: bool
    ) -> Generator[tuple[Batch, Iterable[tuple[Prepared, Ids]]], None, None]:
        """Each batch with what it holds: read here while it is stored, or ahead by other processes."""
        ids, plan = Ids(), self._ingest.workers
        preparer = Preparer(self._rules(), self._ingest.now, partial(self._writer.define, ids))

        def alone(waiting: Iterator[Batch]) -> Iterator[tuple[Batch, Iterator[tuple[Prepared, Ids]]]]:
            for batch in waiting:
                yield batch, ((preparer.prepare(item, local=local), ids) for item in batch.items)

        yield from alone(islice(waiting, ALONE_BATCHES))
        following = next(waiting, None)
        if following is None:
            return
        waiting = chain((following,), waiting)
        workers = self._start(plan, local=local) if plan else None
        if workers is None:
            yield from alone(waiting)
            return
        with closing(workers):
            known: dict[int, Ids] = defaultdict(Ids)
            for batch, done in workers.ahead(waiting):
                yield batch, self._defined(done, known)

    def _start(self, plan: Plan, *, local: bool) -> Workers | None:
        """The workers, or None where no second process can be had."""
        rules = partial(_of_source, plan.rules, self._hosts, self._kind.ses)
        try:
            return Workers(plan.processes, Task(rules, self._ingest.now, local), self._rules())
        except WorkerError:
            return None

    def _defined(self, done: list[Done], known: dict[int, Ids]) -> Iterator[tuple[Prepared, Ids]]:
        """What workers prepared, with the ids that their numbers mean here."""
        for each in done:
            for definitions in each.definitions:
                self._writer.define(known[each.worker], definitions)
            for prepared in each.prepared:
                yield prepared, known[each.worker]

    def _rules(self) -> Rules:
        """The rules of this source."""
        return _of_source(lambda: self._ingest.rules, self._hosts, self._kind.ses)

    def failed(self, error: DmarcwatchError) -> None:
        """Note why the run ended early."""
        with self._errors(), transaction(self._connection):
            settle_pool(self._connection, self._ingest.now.date())
            self._end(error.message)

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

    def _store(self, batch: Batch, contents: Iterable[tuple[Prepared, Ids]]) -> dict[int, Item]:
        """Store a batch in one transaction; by id the items that brought a report or something like one."""
        found: dict[int, Item] = {}
        fit_cache(self._connection)
        try:
            with transaction(self._connection):
                for item, (prepared, ids) in zip(batch.items, contents, strict=True):
                    row = self._writer.next_item()
                    if self._store_item(row, item, prepared, ids):
                        found[row] = item
                self._writer.flush()
                note_changed(self._connection, self._writer.touched)
                self._writer.touched.clear()
                self._memory.write(batch.position)
        except BaseException:
            self._writer.abandon()
            raise
        self.accounts = replace(self._filing.accounts)
        self._ingest.progress(self.accounts)
        return found

    def _store_item(self, row: int, item: Item, prepared: Prepared, ids: Ids) -> bool:
        fate = self._filing.file(row, prepared, ids, dated=item.received_at is not None)
        filed = Filed(self._memory.id, self._id, fate.outcome, not (fate.brought and self._kind.settles))
        self._writer.add_item(row, prepared.arrival, filed)
        if fate.keep:
            self._writer.keep_raw(row, item.data)
        return fate.brought

    def _end(self, error: str | None) -> None:
        ended = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._connection.execute(
            "UPDATE runs SET items = ?, reports = ?, duplicates = ?, set_aside = ?, rejects = ?, "
            "records = ?, messages = ?, problems = ?, dropped = ?, unread_messages = ?, ended_at = ?, "
            "error = ? WHERE id = ?",
            (*astuple(self.accounts), ended, error, self._id),
        )


_WITHOUT_A_WORD = "It ended without a word: it was killed, or the database could not be written."


def _of_source(rules: Callable[[], Rules], recorded: tuple[str, ...], ses: bool) -> Rules:
    """The rules for a source whose mails bore these hosts' names before."""
    found = rules()
    return replace(found, trust=found.trust.of(recorded=recorded, ses=ses))


def _start_run(connection: sqlite3.Connection, source: str, now: datetime) -> int:
    # There is one writer at a time: a run that has no end by now was killed or could not write it.
    connection.execute(
        "UPDATE runs SET error = ? WHERE source = ? AND ended_at IS NULL AND error IS NULL",
        (_WITHOUT_A_WORD, source),
    )
    row = connection.execute(
        "INSERT INTO runs (source, started_at) VALUES (?, ?) RETURNING id",
        (source, now.strftime("%Y-%m-%dT%H:%M:%SZ")),
    ).fetchone()
    identity: int = row[0]
    return identity


def _path(connection: sqlite3.Connection) -> str:
    path: str = connection.execute("PRAGMA database_list").fetchone()[2]
    return path
