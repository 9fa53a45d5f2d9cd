"""Rows to take away: records, streams and verdicts, read one after another from one snapshot."""

import sqlite3
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from dmarcwatch.export import Column, Rows

FETCHED_ROWS = 1000
"""Rows in memory at once."""


class What(StrEnum):
    """What can be taken away."""

    RECORDS = "records"
    STREAMS = "streams"
    STREAM_DAYS = "stream-days"
    DOMAIN_DAYS = "domain-days"
    VERDICTS = "verdicts"


class Wanted(NamedTuple):
    """Which part of a table."""

    domain: str | None = None
    since: date | None = None
    """First day, by a report's own period or the day a verdict is about."""


ALL = Wanted()
"""The whole table."""

_REPORT = "r.policy_domain, r.begin, r.end, r.org_name, r.report_id, r.tier, r.grade, r.status"
# CROSS JOIN: from report to report, each with its records as they lie, so that nothing has to be sorted.
_FROM = {
    What.RECORDS: f"SELECT {_REPORT}, c.* FROM reports r CROSS JOIN records c ON c.report = r.id",
    What.STREAMS: "SELECT * FROM streams r",
    What.STREAM_DAYS: "SELECT * FROM stream_days r",
    What.DOMAIN_DAYS: "SELECT * FROM domain_days r",
    What.VERDICTS: "SELECT * FROM verdicts r",
}
_TABLES = {
    What.RECORDS: ("reports", "records"),
    What.STREAMS: ("streams",),
    What.STREAM_DAYS: ("stream_days",),
    What.DOMAIN_DAYS: ("domain_days",),
    What.VERDICTS: ("verdicts",),
}
_DOMAIN = {What.VERDICTS: "r.domain"}
_DAY = {What.STREAMS: "r.last_seen", What.VERDICTS: "r.as_of"}
_JSON = frozenset(
    {"reasons", "dkim", "spf", "flags", "states", "findings", "notes", "blockers", "thresholds", "document"}
)


def extract(connection: sqlite3.Connection, what: What, wanted: Wanted = ALL) -> Rows:
    """The rows wanted, in the order they are stored; a write meanwhile is not seen."""
    conditions = []
    values = []
    if wanted.domain is not None:
        conditions.append(f"{_DOMAIN.get(what, 'r.policy_domain')} = ?")
        values.append(wanted.domain)
    if wanted.since is not None:
        conditions.append(f"{_DAY.get(what, 'r.day')} >= ?")
        values.append(wanted.since.isoformat())
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    cursor = connection.execute(_FROM[what] + where, values)
    types = _types(connection, _TABLES[what])
    columns = tuple(
        Column(name, "JSON" if name in _JSON else types.get(name, "TEXT"))
        for name in (column[0] for column in cursor.description)
    )
    return Rows(columns, _read(cursor))


def _read(cursor: sqlite3.Cursor) -> Iterator[tuple[object, ...]]:
    while rows := cursor.fetchmany(FETCHED_ROWS):
        yield from rows


def _types(connection: sqlite3.Connection, tables: tuple[str, ...]) -> dict[str, str]:
    """The declared type of each column: a view's are those of the tables it reads."""
    found = {}
    for table in tables:
        for row in connection.execute(f"PRAGMA table_info({table})"):
            found[row[1]] = row[2] or "TEXT"
    return found
