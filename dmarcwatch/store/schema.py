"""How an older database becomes a newer one."""

import sqlite3
import time
from importlib.resources import files

from sqlite_utils import Database, Migrations

from dmarcwatch.errors import StoreError
from dmarcwatch.store import tables
from dmarcwatch.store.announced import TABLE as ANNOUNCING_TABLE
from dmarcwatch.store.imported import TABLE as IMPORTED_TABLE
from dmarcwatch.store.outbox import TABLES as OUTBOX_TABLES

APPLICATION_ID = 0x444D5754
"""`DMWT` in the file's header, so that a database that is not ours is never written to."""

BUSY_TIMEOUT_SECONDS = 10.0
"""How long to wait for another writer; a batch of a hundred items holds the lock for well under one."""

MIGRATIONS = Migrations("dmarcwatch")


def run_statements(connection: sqlite3.Connection, script: str) -> None:
    """Run a script one statement at a time.

    `executescript` would commit the transaction that a migration runs in.
    """
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


@MIGRATIONS()
def facts_and_judgements(db: Database) -> None:
    """The first schema."""
    run_statements(db.conn, tables.FACTS)
    run_statements(db.conn, tables.JUDGEMENTS)


@MIGRATIONS()
def released_reports(db: Database) -> None:
    """Held reports that a person lets through, by content; and selectors by name, for those who ask."""
    run_statements(db.conn, tables.RELEASED)


@MIGRATIONS()
def looked_up(db: Database) -> None:
    """What `check` finds in DNS, and who operates an address."""
    run_statements(db.conn, tables.LOOKED_UP)


@MIGRATIONS()
def waiting_to_be_judged(db: Database) -> None:
    """Which domains changed since they were judged."""
    run_statements(db.conn, tables.UNJUDGED)


@MIGRATIONS()
def tls_and_failure_reports(db: Database) -> None:
    """What the TLS and failure reports say that were only set aside before."""
    run_statements(db.conn, tables.SET_ASIDE)


@MIGRATIONS()
def outbox(db: Database) -> None:
    """What is told to whom, and what was told before."""
    run_statements(db.conn, OUTBOX_TABLES)


@MIGRATIONS()
def announcing(db: Database) -> None:
    """Whether the last announcing failed."""
    run_statements(db.conn, ANNOUNCING_TABLE)


@MIGRATIONS()
def known_rejects(db: Database) -> None:
    """Whether the same bytes gave no report before."""
    db.conn.execute("CREATE INDEX rejects_sha256 ON rejects (sha256)")


@MIGRATIONS()
def forgotten_days(db: Database) -> None:
    """How far the days of a pooled place were forgotten: its Julian day in `_places.pooled`, which was 1."""
    db.conn.execute("CREATE INDEX _places_forgotten ON _places (pooled) WHERE pooled > 1")
    db.conn.execute(
        "UPDATE _places SET pooled = (SELECT CAST(julianday(min(day)) AS INTEGER) - 1 FROM _pool_days) "
        "WHERE pooled AND EXISTS (SELECT 1 FROM _pool_days)"
    )


@MIGRATIONS()
def imported_data_sets(db: Database) -> None:
    """Which data set was imported, and whether with its reports."""
    run_statements(db.conn, IMPORTED_TABLE)


def views() -> dict[str, str]:
    """The public views, by name, from views.sql."""
    found = {}
    for part in (files("dmarcwatch.store") / "views.sql").read_text("utf-8").split("CREATE VIEW ")[1:]:
        name, _, body = part.partition(" AS\n")
        found[name.strip()] = body.partition(";\n")[0].strip()
    return found


def migrate(db: Database, path: str) -> None:
    """Bring the database at `path` to this program's schema.

    Raises StoreError for a database of another program or of a newer version of this one.
    """
    connection = db.conn
    # In one statement: between two, another program may have made the tables.
    application, tables = connection.execute(
        "SELECT application_id, (SELECT count(*) FROM sqlite_master) FROM pragma_application_id"
    ).fetchone()
    if tables and application != APPLICATION_ID:
        raise StoreError(
            f"{path} is a SQLite database of another program; nothing was written to it.",
            hint="Name another file with --db or DMARCWATCH_DB.",
        )
    known = {migration.name for migration in MIGRATIONS._migrations}
    newer = [done.name for done in MIGRATIONS.applied(db) if done.name not in known]
    if newer:
        raise StoreError(
            f"{path} was written by a newer dmarcwatch (it knows '{newer[0]}'); this one leaves it alone.",
            hint="Upgrade dmarcwatch, or restore a backup made before the newer one ran.",
        )
    if tables and not MIGRATIONS.pending(db) and _views_are_current(db):
        return
    _use_wal(connection)
    # IMMEDIATE, because two programs that migrate at once would both begin as readers and one would fail.
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        MIGRATIONS.apply(db)
        for name, sql in views().items():
            db.create_view(name, sql, replace=True)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _use_wal(connection: sqlite3.Connection) -> None:
    """Waits for others by itself: SQLite does not where two change the journal of a new file at once."""
    until = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _views_are_current(db: Database) -> bool:
    present = {view.name: view.schema for view in db.views}
    return all(
        present.get(name, "").partition(" AS ")[2].strip() == sql or present.get(name, "").endswith(sql)
        for name, sql in views().items()
    )
