"""What a run writes: items, their bytes, reports with their records, and what could not be read."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dmarcwatch.arrival import Arrival
from dmarcwatch.classify import Classification
from dmarcwatch.parse import Reading
from dmarcwatch.plausible import VOUCHED, Told
from dmarcwatch.report import Problem, Record, Report, Tier
from dmarcwatch.senders import Senders
from dmarcwatch.store import holding, raw, rollup
from dmarcwatch.store.heads import stored_report
from dmarcwatch.store.identity import RANK, Candidate, Twin, find_twin, iso
from dmarcwatch.store.interned import Interned
from dmarcwatch.streams import covered
from dmarcwatch.trust import reporter_key

Classify = Callable[[Record, Report], Classification]

HELD = Twin("held", None)


@dataclass(frozen=True, slots=True)
class Source:
    """A document's place: its item, its name there and its content's identity."""

    item: int
    origin: str
    name: str
    sha256: str
    received_at: datetime | None
    tier: Tier


class Filed(NamedTuple):
    """Where an item was read, and what became of it."""

    source: int
    run: int
    outcome: str
    """`stored`, `duplicate`, `reject` or `set-aside`."""
    settled: bool
    """False while something remains to be done at its origin."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one report."""

    report: int
    status: str
    """`counted`, or why it is kept without being counted: `held`, `conflict`, `suspect-duplicate`."""
    records: int
    messages: int
    problems: int
    dropped: int
    """Records that could not be used."""
    unread_messages: int


_REPORT_COLUMNS = (
    "id, org_name, org_email, report_id, begin, end, policy_domain, p, sp, np, pct, testing, adkim, aspf, "
    "fo, discovery_method, generator, extra_contact_info, errors, dialect, grade, tier, origin, received_at, "
    "records, messages, unread_messages, status, reporter, day, span_days, received_day, item, name, sha256, "
    "fingerprint"
)
_REPORT_MARKS = ", ".join("?" * len(_REPORT_COLUMNS.split(",")))


class Writer:
    """Writes into an open transaction; ids and roll-ups are finished by `flush` before its commit."""

    def __init__(self, connection: sqlite3.Connection, senders: Senders) -> None:
        self._connection = connection
        self._interned = Interned(connection, senders)
        self._first: int | None = None
        self._last = 0
        self._swept = True
        self._vouched = False
        """Whether a report that somebody vouches for waits to be rolled up."""
        self._ids: dict[str, int] = {}
        self.touched: set[str] = set()
        """Policy domains whose roll-ups changed."""

    def next_item(self) -> int:
        """The id that the next item will have."""
        return self._next("items")

    def add_item(self, item: int, arrival: Arrival, filed: Filed) -> None:
        """Note an item and what became of it."""
        self._ids["items"] = item + 1
        self._connection.execute(
            "INSERT INTO items (id, source, run, origin, token, sha256, size, received_at, local, "
            "from_domain, authserv_id, verified, outcome, settled) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (item, filed.source, filed.run, arrival.origin, arrival.token, arrival.sha256, arrival.size,
             _text(arrival.received_at), arrival.local, arrival.from_domain, arrival.authserv_id,
             arrival.verified, filed.outcome, filed.settled),
        )  # fmt: skip

    def keep_raw(self, item: int, data: bytes) -> None:
        """Keep the item's bytes as they came."""
        raw.keep(self._connection, item, data)

    def add_reject(self, item: int, arrival: Arrival, *, name: str, reason: str, message: str) -> None:
        """Note that an item, or the part `name` of it, gave no report."""
        self._connection.execute(
            "INSERT INTO rejects (item, name, origin, sha256, reason, message, size, received_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (item, name, arrival.origin, arrival.sha256, reason, message, arrival.size,
             _text(arrival.received_at)),
        )  # fmt: skip

    def add_set_aside(
        self, item: int, *, kind: str, name: str, size: int, problem: str | None = None
    ) -> None:
        """Note a report that is none of ours to count, and why it could not be read, if it could not."""
        self._connection.execute(
            "INSERT INTO set_aside (item, kind, name, size, problem) VALUES (?, ?, ?, ?, ?)",
            (item, kind, name, size, problem),
        )

    def twin(self, sha256: str) -> int | None:
        """The report whose document had these very bytes, None if they are new."""
        row = self._connection.execute("SELECT id FROM reports WHERE sha256 = ?", (sha256,)).fetchone()
        return row[0] if row else None

    def report(self, identity: int) -> Report:
        """A stored report's head, as the reader gave it."""
        return stored_report(self._connection, identity)

    def lift(self, report: int, tier: Tier, received_at: datetime | None) -> None:
        """Trust a stored report as far as the better of its deliveries, as of its arrival (JUDGEMENT 5).

        One that did not count may count now: whoever guesses a report and sends it first must not keep
        the genuine one out.
        """
        present, status, end = self._connection.execute(
            "SELECT tier, status, end FROM reports WHERE id = ?", (report,)
        ).fetchone()
        # What was summed up of pruned records cannot be moved from one tier to another.
        if RANK[tier] <= RANK[Tier(present)] or status == "pruned":
            return
        received = _text(received_at) or end
        changes = {"tier": tier, "received_at": received, "received_day": received[:10]}
        self._restate(report, changes, counted=(status == "counted",) * 2)
        self.touched.add(self.report(report).policy.domain)
        if status != "counted":
            self.reconsider(report)

    def reconsider(self, report: int) -> None:
        """Decide anew about a stored report that does not count; without its records it stays as it is."""
        if not holding.has_records(self._connection, report):
            return
        told, candidate, sha256 = holding.stored(self._connection, report)
        holding.forget(self._connection, report)
        twin = self._decide(told, candidate, sha256)
        self._restate(report, {"status": twin.status}, counted=(False, twin.status == "counted"))
        self.touched.add(told.report.policy.domain)

    def add_report(self, source: Source, reading: Reading, classify: Classify) -> Stored:
        """Store one report with its records, and decide whether it counts.

        Raises MalformedXml when the document turns out to be broken; the caller rolls back to its
        savepoint and calls `back_to`.
        """
        report = self._next("reports")
        fingerprint = self._insert_records(report, reading, classify)
        reporter = self._interned.reporter(reporter_key(reading.report))
        told = Told(reading.report, source.tier, source.received_at, reading.messages)
        candidate = Candidate(report, reporter, fingerprint, source.tier, reading.records)
        twin = self._decide(told, candidate, source.sha256)
        self._insert_report(report, source, reading, (twin.status, reporter, fingerprint))
        self._ids["reports"] = report + 1
        if reading.problems:
            self._insert_problems(report, reading.problems)
        self._first = report if self._first is None else self._first
        self._last = report
        self._vouched |= twin.status == "counted" and source.tier in VOUCHED
        self.touched.add(reading.report.policy.domain)
        return Stored(
            report,
            twin.status,
            reading.records,
            reading.messages,
            len(reading.problems),
            sum(problem.messages != 0 for problem in reading.problems),
            reading.unread_messages,
        )

    def mark(self) -> tuple[int | None, int]:
        """Which reports are not in the roll-ups yet; taken with a savepoint."""
        return self._first, self._last

    def back_to(self, mark: tuple[int | None, int]) -> None:
        """Forget what a rollback to the savepoint of `mark` took back."""
        self._interned.forget()
        self._ids.clear()
        self._first, self._last = mark

    def abandon(self) -> None:
        """Forget everything of a transaction that was rolled back."""
        self.back_to((None, 0))

    def flush(self) -> None:
        """Bring the roll-ups up to the last report; call before each commit."""
        self._ids.clear()
        if self._first is not None:
            rollup.roll_up(self._connection, self._first, self._last)
            self._first = None
            self._vouched = False
        if not self._swept:
            rollup.sweep(self._connection)
            self._swept = True

    def _decide(self, told: Told, candidate: Candidate, sha256: str) -> Twin:
        """What becomes of a report whose records are stored, and of the one that it replaces."""
        if told.tier not in VOUCHED and self._vouched:
            self.flush()
        found = holding.held(self._connection, told, candidate, sha256)
        if found is not None:
            holding.note(self._connection, candidate.id, found)
            return HELD
        twin = find_twin(self._connection, told.report, candidate)
        if twin.supersedes is not None:
            self._restate(twin.supersedes, {"status": "superseded"}, counted=(True, False))
        return twin

    def _restate(self, report: int, changes: Mapping[str, str], *, counted: tuple[bool, bool]) -> None:
        """Change a stored report; `counted` says whether it is in the roll-ups before and after."""
        self.flush()
        if counted[0]:
            rollup.take_away(self._connection, report)
            self._swept = False
        columns = ", ".join(f"{name} = ?" for name in changes)
        self._connection.execute(f"UPDATE reports SET {columns} WHERE id = ?", (*changes.values(), report))
        if counted[1]:
            rollup.roll_up(self._connection, report, report)

    def _next(self, table: str) -> int:
        """The id of the table's next row, so that rows that refer to it can be written first."""
        identity = self._ids.get(table)
        if identity is None:
            row = self._connection.execute(f"SELECT ifnull(max(id), 0) + 1 FROM {table}").fetchone()
            identity = self._ids[table] = int(row[0])
        return identity

    def _insert_report(
        self, identity: int, source: Source, reading: Reading, found: tuple[str, int, int]
    ) -> None:
        report, policy = reading.report, reading.report.policy
        day, span_days = covered(report.begin, report.end)
        received = source.received_at or report.end
        status, reporter, fingerprint = found
        self._interned.policy(policy)
        self._connection.execute(
            f"INSERT INTO reports ({_REPORT_COLUMNS}) VALUES ({_REPORT_MARKS})",
            (identity, report.org_name, report.org_email, report.report_id, _text(report.begin),
             _text(report.end), policy.domain, policy.p, policy.sp, policy.np, policy.pct, policy.testing,
             policy.adkim, policy.aspf, policy.fo, policy.discovery_method, report.generator,
             report.extra_contact_info,
             json.dumps(report.errors, ensure_ascii=False) if report.errors else None, report.dialect,
             reading.grade, source.tier, source.origin, _text(received), reading.records, reading.messages,
             reading.unread_messages, status, reporter, day.isoformat(), span_days,
             received.date().isoformat(), source.item, source.name, source.sha256, fingerprint),
        )  # fmt: skip

    def _insert_records(self, report: int, reading: Reading, classify: Classify) -> int:
        """Insert all records; the fingerprint of their multiset, for the same report under another id."""
        head, address = reading.report, self._interned.address
        evidence, judgement = self._interned.evidence, self._interned.judgement
        number = fingerprint = 0
        for batch in reading.batches():
            rows = []
            for record in batch:
                number += 1
                row = (
                    report, number, address(record.source_ip), record.messages,
                    evidence(record.evidence), judgement(classify(record, head)),
                )  # fmt: skip
                # Tuples of whole numbers hash alike in every process; a sum does not know their order.
                fingerprint += hash((row[2] or 0, row[3], row[4]))
                rows.append(row)
            self._connection.executemany("INSERT INTO _records VALUES (?, ?, ?, ?, ?, ?)", rows)
        return fingerprint & 0x7FFF_FFFF_FFFF_FFFF

    def _insert_problems(self, report: int, problems: Iterable[Problem]) -> None:
        self._connection.executemany(
            "INSERT INTO problems (report, path, found, messages) VALUES (?, ?, ?, ?)",
            [(report, problem.path, problem.found, problem.messages) for problem in problems],
        )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
