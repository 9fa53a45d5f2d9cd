"""`dmarcwatch prune`, on the demo's ninety days seen from a later year."""

import json
from datetime import date

import pytest
from click.testing import CliRunner

from dmarcwatch import demo
from dmarcwatch.cli import main
from dmarcwatch.store.database import open_database
from dmarcwatch.store.lock import only_writer

DAY = date(2024, 6, 30)
"""So long ago that all of it is older than any age asked for below."""


def run(path, *arguments):
    return CliRunner().invoke(main, ["--db", str(path), *arguments])


@pytest.fixture
def database(tmp_path):
    demo.write(tmp_path / "reports", DAY)
    path = tmp_path / "dmarcwatch.db"
    assert run(path, "-q", "fetch", str(tmp_path / "reports")).exit_code == 0
    return path


def whole_size(path):
    """The file's bytes with what stands in its log still."""
    database = open_database(path)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    database.close()
    return path.stat().st_size


def count(path, *tables):
    database = open_database(path)
    found = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    database.close()
    return found


def test_old_records_and_bytes_go_and_the_verdict_stays(database):
    before = run(database, "verdict", "--as-of", str(DAY), "--json", "--all").stdout
    kept = ("reports", "stream_days", "domain_days", "items", "verdicts")
    counts, size = count(database, *kept), whole_size(database)
    done = run(database, "prune", "--records-older-than", "400d", "--raw-older-than", "8w", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["reports"] > 100 < found["records"]
    # Bare files have no day of their own; their bytes are as old as the fetch.
    assert [counts[3] - found["items"], 0] == count(database, "_raw", "records")
    assert found["items"] > 100
    assert count(database, *kept) == counts
    assert database.stat().st_size == size - found["freed_bytes"]
    assert found["freed_bytes"] > 0
    assert run(database, "rebuild", "--facts").exit_code == 0
    assert run(database, "verdict", "--as-of", str(DAY), "--json", "--all").stdout == before


def test_a_dry_run_changes_nothing_and_says_the_same(database):
    arguments = ("prune", "--records-older-than", "400d", "--raw-older-than", "1d", "--json")
    before = count(database, "records", "_raw")
    dry = json.loads(run(database, *arguments, "--dry-run").stdout)
    assert count(database, "records", "_raw") == before
    assert dry | {"freed_bytes": 0} == json.loads(run(database, *arguments, "--no-vacuum").stdout)


def test_the_sentence_counts_what_is_gone(database):
    done = run(database, "prune", "--raw-older-than", "2y")
    assert done.stdout.startswith("0 records of 0 reports gone, the bytes of ")


def test_nothing_asked_for_is_a_usage_error(database):
    done = run(database, "prune")
    assert done.exit_code == 2
    assert "--records-older-than 400d" in done.stderr


def test_records_that_are_still_read_cannot_be_pruned(database):
    done = run(database, "prune", "--records-older-than", "89d")
    assert done.exit_code == 2
    assert "90 days" in done.stderr


@pytest.mark.parametrize("age", ["400", "400m", "-3d", "d", "4 d", ""])
def test_an_age_that_cannot_be_read_is_a_usage_error(tmp_path, age):
    done = run(tmp_path / "a.db", "prune", "--raw-older-than", age)
    assert done.exit_code == 2
    assert "26h, 400d, 8w or 2y" in done.stderr


def test_ages_before_the_first_year_remove_nothing(database):
    assert run(database, "prune", "--raw-older-than", "99999y").stdout.startswith("0 records")


def test_a_fetch_under_way_is_not_disturbed(database):
    with only_writer(database) as alone:
        assert alone
        assert run(database, "prune", "--raw-older-than", "1d").exit_code == 5
    assert count(database, "_raw") != [0]
