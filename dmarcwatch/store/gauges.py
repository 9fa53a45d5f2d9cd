"""What monitoring asks of the database, as metrics; only roll-ups and small tables are read."""

import json
import sqlite3
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dmarcwatch.metrics import Metric, Sample
from dmarcwatch.store import announced
from dmarcwatch.store.database import size_bytes
from dmarcwatch.store.status import silent_reporters
from dmarcwatch.verdict import Answer

WINDOW_DAYS = 30
"""The window of message counts: that of the verdict on quarantine."""
LATE_DAYS = 2
"""Reports of yesterday are still under way."""

_RUNS = """
SELECT s.name, r.started_at, r.ended_at, r.error, r.rejects,
    (SELECT max(ended_at) FROM runs w WHERE w.source = s.name AND w.error IS NULL)
FROM _sources s JOIN runs r ON r.id = (SELECT max(id) FROM runs w WHERE w.source = s.name) ORDER BY s.name"""
_REPORTS = """
SELECT policy_domain, sum(reports), max(day) FROM domain_days WHERE tier IN ('local', 'verified')
GROUP BY policy_domain ORDER BY 1"""
_MESSAGES = """
SELECT s.policy_domain, ifnull(s.legitimacy, 'unknown'), sum(d.dmarc_pass), sum(d.messages - d.dmarc_pass)
FROM streams s JOIN _stream_days d ON d.stream = s.key
WHERE d.day > ? AND d.day <= ? AND d.tier IN ('local', 'verified') GROUP BY 1, 2 ORDER BY 1, 2"""
_VERDICTS = """
SELECT domain, verdict, as_of, blockers FROM verdicts
WHERE id IN (SELECT max(id) FROM verdicts GROUP BY domain) ORDER BY domain"""
_REJECTS = "SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY 1"
_TLS = """
SELECT policy_domain, sum(successful_sessions), sum(failed_sessions) FROM tls_days
WHERE day > ? GROUP BY 1 ORDER BY 1"""
_FAILURES = """
SELECT ifnull(reported_domain, ''), sum(incidents) FROM failure_days
WHERE day > ? GROUP BY 1 ORDER BY 1"""


def gauges(
    connection: sqlite3.Connection, today: date, *, channels: Collection[str] = ()
) -> Iterator[Metric]:
    """All metrics of the database as of a day; `channels` are the names of those that are configured."""
    yield from _runs(connection)
    yield from _domains(connection, today)
    yield from _verdicts(connection)
    yield from _aside(connection, today)
    yield from _told(connection, channels)
    size = size_bytes(connection)
    yield Metric("dmarcwatch_database_bytes", "Size of the database file.", (Sample({}, size),))


def _runs(connection: sqlite3.Connection) -> Iterator[Metric]:
    rows = connection.execute(_RUNS).fetchall()

    def metric(name: str, text: str, values: list[tuple[str, float | None]]) -> Metric:
        samples = (Sample({"source": source}, value) for source, value in values if value is not None)
        return Metric(f"dmarcwatch_{name}", text, tuple(samples))

    yield metric(
        "last_run_timestamp_seconds", "When the last run of a source began.",
        [(row[0], _epoch(row[1])) for row in rows],
    )  # fmt: skip
    yield metric(
        "last_success_timestamp_seconds", "When a run of a source last ended well.",
        [(row[0], _epoch(row[5])) for row in rows],
    )  # fmt: skip
    yield metric(
        "last_run_failed", "Whether the last run of a source failed or never ended.",
        [(row[0], float(row[3] is not None or row[2] is None)) for row in rows],
    )  # fmt: skip
    yield metric(
        "last_run_rejected_items", "What the last run of a source could not read.",
        [(row[0], row[4]) for row in rows],
    )  # fmt: skip


def _domains(connection: sqlite3.Connection, today: date) -> Iterator[Metric]:
    rows = connection.execute(_REPORTS).fetchall()
    yield Metric(
        "dmarcwatch_trusted_reports", "Reports that count, in all.",
        tuple(Sample({"domain": domain}, count) for domain, count, _ in rows),
    )  # fmt: skip
    yield Metric(
        "dmarcwatch_last_reported_day_timestamp_seconds", "Begin of the last day that a report covers.",
        tuple(Sample({"domain": domain}, _epoch(f"{day}T00:00:00Z") or 0) for domain, _, day in rows),
    )  # fmt: skip
    last = today - timedelta(days=LATE_DAYS)
    span = ((last - timedelta(days=WINDOW_DAYS)).isoformat(), last.isoformat())
    yield Metric(
        "dmarcwatch_window_messages",
        f"Messages of the {WINDOW_DAYS} days judged, by whose they are and whether they pass DMARC.",
        tuple(
            Sample({"domain": domain, "legitimacy": word, "dmarc": result}, count)
            for domain, word, *counts in connection.execute(_MESSAGES, span)
            for result, count in zip(("pass", "fail"), counts, strict=True)
        ),
    )
    silent: dict[str, int] = {domain: 0 for domain, _, _ in rows}
    for row in silent_reporters(connection, today):
        silent[row["policy_domain"]] = silent.get(row["policy_domain"], 0) + 1
    yield Metric(
        "dmarcwatch_silent_reporters", "Regular reporters without a report for a week.",
        tuple(Sample({"domain": domain}, count) for domain, count in sorted(silent.items())),
    )  # fmt: skip


def _verdicts(connection: sqlite3.Connection) -> Iterator[Metric]:
    rows: list[Any] = connection.execute(_VERDICTS).fetchall()
    yield Metric(
        "dmarcwatch_verdict", "1 for the verdict that was given last, 0 for every other word.",
        tuple(
            Sample({"domain": domain, "verdict": str(word)}, float(word == verdict))
            for domain, verdict, _, _ in rows for word in Answer
        ),
    )  # fmt: skip
    yield Metric(
        "dmarcwatch_verdict_blockers", "What stands in the way of the next step.",
        tuple(Sample({"domain": domain}, len(json.loads(blockers))) for domain, _, _, blockers in rows),
    )  # fmt: skip
    yield Metric(
        "dmarcwatch_verdict_day_timestamp_seconds", "Begin of the day that the last verdict was given for.",
        tuple(Sample({"domain": domain}, _epoch(f"{as_of}T00:00:00Z") or 0) for domain, _, as_of, _ in rows),
    )  # fmt: skip


def _aside(connection: sqlite3.Connection, today: date) -> Iterator[Metric]:
    since = ((today - timedelta(days=WINDOW_DAYS)).isoformat(),)
    yield Metric(
        "dmarcwatch_rejects", "Items and parts that gave no report, by reason; 0 where none did.",
        tuple(Sample({"reason": reason}, count) for reason, count in connection.execute(_REJECTS))
        or (Sample({"reason": ""}, 0),),
    )  # fmt: skip
    yield Metric(
        "dmarcwatch_tls_sessions", f"Sessions with own mail servers in {WINDOW_DAYS} days of TLS reports.",
        tuple(
            Sample({"domain": domain, "result": result}, count)
            for domain, *counts in connection.execute(_TLS, since)
            for result, count in zip(("successful", "failed"), counts, strict=True)
        ),
    )  # fmt: skip
    yield Metric(
        "dmarcwatch_failure_reports_messages", f"Messages in {WINDOW_DAYS} days of failure reports.",
        tuple(Sample({"domain": domain}, count) for domain, count in connection.execute(_FAILURES, since)),
    )  # fmt: skip


def _told(connection: sqlite3.Connection, names: Collection[str]) -> Iterator[Metric]:
    """Whether people hear of news; nothing where nobody is to be told."""
    if not names:
        return
    yield Metric(
        "dmarcwatch_announcing_failed", "Whether the last fetch could not send alerts, for whatever channel.",
        (Sample({}, float(announced.trouble(connection) is not None)),),
    )  # fmt: skip
    rows = announced.channels(connection, names)
    yield Metric(
        "dmarcwatch_channel_waiting_alerts", "Alerts and digests that a channel has not taken yet.",
        tuple(Sample({"channel": row["channel"]}, row["waiting"]) for row in rows),
    )  # fmt: skip
    since = [(row["channel"], _epoch(row["failing_since"])) for row in rows]
    yield Metric(
        "dmarcwatch_channel_failing_since_timestamp_seconds",
        "When a channel first failed since it last took something; absent while it works.",
        tuple(Sample({"channel": name}, moment) for name, moment in since if moment is not None),
    )


def _epoch(text: str | None) -> float | None:
    """Seconds since 1970 of a stored moment."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
