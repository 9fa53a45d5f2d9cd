"""What stands in the database, as alerts look at it. Only trusted reports raise any (JUDGEMENT 5)."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dmarcwatch.alerts.values import (
    Block,
    Domain,
    Failing,
    Note,
    Policy,
    Rejected,
    Reporter,
    Scene,
    Sender,
)
from dmarcwatch.ses.remedy import Key
from dmarcwatch.store.mail_from import seen_mail_from

Configured = Callable[[str], Mapping[str, str] | None]
"""The tags of the record that the user configured for a domain."""

REGULAR_DAYS = 10
"""A reporter is regular after this many days within `REGULAR_WITHIN`."""
REGULAR_WITHIN = 60
LATELY = timedelta(days=2)
"""A source that nobody tried to read for so long is no longer of interest."""
_KEYS_SHOWN = 5

_TRUSTED = "tier IN ('local', 'verified')"
_VERDICTS = "SELECT document FROM verdicts WHERE id IN (SELECT max(id) FROM verdicts GROUP BY domain)"
_SENDERS = """
SELECT key, id, policy_domain, name, header_from, place, legitimacy, notes FROM streams
WHERE notes <> '[]' OR id IN (SELECT value FROM json_each(?)) ORDER BY id"""
_TOTALS = f"""
SELECT min(day), sum(messages), sum(dmarc_pass) FROM _stream_days
WHERE stream = ? AND NOT forwarded AND {_TRUSTED}"""
_RECENT = f"""
SELECT sum(messages), sum(dmarc_pass) FROM (
    SELECT sum(messages) AS messages, sum(dmarc_pass) AS dmarc_pass FROM _stream_days
    WHERE stream = ? AND NOT forwarded AND {_TRUSTED} GROUP BY day ORDER BY day DESC LIMIT 3)"""
_KEYS = """
SELECT d.selector, d.domain FROM _places p JOIN _selector_days d ON d.place = p.id
WHERE p.stream = ? AND d.selector <> '' GROUP BY d.selector, d.domain ORDER BY max(d.day) DESC LIMIT ?"""
_LAST_DAYS = f"""
SELECT DISTINCT day FROM _domain_days WHERE policy_domain = ? AND day <= ? AND {_TRUSTED}
ORDER BY day DESC LIMIT 2"""
_POLICIES = f"""
SELECT p, sp, np, pct, t, adkim, aspf, sum(reports) FROM domain_days
WHERE policy_domain = ? AND day = ? AND {_TRUSTED} GROUP BY 1, 2, 3, 4, 5, 6, 7"""
_REPORTERS = f"""
SELECT d.policy_domain, o.name, max(d.day), count(DISTINCT d.day), min(d.day)
FROM _domain_days d JOIN _reporters o ON o.id = d.reporter
WHERE d.day >= ? AND d.day <= d.received_day AND {_TRUSTED} GROUP BY 1, 2 ORDER BY 1, 2"""
_FAILING = """
WITH good AS (
    SELECT source, max(id) AS id, started_at FROM runs
    WHERE ended_at IS NOT NULL AND error IS NULL GROUP BY source),
lost AS (
    SELECT r.source, min(r.started_at) AS since, max(r.started_at) AS tried, good.started_at AS success,
        count(*) AS runs, max(r.id) AS last
    FROM runs r LEFT JOIN good ON good.source = r.source WHERE r.id > ifnull(good.id, 0) GROUP BY r.source)
SELECT lost.source, since, tried, success, lost.runs, error FROM lost JOIN runs r ON r.id = last ORDER BY 1"""
_LAST_SUCCESS = "SELECT max(started_at) FROM runs WHERE ended_at IS NOT NULL AND error IS NULL"
_REJECTS = """
SELECT reason, count(*), max(ifnull(received_at, '')), message FROM rejects GROUP BY reason ORDER BY reason"""
_TAGS = ("p", "sp", "np", "pct", "t", "adkim", "aspf")


def scene(connection: sqlite3.Connection, now: datetime, configured: Configured) -> Scene:
    """Everything as of `now`, after a run."""
    failing = [each for each in _failing(connection) if now - each.last_tried < LATELY]
    last = connection.execute(_LAST_SUCCESS).fetchone()[0]
    return Scene(
        today=now.date(),
        domains=tuple(_domains(connection, now.date(), configured)),
        reporters=tuple(each for each in _reporters(connection, now.date()) if each.days >= REGULAR_DAYS),
        failing=tuple(failing),
        rejected=tuple(_rejected(connection)),
        blind=bool(failing) or last is None or now - _moment(last) > LATELY,
    )


def clock_is_behind(connection: sqlite3.Connection, today: date) -> bool:
    """Whether two reporters have reported on days that this clock has yet to reach.

    A machine that starts without its clock set would find every reporter silent and every verdict another.
    """
    newest: dict[str, date] = {}
    for reporter in _reporters(connection, today):
        newest[reporter.name] = max(reporter.last_day, newest.get(reporter.name, date.min))
    return len([day for day in newest.values() if day > today + timedelta(days=1)]) > 1


def _domains(connection: sqlite3.Connection, today: date, configured: Configured) -> Iterator[Domain]:
    documents = [json.loads(document) for (document,) in connection.execute(_VERDICTS)]
    asked = {block["stream"] for each in documents for part in _PARTS for block in each[part]} - {None}
    senders: dict[str, list[Sender]] = defaultdict(list)
    for row in connection.execute(_SENDERS, (json.dumps(sorted(asked)),)).fetchall():
        made = _sender(connection, today, row)
        if made is not None:
            senders[row[2]].append(made)
    for document in documents:
        name = document["domain"]
        policy = _policy(connection, name, today, configured(name))
        yield _domain(document, tuple(senders[name]), policy)


_PARTS = ("blockers", "warnings")


def _domain(document: Mapping[str, Any], senders: tuple[Sender, ...], policy: Policy) -> Domain:
    blocks = {part: tuple(_block(each) for each in document[part]) for part in _PARTS}
    return Domain(
        name=document["domain"],
        as_of=document["as_of"],
        verdict=document["verdict"],
        target=document["target"],
        evidence=document["evidence"],
        blockers=blocks["blockers"],
        warnings=blocks["warnings"],
        next_record=document["next_record"],
        next_tags=document["next_tags"],
        days_needed=document["days_needed"],
        senders=senders,
        policy=policy,
    )


def _block(each: Mapping[str, Any]) -> Block:
    return Block(each["gate"], each["stream"], each["message"], tuple(each["fix"]), each["messages"])


def _sender(connection: sqlite3.Connection, today: date, row: tuple[Any, ...]) -> Sender | None:
    """The sender with its totals; None where only unverified reports speak of it."""
    key, identity, _, name, header_from, place, legitimacy, notes = row
    first, messages, passed = connection.execute(_TOTALS, (key,)).fetchone()
    if not messages:
        return None
    recent = connection.execute(_RECENT, (key,)).fetchone()
    return Sender(
        id=identity,
        name=name,
        header_from=header_from,
        place=place,
        legitimacy=legitimacy or "",
        first_seen=first,
        messages=messages,
        passed=passed,
        notes=tuple(
            Note(each["word"], each["since"], each["message"], each["severity"]) for each in json.loads(notes)
        ),
        keys=tuple(Key(*row) for row in connection.execute(_KEYS, (key, _KEYS_SHOWN))),
        mail_from=seen_mail_from(connection, identity, as_of=today),
        recent=(recent[0], recent[1]),
    )


def _policy(
    connection: sqlite3.Connection, domain: str, today: date, configured: Mapping[str, str] | None
) -> Policy:
    """What most reports of both of the last two days state, tag by tag."""
    days = [day for (day,) in connection.execute(_LAST_DAYS, (domain, today.isoformat()))]
    shown = [_votes(connection.execute(_POLICIES, (domain, day)).fetchall()) for day in days]
    if not shown:
        return Policy(configured=configured)
    agreed = {tag: value for tag, value in shown[0].items() if shown[-1].get(tag) == value}
    return Policy(agreed, date.fromisoformat(days[0]), configured)


def _votes(rows: list[tuple[Any, ...]]) -> dict[str, str]:
    """The value of each tag that most reports of a day state; reporters differ in what they leave out."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for *values, reports in rows:
        for tag, value in zip(_TAGS, values, strict=True):
            if value is not None:
                text = ("y" if value else "n") if tag == "t" else str(value)
                votes[tag][text] += reports
    return {tag: counter.most_common(1)[0][0] for tag, counter in votes.items()}


def _reporters(connection: sqlite3.Connection, today: date) -> Iterator[Reporter]:
    since = (today - timedelta(days=REGULAR_WITHIN)).isoformat()
    for domain, name, last, days, first in connection.execute(_REPORTERS, (since,)):
        first_day, last_day = date.fromisoformat(first), date.fromisoformat(last)
        yield Reporter(domain, name, last_day, days, (last_day - first_day).days + 1)


def _failing(connection: sqlite3.Connection) -> Iterator[Failing]:
    for source, since, tried, success, runs, error in connection.execute(_FAILING):
        last = _moment(success) if success else None
        yield Failing(source, _moment(since), _moment(tried), last, error or "it did not end", runs)


def _rejected(connection: sqlite3.Connection) -> Iterator[Rejected]:
    for reason, rejects, arrived, message in connection.execute(_REJECTS):
        yield Rejected(reason, rejects, arrived[:10] or "an unknown day", message)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
