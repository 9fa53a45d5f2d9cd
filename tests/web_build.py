"""A database of the real schema, filled record by record, for what pages are tested on."""

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from dmarcwatch.readiness.explain import headline
from dmarcwatch.store.database import open_database, transaction
from dmarcwatch.store.rollup import add_stream, roll_up
from dmarcwatch.streams import Place, PlaceKind
from dmarcwatch.verdict import Verdict
from tests.database import feed

AS_OF = date(2026, 11, 20)


@dataclass(frozen=True, slots=True)
class Mail:
    """One kind of mail: where it comes from and how it authenticates."""

    place: Place
    name: str
    state: str
    ip: str
    legitimacy: str = "owned"
    sender_type: str = "transactional"
    dkim: tuple[tuple[str, str, str], ...] = ()
    """(d=, selector, result)."""
    spf: tuple[str, str] = ("", "none")
    """(domain, result)."""
    aligned: tuple[bool, bool] = (False, False)
    """By DKIM, by SPF."""
    outcome: str | None = None
    forwarded: bool = False
    reasons: tuple[tuple[str, str], ...] = ()
    disposition: str = "none"

    @property
    def dmarc(self) -> str:
        return self.outcome or ("pass" if any(self.aligned) else "fail")


@dataclass(frozen=True, slots=True)
class Sent:
    """Who reports on a day, and how far that is trusted."""

    reporter: str
    day: date
    tier: str = "verified"
    span_days: int = 1
    grade: str = "clean"


@dataclass
class Build:
    """Fills one database; `close` sums everything up."""

    path: Path
    domain: str = "example.com"
    policy: dict[str, object] = field(default_factory=lambda: {"p": "none"})
    _first: int | None = None
    _last: int = 0

    def __post_init__(self) -> None:
        self.database = open_database(self.path)
        self.connection: sqlite3.Connection = self.database.conn
        self.connection.execute("INSERT OR IGNORE INTO _sources (id, name) VALUES (1, 'reports')")
        self._ids: dict[tuple[str, object], int] = {}
        self._mails: dict[Mail, tuple[int, int]] = {}

    def run(self, **values: object) -> int:
        """A row of `runs`."""
        row = {"source": "reports", "started_at": f"{AS_OF}T04:00:00Z", "ended_at": f"{AS_OF}T04:00:02Z"}
        return self._insert("runs", {**row, **values})

    def item(self, origin: str, outcome: str = "stored", run: int | None = None) -> int:
        """A row of `items`."""
        digest = sha256(origin.encode()).hexdigest()
        row = {"source": 1, "run": run, "origin": origin, "token": origin, "sha256": digest, "size": 2048}
        row |= {"received_at": f"{AS_OF}T03:12:00Z", "local": 0, "outcome": outcome}
        return self._insert("items", row)

    def reject(self, reason: str, message: str, *, name: str = "", run: int | None = None) -> int:
        """An item that gave no report."""
        item = self.item(f"imap://mail.example.net/INBOX/;UID={self._count('items')}", "reject", run)
        digest, received = sha256(name.encode()).hexdigest(), f"{AS_OF}T03:12:00Z"
        row = {"item": item, "name": name, "origin": f"item {item}", "sha256": digest, "reason": reason}
        return self._insert("rejects", {**row, "message": message, "size": 2048, "received_at": received})

    def report(self, sent: Sent, mails: list[tuple[Mail, int]], **head: object) -> int:
        """A counted report with a record for each kind of mail."""
        begin, end = sent.day, sent.day + timedelta(days=sent.span_days)
        number = self._count("reports") + 1
        policy = {
            "p": None,
            "sp": None,
            "np": None,
            "pct": None,
            "testing": None,
            "adkim": None,
            "aspf": None,
        }
        row = policy | self.policy | {
            "org_name": sent.reporter, "org_email": f"dmarc@{sent.reporter}", "report_id": f"{number}",
            "begin": f"{begin}T00:00:00Z", "end": f"{end}T00:00:00Z", "policy_domain": self.domain,
            "dialect": "rfc7489", "grade": sent.grade, "tier": sent.tier, "origin": f"item of {number}",
            "received_at": f"{end}T03:00:00Z", "records": len(mails), "unread_messages": 0,
            "messages": sum(count for _, count in mails), "status": "counted",
            "reporter": self._id("_reporters", "name", sent.reporter), "day": str(sent.day),
            "span_days": sent.span_days, "received_day": str(end), "item": 0, "name": "report.xml",
            "sha256": f"{self.domain} {number}", "fingerprint": number,
        } | head  # fmt: skip
        self._policy(row)
        report = self._insert("reports", row | {"item": self.item(f"{self.domain} {number}")})
        for n, (mail, count) in enumerate(mails, start=1):
            self._record(report, n, mail, count)
        self._first = report if self._first is None else self._first
        self._last = report
        return report

    def problem(self, report: int, path: str, found: str, messages: int | None = None) -> None:
        """A part of a report that could not be used."""
        self._insert("problems", {"report": report, "path": path, "found": found, "messages": messages})

    def held(self, report: int, why: str, found: str) -> None:
        """A report cannot be what it says; before anything is summed up."""
        self.connection.execute("UPDATE reports SET status = 'held' WHERE id = ?", (report,))
        self.problem(report, f"held/{why}", found, 0)

    def aside(self, *documents: bytes) -> None:
        """Messages and JSON with TLS and failure reports, read as `fetch` reads them."""
        feed(self.database, *documents)

    def label(self, stream: str, word: str, **values: object) -> None:
        """What a person said about a stream."""
        row = {"given": str(AS_OF), "expires": str(AS_OF + timedelta(days=180)), "critical": 0, "note": ""}
        self._insert("labels", {"stream": stream, "word": word, **row, **values})

    def note(self, stream: str, note: dict[str, str]) -> None:
        """What was found of a stream; sums up first, as only then it has its row's totals."""
        self.sum_up()
        self.connection.execute(
            "UPDATE streams SET findings = ?, notes = ? WHERE id = ?",
            (json.dumps([note["word"]]), json.dumps([note]), stream),
        )

    def verdict(self, verdict: Verdict, **extra: object) -> None:
        """A verdict as `fetch` stores it."""
        document = verdict.as_dict() | {"headline": headline(verdict)} | extra
        row = {key: document[key] for key in ("domain", "as_of", "verdict", "because", "target")}
        row |= {"first_day": str(verdict.window[0]), "last_day": str(verdict.window[1])}
        row |= {"blockers": json.dumps(document["blockers"]), "thresholds": "{}"}
        self._insert("verdicts", row | {"given_at": f"{AS_OF}T04:00:00Z", "document": json.dumps(document)})

    def sum_up(self) -> None:
        """Bring roll-ups and the totals of `streams` up to date."""
        if self._first is None:
            return
        with transaction(self.connection):
            roll_up(self.connection, self._first, self._last)
            self.connection.execute(_TOTALS)
        self._first = None

    def close(self) -> Path:
        """The path, with everything summed up and the file closed."""
        self.sum_up()
        self.database.close()
        return self.path

    def _record(self, report: int, n: int, mail: Mail, count: int) -> None:
        if mail not in self._mails:
            self._mails[mail] = (self._evidence(mail), self._judgement(mail))
        address = self._id("_addresses", "ip", mail.ip)
        self.connection.execute(
            "INSERT INTO _records VALUES (?, ?, ?, ?, ?, ?)", (report, n, address, count, *self._mails[mail])
        )

    def _evidence(self, mail: Mail) -> int:
        row = {
            "digest": repr(mail).encode(), "header_from": mail.place.header_from,
            "envelope_from": mail.spf[0],
            "disposition": mail.disposition, "dkim_evaluated": _word(mail.aligned[0]),
            "spf_evaluated": _word(mail.aligned[1]),
            "reasons": json.dumps([{"type": word, "comment": text} for word, text in mail.reasons]),
            "dkim": json.dumps([{"domain": d, "selector": s, "result": r} for d, s, r in mail.dkim]),
            "spf": json.dumps([{"domain": mail.spf[0], "scope": "mfrom", "result": mail.spf[1]}]),
        }  # fmt: skip
        return self._insert("_evidence", row)

    def _judgement(self, mail: Mail) -> int:
        own = [each for each in mail.dkim if each[0].endswith(self.domain)]
        judgement = self._insert("_judgements", {
            "place": self._place(mail), "digest": repr(mail).encode(), "region": None, "state": mail.state,
            "forwarded": mail.forwarded, "flags": "[]", "dkim_aligned": mail.aligned[0],
            "spf_aligned": mail.aligned[1], "dmarc": mail.dmarc, "listed": bool(mail.reasons), "spared": 0,
            "authenticated": any(mail.aligned), "because": f"built as {mail.state}",
        })  # fmt: skip
        for domain, selector, result in own:
            self._insert("_judgement_selectors", {
                "judgement": judgement, "domain": domain, "selector": selector, "passed": result == "pass",
            })  # fmt: skip
        return judgement

    def _place(self, mail: Mail) -> int:
        key = ("place", mail.place)
        if key not in self._ids:
            stream = add_stream(self.connection, mail.place, name=mail.name, sender_type=mail.sender_type)
            self.connection.execute(
                "UPDATE streams SET legitimacy = ?, confidence = 0.9, because = ?, state = ?, "
                "findings = '[]' "
                "WHERE key = ? AND legitimacy IS NULL",
                (mail.legitimacy, f"built as {mail.legitimacy}", mail.state, stream),
            )
            self._ids[key] = self._insert("_places", {
                **mail.place._asdict(), "stream": stream, "pooled": mail.place.kind is PlaceKind.SCATTERED,
            })  # fmt: skip
        return self._ids[key]

    def _policy(self, head: dict[str, object]) -> None:
        values = tuple(head[name] for name in ("p", "sp", "np", "pct", "testing", "adkim", "aspf"))
        if ("policy", values) not in self._ids:
            names = ("p", "sp", "np", "pct", "t", "adkim", "aspf")
            self._ids["policy", values] = self._insert("_policies", dict(zip(names, values, strict=True)))

    def _id(self, table: str, column: str, value: str) -> int:
        if (table, value) not in self._ids:
            self.connection.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?)", (value,))
            found = self.connection.execute(f"SELECT id FROM {table} WHERE {column} = ?", (value,))
            self._ids[table, value] = found.fetchone()[0]
        return self._ids[table, value]

    def _required(self, table: str) -> list[str]:
        columns = self.connection.execute(f"PRAGMA table_info({table})").fetchall()
        return [
            name for _, name, _, required, default, key in columns if required and default is None and not key
        ]

    def _count(self, table: str) -> int:
        count: int = self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return count

    def _insert(self, table: str, row: dict[str, object]) -> int:
        # What a test says nothing about is 0, so that a new column of the store breaks no page's test.
        row = dict.fromkeys(self._required(table), 0) | row
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        cursor = self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*row.values()])
        assert cursor.lastrowid is not None
        return cursor.lastrowid


_TOTALS = """
UPDATE streams SET
    first_seen = t.first, last_seen = t.last, messages = t.messages, dmarc_pass = t.dmarc_pass,
    dkim_aligned = t.dkim_aligned, spf_aligned = t.spf_aligned, reporters = t.reporters
FROM (
    SELECT stream, min(day) AS first, max(day) AS last, sum(messages) AS messages,
        sum(dmarc_pass) AS dmarc_pass, sum(dkim_aligned) AS dkim_aligned, sum(spf_aligned) AS spf_aligned,
        count(DISTINCT reporter) AS reporters
    FROM _stream_days GROUP BY stream
) t WHERE t.stream = streams.key"""


def _word(aligned: bool) -> str:
    return "pass" if aligned else "fail"


def region(domain: str, name: str, header_from: str | None = None) -> Place:
    """An SES region of a domain."""
    return Place(domain, header_from or domain, "amazon-ses", PlaceKind.REGION, name)


def network(domain: str, name: str) -> Place:
    """A network of nobody we know."""
    return Place(domain, domain, "unknown", PlaceKind.NETWORK, name)


def scattered(domain: str) -> Place:
    """The pool of places that did not persist."""
    return Place(domain, domain, "unknown", PlaceKind.SCATTERED, "")
