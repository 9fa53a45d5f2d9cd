"""Records that were dropped to save space: what came of them stands, and the data set goes on."""

import shutil

import pytest

from dmarcwatch.compose import compose
from dmarcwatch.report import Tier
from dmarcwatch.scale.settling import DUPLICATE
from dmarcwatch.scale.shelf import Written
from tests.build import record, report
from tests.scale.build import imported, picture, read
from tests.scale.test_settling import entry, settled
from tests.store.test_holding import day, mailed


def write(folder, name, *, records, report_id="r"):
    folder.mkdir(exist_ok=True)
    rows = [record(f"10.0.0.{number}") for number in range(records)]
    (folder / name).write_bytes(compose(report(report_id=report_id), rows))


@pytest.fixture
def dropped(tmp_path):
    """A data set of one report, whose records were dropped."""
    write(tmp_path / "in", "1.xml", records=2)
    read(tmp_path / "set", tmp_path / "in")
    shutil.rmtree(tmp_path / "set/records")
    return tmp_path


def test_a_correction_of_a_report_without_records_is_a_conflict_and_the_next_day_is_read(dropped):
    write(dropped / "in", "2.xml", records=3)
    (summary,) = read(dropped / "set", dropped / "in")
    assert summary.accounts.reports == 1
    write(dropped / "in", "3.xml", records=4, report_id="other")
    (summary,) = read(dropped / "set", dropped / "in")
    assert summary.accounts.reports == 1
    imported(dropped / "set", dropped / "d.db")
    statuses = [(row[4], row[25], row[28]) for row in picture(dropped / "d.db")["reports"]]
    assert sorted(statuses) == [("other", 4, "counted"), ("r", 2, "counted"), ("r", 3, "conflict")]


def test_a_better_delivery_lifts_no_report_without_records(tmp_path):
    head = day(3, "google.com")
    for name, mail in (("a", mailed(head)), ("b", mailed(head, sender="google.com"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.eml").write_bytes(mail)
    read(tmp_path / "set", tmp_path / "a", trusted=False)
    shutil.rmtree(tmp_path / "set/records")
    (summary,) = read(tmp_path / "set", tmp_path / "a", tmp_path / "b", trusted=False)
    assert (summary.accounts.reports, summary.accounts.duplicates) == (0, 1)
    imported(tmp_path / "set", tmp_path / "d.db")
    ((*_, tier, _),) = [row[:24] for row in picture(tmp_path / "d.db")["reports"]]
    assert tier == "unverified"


def test_records_that_are_there_and_broken_are_still_refused(tmp_path):
    write(tmp_path / "in", "1.xml", records=2)
    read(tmp_path / "set", tmp_path / "in")
    (file,) = (tmp_path / "set/records").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-9])
    write(tmp_path / "in", "2.xml", records=3)
    with pytest.raises(Written, match=file.name):
        read(tmp_path / "set", tmp_path / "in")


def test_a_final_report_is_neither_replaced_nor_lifted():
    old = entry(1, sha256="a", status="counted", tier=Tier.UNVERIFIED, final=True)
    again, corrected = entry(2, sha256="a"), entry(3)
    assert settled(again, corrected, earlier=[old], holds_all=lambda new, old: True) == [
        "counted",
        DUPLICATE,
        "conflict",
    ]
    assert old.tier is Tier.UNVERIFIED
