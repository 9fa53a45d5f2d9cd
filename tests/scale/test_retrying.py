"""What could not be read is read again when somebody asks for it, and takes the place of what was found."""

from contextlib import closing
from dataclasses import replace

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.compose import compose, compose_mail
from dmarcwatch.errors import StoreError
from dmarcwatch.rebuild import retry_rejects
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.engine import InProcess
from dmarcwatch.scale.job import Job
from dmarcwatch.store.database import open_database
from tests.build import record, report
from tests.database import rules
from tests.scale.build import RECIPE, differences, fetch, imported, of_folder, picture
from tests.scale.test_mboxes import append

SMALL = replace(RECIPE, budgets=Budgets(max_records=5))


def rows(count):
    return [record(f"10.0.0.{number}") for number in range(count)]


@pytest.fixture
def inbox(tmp_path):
    """A report and one that is too large for small budgets."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.xml").write_bytes(compose(report(report_id="a"), rows(2)))
    (tmp_path / "in/b.xml").write_bytes(compose(report(report_id="b"), rows(9)))
    return tmp_path / "in"


def read(tmp_path, recipe=RECIPE, *, retry=False):
    dataset = Dataset(str(tmp_path / "set"), create=True)
    return Job(dataset, recipe, InProcess(), retry=retry).run([of_folder(tmp_path / "in")])


def found(path):
    taken = picture(path)
    return len(taken["reports"]), len(taken["rejects"]), len(taken["items"])


def test_a_retry_counts_once_and_replaces_the_rejects(tmp_path, inbox):
    (summary,) = read(tmp_path, SMALL)
    assert (summary.accounts.reports, summary.accounts.rejects) == (1, 1)
    assert read(tmp_path) == []
    (summary,) = read(tmp_path, retry=True)
    assert (summary.objects, summary.accounts.reports, summary.accounts.rejects) == (1, 1, 0)
    imported(tmp_path / "set", tmp_path / "i.db")
    fetch(tmp_path / "f.db", [inbox])
    assert differences(picture(tmp_path / "f.db"), picture(tmp_path / "i.db")) == {}
    assert read(tmp_path, retry=True) == []


def test_what_is_still_a_reject_stands_there_once(tmp_path, inbox):
    for retry in (False, True, True):
        (summary,) = read(tmp_path, SMALL, retry=retry)
        assert summary.accounts.rejects == 1
    imported(tmp_path / "set", tmp_path / "i.db")
    assert found(tmp_path / "i.db") == (1, 1, 2)


def test_a_mail_of_an_mbox_that_has_grown_is_read_again(tmp_path, inbox):
    for path in inbox.iterdir():
        path.unlink()
    append(inbox / "m.mbox", *(compose_mail(report(report_id=f"{n}"), rows(n)) for n in (1, 9)))
    read(tmp_path, SMALL)
    append(inbox / "m.mbox", compose_mail(report(report_id="3"), rows(3)))
    (summary,) = read(tmp_path, SMALL)
    assert (summary.accounts.reports, summary.accounts.rejects) == (1, 0)
    (summary,) = read(tmp_path, retry=True)
    assert (summary.items, summary.accounts.reports, summary.accounts.duplicates) == (1, 1, 0)
    imported(tmp_path / "set", tmp_path / "i.db")
    assert found(tmp_path / "i.db") == (3, 0, 3)


def test_an_import_takes_nothing_away_that_the_database_read_by_itself(tmp_path, inbox):
    read(tmp_path, SMALL)
    imported(tmp_path / "set", tmp_path / "i.db")
    with closing(open_database(tmp_path / "i.db")) as database:
        accounts, _ = retry_rejects(database, rules())
    assert accounts.reports == 1
    with pytest.raises(StoreError, match="1 report that `rejects --retry` gained") as raised:
        imported(tmp_path / "set", tmp_path / "i.db")
    assert "--retry" in raised.value.hint
    assert found(tmp_path / "i.db") == (2, 0, 2)
    read(tmp_path, retry=True)
    imported(tmp_path / "set", tmp_path / "i.db")
    assert found(tmp_path / "i.db") == (2, 0, 2)
