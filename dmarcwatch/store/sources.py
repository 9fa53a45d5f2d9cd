"""Who sends as a domain: the rows of `streams`, ready to be shown."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

_COLUMNS = (
    "id", "policy_domain", "header_from", "sender", "name", "region", "state", "states", "findings", "notes",
    "legitimacy", "confidence", "because", "messages", "dmarc_pass", "dkim_aligned", "spf_aligned",
    "first_seen", "last_seen", "ips", "reporters",
)  # fmt: skip
_SOURCES = f"""
SELECT {", ".join(_COLUMNS)} FROM streams
WHERE messages > 0 AND (:domain IS NULL OR policy_domain = :domain)
ORDER BY policy_domain,
    CASE legitimacy WHEN 'owned' THEN 0 WHEN 'shadow' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END,
    dmarc_pass < 0.98 * messages DESC, messages DESC, id"""
_TIERS = """
SELECT s.id, d.tier, sum(d.messages) FROM streams s JOIN _stream_days d ON d.stream = s.key
WHERE :domain IS NULL OR s.policy_domain = :domain GROUP BY s.key, d.tier ORDER BY s.id, d.tier"""
_LATELY = """
SELECT s.id, d.state, sum(d.messages), sum(d.messages - d.dmarc_pass - d.indeterminate - d.unknown)
FROM streams s JOIN _stream_days d ON d.stream = s.key
WHERE (:domain IS NULL OR s.policy_domain = :domain) AND d.day > date(s.last_seen, :days)
    AND NOT d.forwarded AND d.state <> 'altered' AND d.tier IN ('local', 'verified')
GROUP BY s.key, d.state ORDER BY s.id, 4 DESC, d.state"""
_ADDRESSES = """
SELECT a.ip, sum(x.messages) AS messages FROM streams s
JOIN _places p ON p.stream = s.key JOIN _place_addresses x ON x.place = p.id
JOIN _addresses a ON a.id = x.address WHERE s.id = ? GROUP BY a.ip ORDER BY messages DESC, a.ip LIMIT ?"""
_DAYS = """
SELECT day, state, sum(messages) AS messages, sum(dmarc_pass) AS dmarc_pass FROM stream_days
WHERE stream = ? GROUP BY day, state ORDER BY day DESC, messages DESC, state LIMIT ?"""
_SELECTORS = """
SELECT d.selector, d.domain, sum(d.passed) AS passed, sum(d.failed) AS failed, min(d.day) AS first_seen,
    max(d.day) AS last_seen
FROM streams s JOIN _places p ON p.stream = s.key JOIN _selector_days d ON d.place = p.id
WHERE s.id = ? GROUP BY d.selector, d.domain
ORDER BY last_seen DESC, passed DESC, d.selector, d.domain LIMIT 20"""
_REPORTERS = """
SELECT reporter, tier, sum(messages) AS messages, max(day) AS last_day FROM stream_days
WHERE stream = ? GROUP BY reporter, tier ORDER BY messages DESC, reporter, tier"""


class Lately(NamedTuple):
    """What came directly: mail that others forwarded or altered is not for its sender to mend."""

    messages: int
    failing: Mapping[str, int]
    """State -> messages that fail DMARC, most first."""


NOT_SEEN = Lately(0, {})


def sources(connection: sqlite3.Connection, domain: str | None = None) -> list[dict[str, Any]]:
    """Every stream with messages as a plain row: the user's own that fail first, spoofing last."""
    rows = connection.execute(_SOURCES, {"domain": domain})
    found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    by_tier = tiers(connection, domain)
    for source in found:
        source["tiers"] = by_tier.get(source["id"], {})
        source["states"] = json.loads(source["states"] or "{}")
        source["findings"] = json.loads(source["findings"] or "[]")
        source["notes"] = json.loads(source["notes"] or "[]")
    return found


def lately(connection: sqlite3.Connection, domain: str | None, days: int) -> dict[str, Lately]:
    """The last days of each stream that trusted reports show, by its id."""
    messages, failing = Counter[str](), defaultdict[str, dict[str, int]](dict)
    for stream, state, seen, failed in connection.execute(
        _LATELY, {"domain": domain, "days": f"-{days} days"}
    ):
        messages[stream] += seen
        if failed:
            failing[stream][state] = failed
    return {stream: Lately(messages[stream], failing[stream]) for stream in messages}


def tiers(connection: sqlite3.Connection, domain: str | None = None) -> dict[str, dict[str, int]]:
    """Messages of each stream by how far their reports are trusted; without a domain, of all streams."""
    found: dict[str, dict[str, int]] = {}
    for stream, tier, messages in connection.execute(_TIERS, {"domain": domain}):
        found.setdefault(stream, {})[tier] = messages
    return found


def addresses(connection: sqlite3.Connection, stream: str, limit: int) -> list[dict[str, Any]]:
    """The addresses of a stream with their messages, most first."""
    return _rows(connection, _ADDRESSES, stream, limit)


def days(connection: sqlite3.Connection, stream: str, limit: int) -> list[dict[str, Any]]:
    """Messages of a stream by day and state, newest day first."""
    return _rows(connection, _DAYS, stream, limit)


def selectors(connection: sqlite3.Connection, stream: str) -> list[dict[str, Any]]:
    """The own signatures seen in a stream: messages whose signature verified and failed, and when."""
    return _rows(connection, _SELECTORS, stream)


def reporters(connection: sqlite3.Connection, stream: str) -> list[dict[str, Any]]:
    """Who reported on a stream, with how far they are trusted."""
    return _rows(connection, _REPORTERS, stream)


def _rows(connection: sqlite3.Connection, sql: str, *values: object) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
