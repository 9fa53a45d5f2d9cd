"""How the runs went, what waits, and which reporters have fallen silent."""

import sqlite3
from datetime import date, timedelta
from typing import Any

_LAST_RUNS = """
SELECT s.name AS source, r.started_at, r.ended_at, r.items, r.reports, r.duplicates, r.rejects, r.problems,
    r.error, (SELECT max(ended_at) FROM runs w WHERE w.source = s.name AND w.error IS NULL) AS last_success
FROM _sources s JOIN runs r ON r.id = (SELECT max(id) FROM runs w WHERE w.source = s.name) ORDER BY s.name"""
_REJECTS = "SELECT reason, count(*) AS rejects FROM rejects GROUP BY reason ORDER BY 2 DESC, 1"
_REPORTERS = """
SELECT policy_domain, reporter, max(day) AS last_day, count(DISTINCT day) AS days FROM domain_days
WHERE day >= ? GROUP BY policy_domain, reporter HAVING count(DISTINCT day) >= ? AND max(day) < ?
ORDER BY policy_domain, last_day"""
_AUTHSERV = """
SELECT s.name AS source, i.authserv_id, count(*) AS items, max(i.received_at) AS last_seen
FROM items i JOIN _sources s ON s.id = i.source WHERE i.authserv_id IS NOT NULL
GROUP BY s.name, i.authserv_id ORDER BY s.name, last_seen"""

REGULAR_DAYS = 10
"""A reporter is regular after this many days within the last sixty."""
SILENT_DAYS = 7
"""A regular reporter without a report for this long is named: a week holds every weekday."""


def last_runs(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """The last run of each source, and when it last went well."""
    return _rows(connection, _LAST_RUNS)


def reject_reasons(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Rejects by reason."""
    return _rows(connection, _REJECTS)


def silent_reporters(connection: sqlite3.Connection, today: date) -> list[dict[str, Any]]:
    """Regular reporters that have not reported for a week, with their last day."""
    since = (today - timedelta(days=60)).isoformat()
    silent = (today - timedelta(days=SILENT_DAYS)).isoformat()
    return _rows(connection, _REPORTERS, since, REGULAR_DAYS, silent)


def mail_hosts(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Which mail hosts stated the authentication results of each source's mails; a second one is news."""
    return _rows(connection, _AUTHSERV)


def _rows(connection: sqlite3.Connection, sql: str, *values: object) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
