"""What a run leaves behind that ends between two of its steps, and what the next one makes of it."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from resource import RLIMIT_FSIZE, setrlimit

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.errors import StoreError
from dmarcwatch.ingest import Ingest
from dmarcwatch.store.database import open_database
from dmarcwatch.store.unjudged import unjudged
from tests.build import record, report
from tests.database import NOW, Pile, feed, fresh, rows, rules

DOCUMENT = compose(report(), [record()])


@pytest.fixture
def stored(tmp_path):
    """A database whose run ended before it judged what it had stored."""
    with fresh(tmp_path / "dmarc.db") as database:
        feed(database, DOCUMENT)
    return tmp_path / "dmarc.db"


def test_what_a_run_stored_and_did_not_judge_is_judged_by_the_next(stored, tmp_path):
    (tmp_path / "empty").mkdir()
    done = CliRunner().invoke(main, ["--db", str(stored), "fetch", str(tmp_path / "empty")])
    assert (done.exit_code, done.stdout[:8]) == (0, "0 items:"), done.output
    database = open_database(stored)
    assert rows(database, "SELECT domain FROM verdicts") == [("example.com",)]
    assert rows(database, "SELECT count(*) FROM streams WHERE legitimacy IS NULL") == [(0,)]
    assert rows(database, "SELECT count(*) FROM _operators") == [(1,)]
    assert unjudged(database.conn) == []
    database.close()


def test_a_domain_waits_for_judgement_as_soon_as_its_report_is_stored(stored):
    database = open_database(stored)
    assert unjudged(database.conn) == ["example.com"]
    database.close()


def test_a_run_on_a_full_disk_says_what_is_safe_and_the_next_one_goes_on(tmp_path):
    path = deliver(tmp_path / "inbox", 300)
    done = fetch(tmp_path, path, preexec_fn=lambda: setrlimit(RLIMIT_FSIZE, (1_000_000,) * 2))
    assert done.returncode == 5
    with fresh(tmp_path / "dmarc.db") as database:
        [(stored,)] = rows(database, "SELECT count(*) FROM reports")
        [(error,)] = rows(database, "SELECT error FROM runs")
        assert rows(database, "SELECT items, reports FROM runs") == [(stored, stored)]
    assert 0 < stored < 300
    assert f"{stored} items: {stored} reports stored" in done.stderr
    assert error in done.stderr
    again = fetch(tmp_path, path)
    assert (again.returncode, again.stdout.partition(",")[0]) == (
        0,
        f"{300 - stored} items: {300 - stored} reports stored",
    )


def test_a_run_that_was_killed_is_noted_by_the_next(tmp_path):
    with fresh(tmp_path / "dmarc.db") as database:
        ingest = Ingest(database, rules(), NOW)
        ingest.begin("pile")
        ingest.begin("another")
        ingest.begin("pile").read(Pile([DOCUMENT]))
        found = rows(database, "SELECT source, error LIKE 'It ended without a word%' FROM runs")
        assert found == [("pile", 1), ("another", None), ("pile", None)]


def test_what_was_not_committed_is_not_counted_as_safe(tmp_path):
    with fresh(tmp_path / "dmarc.db") as database:
        database.execute("PRAGMA max_page_count = 150").fetchall()
        run = Ingest(database, rules(), NOW).begin("pile")
        with pytest.raises(StoreError, match="full") as found:
            run.read(Pile([compose(each, [record()] * 9) for each in days(500)]))
        run.failed(found.value)
        [counted] = rows(database, "SELECT count(*) FROM reports")
        assert rows(database, "SELECT reports FROM runs") == [counted]
        assert (run.accounts.reports,) == counted
        assert 0 < run.accounts.reports < 500


def days(count):
    """The heads of as many reports, of one day each."""
    for number in range(count):
        begin = report().begin - timedelta(days=number)
        yield report(begin=begin, end=begin + timedelta(seconds=86399), report_id=f"{number}")


def deliver(folder, count):
    folder.mkdir()
    for number, head in enumerate(days(count)):
        held = [record(f"10.{number // 250}.{number % 250}.{last}") for last in range(20)]
        (folder / f"{number:03}.xml").write_bytes(compose(head, held))
    return folder


def fetch(tmp_path, *arguments, **how):
    command = [sys.executable, "-m", "dmarcwatch", "--db", tmp_path / "dmarc.db", "fetch", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **how)


@pytest.mark.parametrize("error", [MemoryError(), OSError(24, "Too many open files"), ImportError("lxml")])
def test_memory_and_handles_that_ran_out_are_no_fault_of_the_item(tmp_path, error):
    def starves(item, head):
        raise error

    with fresh(tmp_path / "dmarc.db") as database:
        with pytest.raises(type(error)):
            feed(database, DOCUMENT, rules=replace(rules(), classify=starves))
        assert rows(database, "SELECT count(*) FROM items") == [(0,)]
        assert feed(database, DOCUMENT).reports == 1
        assert rows(database, "SELECT count(*) FROM rejects") == [(0,)]
