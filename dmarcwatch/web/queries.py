"""Every statement the pages run. They read the roll-ups; records only for one stream's examples.

All take a read-only connection inside one transaction, so that what a page shows is of one moment though
a run may be writing. Days are ISO 8601 text, as the tables hold them.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

Row = Sequence[Any]

TRUSTED = "('local', 'verified')"
"""Tiers that count (JUDGEMENT 5)."""
_FAILING = "d.messages - d.dmarc_pass - d.indeterminate - d.unknown"
_DIRECT = "NOT (d.forwarded OR d.state = 'altered')"
"""Mail that nobody passed on; what a forwarder or list does to it is not the owner's to mend."""


class Span(NamedTuple):
    """First and last day, both included."""

    first: str
    last: str


# DISTINCT would read every day of every domain; this makes one step of the index for each domain.
_DOMAINS = """
WITH RECURSIVE d(name) AS (
    SELECT min(policy_domain) FROM _domain_days
    UNION ALL
    SELECT (SELECT min(policy_domain) FROM _domain_days WHERE policy_domain > d.name) FROM d
    WHERE d.name IS NOT NULL)
SELECT name FROM d WHERE name IS NOT NULL"""


def domains(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Every policy domain that a report speaks of, in order."""
    return tuple(name for (name,) in connection.execute(_DOMAINS))


def days_known(connection: sqlite3.Connection, domain: str) -> Row:
    """First and last day reported on a domain; both None if none is."""
    return _one(
        connection,
        "SELECT (SELECT min(day) FROM _domain_days WHERE policy_domain = :domain), "
        "(SELECT max(day) FROM _domain_days WHERE policy_domain = :domain)",
        {"domain": domain},
    )


def standings(connection: sqlite3.Connection) -> Iterator[Row]:
    """Domain, verdict and whether anything blocks, of each judged domain's newest verdict."""
    return connection.execute(
        "SELECT domain, verdict, blockers <> '[]' FROM verdicts "
        "WHERE id IN (SELECT max(id) FROM verdicts GROUP BY domain)"
    )


def documents(connection: sqlite3.Connection, names: Sequence[str]) -> Iterator[Row]:
    """Domain and document of the newest verdict of each of `names` that was judged."""
    return connection.execute(
        f"SELECT domain, document FROM verdicts WHERE id IN "
        f"(SELECT max(id) FROM verdicts WHERE domain IN ({_marks(names)}) GROUP BY domain)",
        tuple(names),
    )


def verdict(connection: sqlite3.Connection, domain: str) -> Row | None:
    """Document, window and moment of a domain's newest verdict; None if it was never judged."""
    found: Row | None = connection.execute(
        "SELECT document, first_day, last_day, given_at FROM verdicts WHERE domain = ? "
        "ORDER BY id DESC LIMIT 1",
        (domain,),
    ).fetchone()
    return found


def verdicts_given(connection: sqlite3.Connection, domain: str, span: Span) -> Iterator[Row]:
    """As_of and verdict, oldest first, of the last one given for each day."""
    return connection.execute(
        "SELECT as_of, verdict FROM verdicts WHERE id IN (SELECT max(id) FROM verdicts "
        "WHERE domain = ? AND as_of BETWEEN ? AND ? GROUP BY as_of) ORDER BY as_of",
        (domain, *span),
    )


def volumes(connection: sqlite3.Connection, names: Sequence[str], span: Span) -> Iterator[Row]:
    """Domain, day and messages of trusted reports."""
    return connection.execute(
        f"SELECT policy_domain, day, sum(messages) FROM _domain_days "
        f"WHERE policy_domain IN ({_marks(names)}) AND day BETWEEN ? AND ? AND tier IN {TRUSTED} "
        f"GROUP BY policy_domain, day",
        (*names, *span),
    )


def own_passing(connection: sqlite3.Connection, name: str, span: Span) -> Row:
    """A domain's own messages and those of them that passed DMARC; both None without any."""
    return _one(
        connection,
        f"SELECT sum(d.messages), sum(d.dmarc_pass) FROM streams s JOIN _stream_days d ON d.stream = s.key "
        f"WHERE s.policy_domain = ? AND s.legitimacy IN ('owned', 'shadow') AND d.day BETWEEN ? AND ? "
        f"AND {_DIRECT} AND d.tier IN {TRUSTED}",
        (name, *span),
    )


def last_days(connection: sqlite3.Connection, names: Sequence[str]) -> Iterator[Row]:
    """Domain and its last reported day."""
    return connection.execute(
        "SELECT value, (SELECT max(day) FROM _domain_days WHERE policy_domain = value) FROM json_each(?)",
        (json.dumps(names),),
    )


def published_by_day(connection: sqlite3.Connection, domain: str, span: Span) -> Iterator[Row]:
    """Day, p, sp, np, pct, t, adkim, aspf and how many trusted reports showed that policy."""
    return connection.execute(
        f"SELECT d.day, y.p, y.sp, y.np, y.pct, y.t, y.adkim, y.aspf, sum(d.reports) "
        f"FROM _domain_days d JOIN _policies y ON y.id = d.policy "
        f"WHERE d.policy_domain = ? AND d.day BETWEEN ? AND ? AND d.tier IN {TRUSTED} "
        f"GROUP BY d.day, y.id ORDER BY d.day",
        (domain, *span),
    )


# Stream by stream, because only within one stream do days lie in the order they are summed in: over all
# of them SQLite would sort every row first.
_TRAFFIC = f"""
SELECT d.day, sum(d.messages * {_DIRECT}), sum(d.dmarc_pass * {_DIRECT}), sum(({_FAILING}) * {_DIRECT}),
    sum(d.dkim_aligned * {_DIRECT}), sum(d.spf_aligned * {_DIRECT}), sum(d.messages),
    sum({_FAILING}), sum(d.dmarc_pass)
FROM _stream_days d WHERE d.stream = ? AND d.day BETWEEN ? AND ? AND d.tier IN {TRUSTED} GROUP BY d.day"""


def traffic(connection: sqlite3.Connection, domain: str, span: Span) -> Iterator[tuple[int, Row]]:
    """Each stream's key with one row for each of its days: what the charts of a domain are made of.

    Day; messages, dmarc_pass, failing, dkim_aligned, spf_aligned of direct mail; messages, failing and
    dmarc_pass of all mail. Trusted reports only.
    """
    keys = connection.execute("SELECT key FROM streams WHERE policy_domain = ?", (domain,)).fetchall()
    for (key,) in keys:
        for row in connection.execute(_TRAFFIC, (key, *span)):
            yield key, row


def evidence(connection: sqlite3.Connection, domain: str, span: Span) -> Iterator[Row]:
    """Stream key, indirect, adkim, aspf, From, dkim, spf and messages: reads records, the what-if's alone."""
    return connection.execute(
        f"SELECT p.stream, j.forwarded OR j.state = 'altered', x.adkim, x.aspf, e.header_from, e.dkim, "
        f"e.spf, x.messages FROM ("
        f"  SELECT r.adkim, r.aspf, c.judgement, c.evidence, sum(c.messages) AS messages "
        f"  FROM reports r JOIN _records c ON c.report = r.id WHERE r.policy_domain = ? "
        f"  AND r.status = 'counted' AND r.day BETWEEN ? AND ? AND r.tier IN {TRUSTED} "
        f"  GROUP BY 1, 2, 3, 4) x "
        f"JOIN _judgements j ON j.id = x.judgement JOIN _places p ON p.id = j.place "
        f"JOIN _evidence e ON e.id = x.evidence",
        (domain, *span),
    )


def untrusted(connection: sqlite3.Connection, domain: str, span: Span) -> int:
    """Messages of reports that do not count."""
    row = _one(
        connection,
        f"SELECT ifnull(sum(messages), 0) FROM _domain_days WHERE policy_domain = ? "
        f"AND day BETWEEN ? AND ? AND tier NOT IN {TRUSTED}",
        (domain, *span),
    )
    return int(row[0])


_STREAM = """
SELECT key, id, policy_domain, header_from, sender, place_kind, name, legitimacy, because, state, first_seen,
    last_seen, messages, dmarc_pass, notes, confidence FROM streams"""


def streams(connection: sqlite3.Connection, domain: str) -> Iterator[Row]:
    """The streams of a domain (columns: `_STREAM`), largest first."""
    return connection.execute(f"{_STREAM} WHERE policy_domain = ? ORDER BY messages DESC, id", (domain,))


def stream(connection: sqlite3.Connection, identity: str) -> Row | None:
    """One stream by its id; None if there is none."""
    found: Row | None = connection.execute(f"{_STREAM} WHERE id = ?", (identity,)).fetchone()
    return found


def stream_bounds(connection: sqlite3.Connection, key: int) -> Row:
    """First and last day of a stream in the roll-up, so that a stream not judged yet has them too."""
    return _one(
        connection,
        "SELECT (SELECT min(day) FROM _stream_days WHERE stream = :key), "
        "(SELECT max(day) FROM _stream_days WHERE stream = :key)",
        {"key": key},
    )


def stream_states(connection: sqlite3.Connection, key: int, span: Span) -> Iterator[Row]:
    """Day, state, forwarded, messages, dmarc_pass, dkim_aligned, spf_aligned of trusted reports."""
    return connection.execute(
        f"SELECT day, state, forwarded, sum(messages), sum(dmarc_pass), sum(dkim_aligned), sum(spf_aligned) "
        f"FROM _stream_days WHERE stream = ? AND day BETWEEN ? AND ? AND tier IN {TRUSTED} "
        f"GROUP BY day, state, forwarded ORDER BY day",
        (key, *span),
    )


def stream_reporters(connection: sqlite3.Connection, key: int, span: Span) -> Iterator[Row]:
    """Reporter, tier, messages, dmarc_pass, first and last day, most messages first."""
    return connection.execute(
        "SELECT o.name, d.tier, sum(d.messages), sum(d.dmarc_pass), min(d.day), max(d.day) "
        "FROM _stream_days d JOIN _reporters o ON o.id = d.reporter "
        "WHERE d.stream = ? AND d.day BETWEEN ? AND ? GROUP BY o.id, d.tier ORDER BY 3 DESC LIMIT 50",
        (key, *span),
    )


def stream_addresses(connection: sqlite3.Connection, key: int, limit: int) -> Iterator[Row]:
    """Address, messages over all time, and its host name where it was looked up; most messages first."""
    return connection.execute(
        "SELECT x.ip, x.messages, o.ptr FROM (SELECT a.ip, sum(x.messages) AS messages "
        "  FROM _places p JOIN _place_addresses x ON x.place = p.id JOIN _addresses a ON a.id = x.address "
        "  WHERE p.stream = ? GROUP BY a.id ORDER BY 2 DESC, a.ip LIMIT ?) x "
        "LEFT JOIN _operators o ON o.ip = x.ip ORDER BY 2 DESC, 1",
        (key, limit),
    )


def stream_selectors(connection: sqlite3.Connection, key: int) -> Iterator[Row]:
    """Domain, selector, passed, failed, first and last day of each own signature, most messages first."""
    return connection.execute(
        "SELECT d.domain, d.selector, sum(d.passed), sum(d.failed), min(d.day), max(d.day) "
        "FROM _places p JOIN _selector_days d ON d.place = p.id WHERE p.stream = ? "
        "GROUP BY d.domain, d.selector ORDER BY sum(d.passed + d.failed) DESC LIMIT 50",
        (key,),
    )


# One record for each judgement: the index of records by judgement ends in the report, so that each is one
# step, however many records a stream has.
_EXAMPLES = """
WITH j AS (
    SELECT j.id, j.state, j.because,
        (SELECT max(report) FROM _records WHERE judgement = j.id) AS report
    FROM _places p JOIN _judgements j ON j.place = p.id WHERE p.stream = ?
    ORDER BY 4 DESC LIMIT ?)
SELECT j.state, j.because, r.day, o.name, a.ip, c.messages, e.header_from, e.envelope_from, e.dkim, e.spf,
    e.reasons, j.report
FROM j
JOIN _records c ON c.report = j.report
    AND c.n = (SELECT min(n) FROM _records WHERE judgement = j.id AND report = j.report)
JOIN reports r ON r.id = j.report
JOIN _reporters o ON o.id = r.reporter
JOIN _evidence e ON e.id = c.evidence
LEFT JOIN _addresses a ON a.id = c.address
ORDER BY j.report DESC"""


def stream_examples(connection: sqlite3.Connection, key: int, limit: int) -> Iterator[Row]:
    """The newest record of each kind of mail in a stream (columns: `_EXAMPLES`)."""
    return connection.execute(_EXAMPLES, (key, limit))


def label(connection: sqlite3.Connection, identity: str, day: str) -> Row | None:
    """Word, given, expires, critical, every and note of the label in force on a day."""
    found: Row | None = connection.execute(
        "SELECT word, given, expires, critical, every, note FROM labels WHERE stream = :id AND given <= :day "
        "AND expires >= :day AND (withdrawn IS NULL OR withdrawn > :day) ORDER BY id DESC LIMIT 1",
        {"id": identity, "day": day},
    ).fetchone()
    return found


def _one(connection: sqlite3.Connection, sql: str, values: Any) -> Row:
    row: Row = connection.execute(sql, values).fetchone()
    return row


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)
