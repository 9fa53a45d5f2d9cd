"""One item's bytes become rows: its reports stored, known or set aside, its rejects noted with reasons."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dmarcwatch.arrival import Arrival
from dmarcwatch.budgets import Budgets
from dmarcwatch.check.trusting import Trust
from dmarcwatch.errors import DmarcwatchError, MalformedXml, ReportError, UnpackError
from dmarcwatch.parse import read
from dmarcwatch.reasons import Reason
from dmarcwatch.senders import Senders
from dmarcwatch.store.aside import keep_aside
from dmarcwatch.store.writer import Classify, Source, Writer
from dmarcwatch.unpack import Document, SetAside, SetAsideKind, Unpacked, unpack


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
    dropped: int = 0
    """Records that could not be used."""
    unread_messages: int = 0
    """Messages of records that could not be used, as far as the report says how many."""

    def __add__(self, other: "Accounts") -> "Accounts":
        # Written out: `dataclasses.astuple` copies deeply, which took a seventh of a run over small reports.
        return Accounts(
            self.items + other.items,
            self.reports + other.reports,
            self.duplicates + other.duplicates,
            self.set_aside + other.set_aside,
            self.rejects + other.rejects,
            self.records + other.records,
            self.messages + other.messages,
            self.problems + other.problems,
            self.dropped + other.dropped,
            self.unread_messages + other.unread_messages,
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """How items are read, whom they are believed to come from, and which of their reports are wanted."""

    senders: Senders
    classify: Classify
    trust: Trust
    budgets: Budgets = Budgets()
    is_ours: Callable[[str], bool] = lambda domain: True
    """Whether reports on a policy domain are the user's; others are set aside."""
    keep_raw: bool = True
    """Whether items' bytes are kept; those of what could not be read always are."""
    redact: bool = True
    """Whether failure reports lose what names people, and their bytes."""


class Filing:
    """Files items into an open transaction."""

    def __init__(self, connection: sqlite3.Connection, writer: Writer, rules: Rules) -> None:
        self._connection = connection
        self._writer = writer
        self._rules = rules

    def open(self, data: bytes, size: int, *, headers_only: bool = False) -> Unpacked | UnpackError:
        """What the item holds, or why it holds nothing; `size` is the item's at its origin, in bytes."""
        if headers_only:
            return UnpackError(Reason.MESSAGE_BYTES, f"{size:,} bytes are more than one item may have")
        try:
            return unpack(data, self._rules.budgets)
        except UnpackError as error:
            return error
        except Exception as error:  # a fault of ours must cost one item, not the run
            if _is_the_machines(error):
                raise
            return UnpackError("internal", _fault(error))

    def file(self, item: int, arrival: Arrival, unpacked: Unpacked | UnpackError) -> Accounts:
        """Store what came out of the item with this id."""
        if isinstance(unpacked, UnpackError):
            return self._reject(item, arrival, "", unpacked)
        accounts = Accounts()
        for fault in unpacked.faults:
            accounts += self._reject(item, arrival, fault.name, UnpackError(fault.reason, fault.message))
        for part in unpacked.set_aside:
            accounts += self._set_aside(item, arrival, part)
        for document in unpacked.documents:
            accounts += self._document(document, item, arrival)
        return accounts

    def keeps_bytes(self, unpacked: Unpacked | UnpackError, accounts: Accounts) -> bool:
        """Whether an item's bytes are kept: always where a newer program may find more in them."""
        if accounts.rejects or accounts.problems or isinstance(unpacked, UnpackError):
            return True
        personal = any(part.kind is SetAsideKind.FAILURE_REPORT for part in unpacked.set_aside)
        return self._rules.keep_raw and not (personal and self._rules.redact)

    def _set_aside(self, item: int, arrival: Arrival, part: SetAside) -> Accounts:
        problem = keep_aside(
            self._connection, item, part, received_at=arrival.received_at, redact=self._rules.redact
        )
        self._writer.add_set_aside(item, kind=part.kind, name=part.name, size=len(part.data), problem=problem)
        return Accounts(set_aside=1, problems=int(problem is not None))

    def _reject(self, item: int, arrival: Arrival, name: str, error: UnpackError | ReportError) -> Accounts:
        self._writer.add_reject(item, arrival, name=name, reason=error.reason, message=error.message)
        return Accounts(rejects=1)

    def _document(self, document: Document, item: int, arrival: Arrival) -> Accounts:
        twin = self._writer.twin(document.sha256)
        if twin is not None:
            tier = self._rules.trust.tier(arrival, self._writer.report(twin))
            self._writer.lift(twin, tier, arrival.received_at)
            return Accounts(duplicates=1)
        try:
            return self._read(document, item, arrival)
        except ReportError as error:
            return self._reject(item, arrival, document.name, error)
        except (sqlite3.Error, DmarcwatchError):
            raise
        except Exception as error:  # as above
            if _is_the_machines(error):
                raise
            return self._reject(item, arrival, document.name, UnpackError("internal", _fault(error)))

    def _read(self, document: Document, item: int, arrival: Arrival) -> Accounts:
        """Read and store one document; broken XML a second time, with recovery."""
        recover = document.truncated
        while True:
            try:
                with self._savepoint():
                    return self._store(document, item, arrival, recover=recover)
            except MalformedXml:
                if recover:
                    raise
                recover = True

    def _store(self, document: Document, item: int, arrival: Arrival, *, recover: bool) -> Accounts:
        reading = read(document.chunks, budgets=self._rules.budgets, recover=recover)
        if not self._rules.is_ours(reading.report.policy.domain):
            self._writer.add_set_aside(item, kind="foreign-domain", name=document.name, size=document.size)
            return Accounts(set_aside=1)
        tier = self._rules.trust.tier(arrival, reading.report)
        source = Source(item, arrival.origin, document.name, document.sha256, arrival.received_at, tier)
        stored = self._writer.add_report(source, reading, self._rules.classify)
        return Accounts(
            reports=1,
            records=stored.records,
            messages=stored.messages,
            problems=stored.problems,
            dropped=stored.dropped,
            unread_messages=stored.unread_messages,
        )

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self._connection.execute("SAVEPOINT document")
        mark = self._writer.mark()
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO document")
                self._writer.back_to(mark)
            raise
        finally:
            if self._connection.in_transaction:
                self._connection.execute("RELEASE document")


def outcome(accounts: Accounts) -> str:
    """What became of one item, by its accounts."""
    if accounts.reports:
        return "stored"
    if accounts.duplicates:
        return "duplicate"
    return "set-aside" if accounts.set_aside else "reject"


def _is_the_machines(error: Exception) -> bool:
    """Whether memory or handles ran out: the item is sound then, and the next run reads it."""
    # A library that is loaded when first wanted fails to load for the same reasons, and Python itself
    # does not always know what it has run out of.
    known = isinstance(error, MemoryError | ImportError | SystemError)
    return known or getattr(error, "errno", None) is not None


def _fault(error: Exception) -> str:
    return f"dmarcwatch failed on it: {type(error).__name__}: {error}"
