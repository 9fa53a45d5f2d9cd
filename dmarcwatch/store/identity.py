"""When two reports are the same report (dmarc.md 1.5, JUDGEMENT 5).

Every report is stored; at most one of those that say the same thing counts. The identity of a report is
its reporter, policy domain, id as sent and period: reporters reuse ids for other days and domains.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from dmarcwatch.duplicates import RANK, Claim, Twin, decide, is_held
from dmarcwatch.report import Report, Tier

__all__ = ["RANK", "Candidate", "Twin", "find_twin", "iso"]


class Candidate(NamedTuple):
    """A report whose records are stored and whose place among the others is asked for."""

    id: int
    reporter: int
    fingerprint: int
    """Of the multiset of its records."""
    tier: Tier
    records: int


_RIVALS = """
SELECT id, report_id, tier, fingerprint, records, status FROM reports
WHERE policy_domain = ? AND reporter = ? AND begin = ? AND end = ? AND org_name IS ?
    AND status IN ('counted', 'pruned')"""

_MISSING = """
SELECT address, messages, evidence, row_number() OVER (PARTITION BY address, messages, evidence)
FROM _records WHERE report = :old
EXCEPT
SELECT address, messages, evidence, row_number() OVER (PARTITION BY address, messages, evidence)
FROM _records WHERE report = :new LIMIT 1"""


def find_twin(
    connection: sqlite3.Connection, report: Report, new: Candidate, *, write: Callable[[], None]
) -> Twin:
    """Whether a report counts beside the stored ones of the same reporter, domain and period.

    A period that cannot be: `held`; for the rest see `duplicates.decide`. `write` is called before the
    report's own records are looked at.
    """
    if is_held(report):
        return Twin("held", None)
    rows = connection.execute(
        _RIVALS,
        (report.policy.domain, new.reporter, iso(report.begin), iso(report.end), report.org_name),
    )
    rivals = [Claim(row[0], row[1], Tier(row[2]), row[3], row[4], row[5] == "pruned") for row in rows]
    if rivals:
        write()
    claim = Claim(new.id, report.report_id, new.tier, new.fingerprint, new.records)
    return decide(claim, rivals, holds_all=lambda old: _holds_all(connection, new.id, old))


@lru_cache(maxsize=4096)  # reporters share their days
def iso(moment: datetime) -> str:
    """ISO 8601 in UTC to the second, as SQLite's date functions read it."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat()[:19]}Z"


def _holds_all(connection: sqlite3.Connection, new: int, old: int) -> bool:
    return connection.execute(_MISSING, {"new": new, "old": old}).fetchone() is None
