"""One domain's roll-ups as the values that the judge reads; the records are never touched."""

import sqlite3
from collections import defaultdict
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from dmarcwatch.history import History, PoolDay
from dmarcwatch.report import Grade, Tier
from dmarcwatch.streams import DomainDay, Label, Place, PlaceKind, SelectorUse, Stream, StreamDay

HORIZON_DAYS = 400
"""How far back stream days are read: the longest memory of a gate is two quarters, a label's half a year."""

_STREAM_DAYS = """
SELECT s.id, d.day, d.span_days, d.received_day, o.name, d.tier, d.grade, d.state, d.forwarded,
    d.messages, d.dmarc_pass, d.dkim_aligned, d.spf_aligned, d.both_aligned, d.unverified, d.indeterminate,
    d.unknown, d.listed, d.spared, d.quarantined, d.rejected
FROM streams s JOIN _stream_days d ON d.stream = s.key JOIN _reporters o ON o.id = d.reporter
WHERE s.policy_domain = ? AND d.day >= ? AND d.received_day <= ?"""
_DOMAIN_DAYS = """
SELECT policy_domain, day, span_days, received_day, reporter, tier, grade, p, sp, np, pct, t, adkim, aspf,
    reports, messages, unread_messages
FROM domain_days WHERE policy_domain = ? AND received_day <= ?"""
_SELECTORS = """
SELECT p.stream, s.selector, s.domain, sum(s.passed), sum(s.failed), min(s.day), max(s.day),
    max(CASE WHEN s.passed > s.failed THEN s.day END)
FROM _places p JOIN _selector_days s ON s.place = p.id
WHERE p.policy_domain = ? GROUP BY p.stream, s.domain, s.selector"""
_STREAMS = """
SELECT s.key, s.id, s.policy_domain, s.header_from, s.sender, s.place_kind, s.place, s.name, s.sender_type,
    (SELECT min(day) FROM _stream_days d WHERE d.stream = s.key),
    (SELECT max(day) FROM _stream_days d WHERE d.stream = s.key)
FROM streams s WHERE s.policy_domain = ?"""
_POOL = """
SELECT p.policy_domain, p.header_from, p.sender, p.kind, p.name, d.day, d.received_day, o.name, d.tier,
    sum(d.messages), sum(d.messages - d.dmarc_pass - d.indeterminate - d.unknown)
FROM _places p JOIN _pool_days d ON d.place = p.id JOIN _reporters o ON o.id = d.reporter
WHERE p.policy_domain = ? AND p.pooled AND d.received_day <= ?
AND (SELECT min(day) < max(day) FROM _pool_days WHERE place = p.id)
GROUP BY p.id, d.day, d.received_day, d.reporter, d.tier"""
_REJECTS = """
SELECT count(*) FROM rejects r JOIN items i ON i.id = r.item
WHERE i.source IN (SELECT i.source FROM items i JOIN reports p ON p.item = i.id WHERE p.policy_domain = ?)
AND ifnull(r.received_at, '') <= ?"""


def domains(connection: sqlite3.Connection) -> list[str]:
    """Every policy domain that a report spoke of, in alphabetical order."""
    rows = connection.execute("SELECT DISTINCT policy_domain FROM _domain_days ORDER BY 1")
    return [domain for (domain,) in rows]


def vouched_domains(connection: sqlite3.Connection) -> list[str]:
    """The policy domains with a report that somebody vouches for; all of them where there is none.

    Anybody may send reports on any domain: those must not stand in a list that nobody asked for, nor in the
    exit status of a command that judges them all.
    """
    rows = connection.execute(
        "SELECT DISTINCT policy_domain FROM _domain_days WHERE tier IN ('local', 'verified') ORDER BY 1"
    )
    return [domain for (domain,) in rows] or domains(connection)


def history(
    connection: sqlite3.Connection, domain: str, *, as_of: date, record: str | None = None
) -> History:
    """What had been received about `domain` by the end of `as_of`."""
    received = as_of.isoformat()
    since = (as_of - timedelta(days=HORIZON_DAYS)).isoformat()
    return History(
        domain=domain,
        streams=streams(connection, domain, as_of),
        stream_days=[_stream_day(row) for row in connection.execute(_STREAM_DAYS, (domain, since, received))],
        domain_days=[_domain_day(row) for row in connection.execute(_DOMAIN_DAYS, (domain, received))],
        pool=[_pool_day(row) for row in connection.execute(_POOL, (domain, received))],
        rejects=connection.execute(_REJECTS, (domain, f"{received}T24")).fetchone()[0],
        record=record,
    )


def current_labels(connection: sqlite3.Connection, as_of: date) -> dict[str, Label]:
    """The label in force for each stream on a day: the last one given, unless it expired or was withdrawn."""
    found = {}
    rows = connection.execute(
        "SELECT stream, word, given, expires, critical, every, note FROM labels "
        "WHERE given <= ? AND (withdrawn IS NULL OR withdrawn > ?) ORDER BY id",
        (as_of.isoformat(), as_of.isoformat()),
    )
    for stream, word, given, expires, critical, every, note in rows:
        label = Label(stream, word, _day(given), _day(expires), bool(critical), every, note)
        if label.expires >= as_of:
            found[stream] = label
    return found


def streams(connection: sqlite3.Connection, domain: str, as_of: date) -> tuple[Stream, ...]:
    """The domain's streams with their selectors and the labels in force on a day."""
    labels = current_labels(connection, as_of)
    uses: dict[int, list[SelectorUse]] = defaultdict(list)
    for key, *use in connection.execute(_SELECTORS, (domain,)):
        uses[key].append(_selector_use(*use))
    return tuple(
        Stream(
            id=identity,
            place=Place(policy_domain, header_from, sender, PlaceKind(kind), place),
            name=name,
            sender_type=sender_type,
            first_seen=_day(first),
            last_seen=_day(last),
            selectors=tuple(uses.get(key, ())),
            label=labels.get(identity),
        )
        for key, identity, policy_domain, header_from, sender, kind, place, name, sender_type, first, last
        in connection.execute(_STREAMS, (domain,))
        if first is not None
    )  # fmt: skip


def _selector_use(selector: str, signer: str, passed: int, failed: int, *days: str | None) -> SelectorUse:
    first, last, right = (_day(day) if day else None for day in days)
    assert first and last
    return SelectorUse(selector, signer, passed, failed, first, last, right)


@lru_cache(maxsize=8192)
def _day(text: str) -> date:
    return date.fromisoformat(text)


def _stream_day(row: tuple[Any, ...]) -> StreamDay:
    stream, day, span, received, reporter, tier, grade, state, forwarded, *counts = row
    return StreamDay(
        stream, _day(day), span, _day(received), reporter, _TIERS[tier], _GRADES[grade], state,
        bool(forwarded), *counts,
    )  # fmt: skip


def _domain_day(row: tuple[Any, ...]) -> DomainDay:
    domain, day, span, received, reporter, tier, grade, *policy = row
    policy[4] = None if policy[4] is None else bool(policy[4])
    return DomainDay(
        domain, _day(day), span, _day(received), reporter, _TIERS[tier], _GRADES[grade], *policy
    )  # fmt: skip


def _pool_day(row: tuple[Any, ...]) -> PoolDay:
    domain, header_from, sender, kind, name, day, received, reporter, tier, messages, failing = row
    place = Place(domain, header_from, sender, PlaceKind(kind), name)
    return PoolDay(place, _day(day), _day(received), reporter, _TIERS[tier], messages, failing)


_TIERS: dict[object, Tier] = {str(tier): tier for tier in Tier}
_GRADES: dict[object, Grade] = {str(grade): grade for grade in Grade}
