"""A backup is whole, of one moment, checked and private, and never takes the place of another file."""

import sqlite3
import stat
import threading
from contextlib import closing

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.errors import ConfigError, StoreError
from dmarcwatch.store.backup import backup
from dmarcwatch.store.database import open_database
from tests.build import record, report
from tests.database import feed, fresh, rows
from tests.store.test_rollup import recount, rolled_up


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    with fresh(path) as database:
        feed(database, compose(report(), [record()]))
    return path


def test_a_backup_holds_what_the_database_holds_and_is_its_owners(path, tmp_path):
    target = tmp_path / "copy.db"
    assert backup(path, target) == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with fresh(path) as database, fresh(target) as copy:
        assert rolled_up(copy) == rolled_up(database) == recount(copy)
        assert rows(copy, "PRAGMA journal_mode") == [("wal",)]


def test_a_backup_while_fetch_writes_is_of_one_moment(path, tmp_path):
    begun, stop = threading.Event(), threading.Event()

    def write():
        with fresh(path) as database:
            number = 0
            while not stop.is_set():
                number += 1
                document = compose(report(report_id=f"{number}"), [record(messages=number)])
                feed(database, document, source=f"run {number}")
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        sizes = []
        for number in range(5):
            backup(path, tmp_path / f"{number}.db")
            with fresh(tmp_path / f"{number}.db") as copy:
                assert rolled_up(copy) == recount(copy)
                sizes += rows(copy, "SELECT count(*) FROM reports")
    finally:
        stop.set()
        writer.join()
    assert sizes == sorted(sizes)


def test_an_older_backup_is_replaced_and_nothing_else_left(path, tmp_path):
    target = tmp_path / "backups" / "copy.db"
    target.parent.mkdir()
    backup(path, target)
    with fresh(path) as database:
        feed(database, compose(report(report_id="2"), [record(messages=9)]), source="later")
    backup(path, target)
    assert [each.name for each in target.parent.iterdir()] == ["copy.db"]
    with fresh(target) as copy:
        assert rows(copy, "SELECT count(*) FROM reports") == [(2,)]


@pytest.mark.parametrize("content", [b"a letter", b"SQLite format 3\0" + bytes(200)])
def test_a_file_of_somebody_else_is_left_alone(path, tmp_path, content):
    target = tmp_path / "letter"
    target.write_bytes(content)
    with pytest.raises(ConfigError, match="left alone"):
        backup(path, target)
    assert target.read_bytes() == content


def test_the_database_is_no_backup_of_itself(path, tmp_path):
    (tmp_path / "link.db").symlink_to(path)
    with pytest.raises(ConfigError, match="itself"):
        backup(path, tmp_path / "link.db")


def test_a_folder_that_is_not_there_is_a_sentence(path, tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        backup(path, tmp_path / "nowhere" / "copy.db")


def test_no_database_and_another_programs_are_said(tmp_path):
    with pytest.raises(StoreError, match="no database"):
        backup(tmp_path / "none.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="no database of dmarcwatch"):
        backup(tmp_path / "other.db", tmp_path / "copy.db")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other.db"]


def test_a_damaged_database_makes_no_backup(path, tmp_path):
    with fresh(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        [(page,)] = rows(database, "SELECT rootpage FROM sqlite_master WHERE name = 'reports_identity'")
        [(size,)] = rows(database, "PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(StoreError):
        backup(path, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_a_database_of_an_older_program_is_saved_before_it_is_migrated(tmp_path):
    path = tmp_path / "old.db"
    database = open_database(path)
    database.execute("DELETE FROM _sqlite_migrations WHERE name = 'looked_up'")
    database.execute("DROP TABLE published")
    database.conn.close()
    assert CliRunner().invoke(main, ["--db", str(path), "backup", str(tmp_path / "copy.db")]).exit_code == 0
    for each in (path, tmp_path / "copy.db"):
        with closing(sqlite3.connect(each)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert "published" not in tables
