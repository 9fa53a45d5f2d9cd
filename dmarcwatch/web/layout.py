"""Whether a database is ours, and of this program's age."""

import sqlite3
from enum import Enum, auto

from dmarcwatch.store.schema import APPLICATION_ID, MIGRATIONS


class Layout(Enum):
    """The age of a database beside this program."""

    CURRENT = auto()
    OLDER = auto()
    """Migrations are to be applied, which a page must not: it only reads."""
    NEWER = auto()


def is_ours(connection: sqlite3.Connection) -> bool:
    """Whether dmarcwatch wrote the file."""
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    return application == APPLICATION_ID


def layout_of(connection: sqlite3.Connection) -> Layout:
    """The age of a database that is ours."""
    known = {migration.name for migration in MIGRATIONS._migrations}
    try:
        rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'dmarcwatch'")
        applied = {name for (name,) in rows}
    except sqlite3.OperationalError:  # No such table: before the first migration was done.
        return Layout.OLDER
    if applied - known:
        return Layout.NEWER
    return Layout.OLDER if known - applied else Layout.CURRENT
