"""A database of ten million records on two thousand domains, for timing verdicts and pages.

`python -m bench.scale_db /tmp/scale.db --records 10000000 --domains 2000 --seed 1`

Rows are written by SQL in the shape that fetching would have left, because reading so many reports takes
an hour: evidence is classified as always, the roll-ups are summed by the store's own statement, and each
domain is judged.
"""

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from time import perf_counter
from typing import NamedTuple

from sqlite_utils import Database

from bench.templates import KINDS, REPORTERS, Kind, Reporter
from dmarcwatch.classify import Classifier
from dmarcwatch.config import Config
from dmarcwatch.judging import Court
from dmarcwatch.report import (
    AlignmentMode,
    AuthResult,
    Dialect,
    Disposition,
    Dkim,
    DmarcResult,
    Evidence,
    Policy,
    PolicyPublished,
    Reason,
    ReasonType,
    Record,
    Report,
    Spf,
)
from dmarcwatch.senders import Senders
from dmarcwatch.store import pool, rollup
from dmarcwatch.store.database import open_database, transaction
from dmarcwatch.store.encoding import evidence_row, judgement_row
from dmarcwatch.store.histories import domains
from dmarcwatch.store.interned import Interned
from dmarcwatch.store.pending import Pending

DAYS, REPORTERS_EACH = 120, 4
LAST_DAY = date(2026, 11, 18)
"""The newest report's day."""
HEAVY_SHARE = 0.05
"""Of all records on the first domain: one customer is always the largest."""
CHUNK_REPORTS = 20_000
MAX_KNOWN = 100_000
WEIGHTS = [kind.weight for kind in KINDS]
REPORTS_SQL = """
INSERT INTO reports (id, org_name, org_email, report_id, begin, end, policy_domain, p, sp, pct, adkim, aspf,
    dialect, grade, tier, origin, received_at, records, messages, unread_messages, status, reporter, day,
    span_days, received_day, item, name, sha256, fingerprint)
VALUES (?, ?, ?, ?, ?, ?, ?, 'none', 'none', 100, 'r', 'r', 'rfc7489', 'clean', 'verified', ?, ?, ?, ?, 0,
    'counted', ?, ?, 1, ?, ?, ?, ?, 0)"""
ITEMS_SQL = """
INSERT INTO items (id, source, run, origin, token, sha256, size, local, outcome, settled)
VALUES (?, 1, 1, ?, ?, ?, 2000, 0, 'stored', 1)"""


class Plan(NamedTuple):
    """One report to be written."""

    domain: str
    reporter: Reporter
    day: date
    records: int


@dataclass(frozen=True, slots=True)
class Scale:
    """How large."""

    records: int
    domains: int
    seed: int


def fill(path: Path, scale: Scale) -> int:
    """Write the database at `path`, which must not exist; how many records it holds."""
    database = open_database(path)
    connection: sqlite3.Connection = database.conn
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    indexes = _drop_indexes(connection)
    filler = Filler(connection, Random(scale.seed))
    with transaction(connection):
        connection.execute("INSERT INTO _sources (id, name) VALUES (1, 'scale')")
        connection.execute("INSERT INTO runs (id, source, started_at) VALUES (1, 'scale', '2026-11-19')")
    written = 0
    for chunk in _chunks(plans(scale)):
        with transaction(connection):
            written += filler.write(chunk)
        print(f"\r{written:,} records", end="", file=sys.stderr)
    print(file=sys.stderr)
    for statement in indexes:
        connection.execute(statement)
    with transaction(connection):
        pool.settle_pool(connection, date.max)
    connection.execute("ANALYZE")
    _judge(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return written


def plans(scale: Scale) -> Iterator[Plan]:
    """The reports, day by day; the first domain is the heavy one."""
    reporters = REPORTERS[:REPORTERS_EACH]
    each = scale.records / DAYS / len(reporters)
    light = max(1, round(each * (1 - HEAVY_SHARE) / max(1, scale.domains - 1)))
    for day in range(DAYS):
        for number in range(scale.domains):
            records = light if number else max(1, round(each * HEAVY_SHARE))
            for reporter in reporters:
                yield Plan(
                    f"domain{number:04d}.example", reporter, LAST_DAY - timedelta(DAYS - 1 - day), records
                )


class Filler:
    """Writes plans into the tables."""

    def __init__(self, connection: sqlite3.Connection, rng: Random) -> None:
        self._connection = connection
        self._rng = rng
        senders = Senders.load()
        self._classifier = Classifier(senders)
        self._pending = Pending()
        self._interned = Interned(connection, senders, self._pending)
        self._known: dict[tuple[str, Kind, date | None], tuple[int, int]] = {}
        self._report = 0

    def write(self, chunk: list[Plan]) -> int:
        """Write the reports of one transaction and roll them up; how many records."""
        first = self._report + 1
        reports, items, records = [], [], []
        for plan in chunk:
            self._report += 1
            rows = self._records(plan)
            reports.append(self._head(plan, sum(row[3] for row in rows), len(rows)))
            items.append((self._report, str(self._report), str(self._report), f"{self._report:064x}"))
            records += rows
        self._connection.executemany(ITEMS_SQL, items)
        self._connection.executemany(REPORTS_SQL, reports)
        self._connection.executemany("INSERT INTO _records VALUES (?, ?, ?, ?, ?, ?)", records)
        self._pending.write(self._connection)
        self._interned.committed()
        rollup.roll_up(self._connection, first, self._report)
        return len(records)

    def _records(self, plan: Plan) -> list[tuple[int, int, int, int, int, int]]:
        ids = [self._ids(plan, kind) for kind in KINDS]
        drawn = self._rng.choices(range(len(KINDS)), WEIGHTS, k=plan.records)
        return [
            (
                self._report,
                number,
                self._address(plan, KINDS[which]),
                int(self._rng.paretovariate(1.1)),
                *ids[which],
            )
            for number, which in enumerate(drawn, start=1)
        ]

    def _ids(self, plan: Plan, kind: Kind) -> tuple[int, int]:
        """Evidence and judgement of a kind; strangers come from another network each day."""
        key = plan.domain, kind, None if kind.dkim else plan.day
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            report, evidence = _report(plan), _evidence(plan.domain, kind)
            self._interned.policy(report.policy)
            record = Record(_host(plan, kind, 7), 1, evidence)
            judgement = self._interned.judgement(judgement_row(self._classifier.classify(record, report)))
            found = self._known[key] = self._interned.evidence(evidence_row(evidence)), judgement
        return found

    def _address(self, plan: Plan, kind: Kind) -> int:
        host = _host(plan, kind, int(min(kind.hosts, 250) * self._rng.random()))
        return self._interned.addresses.get(host) or self._interned.address(host)

    def _head(self, plan: Plan, messages: int, records: int) -> tuple[object, ...]:
        day, received = plan.day.isoformat(), (plan.day + timedelta(days=1)).isoformat()
        identity = self._report
        return (
            identity, plan.reporter.org_name, plan.reporter.email, str(identity), f"{day}T00:00:00Z",
            f"{day}T23:59:59Z", plan.domain, str(identity), f"{received}T04:00:00Z", records, messages,
            self._interned.reporter(plan.reporter.host), day, received, identity, f"{identity}.xml",
            f"{identity:064x}",
        )  # fmt: skip


def _report(plan: Plan) -> Report:
    begin = datetime(plan.day.year, plan.day.month, plan.day.day, tzinfo=UTC)
    relaxed = AlignmentMode.RELAXED
    return Report(
        org_name=plan.reporter.org_name,
        org_email=plan.reporter.email,
        report_id="1",
        begin=begin,
        end=begin + timedelta(seconds=86_399),
        policy=PolicyPublished(plan.domain, relaxed, relaxed, Policy.NONE, Policy.NONE, pct=100),
        dialect=Dialect.RFC7489,
    )


def _host(plan: Plan, kind: Kind, host: int) -> str:
    """An address of the kind: always of one /24, or of the day's for strangers, so that none persists."""
    network = 0 if kind.dkim else plan.day.toordinal() % 256
    return f"{kind.networks[0]}.{network}.{host}"


@lru_cache(maxsize=50_000)
def _evidence(domain: str, kind: Kind) -> Evidence:
    return Evidence(
        disposition=Disposition.NONE,
        dkim_evaluated=DmarcResult(kind.evaluated[0]),
        spf_evaluated=DmarcResult(kind.evaluated[1]),
        reasons=(Reason(ReasonType(kind.reason), None),) if kind.reason else (),
        header_from=domain,
        envelope_from=None,
        envelope_to=None,
        dkim=tuple(
            Dkim(name.format(d=domain, n=1), selector, AuthResult(result))
            for name, selector, result in kind.dkim
        ),
        spf=(Spf(kind.spf[0].format(d=domain, n=1), None, AuthResult(kind.spf[1])),),
    )


def _chunks(reports: Iterator[Plan]) -> Iterator[list[Plan]]:
    chunk: list[Plan] = []
    for plan in reports:
        chunk.append(plan)
        if len(chunk) == CHUNK_REPORTS:
            yield chunk
            chunk = []
    yield chunk


def _judge(database: Database) -> None:
    """A verdict on each domain, kept as `fetch` keeps it: pages read it."""
    court = Court(Config(), Senders.load(), datetime.combine(LAST_DAY + timedelta(days=2), time(12), UTC))
    names = domains(database.conn)
    for number, name in enumerate(names, start=1):
        court.judge_and_keep(database, [name])
        print(f"\r{number:,} of {len(names):,} domains judged", end="", file=sys.stderr)
    print(file=sys.stderr)


def _drop_indexes(connection: sqlite3.Connection) -> list[str]:
    """Drop the record table's indexes, to be made again when it is full; their statements."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master "
        "WHERE type = 'index' AND tbl_name = '_records' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}")
    return [sql for _, sql in rows]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale_db", description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--domains", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.database.exists():
        parser.error(f"{given.database} exists")
    begun = perf_counter()
    records = fill(given.database, Scale(given.records, given.domains, given.seed))
    size = given.database.stat().st_size
    print(f"{records:,} records, {size / 1e9:.2f} GB, {perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
