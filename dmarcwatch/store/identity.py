"""When two reports are the same report (dmarc.md 1.5, JUDGEMENT 5).

Every report is stored; at most one of those that say the same thing counts. The identity of a report is
its reporter, policy domain, id as sent and period: reporters reuse ids for other days and domains.
"""

import sqlite3
from datetime import UTC, datetime
from typing import NamedTuple

from dmarcwatch.parse import Reading
from dmarcwatch.report import Tier, is_plausible

RANK = {Tier.UNVERIFIED: 0, Tier.CONSISTENT: 1, Tier.VERIFIED: 2, Tier.LOCAL: 3}
"""How tiers compare when two deliveries of one report meet."""


class Twin(NamedTuple):
    """What a new report means for those before it."""

    status: str
    supersedes: int | None
    """The report that stops counting because of this one."""


class Candidate(NamedTuple):
    """A report whose records are stored and whose place among the others is asked for."""

    id: int
    reporter: int
    fingerprint: int
    """Of the multiset of its records."""
    tier: Tier


_RIVALS = """
SELECT id, report_id, tier, fingerprint, records FROM reports
WHERE policy_domain = ? AND reporter = ? AND begin = ? AND end = ? AND org_name IS ? AND status = 'counted'"""

_MISSING = """
SELECT address, messages, evidence, row_number() OVER (PARTITION BY address, messages, evidence)
FROM _records WHERE report = :old
EXCEPT
SELECT address, messages, evidence, row_number() OVER (PARTITION BY address, messages, evidence)
FROM _records WHERE report = :new LIMIT 1"""


def find_twin(connection: sqlite3.Connection, reading: Reading, new: Candidate) -> Twin:
    """Whether a report just inserted counts beside those of the same reporter, domain and period.

    The same id: a better tier wins; of equals the one that holds all of the other's records (RFC 9990
    section 3.5.2 lets a re-sent report replace the first), else the first stays and this one is a
    `conflict`. Another id with the very same records: `suspect-duplicate`, counted once. A period that
    cannot be: `held`.
    """
    report = reading.report
    if not is_plausible(report.begin, report.end):
        return Twin("held", None)
    rivals = connection.execute(
        _RIVALS,
        (report.policy.domain, new.reporter, iso(report.begin), iso(report.end), report.org_name),
    ).fetchall()
    rivals.sort(key=lambda row: row[1] != report.report_id)
    for old, report_id, old_tier, old_fingerprint, old_records in rivals:
        better = RANK[new.tier] - RANK[Tier(old_tier)]
        if report_id == report.report_id:
            if better > 0 or (better == 0 and _holds_all(connection, new.id, old)):
                return Twin("counted", old)
            return Twin("conflict", None)
        if reading.records and (old_fingerprint, old_records) == (new.fingerprint, reading.records):
            return Twin("counted", old) if better > 0 else Twin("suspect-duplicate", None)
    return Twin("counted", None)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC to the second, as SQLite's date functions read it."""
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def _holds_all(connection: sqlite3.Connection, new: int, old: int) -> bool:
    return connection.execute(_MISSING, {"new": new, "old": old}).fetchone() is None
