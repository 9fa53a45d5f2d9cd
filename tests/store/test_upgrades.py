"""A database of any earlier form becomes today's, with all it held, and does what a new one does.

`fixtures/schemas` holds one database as SQL for each form that ever left this house: `python -m
tests.store.test_upgrades` writes today's, once, when a version is released.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from dmarcwatch.compose import compose
from dmarcwatch.rebuild import rebuild_facts, rebuild_judgements
from dmarcwatch.store.database import open_database
from dmarcwatch.store.schema import APPLICATION_ID, MIGRATIONS, views
from tests.build import record, report
from tests.database import feed, fresh, rows, rules
from tests.store.test_rollup import recount, rolled_up

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "schemas"
FORMS = sorted(path.stem for path in FIXTURES.glob("*.sql"))
STEPS = [migration.name for migration in MIGRATIONS._migrations]


def shape(path):
    """Tables, columns, indexes and views, whatever way the database came to them."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute(
            "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
        ).fetchall()
        columns = {
            name: sorted(row[1:4] for row in connection.execute(f"PRAGMA table_info({name})"))
            for kind, name in names
            if kind in ("table", "view")
        }
    return names, columns


@pytest.fixture
def new(tmp_path):
    open_database(tmp_path / "new.db").close()
    return shape(tmp_path / "new.db")


@pytest.mark.parametrize("step", STEPS)
def test_a_database_stopped_before_any_step_is_brought_to_the_end(tmp_path, new, step):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        MIGRATIONS.apply(Database(connection), stop_before=step)
    open_database(path).close()
    assert shape(path) == new


def restored(path, form):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.executescript((FIXTURES / f"{form}.sql").read_text("utf-8"))


def test_some_form_is_kept_to_upgrade_from():
    assert FORMS


@pytest.mark.parametrize("form", FORMS)
def test_what_an_older_program_wrote_is_there_afterwards(tmp_path, new, form):
    restored(tmp_path / "old.db", form)
    with fresh(tmp_path / "old.db") as database:
        assert shape(tmp_path / "old.db") == new
        assert rows(database, "SELECT org_name, messages FROM reports") == [("reporter.example", 12)]
        assert rolled_up(database) == recount(database)
        assert rows(database, "SELECT word, note FROM labels") == [("owned", "ours")]
        assert rows(database, "SELECT verdict FROM verdicts") == [("cannot-tell",)]
        assert rows(database, "SELECT kind FROM set_aside") == [("tls-report",)]
        assert rows(database, "SELECT reason FROM rejects") == [("no-report",)]


@pytest.mark.parametrize("form", FORMS)
def test_an_upgraded_database_is_written_to_and_rebuilt_like_a_new_one(tmp_path, form):
    restored(tmp_path / "old.db", form)
    with fresh(tmp_path / "old.db") as database:
        before = rolled_up(database)
        rebuild_judgements(database, rules())
        assert rolled_up(database) == before
        accounts = feed(
            database, compose(report(), HELD), compose(report(report_id="2"), [record()]), source="new"
        )
        assert (accounts.reports, accounts.duplicates) == (1, 1)
        rebuild_facts(database, rules())
        assert rolled_up(database) == recount(database)
        assert rows(database, "SELECT sum(messages) FROM stream_days") == [(15,)]
        # What the older program only set aside is read now.
        assert rows(database, "SELECT policy_domain FROM tls_days") == [("example.com",)]


HELD = [record(messages=5), record("192.0.2.7", 7)]


def write(form):
    """Write today's form, filled, into the fixtures."""
    import tempfile

    from tests.aside_build import tls

    with tempfile.TemporaryDirectory() as folder, fresh(Path(folder) / "a.db") as database:
        feed(database, compose(report(), HELD), tls(), b"Dear Sir")
        database.execute(
            "INSERT INTO labels (stream, word, given, expires, critical, note) "
            "VALUES ('example.com/amazon-ses/us-east-1', 'owned', '2026-11-20', '2027-05-19', 0, 'ours')"
        )
        database.execute(
            "INSERT INTO verdicts (domain, as_of, given_at, verdict, blockers, thresholds, document) "
            "VALUES ('example.com', '2026-11-20', '2026-11-20T12:00:00Z', 'cannot-tell', '[]', '{}', '{}')"
        )
        for name in views():
            database.execute(f"DROP VIEW {name}")
        FIXTURES.mkdir(exist_ok=True)
        (FIXTURES / f"{form}.sql").write_text("\n".join(database.conn.iterdump()) + "\n", "utf-8")


if __name__ == "__main__":
    write(STEPS[-1])
