"""All that a database holds, without what another run of the same mail would number or time otherwise."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from dmarcwatch.store.tables import MEASURES

_CELL = "d.day, d.span_days, d.received_day, o.name, d.tier, d.grade, d.state, d.forwarded"
_MEASURES = ", ".join(f"d.{name}" for name in MEASURES)
_PLACE = "p.policy_domain, p.header_from, p.sender, p.kind, p.name"
_QUERIES = {
    "sources": "SELECT name, position FROM _sources",
    "items": """
        SELECT s.name, i.origin, i.token, i.sha256, i.size, i.received_at, i.local, i.from_domain,
            i.authserv_id, i.verified, i.outcome, i.settled
        FROM items i JOIN _sources s ON s.id = i.source""",
    "raw": "SELECT i.token, w.encoding, w.bytes FROM _raw w JOIN items i ON i.id = w.item",
    "rejects": """
        SELECT i.token, r.name, r.origin, r.sha256, r.reason, r.message, r.size, r.received_at
        FROM rejects r JOIN items i ON i.id = r.item""",
    "set aside": "SELECT i.token, a.kind, a.name, a.size FROM set_aside a JOIN items i ON i.id = a.item",
    "reports": """
        SELECT i.token, r.name, r.sha256, r.origin, r.received_at, r.org_name, r.org_email, r.report_id,
            r.begin, r.end, r.policy_domain, r.p, r.sp, r.np, r.pct, r.testing, r.adkim, r.aspf, r.fo,
            r.discovery_method, r.generator, r.extra_contact_info, r.errors, r.dialect, r.grade, r.tier,
            r.records, r.messages, r.unread_messages, r.status, o.name, r.day, r.span_days, r.received_day
        FROM reports r JOIN items i ON i.id = r.item JOIN _reporters o ON o.id = r.reporter""",
    "problems": """
        SELECT r.sha256, p.path, p.found, p.messages FROM problems p JOIN reports r ON r.id = p.report""",
    "records": "SELECT r.sha256, c.* FROM records c JOIN reports r ON r.id = c.report",
    "streams": "SELECT * FROM streams",
    "pool": f"""
        SELECT {_PLACE}, {_CELL}, {_MEASURES} FROM _pool_days d
        JOIN _places p ON p.id = d.place JOIN _reporters o ON o.id = d.reporter""",
    "places": f"SELECT {_PLACE}, p.pooled > 0, s.id FROM _places p JOIN streams s ON s.key = p.stream",
    "selectors": f"""
        SELECT {_PLACE}, d.domain, d.selector, d.day, d.passed, d.failed
        FROM _selector_days d JOIN _places p ON p.id = d.place""",
    "place addresses": f"""
        SELECT {_PLACE}, a.ip, x.messages FROM _place_addresses x
        JOIN _places p ON p.id = x.place JOIN _addresses a ON a.id = x.address""",
    "verdicts": "SELECT domain, as_of, document FROM verdicts WHERE id IN (SELECT max(id) FROM verdicts "
    "GROUP BY domain, as_of)",
}
_NUMBERS = frozenset({"report", "key"})
"""Columns that only number."""

Contents = dict[str, list[str]]
"""Sorted rows as text, by what they tell of."""


def contents(path: Path, *, without: str = "") -> Contents:
    """The contents of a database; the text `without`, such as a folder, is taken out of every value."""
    with closing(sqlite3.connect(path)) as connection:
        views = connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")
        queries = {name: f"SELECT * FROM {name}" for (name,) in views} | _QUERIES
        return {name: _rows(connection, sql, without) for name, sql in queries.items()}


def differences(one: Contents, other: Contents) -> list[str]:
    """What only one of two databases holds, a few rows of each kind."""
    found = []
    for name, rows in one.items():
        for sign, mine, theirs in (("-", rows, other[name]), ("+", other[name], rows)):
            left = _less(mine, theirs)
            found += [f"{sign} {name}: {row[:400]}" for row in left[:3]]
            found += [f"{sign} {name}: {len(left) - 3} more"] if len(left) > 3 else []
    return found


def _rows(connection: sqlite3.Connection, sql: str, without: str) -> list[str]:
    cursor = connection.execute(sql)
    kept = [index for index, column in enumerate(cursor.description) if column[0] not in _NUMBERS]

    def plain(value: object) -> object:
        if isinstance(value, bytes):
            return value.hex()
        return value.replace(without, "") if without and isinstance(value, str) else value

    return sorted(json.dumps([plain(row[index]) for index in kept]) for row in cursor)


def _less(rows: list[str], others: list[str]) -> list[str]:
    """The rows that `others` has not, or not as often."""
    return sorted((Counter(rows) - Counter(others)).elements())
