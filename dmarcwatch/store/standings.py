"""What is judged about streams and domains, written for those who query: `streams` and `verdicts`."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from dmarcwatch.findings import Finding
from dmarcwatch.readiness.explain import headline
from dmarcwatch.thresholds import Thresholds
from dmarcwatch.verdict import Verdict

_TOTALS = """
UPDATE streams SET (first_seen, last_seen, messages, dmarc_pass, dkim_aligned, spf_aligned, reporters) = (
    SELECT min(day), max(day), sum(messages), sum(dmarc_pass), sum(dkim_aligned), sum(spf_aligned),
        count(DISTINCT reporter)
    FROM _stream_days d WHERE d.stream = streams.key),
  ips = (SELECT count(*) FROM _places p JOIN _place_addresses a ON a.place = p.id
    WHERE p.stream = streams.key)
WHERE policy_domain = ?"""
_STATES = """
SELECT s.id, d.state, sum(d.messages) FROM streams s JOIN _stream_days d ON d.stream = s.key
WHERE s.policy_domain = ? GROUP BY s.id, d.state ORDER BY s.id, sum(d.messages) DESC, d.state"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was judged of one stream."""

    legitimacy: str
    confidence: float
    """0..1"""
    because: str
    findings: tuple[Finding, ...] = ()


def write_standings(connection: sqlite3.Connection, domain: str, standings: Mapping[str, Judged]) -> None:
    """Bring the domain's rows of `streams` up to date, within an open transaction."""
    connection.execute(_TOTALS, (domain,))
    states: dict[str, dict[str, int]] = defaultdict(dict)
    for stream, state, messages in connection.execute(_STATES, (domain,)):
        states[stream][state] = messages
    connection.executemany(
        "UPDATE streams SET legitimacy = ?, confidence = ?, because = ?, findings = ?, notes = ?, "
        "state = ?, states = ? WHERE id = ?",
        [
            (
                judged.legitimacy,
                judged.confidence,
                judged.because,
                json.dumps([finding.word for finding in judged.findings]),
                json.dumps([_note(finding) for finding in judged.findings], ensure_ascii=False),
                next(iter(states[stream]), None),
                json.dumps(states[stream]),
                stream,
            )
            for stream, judged in standings.items()
        ],
    )


def _note(finding: Finding) -> dict[str, str]:
    return {
        "word": finding.word,
        "since": finding.since.isoformat(),
        "message": finding.message,
        "severity": finding.severity,
    }


def write_verdict(
    connection: sqlite3.Connection, verdict: Verdict, *, given_at: datetime, thresholds: Thresholds
) -> None:
    """Keep a verdict with all it rested on; one that says the same on the same day is kept once."""
    # Its sentence too, so that a page repeats what was said and does not word an old answer anew.
    document = json.dumps(verdict.as_dict() | {"headline": headline(verdict)}, ensure_ascii=False)
    last = connection.execute(
        "SELECT id, document FROM verdicts WHERE domain = ? AND as_of = ? ORDER BY id DESC LIMIT 1",
        (verdict.domain, verdict.as_of.isoformat()),
    ).fetchone()
    if last and last[1] == document:
        return
    connection.execute(
        "INSERT INTO verdicts (domain, as_of, given_at, verdict, because, target, first_day, last_day, "
        "blockers, thresholds, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (verdict.domain, verdict.as_of.isoformat(), given_at.strftime("%Y-%m-%dT%H:%M:%SZ"), verdict.verdict,
         verdict.because, verdict.target, *(day.isoformat() for day in verdict.window),
         json.dumps([blocker.as_dict() for blocker in verdict.blockers], ensure_ascii=False),
         json.dumps(asdict(thresholds)), document),
    )  # fmt: skip


def last_verdicts(connection: sqlite3.Connection, domains: Sequence[str], as_of: date) -> dict[str, Any]:
    """The newest stored verdict of each domain given for `as_of`, as its JSON object; none where none was."""
    found = {}
    for domain in domains:
        row = connection.execute(
            "SELECT document FROM verdicts WHERE domain = ? AND as_of = ? ORDER BY id DESC LIMIT 1",
            (domain, as_of.isoformat()),
        ).fetchone()
        if row:
            found[domain] = json.loads(row[0])
    return found


def verdict_history(connection: sqlite3.Connection, domain: str) -> list[dict[str, Any]]:
    """Every verdict given on a domain, oldest first, as JSON objects."""
    rows = connection.execute(
        "SELECT given_at, document FROM verdicts WHERE domain = ? ORDER BY id", (domain,)
    )
    return [{"given_at": given_at, **json.loads(document)} for given_at, document in rows]
