"""The pool of scattered places: networks and foreign domains that were seen on few days (JUDGEMENT 2).

It remembers days for two months behind the newest of its domain, and each place how far its days were
forgotten. A report that comes late is held against the records themselves then, so that the order in which
reports come changes nothing.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from dmarcwatch.store.rollup import ADD, CELL, CELL_COLUMNS, PARTS, add_stream
from dmarcwatch.streams import Place, PlaceKind

POOL_DAYS = 62
"""Days within which a place may show that it persists: two months, so that a monthly run is seen twice."""
PERSISTENT_DAYS = 10
"""Days within `POOL_DAYS` after which a network or domain becomes a stream of its own (JUDGEMENT 3.5)."""
RECURRING_MESSAGES = 5
"""A place seen in two calendar months becomes a stream when it sent more than this many messages."""
KEPT_DAYS = POOL_DAYS + 7
"""How long days are kept: reports that come within a week need no second look."""

_TRUSTED = "('local', 'verified')"
# CROSS JOIN keeps the order: from the few judgements of a place, not through all reports.
_OF_PLACE = """
    FROM _judgements j
    CROSS JOIN _records c ON c.judgement = j.id
    CROSS JOIN reports r ON r.id = c.report
    JOIN _evidence e ON e.id = c.evidence
    WHERE j.place = :place AND r.status = 'counted' AND c.messages > 0"""
_PLACE_TO_STREAM = f"""
INSERT INTO _stream_days (stream, {CELL_COLUMNS})
SELECT :stream, {CELL}, {PARTS} {_OF_PLACE}
ON CONFLICT DO UPDATE SET {ADD}"""
_DAYS_OF_PLACE = f"""
SELECT r.day, sum(c.messages) {_OF_PLACE} AND r.tier IN {_TRUSTED} GROUP BY r.day ORDER BY r.day"""
_DAYS_IN_POOL = f"""
SELECT place, day, sum(messages) FROM _pool_days WHERE tier IN {_TRUSTED}
AND place IN (SELECT place FROM _pool_days GROUP BY place
    HAVING count(DISTINCT day) >= ? OR count(DISTINCT substr(day, 1, 7)) >= 2)
GROUP BY place, day ORDER BY place, day"""
# What nobody vouches for forgets nothing where anything else is known, and the future never does.
_NEWEST = f"""
SELECT p.policy_domain, ifnull(max(CASE WHEN d.tier IN {_TRUSTED} THEN d.day END), max(d.day))
FROM _pool_days d JOIN _places p ON p.id = d.place WHERE d.day <= ? GROUP BY p.policy_domain"""
_OLD = """FROM _pool_days WHERE day < :oldest
AND place IN (SELECT id FROM _places WHERE policy_domain = :domain)"""
_FORGOTTEN = f"""
UPDATE _places SET pooled = max(pooled, CAST(julianday(:oldest) AS INTEGER) - 1)
WHERE id IN (SELECT place {_OLD})"""
_FORGET = f"DELETE {_OLD}"
_LATE = """
SELECT DISTINCT j.place FROM reports r
CROSS JOIN _records c ON c.report = r.id
CROSS JOIN _judgements j ON j.id = c.judgement
CROSS JOIN _places p ON p.id = j.place
WHERE r.id BETWEEN :first AND :last AND r.status = 'counted' AND p.pooled > 1 AND c.messages > 0
    AND CAST(julianday(r.day) AS INTEGER) - :reach <= p.pooled"""
_MAY_BE_LATE = """
SELECT (SELECT CAST(julianday(min(day)) AS INTEGER) FROM reports WHERE id BETWEEN :first AND :last) - :reach
    <= (SELECT max(pooled) FROM _places WHERE pooled > 1)"""


def settle_pool(connection: sqlite3.Connection, today: date | None = None) -> int:
    """Give places that persist a stream of their own, and forget old days; how many places got one.

    Called once at the end of a run, not in its middle: folders are read in the order of their names,
    so one reporter's two years may come before another's. Without `today` nothing is forgotten.
    """
    persistent = [place for place, days in _pooled_days(connection).items() if persists(days)]
    _promote(connection, persistent)
    if today is not None:
        _forget(connection, today)
    return len(persistent)


def meet_forgotten(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Look again at places whose forgotten days lie near those of the reports `first`..`last`."""
    values = {"first": first, "last": last, "reach": POOL_DAYS - 1}
    if connection.execute(_MAY_BE_LATE, values).fetchone()[0]:
        late = [place for (place,) in connection.execute(_LATE, values).fetchall()]
        _promote(connection, (place for place in late if persists(_all_days(connection, place))))


def _forget(connection: sqlite3.Connection, today: date) -> None:
    """Forget the days that lie far behind their domain's newest, which is never later than `today`."""
    for domain, newest in connection.execute(_NEWEST, (today.isoformat(),)).fetchall():
        oldest = date.fromisoformat(newest) - timedelta(days=KEPT_DAYS - 1)
        values = {"domain": domain, "oldest": oldest.isoformat()}
        connection.execute(_FORGOTTEN, values)
        connection.execute(_FORGET, values)


def _pooled_days(connection: sqlite3.Connection) -> dict[int, list[tuple[date, int]]]:
    """Day and messages of each pooled place that could persist; only trusted reports count."""
    days: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for place, day, messages in connection.execute(_DAYS_IN_POOL, (PERSISTENT_DAYS,)):
        days[place].append((date.fromisoformat(day), messages))
    return days


def _all_days(connection: sqlite3.Connection, place: int) -> list[tuple[date, int]]:
    """The same of one place from all its records."""
    rows = connection.execute(_DAYS_OF_PLACE, {"place": place})
    return [(date.fromisoformat(day), messages) for day, messages in rows]


def persists(days: list[tuple[date, int]]) -> bool:
    """Whether a place deserves a stream: the widest form of JUDGEMENT 3.5, in any 62 days.

    `days` are (day, messages), oldest first. Who judges decides anew for the day judged from.
    """
    start = 0
    for end, (day, _) in enumerate(days):
        while (day - days[start][0]).days >= POOL_DAYS:
            start += 1
        window = days[start : end + 1]
        if len(window) >= PERSISTENT_DAYS:
            return True
        months = {(each.year, each.month) for each, _ in window}
        if len(months) >= 2 and sum(messages for _, messages in window) > RECURRING_MESSAGES:
            return True
    return False


def _promote(connection: sqlite3.Connection, places: Iterable[int]) -> None:
    """Give each place a stream of its own, with all its days."""
    for place_id in places:
        row = connection.execute(
            "SELECT policy_domain, header_from, sender, kind, name, stream FROM _places WHERE id = ?",
            (place_id,),
        ).fetchone()
        pool, place = row[5], Place(row[0], row[1], row[2], PlaceKind(row[3]), row[4])
        stream = add_stream(connection, place, name=f"Unknown, {place.name}", sender_type="unknown")
        connection.execute(_PLACE_TO_STREAM, {"stream": pool, "place": place_id, "sign": -1})
        connection.execute(_PLACE_TO_STREAM, {"stream": stream, "place": place_id, "sign": 1})
        connection.execute("DELETE FROM _stream_days WHERE stream = ? AND messages = 0", (pool,))
        connection.execute("DELETE FROM _pool_days WHERE place = ?", (place_id,))
        connection.execute("UPDATE _places SET stream = ?, pooled = 0 WHERE id = ?", (stream, place_id))
