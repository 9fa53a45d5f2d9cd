"""A copy of the database that is whole, whoever writes to it meanwhile."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from dmarcwatch.errors import ConfigError, StoreError
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.schema import APPLICATION_ID


def backup(database: Path, target: Path) -> int:
    """Copy the database into `target`, readable by its owner only, and check the copy; its bytes.

    The copy is of one moment: all of it is read in one transaction, which hinders no writer (write-ahead
    log). It takes the place of an older backup when it is whole. The database is not migrated, so that a
    newer program can save what an older one wrote. Raises StoreError where the database cannot be read or
    the copy is not sound, ConfigError where `target` is somebody else's file or cannot be written.
    """
    if not database.exists():
        raise StoreError(f"There is no database at {database}.", hint="Name one with --db.")
    _check_target(database, target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise ConfigError([f"{target} cannot be written: {error.strerror}."]) from None
    copy = Path(name)
    try:
        with store_errors(database):
            _copy(database, copy)
        _sync(copy)
        copy.replace(target)
        _sync(target.parent)
    finally:
        for leftover in (copy, *(Path(f"{copy}{end}") for end in ("-wal", "-shm", "-journal"))):
            leftover.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(database: Path, copy: Path) -> None:
    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as source,
        closing(sqlite3.connect(copy)) as saved,
    ):
        if source.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError(f"{database} is no database of dmarcwatch.", hint="Name another one with --db.")
        source.backup(saved)
        found = saved.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreError(
                f"The copy of {database} is damaged: {found}.",
                hint="The database may be, too: `sqlite3 FILE 'PRAGMA integrity_check'`; keep older backups.",
            )


def _check_target(database: Path, target: Path) -> None:
    if not target.exists():
        return
    if target.samefile(database):
        raise ConfigError([f"{target} is the database itself."], hint="Name another file.")
    with target.open("rb") as file:
        head = file.read(72)
    # SQLite's file format, section 1.3: the application id stands at byte 68.
    if head and head[68:72] != APPLICATION_ID.to_bytes(4, "big"):
        raise ConfigError(
            [f"{target} is no backup of dmarcwatch, so it is left alone."], hint="Name another."
        )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
