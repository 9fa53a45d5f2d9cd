"""What a run writes: items, their bytes, reports with their records, and what could not be read."""

import json
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from dmarcwatch.arrival import Arrival
from dmarcwatch.duplicates import RANK, Twin
from dmarcwatch.plausible import SURGE_MESSAGES, VOUCHED, Told
from dmarcwatch.prepared import Definitions, ReadReport, Refused, Row
from dmarcwatch.report import Tier
from dmarcwatch.senders import Senders
from dmarcwatch.store import holding, pool, raw, rollup
from dmarcwatch.store.identity import Candidate, find_twin, iso
from dmarcwatch.store.interned import Interned
from dmarcwatch.store.pending import EVIDENCE, ITEMS, PROBLEMS, RAW, RECORDS, REPORTS, SELECTORS, Pending
from dmarcwatch.streams import covered

HELD = Twin("held", None)
_SPILL_RECORDS = 5_000
"""Records of one report that wait to be written: a megabyte."""
_SPILL_DEFINITIONS = 2_000
"""Evidence that waits to be written: a megabyte or two."""


class Source(NamedTuple):
    """Where a report was found."""

    item: int
    origin: str
    received_at: datetime | None


class Filed(NamedTuple):
    """Where an item was read, and what became of it."""

    source: int
    run: int
    outcome: str
    """`stored`, `duplicate`, `reject` or `set-aside`."""
    settled: bool
    """False while something remains to be done at its origin."""


class Ids:
    """What the numbers of one who prepares mean here: ids of evidence and of judgements."""

    def __init__(self) -> None:
        self.evidence = array("q")
        self.judgements = array("q")


class Writer:
    """Writes into an open transaction; rows wait, and `flush` writes them before its commit."""

    def __init__(self, connection: sqlite3.Connection, senders: Senders) -> None:
        self._connection = connection
        self._pending = Pending()
        self._items, self._reports = self._pending.to(ITEMS), self._pending.to(REPORTS)
        self._records, self._evidence = self._pending.to(RECORDS), self._pending.to(EVIDENCE)
        self._selectors = self._pending.to(SELECTORS)
        self._interned = Interned(connection, senders, self._pending)
        self.touched: set[str] = set()
        """Policy domains whose roll-ups changed."""
        self._swept = True
        self._next: dict[str, int] = {}
        self._first: int | None = None
        """The first report that is not in the roll-ups yet."""
        self._last = 0
        self._waiting: dict[str, int] = {}
        """Pending reports by the digest of their documents."""
        self._rivals: set[tuple[str, int, datetime]] = set()
        """Policy domain, reporter and begin of pending reports."""
        self._recent = holding.Recent()

    def next_item(self) -> int:
        """The id that the next item will have."""
        return self._next_id("items")

    def add_item(self, item: int, arrival: Arrival, filed: Filed) -> None:
        """Note an item and what became of it."""
        self._next["items"] = item + 1
        self._items.append(
            (item, filed.source, filed.run, arrival.origin, arrival.token, arrival.sha256, arrival.size,
             _text(arrival.received_at), arrival.local, arrival.from_domain, arrival.authserv_id,
             arrival.verified, filed.outcome, filed.settled)
        )  # fmt: skip

    def keep_raw(self, item: int, data: bytes) -> None:
        """Keep the item's bytes as they came."""
        if len(data) > raw.LARGE_BYTES:
            raw.write_large(self._connection, item, data)
        else:
            self._pending.to(RAW).append((item, *raw.encoded(data)))

    def add_reject(self, item: int, arrival: Arrival, refused: Refused) -> None:
        """Note that an item, or a part of it, gave no report."""
        self._connection.execute(
            "INSERT INTO rejects (item, name, origin, sha256, reason, message, size, received_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (item, refused.name, arrival.origin, arrival.sha256, refused.reason, refused.message,
             arrival.size, _text(arrival.received_at)),
        )  # fmt: skip

    def add_set_aside(
        self, item: int, *, kind: str, name: str, size: int, problem: str | None = None
    ) -> None:
        """Note a report that is none of ours to count, and why it could not be read, if it could not."""
        self._connection.execute(
            "INSERT INTO set_aside (item, kind, name, size, problem) VALUES (?, ?, ?, ?, ?)",
            (item, kind, name, size, problem),
        )

    def define(self, ids: Ids, definitions: Definitions) -> None:
        """Give ids to what one who prepares has met for the first time."""
        ids.evidence.extend([self._interned.evidence(row) for row in definitions.evidence])
        ids.judgements.extend([self._interned.judgement(row) for row in definitions.judgements])
        if len(self._evidence) > _SPILL_DEFINITIONS:
            self._write()

    def twin(self, sha256: str) -> int | None:
        """The report whose document had these very bytes, None if they are new."""
        waiting = self._waiting.get(sha256)
        if waiting is not None:
            return waiting
        row = self._connection.execute("SELECT id FROM reports WHERE sha256 = ?", (sha256,)).fetchone()
        return row[0] if row else None

    def lift(self, report: int, tier: Tier, received_at: datetime | None) -> None:
        """Trust a stored report as far as the better of its deliveries, as of its arrival (JUDGEMENT 5).

        One that did not count may count now: whoever guesses a report and sends it first must not keep
        the genuine one out.
        """
        self._catch_up()
        present, status, end, domain = self._connection.execute(
            "SELECT tier, status, end, policy_domain FROM reports WHERE id = ?", (report,)
        ).fetchone()
        # What was summed up of pruned records cannot be moved from one tier to another.
        if RANK[tier] <= RANK[Tier(present)] or status == "pruned":
            return
        received = _text(received_at) or end
        changes = {"tier": tier, "received_at": received, "received_day": received[:10]}
        self._restate(report, changes, counted=(status == "counted",) * 2)
        self.touched.add(domain)
        if status != "counted":
            self.reconsider(report)

    def reconsider(self, report: int) -> None:
        """Decide anew about a stored report that does not count; without its records it stays as it is."""
        if not holding.has_records(self._connection, report):
            return
        asked = holding.stored(self._connection, report)
        holding.forget(self._connection, report)
        twin = self._decide(asked)
        self._restate(report, {"status": twin.status}, counted=(False, twin.status == "counted"))
        self.touched.add(asked.told.report.policy.domain)

    def add_report(self, source: Source, read: ReadReport, ids: Ids) -> int:
        """Store one report with its records, and decide whether it counts; its id."""
        identity = self._next_id("reports")
        self._next["reports"] = identity + 1
        head = read.report
        reporter = self._interned.reporter_of(head)
        contents = holding.Contents(Counter(), set())
        rows = contents.noting(read.rows.drain(), ids.judgements, read.tier)
        fingerprint = self._add_records(identity, rows, ids)
        told = Told(head, read.tier, source.received_at, read.messages)
        candidate = Candidate(identity, reporter, fingerprint, read.tier, read.records)
        twin = self._decide(holding.Asked(told, candidate, read.sha256, contents))
        self._add_head(source, read, candidate, twin.status)
        if read.problems:
            self._pending.to(PROBLEMS).extend(
                [(identity, problem.path, problem.found, problem.messages) for problem in read.problems]
            )
        self._first = identity if self._first is None else self._first
        self._last = identity
        self._waiting[read.sha256] = identity
        self._rivals.add((head.policy.domain, reporter, head.begin))
        if twin.status == "counted" and read.tier in VOUCHED:
            self._recent.take(head, contents)
        self.touched.add(head.policy.domain)
        return identity

    def abandon(self) -> None:
        """Forget everything of a transaction that was rolled back; `Ids` given in it are void."""
        self._pending.clear()
        self._interned.forget()
        self._next.clear()
        self._first = None
        self._recent.clear()
        self._waiting.clear()
        self._rivals.clear()

    def flush(self) -> None:
        """Write what waits and bring the roll-ups up to it; call before each commit."""
        self._catch_up()
        if not self._swept:
            rollup.sweep(self._connection)
            self._swept = True
        # From here on another program may take the next ids.
        self._interned.committed()
        self._next.clear()

    def _catch_up(self) -> None:
        self._write()
        if self._first is not None:
            self._roll_up(self._first, self._last)
        self._first = None
        self._recent.clear()
        self._waiting.clear()
        self._rivals.clear()

    def _roll_up(self, first: int, last: int) -> None:
        rollup.roll_up(self._connection, first, last)
        pool.meet_forgotten(self._connection, first, last)

    def _write(self) -> None:
        self._pending.write(self._connection)
        self._interned.written()

    def _decide(self, asked: holding.Asked) -> Twin:
        """What becomes of a report, and of the one that it replaces."""
        told, candidate = asked.told, asked.candidate
        # What one that nobody vouches for is held against must be stored; all else waits.
        if told.tier not in VOUCHED and (self._selectors or told.messages > SURGE_MESSAGES):
            self._write()
        found = holding.held(self._connection, asked, self._recent)
        if found is not None:
            holding.note(self._connection, candidate.id, found)
            return HELD
        if (told.report.policy.domain, candidate.reporter, told.report.begin) in self._rivals:
            self._write()
        twin = find_twin(self._connection, told.report, candidate, write=self._write)
        if twin.supersedes is not None:
            self._restate(twin.supersedes, {"status": "superseded"}, counted=(True, False))
        return twin

    def _restate(self, report: int, changes: Mapping[str, str], *, counted: tuple[bool, bool]) -> None:
        """Change a stored report; `counted` says whether it is in the roll-ups before and after."""
        self._catch_up()
        if counted[0]:
            rollup.take_away(self._connection, report)
            self._swept = False
        columns = ", ".join(f"{name} = ?" for name in changes)
        self._connection.execute(f"UPDATE reports SET {columns} WHERE id = ?", (*changes.values(), report))
        if counted[1]:
            self._roll_up(report, report)

    def _next_id(self, table: str) -> int:
        """The id of the table's next row, so that rows that refer to it need not wait for it."""
        identity = self._next.get(table)
        if identity is None:
            row = self._connection.execute(f"SELECT ifnull(max(id), 0) + 1 FROM {table}").fetchone()
            identity = self._next[table] = int(row[0])
        return identity

    def _add_head(self, source: Source, read: ReadReport, candidate: Candidate, status: str) -> None:
        report, policy = read.report, read.report.policy
        day, span_days = covered(report.begin, report.end)
        received = iso(source.received_at or report.end)
        self._interned.policy(policy)
        self._reports.append(
            (candidate.id, report.org_name, report.org_email, report.report_id, iso(report.begin),
             iso(report.end), policy.domain, policy.p, policy.sp, policy.np, policy.pct, policy.testing,
             policy.adkim, policy.aspf, policy.fo, policy.discovery_method, report.generator,
             report.extra_contact_info,
             json.dumps(report.errors, ensure_ascii=False) if report.errors else None, report.dialect,
             read.grade, read.tier, source.origin, received, read.records, read.messages,
             read.unread_messages, status, candidate.reporter, day.isoformat(), span_days,
             received[:10], source.item, read.name, read.sha256, candidate.fingerprint)
        )  # fmt: skip

    def _add_records(self, report: int, rows: Iterator[Row], ids: Ids) -> int:
        """Add all records; the fingerprint of their multiset, for the same report under another id."""
        pending, addresses = self._records, self._interned.addresses
        evidence_ids, judgement_ids = ids.evidence, ids.judgements
        fingerprint = 0
        for number, (ip, messages, evidence, judgement) in enumerate(rows, start=1):
            address = addresses.get(ip) or (self._interned.address(ip) if ip else None)
            said = evidence_ids[evidence]
            # Tuples of whole numbers hash alike in every process; a sum does not know their order.
            fingerprint += hash((address or 0, messages, said))
            pending.append((report, number, address, messages, said, judgement_ids[judgement]))
            if number % _SPILL_RECORDS == 0:
                self._write()
                addresses = self._interned.addresses
        return fingerprint & 0x7FFF_FFFF_FFFF_FFFF


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
