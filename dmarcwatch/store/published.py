"""The DMARC records that `check` found in DNS, so that a verdict can print the whole next one."""

import sqlite3
from datetime import datetime

_LAST = """
SELECT record, looked_up_at FROM published WHERE domain = ? ORDER BY looked_up_at DESC LIMIT 1"""


def keep_record(
    connection: sqlite3.Connection, domain: str, record: str | None, *, looked_up_at: datetime
) -> None:
    """Keep what stood at `_dmarc.<domain>`; None where DNS said that nothing does.

    A row for each change: the same again moves its time, so the table tells until when a record stood.
    """
    moment = looked_up_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    last = connection.execute(_LAST, (domain,)).fetchone()
    if last is None and record is None:
        return
    if last is not None and last[0] == record:
        connection.execute(
            "UPDATE published SET looked_up_at = ? WHERE domain = ? AND looked_up_at = ?",
            (moment, domain, last[1]),
        )
        return
    connection.execute(
        "INSERT INTO published (domain, record, looked_up_at) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET record = excluded.record",
        (domain, record, moment),
    )


def last_record(connection: sqlite3.Connection, domain: str) -> str | None:
    """The record of `domain` when it was last looked up; None where it has none or nobody has looked."""
    row = connection.execute(_LAST, (domain,)).fetchone()
    return None if row is None else row[0]
