"""The database file: ours, whole, of this version or brought to it, and private."""

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest

from dmarcwatch.errors import StoreError
from dmarcwatch.store.database import fit_cache, open_database, store_errors, transaction
from dmarcwatch.store.lock import only_writer


def test_a_new_database_is_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "sub" / "dmarcwatch.db"
    open_database(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE albums (id)")
        other.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        open_database(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear Sir or Madam, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        open_database(path)
    assert path.read_bytes().startswith(b"Dear Sir")


def test_a_newer_database_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    with closing(open_database(path)) as database:
        database.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('dmarcwatch', 'later', '')"
        )
    with pytest.raises(StoreError, match="written by a newer dmarcwatch"):
        open_database(path)


def test_a_database_that_must_exist_is_not_made(tmp_path):
    path = tmp_path / "none.db"
    with pytest.raises(StoreError, match="There is no database"):
        open_database(path, create=False)
    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match="file"):
        open_database(blocked / "dmarcwatch.db")


def test_two_programs_may_make_the_database_at_once(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    program = (
        "import sys; from pathlib import Path; from dmarcwatch.store.database import open_database\n"
        "open_database(Path(sys.argv[1])).close()"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(4)]
    assert [each.wait(60) for each in running] == [0] * 4


def test_views_of_an_older_program_are_brought_up_to_date(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    with closing(open_database(path)) as database:
        database.execute("DROP VIEW records")
        database.execute("CREATE VIEW records AS SELECT 1 AS old")
    with closing(open_database(path)) as database:
        assert "source_ip" in {column.name for column in database["records"].columns}


def test_a_failed_transaction_leaves_nothing(tmp_path):
    with closing(open_database(tmp_path / "dmarcwatch.db")) as database:
        with pytest.raises(ValueError, match="midway"), transaction(database.conn):
            database.conn.execute("INSERT INTO _reporters (name) VALUES ('example.com')")
            raise ValueError("midway")
        assert database["_reporters"].count == 0


def test_a_full_disk_is_a_sentence_with_a_hint(tmp_path):
    with closing(open_database(tmp_path / "dmarcwatch.db")) as database:
        pages = database.conn.execute("PRAGMA page_count").fetchone()[0]
        database.conn.execute(f"PRAGMA max_page_count = {pages + 2}")
        with (
            pytest.raises(StoreError, match="full") as caught,
            store_errors("x.db"),
            transaction(database.conn),
        ):
            database.conn.executemany(
                "INSERT INTO _reporters (name) VALUES (?)", [(f"{n}" * 500,) for n in range(2000)]
            )
        assert "Free some space" in caught.value.hint
        assert database["_reporters"].count == 0


def test_a_locked_database_is_a_sentence_with_a_hint(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    with closing(open_database(path)) as first, closing(open_database(path)) as second:
        second.conn.execute("PRAGMA busy_timeout = 10")
        with (
            transaction(first.conn),
            pytest.raises(StoreError, match="locked") as caught,
            store_errors(path),
            transaction(second.conn),
        ):
            pass
        assert "Another program writes" in caught.value.hint


def test_the_page_cache_grows_with_the_database_within_bounds(tmp_path):
    def cache_kib():
        fit_cache(database.conn)
        return -database.conn.execute("PRAGMA cache_size").fetchone()[0]

    with closing(open_database(tmp_path / "dmarcwatch.db")) as database:
        least = cache_kib()
        database.conn.execute("CREATE TABLE filling (bytes BLOB)")
        database.conn.execute("INSERT INTO filling VALUES (zeroblob(64 << 20))")
        assert cache_kib() == pytest.approx((64 << 10) / 4, rel=0.1)
        database.conn.execute("INSERT INTO filling VALUES (zeroblob(400 << 20))")
        assert least < cache_kib() < 100_000


def test_only_one_process_writes_and_a_dead_one_holds_no_lock(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    program = (
        "import sys, os; from pathlib import Path; from dmarcwatch.store.lock import only_writer\n"
        "with only_writer(Path(sys.argv[1])) as alone:\n"
        "    print(alone, flush=True); sys.stdin.read(1); os.kill(os.getpid(), 9)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline().strip() == "True"
    with only_writer(path) as alone:
        assert not alone
    other.communicate("x")
    with only_writer(path) as alone:
        assert alone
