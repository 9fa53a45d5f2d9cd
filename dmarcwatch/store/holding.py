"""Which reports are held, and why: what the database knows beside a report, put to the rules of `plausible`.

The reason is a row of `problems` whose path begins with `held/`, so that it goes where its report goes. What
a person lets through is kept by content and outlives a rebuild.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from dmarcwatch.errors import ConfigError
from dmarcwatch.plausible import SURGE_MESSAGES, VOUCHED, Held, Known, Told, implausible, impossible
from dmarcwatch.policy import DmarcRecord
from dmarcwatch.prepared import Row
from dmarcwatch.report import Policy, Report, Tier
from dmarcwatch.store.heads import stored_report
from dmarcwatch.store.identity import Candidate
from dmarcwatch.streams import covered

PATH = "held/"
"""What the path of a problem begins with that holds its report."""
_POLICY_DAYS = 3
"""Days before and after a report whose policies are its own time's: caches, and reports over midnight."""
_USUAL_REPORTS = 50

_RELEASED = "SELECT 1 FROM _released WHERE sha256 = ?"
_POLICIES = """
SELECT DISTINCT y.p FROM _domain_days d JOIN _policies y ON y.id = d.policy
WHERE d.policy_domain = ? AND d.day BETWEEN ? AND ? AND d.tier IN ('local', 'verified') AND y.p IS NOT NULL"""
_LOOKED_UP = "SELECT record FROM published WHERE domain = ? AND record IS NOT NULL"
_USUAL = """
SELECT messages FROM reports
WHERE policy_domain = ? AND reporter = ? AND status IN ('counted', 'pruned') AND id <> ?
ORDER BY begin DESC LIMIT ?"""
_ADDRESSES = """
SELECT a.ip, sum(c.messages) FROM _records c JOIN _addresses a ON a.id = c.address
WHERE c.report = ? GROUP BY a.id"""
_JUDGEMENTS = "SELECT DISTINCT judgement FROM _records WHERE report = ?"
_PASSING = """
SELECT DISTINCT domain, selector FROM _judgement_selectors
WHERE judgement IN (SELECT value FROM json_each(?)) AND passed AND selector <> ''"""
_SELECTOR_SEEN = "SELECT 1 FROM _selector_days WHERE domain = ? AND selector = ? AND passed LIMIT 1"
_ANY_SELECTOR = "SELECT 1 FROM _selector_days WHERE domain = ? AND selector <> '' AND passed LIMIT 1"
_HELD = """
SELECT r.id, r.received_at, o.name AS reporter, r.policy_domain, r.begin, r.end, r.messages, r.tier,
    substr(p.path, 6) AS why, p.found
FROM reports r JOIN _reporters o ON o.id = r.reporter
JOIN problems p ON p.report = r.id AND p.path LIKE 'held/%'
WHERE r.status = 'held' ORDER BY r.id DESC"""
_REASONS = """
SELECT substr(p.path, 6) AS why, count(*) AS reports FROM reports r
JOIN problems p ON p.report = r.id AND p.path LIKE 'held/%'
WHERE r.status = 'held' GROUP BY 1 ORDER BY 2 DESC, 1"""


class Contents(NamedTuple):
    """What the records of a report say, as far as the rules ask."""

    addresses: Counter[str]
    """Messages by source address."""
    judgements: set[int]
    """Their ids."""

    def noting(self, rows: Iterable[Row], judgements: Sequence[int], tier: Tier) -> Iterator[Row]:
        """The same records, of which this takes note; `judgements` are the ids behind their numbers.

        Addresses are asked of reports that nobody vouches for alone, and a large report has many.
        """
        asked = tier not in VOUCHED
        for row in rows:
            ip, messages, _, judgement = row
            # Roll-ups know nothing of records without messages, and `Recent` stands in for them.
            if messages or asked:
                self.judgements.add(judgements[judgement])
            if asked and ip:
                self.addresses[ip] += messages
            yield row


class Asked(NamedTuple):
    """A report about which is asked whether it counts."""

    told: Told
    candidate: Candidate
    sha256: str
    """Of its document."""
    contents: Contents


class Recent:
    """What reports that count, and that somebody vouches for, showed since the roll-ups were last brought up.

    Bringing them up for each report that nobody vouches for would cost a fifth of a run.
    """

    def __init__(self) -> None:
        self._policies: list[tuple[str, date, Policy]] = []
        self._judgements: set[int] = set()
        """Those that were not asked about yet."""
        self._passing: set[tuple[str, str]] = set()

    def take(self, report: Report, contents: Contents) -> None:
        """Take note of a report."""
        policy = report.policy
        if policy.p is not None:
            self._policies.append((policy.domain, covered(report.begin, report.end)[0], policy.p))
        self._judgements |= contents.judgements

    def clear(self) -> None:
        """The roll-ups hold it all now."""
        self._policies.clear()
        self._judgements.clear()
        self._passing.clear()

    def policies(self, domain: str, first: date, last: date) -> list[str]:
        """The values of `p` that a domain showed on these days."""
        return [p for name, day, p in self._policies if name == domain and first <= day <= last]

    def passing(self, connection: sqlite3.Connection) -> set[tuple[str, str]]:
        """Domain and selector of the signatures that passed."""
        if self._judgements:
            self._passing.update(_passing(connection, self._judgements))
            self._judgements.clear()
        return self._passing


def held(connection: sqlite3.Connection, asked: Asked, recent: Recent) -> Held | None:
    """Why a report is held; None where it counts or a person let it through.

    The selectors of its and of `recent` judgements must be stored; so must all reports before one of more
    than `SURGE_MESSAGES`.
    """
    found = impossible(asked.told)
    if found is None and asked.told.tier not in VOUCHED:
        found = implausible(asked.told, _known(connection, asked, recent))
    if found is None or connection.execute(_RELEASED, (asked.sha256,)).fetchone():
        return None
    return found


def stored(connection: sqlite3.Connection, report: int) -> Asked:
    """What is asked about a report that is there."""
    reporter, fingerprint, tier, records, received_at, messages, sha256 = connection.execute(
        "SELECT reporter, fingerprint, tier, records, received_at, messages, sha256 FROM reports "
        "WHERE id = ?",
        (report,),
    ).fetchone()
    told = Told(stored_report(connection, report), Tier(tier), datetime.fromisoformat(received_at), messages)
    judgements = {judgement for (judgement,) in connection.execute(_JUDGEMENTS, (report,))}
    contents = Contents(Counter(dict(connection.execute(_ADDRESSES, (report,)).fetchall())), judgements)
    return Asked(told, Candidate(report, reporter, fingerprint, told.tier, records), sha256, contents)


def has_records(connection: sqlite3.Connection, report: int) -> bool:
    """Whether the records of a report are all still there: they go when they are old."""
    return _any(
        connection,
        "SELECT 1 FROM reports WHERE id = ? AND (records = 0 OR EXISTS "
        "(SELECT 1 FROM _records c WHERE c.report = reports.id))",
        report,
    )


def note(connection: sqlite3.Connection, report: int, found: Held) -> None:
    """Write down why a report is held."""
    connection.execute(
        "INSERT INTO problems (report, path, found, messages) VALUES (?, ?, ?, 0)",
        (report, f"{PATH}{found.why}", found.found),
    )


def forget(connection: sqlite3.Connection, report: int) -> None:
    """A report is no longer held."""
    connection.execute("DELETE FROM problems WHERE report = ? AND path LIKE 'held/%'", (report,))


def held_reports(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every held report with its reason, newest first."""
    return _rows(connection, _HELD)


def held_reasons(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """How many reports are held for each reason, most first."""
    return _rows(connection, _REASONS)


def release(connection: sqlite3.Connection, report: int, *, now: datetime) -> None:
    """Remember that a person lets a held report through.

    Raises ConfigError where it is not held, and where nothing of it is left to count.
    """
    row = connection.execute("SELECT sha256, status FROM reports WHERE id = ?", (report,)).fetchone()
    if row is None or row[1] != "held":
        raise ConfigError(
            [f"Report {report} is not held."], hint="`dmarcwatch rejects --held` lists those that are."
        )
    if not has_records(connection, report):
        raise ConfigError(
            [f"Report {report} cannot count any more: its records are not in this database."],
            hint="`prune` removed them, or it came by `import`, which brings sums alone.",
        )
    connection.execute(
        "INSERT INTO _released VALUES (?, ?) ON CONFLICT DO NOTHING",
        (row[0], now.strftime("%Y-%m-%dT%H:%M:%SZ")),
    )


def _known(connection: sqlite3.Connection, asked: Asked, recent: Recent) -> Known:
    claimed = _passing(connection, asked.contents.judgements)
    lately = recent.passing(connection) if claimed else set()
    named = {domain for domain, _ in lately}
    return Known(
        policies=frozenset(_policies(connection, asked.told, recent)),
        usual=_usual(connection, asked.told, asked.candidate),
        addresses=asked.contents.addresses,
        passing_selectors=frozenset(selector for _, selector in claimed),
        seen_selectors=frozenset(
            pair[1] for pair in claimed if pair in lately or _any(connection, _SELECTOR_SEEN, *pair)
        ),
        any_selector_seen=any(
            domain in named or _any(connection, _ANY_SELECTOR, domain) for domain in {d for d, _ in claimed}
        ),
    )


def _passing(connection: sqlite3.Connection, judgements: set[int]) -> list[tuple[str, str]]:
    return connection.execute(_PASSING, (json.dumps(list(judgements)),)).fetchall()


def _usual(connection: sqlite3.Connection, told: Told, candidate: Candidate) -> list[int]:
    """What the reporter told lately of the domain; fewer messages are no surge, whatever that was."""
    if told.messages <= SURGE_MESSAGES:
        return []
    values = (told.report.policy.domain, candidate.reporter, candidate.id, _USUAL_REPORTS)
    return [messages for (messages,) in connection.execute(_USUAL, values)]


def _policies(connection: sqlite3.Connection, told: Told, recent: Recent) -> Iterator[str]:
    """What was published about the time of the report, as vouched-for reports and look-ups showed it."""
    domain, around = told.report.policy.domain, timedelta(days=_POLICY_DAYS)
    first, last = (told.report.begin - around).date(), (told.report.end + around).date()
    rows = connection.execute(_POLICIES, (domain, first.isoformat(), last.isoformat()))
    seen = [policy for (policy,) in rows] + recent.policies(domain, first, last)
    yield from seen
    if seen:
        # A look-up alone tells of its own moment, and the policy may have changed since.
        yield from _looked_up(connection, domain)


def _looked_up(connection: sqlite3.Connection, domain: str) -> Iterator[str]:
    for (text,) in connection.execute(_LOOKED_UP, (domain,)):
        with suppress(ConfigError):  # What stands in DNS may be no record.
            policy = DmarcRecord.parse(text).policy("p")
            if policy is not None:
                yield str(policy)


def _any(connection: sqlite3.Connection, sql: str, *values: object) -> bool:
    return connection.execute(sql, values).fetchone() is not None


def _rows(connection: sqlite3.Connection, sql: str, *values: object) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
