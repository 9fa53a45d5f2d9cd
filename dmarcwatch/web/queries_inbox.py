"""Statements of the pages on reporters and on what came in; see queries.py for what all of them keep."""

import sqlite3
from collections.abc import Iterator

from dmarcwatch.web.queries import Row, Span


def coverage(connection: sqlite3.Connection, domain: str, span: Span) -> Iterator[Row]:
    """Reporter, day, tier, span_days, reports and messages."""
    return connection.execute(
        "SELECT o.name, d.day, d.tier, max(d.span_days), sum(d.reports), sum(d.messages) "
        "FROM _domain_days d JOIN _reporters o ON o.id = d.reporter "
        "WHERE d.policy_domain = ? AND d.day BETWEEN ? AND ? GROUP BY o.id, d.day, d.tier",
        (domain, *span),
    )


def reporter_bounds(connection: sqlite3.Connection, domain: str) -> Iterator[Row]:
    """Reporter, first and last day over all time, reports and messages."""
    return connection.execute(
        "SELECT o.name, min(d.day), max(d.day), sum(d.reports), sum(d.messages) "
        "FROM _domain_days d JOIN _reporters o ON o.id = d.reporter "
        "WHERE d.policy_domain = ? GROUP BY o.id",
        (domain,),
    )


def contradictions(connection: sqlite3.Connection, domain: str, span: Span) -> Iterator[Row]:
    """Reporter, passes its evidence does not show, and aligned passes it did not give."""
    return connection.execute(
        "SELECT o.name, sum(d.unverified), "
        "sum(max(0, d.dkim_aligned + d.spf_aligned - d.both_aligned - (d.dmarc_pass - d.unverified))) "
        "FROM streams s JOIN _stream_days d ON d.stream = s.key JOIN _reporters o ON o.id = d.reporter "
        # Nearly all rows contradict nothing; without this SQLite would sort them all to group a few.
        "WHERE s.policy_domain = ? AND d.day BETWEEN ? AND ? AND (d.unverified > 0 "
        "OR d.dkim_aligned + d.spf_aligned - d.both_aligned > d.dmarc_pass - d.unverified) GROUP BY o.id",
        (domain, *span),
    )


def runs(connection: sqlite3.Connection, limit: int) -> Iterator[Row]:
    """The last runs, newest first."""
    return connection.execute(
        "SELECT id, source, started_at, ended_at, items, reports, duplicates, set_aside, rejects, records, "
        "messages, problems, unread_messages, error FROM runs ORDER BY id DESC LIMIT ?",
        (limit,),
    )


def reject_reasons(connection: sqlite3.Connection) -> Iterator[Row]:
    """Reason, rejects and the last arrival, most first."""
    return connection.execute(
        "SELECT reason, count(*), max(received_at) FROM rejects GROUP BY reason ORDER BY 2 DESC, 1"
    )


def rejects(connection: sqlite3.Connection, limit: int) -> Iterator[Row]:
    """Id, reason, message, name, origin, size and arrival, newest first."""
    return connection.execute(
        "SELECT id, reason, message, name, origin, size, received_at FROM rejects ORDER BY id DESC LIMIT ?",
        (limit,),
    )


def problems(connection: sqlite3.Connection, limit: int) -> Iterator[Row]:
    """Report, its reporter, domain and day, path, found and lost messages, newest first; no held ones."""
    return connection.execute(
        "SELECT p.report, o.name, r.policy_domain, r.day, p.path, p.found, p.messages "
        "FROM (SELECT * FROM problems WHERE path NOT LIKE 'held/%' ORDER BY id DESC LIMIT ?) p "
        "JOIN reports r ON r.id = p.report JOIN _reporters o ON o.id = r.reporter ORDER BY p.id DESC",
        (limit,),
    )


# From the problems, which are few: reports are many, and no index knows which are held.
_HELD = (
    "FROM problems p CROSS JOIN reports r ON r.id = p.report AND r.status = 'held' WHERE p.path LIKE 'held/%'"
)


def held(connection: sqlite3.Connection, limit: int) -> Iterator[Row]:
    """Report, reporter, domain, begin, end, messages, tier, why it is held and what was found."""
    return connection.execute(
        "SELECT r.id, (SELECT name FROM _reporters WHERE id = r.reporter), r.policy_domain, r.begin, r.end, "
        f"r.messages, r.tier, substr(p.path, 6), p.found {_HELD} ORDER BY r.id DESC LIMIT ?",
        (limit,),
    )


def held_reasons(connection: sqlite3.Connection) -> Iterator[Row]:
    """Reason and number of held reports, most first."""
    return connection.execute(f"SELECT substr(p.path, 6), count(*) {_HELD} GROUP BY 1 ORDER BY 2 DESC, 1")


def set_aside(connection: sqlite3.Connection) -> Iterator[Row]:
    """Kind, number of parts, and of those that could not be read, most first."""
    return connection.execute(
        "SELECT kind, count(*), count(problem) FROM set_aside GROUP BY kind ORDER BY 2 DESC, 1"
    )
