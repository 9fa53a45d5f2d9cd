"""After a run: what stands is compared with what was told, news are queued, and what waits is sent.

Nothing here depends on what the run did: one that was killed before it came so far is made good by the next.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from dmarcwatch.alerts.changes import Rules, changes
from dmarcwatch.alerts.message import Message, message
from dmarcwatch.alerts.standing import conditions
from dmarcwatch.alerts.values import Kind, Queued
from dmarcwatch.errors import StoreError
from dmarcwatch.notify.delivery import send
from dmarcwatch.notify.settings import LONGEST_HOLD, Channel, Notify
from dmarcwatch.store import outbox
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.scene import Configured, clock_is_behind, scene

FIRST_WAIT = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=6)
"""Between tries of a channel that fails: doubled each time, so that two days of failing are a dozen tries."""
_MARK_TRIES = 3
"""Each waits ten seconds for another writer. What is sent and not marked is sent again."""


class Sent(NamedTuple):
    """What became of one message to one channel."""

    channel: str
    messages: int
    """Alerts and digests in it."""
    error: str | None = None


def look(connection: sqlite3.Connection, notify: Notify, configured: Configured, now: datetime) -> bool:
    """Queue what is new for every channel, in one transaction.

    False where the clock stands before what two reporters have reported on: nothing is compared then.
    """
    if clock_is_behind(connection, now.date()):
        return False
    receivers = [channel.name for channel in notify.channel if channel.alerts]
    with transaction(connection):
        told = outbox.told(connection)
        seen = scene(connection, now, configured)
        rules = Rules(notify.repeat, frozenset(notify.off), {Kind.REPORTERS} if seen.blind else frozenset())
        outbox.write(connection, changes(conditions(seen, told), told, now, rules), receivers, now)
        outbox.drop_others(connection, [channel.name for channel in notify.channel], now)
    return True


def deliver(
    connection: sqlite3.Connection, notify: Notify, now: datetime, *, at_once: bool = False
) -> list[Sent]:
    """Send each channel what waits for it, alerts as one message.

    `at_once` asks for neither quiet hours nor the wait after a failure: somebody is there to see it.
    Raises StoreError; what was not claimed by then was not sent.
    """
    found = []
    for channel in notify.channel:
        if not at_once and _rests(outbox.channel(connection, channel.name), now):
            continue
        for numbers, parcel in _parcels(connection, notify, channel, now, at_once=at_once):
            sent = _send(connection, channel, numbers, parcel, now)
            found.append(sent)
            if sent.error is not None:
                break
    return found


def _rests(state: outbox.Channel, now: datetime) -> bool:
    """Whether the channel failed so lately that it is left alone; a longer wait is a clock's mistake."""
    return state.try_after is not None and now < state.try_after <= now + LONGEST_WAIT


def _parcels(
    connection: sqlite3.Connection, notify: Notify, channel: Channel, now: datetime, *, at_once: bool
) -> list[tuple[list[int], Message]]:
    alerts = outbox.waiting_alerts(connection, channel.name)
    digests = outbox.waiting_digests(connection, channel.name)
    found = [([each.number], each.message) for each in digests]
    if alerts:
        told = message(alerts, now, base=notify.pages)
        found.insert(0, ([each.number for each in alerts], told))
    held = notify.is_quiet(now) and not at_once and not _held_long(alerts, now)
    return [] if held else found


def _held_long(alerts: Sequence[Queued], now: datetime) -> bool:
    return bool(alerts) and abs(now - alerts[0].raised_at) >= LONGEST_HOLD


def _send(
    connection: sqlite3.Connection, channel: Channel, numbers: list[int], parcel: Message, now: datetime
) -> Sent:
    with store_errors(_path(connection)):
        with transaction(connection):
            outbox.claim(connection, channel.name, numbers, now)
        # The mark then finds room in the log that the claim has used, even where the disk is full by then.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    error = send(channel, parcel)
    _mark(connection, channel, numbers, error, now)
    return Sent(channel.name, len(numbers), error)


def _mark(
    connection: sqlite3.Connection, channel: Channel, numbers: list[int], error: str | None, now: datetime
) -> None:
    for left in reversed(range(_MARK_TRIES)):
        try:
            with store_errors(_path(connection)), transaction(connection):
                if error is None:
                    outbox.mark_sent(connection, channel.name, numbers, now)
                else:
                    outbox.mark_failed(connection, _failed(connection, channel.name, error, now))
            return
        except StoreError:
            if not left:
                raise


def _failed(connection: sqlite3.Connection, name: str, error: str, now: datetime) -> outbox.Channel:
    state = outbox.channel(connection, name)
    since, after = min(state.failing_since or now, now), now + wait(state.attempts)
    return state._replace(failing_since=since, attempts=state.attempts + 1, try_after=after, error=error)


def wait(attempts: int) -> timedelta:
    """How long to leave a channel alone that failed after so many failures before."""
    return min(FIRST_WAIT * (1 << min(attempts, 10)), LONGEST_WAIT)


def _path(connection: sqlite3.Connection) -> str:
    path: str = connection.execute("PRAGMA database_list").fetchone()[2]
    return path
