"""Labels: given, withdrawn and expired ones are all kept, with their dates and notes."""

import sqlite3
from datetime import date
from difflib import get_close_matches
from typing import Any

from dmarcwatch.errors import ConfigError
from dmarcwatch.store.database import transaction
from dmarcwatch.streams import Label

_COLUMNS = ("stream", "word", "given", "expires", "critical", "every", "note", "withdrawn")


def domain_of(connection: sqlite3.Connection, stream: str) -> str:
    """The policy domain of a stream. Raises ConfigError for an unknown one, naming near ones."""
    row = connection.execute("SELECT policy_domain FROM streams WHERE id = ?", (stream,)).fetchone()
    if row is None:
        known = [identity for (identity,) in connection.execute("SELECT id FROM streams")]
        near = get_close_matches(stream, known, n=3, cutoff=0.5)
        raise ConfigError(
            [f"There is no stream {stream}."],
            hint=f"Near it: {', '.join(near)}." if near else "`dmarcwatch sources` lists them.",
        )
    domain: str = row[0]
    return domain


def add(connection: sqlite3.Connection, label: Label) -> None:
    """Give a label; it takes the place of the stream's earlier one."""
    with transaction(connection):
        _withdraw(connection, label.stream, label.given)
        connection.execute(
            "INSERT INTO labels (stream, word, given, expires, critical, every, note) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (label.stream, label.word, label.given.isoformat(), label.expires.isoformat(), label.critical,
             label.every, label.note),
        )  # fmt: skip


def withdraw(connection: sqlite3.Connection, stream: str, day: date) -> None:
    """Take the stream's label back as of `day`; it stays in the history."""
    with transaction(connection):
        _withdraw(connection, stream, day)


def _withdraw(connection: sqlite3.Connection, stream: str, day: date) -> None:
    connection.execute(
        "UPDATE labels SET withdrawn = ? WHERE stream = ? AND withdrawn IS NULL", (day.isoformat(), stream)
    )


def all_labels(connection: sqlite3.Connection, in_force_on: date | None) -> list[dict[str, Any]]:
    """Labels as plain rows, newest first: those in force on a day, or with None all ever given."""
    where = ""
    values: tuple[str, ...] = ()
    if in_force_on is not None:
        day = in_force_on.isoformat()
        where, values = "WHERE expires >= ? AND (withdrawn IS NULL OR withdrawn > ?)", (day, day)
    rows = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM labels {where} ORDER BY id DESC", values)
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
