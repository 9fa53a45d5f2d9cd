"""The database file: opened, migrated, locked, and written to in transactions."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from dmarcwatch.errors import StoreError
from dmarcwatch.store.schema import BUSY_TIMEOUT_SECONDS, migrate

_LEAST_CACHE_KIB = 8_000
"""Summing up a report of half a million records sorts in files beyond it, not in memory."""
_MOST_CACHE_KIB = 64_000
"""Twice as much spares a run over 100,000 reports another twentieth, which is not worth the memory."""
_HINTS = {
    "database is locked": "Another program writes to it; try again, or see whether an old run still hangs.",
    "database or disk is full": "Free some space and run the command again; what was committed is safe.",
    "disk I/O error": "See whether the disk is full, and run the command again; what was committed is safe.",
    "unable to open database file": "See whether the folder exists and you may write to it.",
    "attempt to write a readonly database": "See who owns the file and its folder.",
    "file is not a database": "Name another file with --db or DMARCWATCH_DB.",
}


@contextmanager
def store_errors(path: str | Path) -> Iterator[None]:
    """Turn what SQLite raises into a StoreError that names the database and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        hint = next((text for words, text in _HINTS.items() if words in str(error)), "")
        raise StoreError(f"{path}: {error}.", hint=hint) from error


def open_database(path: Path, *, create: bool = True) -> Database:
    """The database at `path`, migrated to this program's schema; the file is readable by its owner only.

    Raises StoreError when it is missing and `create` is False, of another program, or newer than this one.
    """
    if not create and not path.exists():
        raise StoreError(
            f"There is no database at {path}.", hint="Run `dmarcwatch fetch` first, or name one with --db."
        )
    with store_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # 0600 before SQLite opens it: reports name a company's senders and partners.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreError(
                f"{path} cannot be opened: {error.strerror}.", hint="Choose another place with --db."
            ) from error
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, cached_statements=256
        )
        database = Database(connection)
        try:
            _set_pragmas(connection)
            migrate(database, str(path))
        except BaseException:
            connection.close()
            raise
    return database


def _set_pragmas(connection: sqlite3.Connection) -> None:
    # NORMAL keeps WAL consistent after a crash of the process; a power cut may cost the last commit,
    # which the next run reads again because the origin is settled only after a checkpointed commit.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f"PRAGMA cache_size = -{_LEAST_CACHE_KIB}")
    # In pages. A batch writes half of the default, and many pages are written by several batches.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")


def size_bytes(connection: sqlite3.Connection) -> int:
    """What the database takes, free pages included, without its write-ahead log."""
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * size)


def fit_cache(connection: sqlite3.Connection) -> None:
    """Let the page cache hold a quarter of the database, within bounds; call it as the database grows.

    Digests and names of items go to random places of their indexes, so a batch writes pages everywhere: of a
    first run over 100,000 reports half the time went into reading them again.
    """
    wanted = min(_MOST_CACHE_KIB, max(_LEAST_CACHE_KIB, size_bytes(connection) // 1024 // 4))
    connection.execute(f"PRAGMA cache_size = -{wanted}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write transaction, rolled back when the body raises.

    IMMEDIATE, so that waiting for another writer happens here and not in the middle of a batch.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
