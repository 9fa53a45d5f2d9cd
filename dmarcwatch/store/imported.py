"""Which data set `import` brought into the database, and whether its list of reports came along."""

import sqlite3
from typing import NamedTuple

from dmarcwatch.errors import StoreError

TABLE = """
CREATE TABLE _imported (source TEXT PRIMARY KEY, dataset TEXT, reports INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO _imported (source, reports)
SELECT name, EXISTS (SELECT 1 FROM reports WHERE status = 'pruned') OR NOT EXISTS (SELECT 1 FROM _domain_days)
FROM _sources WHERE name LIKE 'import %';
"""
"""What was imported before this table was there stands in `_sources`; imported reports are `pruned`."""


class Brought(NamedTuple):
    """A data set whose sums the database holds."""

    source: str
    """Its name among the sources of runs."""
    dataset: str | None
    """The id of the data set; None where it had none."""
    reports: bool
    """Whether its list of reports came along: only then are they known when they come again."""


def imported(connection: sqlite3.Connection) -> Brought | None:
    """What the database was imported from, if it was."""
    row = connection.execute("SELECT source, dataset, reports FROM _imported").fetchone()
    return Brought(row[0], row[1], bool(row[2])) if row else None


def note_imported(connection: sqlite3.Connection, found: Brought) -> None:
    """Remember what is imported now, in the place of what was before; in an open transaction."""
    connection.execute("DELETE FROM _imported")
    connection.execute("INSERT INTO _imported (source, dataset, reports) VALUES (?, ?, ?)", found)


def has_sums_alone(connection: sqlite3.Connection) -> bool:
    """Whether there are sums whose reports are not in the database (`import --without-reports`)."""
    found = imported(connection)
    return found is not None and not found.reports


def refuse_sums_alone(connection: sqlite3.Connection) -> None:
    """Raises StoreError for a database that cannot know which reports its sums have counted already."""
    if has_sums_alone(connection):
        raise StoreError(
            "This database holds imported figures without their reports; reports read into it could count "
            "twice.",
            hint="Import the data set again without --without-reports, or name another database with --db.",
        )
