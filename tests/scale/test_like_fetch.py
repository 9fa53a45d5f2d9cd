"""What the job counts is what `fetch` counts, to the message, whatever came and in how many runs."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.scale.build import NOW, differences, fetch, imported, picture, read

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"


def both(tmp_path, *folders, now=NOW, **how):
    """The accounts and pictures of both ways."""
    accounts = fetch(tmp_path / "fetched.db", folders, now=now)
    summaries = []
    for number, _ in enumerate(folders):
        summaries += read(tmp_path / "set", *folders[: number + 1], now=now, **how)
    imported(tmp_path / "set", tmp_path / "imported.db")
    return (
        accounts,
        summaries,
        differences(picture(tmp_path / "fetched.db"), picture(tmp_path / "imported.db")),
    )


def test_ninety_days_give_the_same_reports_sums_streams_and_verdicts(tmp_path, ninety_days):
    accounts, (summary,), different = both(tmp_path, ninety_days)
    assert summary.accounts == accounts
    assert different == {}


def test_every_fixture_ends_as_it_does_with_fetch(tmp_path):
    accounts, (summary,), different = both(tmp_path, FIXTURES)
    assert summary.accounts == accounts
    assert accounts.rejects > 0
    assert different == {}


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_how_the_list_is_cut_changes_nothing(tmp_path, batch):
    _, (summary,), different = both(tmp_path, FIXTURES, batch=batch, shards=1 + batch % 5)
    assert summary.objects == summary.read + summary.empty
    assert different == {}


def test_day_after_day_gives_what_all_at_once_gives(tmp_path, ninety_days):
    parts = days_of(ninety_days, tmp_path, count=4)
    accounts, summaries, different = both(tmp_path, *parts)
    assert len(summaries) == 4
    assert sum(summary.accounts.messages for summary in summaries) == accounts.messages
    assert different == {}


def days_of(folder, tmp_path, *, count):
    """The files of a folder in so many, those of a day together."""
    files = sorted(folder.iterdir(), key=lambda path: path.name.removeprefix("again-").split("!")[2:3])
    size = -(-len(files) // count)
    parts = []
    for number in range(count):
        part = tmp_path / f"part{number}"
        part.mkdir()
        for file in files[number * size : (number + 1) * size]:
            shutil.copy2(file, part)
        parts.append(part)
    return parts


def test_what_was_read_is_not_read_again(tmp_path, ninety_days):
    read(tmp_path / "set", ninety_days)
    assert read(tmp_path / "set", ninety_days, now=NOW + timedelta(days=1)) == []
