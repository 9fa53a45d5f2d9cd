"""What trusted reports showed of one domain lately: the names and addresses that `check` asks about."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from dmarcwatch.sightings import (
    FindingSeen,
    NetworkSeen,
    ReturnPathSeen,
    SelectorSeen,
    Sightings,
    StateSeen,
)

SEEN_DAYS = 62
"""How far back names are asked about: a monthly run is seen twice, a selector retired in spring is not."""
_ADDRESSES = 3
"""Addresses shown of a network."""

# One pass over the domain's records of the span; what follows reads its few groups only.
_GROUPS = """
SELECT c.judgement, c.evidence, sum(c.messages), min(r.day), max(r.day)
FROM reports r CROSS JOIN _records c ON c.report = r.id
WHERE r.policy_domain = ? AND r.day > ? AND r.day <= ? AND r.status = 'counted'
    AND r.tier IN ('local', 'verified')
GROUP BY c.judgement, c.evidence"""
_JUDGEMENTS = """
SELECT j.id, p.sender, j.region FROM _judgements j JOIN _places p ON p.id = j.place
WHERE p.policy_domain = ?"""
_SELECTORS = """
SELECT s.judgement, s.domain, s.selector, s.passed FROM _judgement_selectors s
JOIN _judgements j ON j.id = s.judgement JOIN _places p ON p.id = j.place
WHERE p.policy_domain = ? AND s.selector <> ''"""
_STATES = """
SELECT s.header_from, s.place, d.state, sum(d.messages), min(d.day), max(d.day)
FROM streams s JOIN _stream_days d ON d.stream = s.key
WHERE s.policy_domain = ? AND s.sender = 'amazon-ses' AND d.day > ? AND d.day <= ? AND NOT d.forwarded
    AND d.tier IN ('local', 'verified')
GROUP BY s.header_from, s.place, d.state ORDER BY s.header_from, s.place, sum(d.messages) DESC, d.state"""
_FINDINGS = """
SELECT header_from, place, notes FROM streams
WHERE policy_domain = ? AND sender = 'amazon-ses' AND last_seen > ? ORDER BY header_from, place"""
_NETWORKS = """
SELECT key, place, header_from, messages FROM streams
WHERE policy_domain = ? AND place_kind = 'network' AND legitimacy = 'unknown' AND last_seen > ?
ORDER BY messages DESC, id"""
_NETWORK_ADDRESSES = """
SELECT a.ip FROM _places p JOIN _place_addresses x ON x.place = p.id JOIN _addresses a ON a.id = x.address
WHERE p.stream = ? ORDER BY x.messages DESC, a.ip LIMIT ?"""
_SES_ADDRESSES = """
SELECT DISTINCT a.ip FROM _places p
JOIN _place_addresses x ON x.place = p.id JOIN _addresses a ON a.id = x.address
WHERE p.policy_domain = ? AND p.sender = 'amazon-ses'"""

_POLICY = """
SELECT p FROM domain_days WHERE policy_domain = ? AND day > ? AND day <= ? AND tier IN ('local', 'verified')
GROUP BY day, p ORDER BY day DESC, sum(reports) DESC, p LIMIT 1"""


class _Group(NamedTuple):
    """Records that are alike: one judgement of one evidence."""

    judgement: int
    evidence: int
    messages: int
    first: date
    last: date


def sightings(connection: sqlite3.Connection, domain: str, *, as_of: date) -> Sightings:
    """What trusted reports of the last 62 days showed of the policy domain `domain`."""
    after, until = (as_of - timedelta(days=SEEN_DAYS)).isoformat(), as_of.isoformat()
    groups = [
        _Group(judgement, evidence, messages, date.fromisoformat(first), date.fromisoformat(last))
        for judgement, evidence, messages, first, last in connection.execute(_GROUPS, (domain, after, until))
    ]
    senders = {row[0]: (row[1], row[2]) for row in connection.execute(_JUDGEMENTS, (domain,))}
    return Sightings(
        since=min((group.first for group in groups), default=None),
        until=max((group.last for group in groups), default=None),
        selectors=tuple(_selectors(connection, domain, groups, senders)),
        return_paths=tuple(_return_paths(connection, groups, senders)),
        states=tuple(_state(row) for row in connection.execute(_STATES, (domain, after, until))),
        findings=tuple(_findings(connection.execute(_FINDINGS, (domain, after)))),
        networks=tuple(_networks(connection, domain, after)),
        ses_addresses=frozenset(ip for (ip,) in connection.execute(_SES_ADDRESSES, (domain,))),
        policy=next((p for (p,) in connection.execute(_POLICY, (domain, after, until))), None),
    )


_Senders = dict[int, tuple[str, str | None]]


def _selectors(
    connection: sqlite3.Connection, domain: str, groups: Iterable[_Group], senders: _Senders
) -> list[SelectorSeen]:
    signatures: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for judgement, signer, selector, passed in connection.execute(_SELECTORS, (domain,)):
        signatures[judgement].append((signer, selector, passed))
    found: dict[tuple[str, str, str, str | None], SelectorSeen] = {}
    for group in groups:
        for signer, selector, passed in signatures[group.judgement]:
            key = (signer, selector, *senders[group.judgement])
            counts = (group.messages * passed, group.messages * (1 - passed))
            known = found.get(key, SelectorSeen(*key, 0, 0, group.first, group.last))
            found[key] = SelectorSeen(
                *key,
                known.passed + counts[0],
                known.failed + counts[1],
                min(known.first_seen, group.first),
                max(known.last_seen, group.last),
            )
    return sorted(
        found.values(), key=lambda seen: (seen.domain, seen.selector, seen.sender, seen.region or "")
    )


def _return_paths(
    connection: sqlite3.Connection, groups: list[_Group], senders: _Senders
) -> list[ReturnPathSeen]:
    results = _spf_results(connection, {group.evidence for group in groups})
    found: dict[tuple[str, str, str | None], ReturnPathSeen] = {}
    for group in groups:
        for path, passes in results[group.evidence]:
            key = (path, *senders[group.judgement])
            known = found.get(key, ReturnPathSeen(*key, 0, 0, group.first, group.last))
            found[key] = ReturnPathSeen(
                *key,
                known.messages + group.messages,
                known.passed + group.messages * passes,
                min(known.first_seen, group.first),
                max(known.last_seen, group.last),
            )
    return [found[key] for key in sorted(found, key=_in_words)]


def _in_words(key: tuple[str | None, ...]) -> tuple[str, ...]:
    return tuple(word or "" for word in key)


def _spf_results(connection: sqlite3.Connection, wanted: set[int]) -> dict[int, list[tuple[str, bool]]]:
    """Return path and whether SPF passed, by evidence; HELO results speak of a host and not of a path."""
    found: dict[int, list[tuple[str, bool]]] = {}
    for identity in wanted:
        row = connection.execute("SELECT spf FROM _evidence WHERE id = ?", (identity,)).fetchone()
        results: list[dict[str, Any]] = json.loads(row[0])
        paths = {each["domain"] for each in results if each["domain"] and each["scope"] != "helo"}
        found[identity] = [
            (path, any(each["result"] == "pass" for each in results if each["domain"] == path))
            for path in sorted(paths)
        ]
    return found


def _state(row: tuple[Any, ...]) -> StateSeen:
    header_from, region, state, messages, first, last = row
    return StateSeen(
        header_from, region, state, messages, date.fromisoformat(first), date.fromisoformat(last)
    )


def _findings(rows: Iterable[tuple[str, str, str | None]]) -> list[FindingSeen]:
    return [
        FindingSeen(header_from, region, note["word"], note["since"], note["message"])
        for header_from, region, notes in rows
        for note in json.loads(notes or "[]")
    ]


def _networks(connection: sqlite3.Connection, domain: str, after: str) -> list[NetworkSeen]:
    streams = connection.execute(_NETWORKS, (domain, after)).fetchall()
    return [
        NetworkSeen(
            network,
            header_from,
            messages,
            tuple(ip for (ip,) in connection.execute(_NETWORK_ADDRESSES, (key, _ADDRESSES))),
        )
        for key, network, header_from, messages in streams
    ]
