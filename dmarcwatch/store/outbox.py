"""Alerts and digests on their way: written with what they tell, sent afterwards, then marked as sent.

One row of `deliveries` for each alert and channel. A run that dies between the send and
the mark sends again: that window is one transaction on rows that exist, begun as soon as the channel answers.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from dmarcwatch.alerts.changes import Changes, News
from dmarcwatch.alerts.message import Message
from dmarcwatch.alerts.values import Alert, Kind, Queued, Told

TABLES = """
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, title TEXT NOT NULL,
    raised_at TEXT NOT NULL, repeated INTEGER NOT NULL, over_at TEXT, document TEXT NOT NULL);
CREATE INDEX alerts_key ON alerts (key);
CREATE TABLE deliveries (
    alert INTEGER NOT NULL REFERENCES alerts(id), channel TEXT NOT NULL, attempts INTEGER NOT NULL,
    tried_at TEXT, sent_at TEXT, dropped_at TEXT, PRIMARY KEY (alert, channel)) WITHOUT ROWID;
CREATE INDEX deliveries_waiting ON deliveries (channel, alert) WHERE sent_at IS NULL AND dropped_at IS NULL;
CREATE TABLE channels (
    name TEXT PRIMARY KEY, sent_at TEXT, failing_since TEXT, attempts INTEGER NOT NULL, try_after TEXT,
    error TEXT) WITHOUT ROWID;
CREATE TABLE _told (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, since TEXT NOT NULL, told_at TEXT NOT NULL,
    alert INTEGER REFERENCES alerts(id)) WITHOUT ROWID;
"""

DIGEST = "digest"
"""Stands in `alerts.kind` for a digest: it waits and is sent as alerts are."""

_WAITING = """
SELECT a.id, a.document, a.raised_at, a.over_at, a.repeated
FROM deliveries d JOIN alerts a ON a.id = d.alert
WHERE d.channel = ? AND d.sent_at IS NULL AND d.dropped_at IS NULL AND (a.kind = 'digest') = ?
ORDER BY a.id"""
_CHANNELS = """
SELECT c.name AS channel, c.sent_at, c.failing_since, c.attempts, c.try_after, c.error,
    (SELECT count(*) FROM deliveries d
        WHERE d.channel = c.name AND d.sent_at IS NULL AND d.dropped_at IS NULL) AS waiting
FROM channels c ORDER BY c.name"""
_LIST = """
SELECT a.id, a.raised_at, a.kind, a.title, a.over_at,
    (SELECT json_group_object(channel, coalesce(sent_at, dropped_at)) FROM deliveries WHERE alert = a.id)
FROM alerts a ORDER BY a.id DESC LIMIT ?"""

_END_FORMER = "UPDATE alerts SET over_at = ? WHERE over_at IS NULL AND key = ?"
_DROP_FORMER = """
UPDATE deliveries SET dropped_at = ? WHERE sent_at IS NULL AND dropped_at IS NULL
AND alert IN (SELECT id FROM alerts WHERE over_at IS NULL AND key = ?)"""
"""A channel that was down for weeks hears once of what still stands."""


class Channel(NamedTuple):
    """How a channel has been doing."""

    name: str
    sent_at: datetime | None = None
    """When it last took a message."""
    failing_since: datetime | None = None
    """None while the last message was taken."""
    attempts: int = 0
    """Tries that failed in a row."""
    try_after: datetime | None = None
    error: str | None = None


class Parcel(NamedTuple):
    """A digest that waits for a channel."""

    number: int
    message: Message


def told(connection: sqlite3.Connection) -> dict[str, Told]:
    """What is known of conditions, by key."""
    rows = connection.execute("SELECT key, value, since, told_at, alert FROM _told")
    return {
        key: Told(key, value, _moment(since), _moment(at), alert) for key, value, since, at, alert in rows
    }


def write(connection: sqlite3.Connection, found: Changes, channels: Collection[str], now: datetime) -> int:
    """Write what a run found, within an open transaction; how many alerts that raised."""
    numbers = {news.key: _raise(connection, news, channels, now) for news in found.news}
    connection.executemany(
        "INSERT INTO _told (key, value, since, told_at, alert) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET value = excluded.value, since = excluded.since, "
        "told_at = excluded.told_at, alert = excluded.alert",
        [
            (each.key, each.value, _text(each.since), _text(each.told_at), numbers.get(each.key, each.alert))
            for each in found.known
        ],
    )
    over = [(key,) for key in found.over]
    connection.executemany(_END_FORMER, [(_text(now), key) for (key,) in over])
    connection.executemany("DELETE FROM _told WHERE key = ?", over)
    return len(numbers)


def _raise(connection: sqlite3.Connection, news: News, channels: Collection[str], now: datetime) -> int:
    connection.execute(_DROP_FORMER if news.repeated else _END_FORMER, (_text(now), news.key))
    alert = news.alert
    values = (news.key, alert.kind, alert.subject, alert.title, _text(now), news.repeated)
    return _queue(connection, (*values, json.dumps(asdict(alert), ensure_ascii=False)), channels)


def _queue(connection: sqlite3.Connection, values: Sequence[object], channels: Collection[str]) -> int:
    number: int = connection.execute(
        "INSERT INTO alerts (key, kind, subject, title, raised_at, repeated, document) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        tuple(values),
    ).fetchone()[0]
    connection.executemany(
        "INSERT INTO deliveries (alert, channel, attempts) VALUES (?, ?, 0)",
        [(number, channel) for channel in channels],
    )
    return number


def queue_digest(
    connection: sqlite3.Connection, key: str, message: Message, channels: Collection[str], now: datetime
) -> bool:
    """Put a digest in the queue, within an open transaction; False where it was there already."""
    if connection.execute("SELECT 1 FROM alerts WHERE key = ?", (key,)).fetchone():
        return False
    document = json.dumps(message._asdict(), ensure_ascii=False)
    _queue(connection, (key, DIGEST, "", message.title, _text(now), False, document), channels)
    return True


def waiting_alerts(connection: sqlite3.Connection, channel: str) -> list[Queued]:
    """The alerts that a channel has not taken, oldest first."""
    return [
        Queued(number, _alert(document), _moment(raised), _moment(over) if over else None, bool(repeated))
        for number, document, raised, over, repeated in connection.execute(_WAITING, (channel, False))
    ]


def waiting_digests(connection: sqlite3.Connection, channel: str) -> list[Parcel]:
    """The digests that a channel has not taken, oldest first."""
    rows = connection.execute(_WAITING, (channel, True))
    return [Parcel(number, Message(**json.loads(document))) for number, document, *_ in rows]


def claim(connection: sqlite3.Connection, channel: str, numbers: Sequence[int], now: datetime) -> None:
    """Note that a send begins, within an open transaction.

    Where even that cannot be written, nothing is sent that could not be marked afterwards.
    """
    connection.executemany(
        "UPDATE deliveries SET attempts = attempts + 1, tried_at = ? WHERE alert = ? AND channel = ?",
        [(_text(now), number, channel) for number in numbers],
    )
    connection.execute(
        "INSERT INTO channels (name, attempts) VALUES (?, 0) ON CONFLICT DO NOTHING", (channel,)
    )


def mark_sent(connection: sqlite3.Connection, channel: str, numbers: Sequence[int], now: datetime) -> None:
    """Note that the channel took these, within an open transaction."""
    connection.executemany(
        "UPDATE deliveries SET sent_at = ? WHERE alert = ? AND channel = ?",
        [(_text(now), number, channel) for number in numbers],
    )
    connection.execute(
        "UPDATE channels SET sent_at = ?, failing_since = NULL, attempts = 0, try_after = NULL, error = NULL "
        "WHERE name = ?",
        (_text(now), channel),
    )


def mark_failed(connection: sqlite3.Connection, state: Channel) -> None:
    """Note that the channel took nothing and when to try again, within an open transaction."""
    connection.execute(
        "UPDATE channels SET failing_since = ?, attempts = ?, try_after = ?, error = ? WHERE name = ?",
        (_text(state.failing_since), state.attempts, _text(state.try_after), state.error, state.name),
    )


def drop_others(connection: sqlite3.Connection, channels: Collection[str], now: datetime) -> None:
    """Forget channels that are no longer configured, within an open transaction; their alerts say so."""
    rows = connection.execute(
        "SELECT DISTINCT channel FROM deliveries WHERE sent_at IS NULL AND dropped_at IS NULL"
    ).fetchall()
    for channel in {name for (name,) in rows} - set(channels):
        connection.execute(
            "UPDATE deliveries SET dropped_at = ? "
            "WHERE channel = ? AND sent_at IS NULL AND dropped_at IS NULL",
            (_text(now), channel),
        )
    names = [name for (name,) in connection.execute("SELECT name FROM channels").fetchall()]
    connection.executemany(
        "DELETE FROM channels WHERE name = ?", [(name,) for name in names if name not in channels]
    )


def channel(connection: sqlite3.Connection, name: str) -> Channel:
    """How a channel has been doing; a fresh one where nothing was ever sent to it."""
    row = connection.execute(
        "SELECT sent_at, failing_since, attempts, try_after, error FROM channels WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        return Channel(name)
    sent, failing, attempts, after, error = row
    times = [None if each is None else _moment(each) for each in (sent, failing, after)]
    return Channel(name, times[0], times[1], attempts, times[2], error)


def channels(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every channel that anything was sent to: since when it fails and why, and how much waits for it."""
    cursor = connection.execute(_CHANNELS)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def newest(connection: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    """The newest alerts and digests with when each channel took them; null where it has not."""
    names = ("id", "raised_at", "kind", "title", "over_at", "channels")
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute(_LIST, (limit,))]
    return [row | {"channels": json.loads(row["channels"])} for row in rows]


def _alert(document: str) -> Alert:
    values: Mapping[str, Any] = json.loads(document)
    lists = {name: tuple(values[name]) for name in ("evidence", "fix")}
    return Alert(**{**values, **lists, "kind": Kind(values["kind"])})


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
