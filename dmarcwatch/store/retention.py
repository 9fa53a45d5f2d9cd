"""What is kept for how long: records and raw bytes go, what was summed up of them and identities stay.

A pruned report keeps its row, so that a late duplicate is still known, and its messages keep their place in
the roll-ups, which cannot be counted anew any more. Its status is `pruned`: no longer to be recomputed,
lifted or replaced. Addresses and evidence keep their ids, because the fingerprints of reports rest on them.
"""

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from dmarcwatch.store import rollup
from dmarcwatch.store.aside import forget_aside
from dmarcwatch.store.database import size_bytes, transaction
from dmarcwatch.store.imported import has_sums_alone, refuse_sums_alone
from dmarcwatch.store.schema import BUSY_TIMEOUT_SECONDS
from dmarcwatch.store.tables import FACT_TABLES, JUDGEMENT_TABLES

BATCH_RECORDS = 200_000
"""Records of one transaction. Each touches most pages of the indexes, so few large ones write less than many
small ones; other writers wait for as long as one of them takes."""
_READERS_WAIT_MILLISECONDS = 200
"""For readers of an old state to end: those of a page do, others are not waited for."""
SHRINK_SHARE = 0.1
"""Free pages, as a share of the file, above which it is worth writing anew."""

# Held reports wait for a person from the day they came, whatever days they name; not for ever, as anybody
# may send any number of them.
_OLD_REPORTS = """
SELECT r.id, r.records FROM reports r
WHERE CASE r.status WHEN 'held' THEN r.received_day ELSE r.end END < :before AND r.status <> 'pruned'
    AND r.records > 0 AND EXISTS (SELECT 1 FROM _records c WHERE c.report = r.id)
ORDER BY r.id"""
_UNUSED = (
    "DELETE FROM _judgement_selectors WHERE judgement NOT IN (SELECT judgement FROM _records)",
    "DELETE FROM _judgements WHERE id NOT IN (SELECT judgement FROM _records)",
)
# What could not be read keeps its bytes until it could (`rejects --retry`).
_OLD_RAW = """
FROM _raw WHERE item IN (
    SELECT i.id FROM items i LEFT JOIN runs r ON r.id = i.run
    WHERE coalesce(i.received_at, r.started_at) < ? AND i.outcome <> 'reject')
    AND item NOT IN (SELECT item FROM rejects)
    AND item NOT IN (SELECT item FROM set_aside WHERE problem IS NOT NULL)"""


class Pruned(NamedTuple):
    """What was removed."""

    reports: int
    """Reports whose records are gone."""
    records: int


def prune_records(
    connection: sqlite3.Connection, before: date, *, batch_records: int = BATCH_RECORDS
) -> Pruned:
    """Remove the records of reports that ended before a day; roll-ups and verdicts stay as they are.

    In several transactions, each of whole reports: what an end in the middle leaves is exact.
    """
    old = connection.execute(_OLD_REPORTS, {"before": before.isoformat()}).fetchall()
    removed = 0
    for batch in _batches(old, batch_records):
        with transaction(connection):
            removed += connection.executemany("DELETE FROM _records WHERE report = ?", batch).rowcount
            connection.executemany(
                "UPDATE reports SET status = 'pruned' WHERE id = ? AND status = 'counted'", batch
            )
        # Else the log of a long prune would grow to several times the database.
        _empty_log(connection)
    if removed:
        with transaction(connection):
            for statement in _UNUSED:
                connection.execute(statement)
        _empty_log(connection)
    return Pruned(len(old), removed)


def prune_raw(connection: sqlite3.Connection, before: date) -> int:
    """Remove the bytes of items received before a day, of how many; those of rejects stay."""
    with transaction(connection):
        return connection.execute(f"DELETE {_OLD_RAW}", (before.isoformat(),)).rowcount


def old_raw(connection: sqlite3.Connection, before: date) -> int:
    """How many items' bytes `prune_raw` would remove."""
    row = connection.execute(f"SELECT count(*) {_OLD_RAW}", (before.isoformat(),)).fetchone()
    return int(row[0])


def old_records(connection: sqlite3.Connection, before: date) -> Pruned:
    """What `prune_records` would remove."""
    old = connection.execute(_OLD_REPORTS, {"before": before.isoformat()}).fetchall()
    return Pruned(len(old), sum(records for _, records in old))


class Shrunk(NamedTuple):
    """What writing the file anew gave back."""

    freed: int
    """Bytes by which the file is smaller."""
    waiting: int
    """Bytes that are given back once nobody reads any more what they held."""


def shrink(connection: sqlite3.Connection) -> Shrunk:
    """Give free pages back to the file system; nothing where that is not worth its while.

    VACUUM in write-ahead mode lets readers read on (measured on 230 MB: 10 ms at most; a writer waits 1.3
    s, where `incremental_vacuum` takes more than twice as long and leaves the file fragmented). It needs as
    much free space as the database; sqlite3.OperationalError where there is less, with nothing lost.
    """
    before = _file_bytes(connection)
    pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")
    )
    if free <= pages * SHRINK_SHARE:
        return Shrunk(0, 0)
    connection.execute("VACUUM")
    _empty_log(connection)
    after = _file_bytes(connection)
    return Shrunk(max(0, before - after), max(0, after - size_bytes(connection)))


def forget_judgements(connection: sqlite3.Connection) -> None:
    """Empty the judgements, but for what rests on records that are gone; in an open transaction."""
    pruned = _any(connection, "SELECT 1 FROM reports WHERE status = 'pruned' LIMIT 1")
    if not pruned and not has_sums_alone(connection):
        _empty(connection, JUDGEMENT_TABLES)
        return
    first, last = connection.execute("SELECT min(id), max(id) FROM reports").fetchone()
    if first is not None:
        rollup.take_away(connection, first, last)
    # What is left was counted from pruned reports. The pool forgets days by itself: taking those away
    # went below zero.
    connection.execute("DELETE FROM _pool_days WHERE messages < 0")
    rollup.sweep(connection)
    _empty(connection, ("_judgements", "_judgement_selectors"))
    for statement in _WITHOUT_DAYS:
        connection.execute(statement)


_WITHOUT_DAYS = (
    "DELETE FROM _places WHERE id NOT IN (SELECT place FROM _pool_days UNION SELECT place FROM "
    "_selector_days UNION SELECT place FROM _place_addresses)",
    "DELETE FROM streams WHERE key NOT IN (SELECT stream FROM _stream_days UNION SELECT stream FROM _places)",
    "DELETE FROM _policies WHERE id NOT IN (SELECT policy FROM _domain_days)",
)


def forget_facts(connection: sqlite3.Connection) -> None:
    """Empty facts and judgements, but for what could not be read anew; in an open transaction.

    What stays: pruned reports, and whatever came from items whose bytes are gone. Raises StoreError where
    sums were imported without their reports.
    """
    refuse_sums_alone(connection)
    gone = "(status = 'pruned' OR item NOT IN (SELECT item FROM _raw))"
    if not _any(connection, f"SELECT 1 FROM reports WHERE {gone} LIMIT 1"):
        tables = tuple(table for table in FACT_TABLES if table != "set_aside")
        _empty(connection, (*tables, *JUDGEMENT_TABLES))
    else:
        forget_judgements(connection)
        again = f"(SELECT id FROM reports WHERE NOT {gone})"
        connection.execute(f"DELETE FROM _records WHERE report IN {again}")
        connection.execute(f"DELETE FROM problems WHERE report IN {again}")
        connection.execute(f"DELETE FROM reports WHERE NOT {gone}")
        connection.execute("DELETE FROM rejects WHERE item IN (SELECT item FROM _raw)")
    connection.execute("DELETE FROM set_aside WHERE item IN (SELECT item FROM _raw)")
    forget_aside(connection)


def _batches(reports: list[tuple[int, int]], batch_records: int) -> Iterator[list[tuple[int]]]:
    batch: list[tuple[int]] = []
    size = 0
    for report, records in reports:
        batch.append((report,))
        size += records
        if size >= batch_records:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _empty_log(connection: sqlite3.Connection) -> None:
    """Move the log into the database, as far as those who read an old state let it."""
    connection.execute(f"PRAGMA busy_timeout = {_READERS_WAIT_MILLISECONDS}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")


def _file_bytes(connection: sqlite3.Connection) -> int:
    return Path(connection.execute("PRAGMA database_list").fetchone()[2]).stat().st_size


def _empty(connection: sqlite3.Connection, tables: tuple[str, ...]) -> None:
    for table in tables:
        connection.execute(f"DELETE FROM {table}")


def _any(connection: sqlite3.Connection, sql: str) -> bool:
    return connection.execute(sql).fetchone() is not None
