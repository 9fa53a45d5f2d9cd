"""What a run leaves behind that ends between two of its steps, and what the next one makes of it."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.store.database import open_database
from dmarcwatch.store.unjudged import unjudged
from tests.build import record, report
from tests.database import feed, fresh, rows, rules

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
