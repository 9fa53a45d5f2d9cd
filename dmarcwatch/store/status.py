"""How the runs went, what waits, and which reporters have fallen silent."""

import sqlite3
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from dmarcwatch.errors import CollectError

_LAST_RUNS = """
SELECT s.name AS source, r.started_at, r.ended_at, r.items, r.reports, r.duplicates, r.rejects, r.problems,
    r.dropped, r.error,
    (SELECT max(ended_at) FROM runs w WHERE w.source = s.name AND w.error IS NULL) AS last_success
FROM _sources s JOIN runs r ON r.id = (SELECT max(id) FROM runs w WHERE w.source = s.name) ORDER BY s.name"""
_REJECTS = "SELECT reason, count(*) AS rejects FROM rejects GROUP BY reason ORDER BY 2 DESC, 1"
_UNREAD_ASIDE = """
SELECT kind, problem, count(*) AS reports FROM set_aside WHERE problem IS NOT NULL
GROUP BY kind, problem ORDER BY 3 DESC, 1, 2"""
_REPORTERS = """
SELECT policy_domain, reporter, max(day) AS last_day, count(DISTINCT day) AS days FROM domain_days
WHERE day >= ? GROUP BY policy_domain, reporter HAVING count(DISTINCT day) >= ? AND max(day) < ?
ORDER BY policy_domain, last_day"""

REGULAR_DAYS = 10
"""A reporter is regular after this many days within the last sixty."""
SILENT_DAYS = 7
"""A regular reporter without a report for this long is named: a week holds every weekday."""


ENDLESS_HOURS = 6
"""A run that did not end for so long was killed: draining a mailbox of years takes two."""


class Health(NamedTuple):
    """Whether somebody should look, and at what."""

    exit_status: int
    """As the last `fetch` of the sources would end: 4, else 6, else 0 (DESIGN 3.1)."""
    reasons: tuple[str, ...]


def health(
    runs: Collection[dict[str, Any]],
    *,
    sources: Collection[str],
    now: datetime,
    max_age: timedelta | None = None,
    unheard: Collection[str] = (),
) -> Health:
    """How the last runs of `sources` went; without any named, those of all that were ever read.

    `max_age` is how long ago the last good run of each may be; None for any time. `unheard` is why news
    reach nobody, a sentence each: as bad as a source that cannot be reached.
    """
    by_source = {run["source"]: run for run in runs}
    unread, rejected = [], []
    for source in sources or by_source:
        run = by_source.get(source)
        if run is None:
            unread.append(f"{source} was never read")
            continue
        reason = _unread(run, now, max_age)
        if reason:
            unread.append(f"{source} {reason}")
        if run["rejects"] or run["dropped"]:
            rejected.append(
                f"{source} brought {run['rejects']} rejects, {run['dropped']} records were dropped"
            )
    status = CollectError.exit_status if unread or unheard else 6 if rejected else 0
    return Health(status, (*unread, *unheard, *rejected))


def _unread(run: dict[str, Any], now: datetime, max_age: timedelta | None) -> str | None:
    if run["error"] is not None:
        return f"could not be read: {run['error']}"
    if run["ended_at"] is None and now - _moment(run["started_at"]) > timedelta(hours=ENDLESS_HOURS):
        return f"was begun at {run['started_at']} and never ended"
    last = run["last_success"]
    if max_age is not None and (last is None or now - _moment(last) > max_age):
        return f"was last read at {last}" if last else "was never read to its end"
    return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def last_runs(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """The last run of each source, and when it last went well."""
    return _rows(connection, _LAST_RUNS)


def reject_reasons(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Rejects by reason."""
    return _rows(connection, _REJECTS)


def unread_aside(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """TLS and failure reports that could not be read, by reason; their bytes are kept."""
    return _rows(connection, _UNREAD_ASIDE)


def silent_reporters(connection: sqlite3.Connection, today: date) -> list[dict[str, Any]]:
    """Regular reporters that have not reported for a week, with their last day."""
    since = (today - timedelta(days=60)).isoformat()
    silent = (today - timedelta(days=SILENT_DAYS)).isoformat()
    return _rows(connection, _REPORTERS, since, REGULAR_DAYS, silent)


def _rows(connection: sqlite3.Connection, sql: str, *values: object) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
