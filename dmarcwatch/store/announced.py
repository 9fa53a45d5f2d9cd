"""Whether anybody would hear of news: the last announcing that failed, and channels that take nothing."""

import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from dmarcwatch.store import outbox

TABLE = """
CREATE TABLE _announcing (
    id INTEGER PRIMARY KEY CHECK (id = 1), failing_since TEXT NOT NULL, error TEXT NOT NULL);
"""
"""One row while announcing fails, none while it works."""

DOWN = timedelta(days=2)
"""A channel that took nothing for so long is no hiccup: it was tried a dozen times by then."""


class Trouble(NamedTuple):
    """Announcing that failed, whatever the channels would have said."""

    failing_since: str
    """ISO 8601 in UTC: the first time since it last worked."""
    error: str


def note_failure(connection: sqlite3.Connection, error: str, now: datetime) -> None:
    """Note that announcing failed, within an open transaction; since when stays as it was."""
    connection.execute(
        "INSERT INTO _announcing (id, failing_since, error) VALUES (1, ?, ?) "
        "ON CONFLICT DO UPDATE SET error = excluded.error",
        (f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", error),
    )


def note_success(connection: sqlite3.Connection) -> None:
    """Note that announcing works, within an open transaction."""
    connection.execute("DELETE FROM _announcing")


def trouble(connection: sqlite3.Connection) -> Trouble | None:
    """The failure that stands; None where the last announcing went well."""
    row = connection.execute("SELECT failing_since, error FROM _announcing").fetchone()
    return None if row is None else Trouble(*row)


def channels(connection: sqlite3.Connection, names: Collection[str]) -> list[dict[str, Any]]:
    """How the channels of these names are doing; one that was taken out of the configuration is no matter."""
    return [each for each in outbox.channels(connection) if each["channel"] in names]


def unheard(connection: sqlite3.Connection, names: Collection[str], now: datetime) -> tuple[str, ...]:
    """Why people do not hear of news through the channels of these names, a sentence each."""
    if not names:
        return ()
    found = []
    failed = trouble(connection)
    if failed is not None:
        found.append(f"no alerts have been sent since {failed.failing_since}: {failed.error}")
    for each in channels(connection, names):
        since = each["failing_since"]
        if since is not None and now - datetime.fromisoformat(since) >= DOWN:
            found.append(
                f"the channel {each['channel']} has taken nothing since {since} and {each['waiting']} "
                f"{'message waits' if each['waiting'] == 1 else 'messages wait'}: {each['error']}"
            )
    return tuple(found)
