"""Killed at any point between reading an item and settling it, the next run leaves all as if nothing had been."""

import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from dmarcwatch.compose import compose
from dmarcwatch.store.database import open_database
from tests.build import record, report
from tests.database import rows
from tests.killed import POINTS

FILES = 103
"""More than one batch of a hundred."""
TABLES = {
    "reports": "org_name, report_id, begin, policy_domain, tier, grade, status, records, messages, sha256",
    "records": "source_ip, messages, header_from, sender, state, dmarc, stream",
    "stream_days": "*",
    "domain_days": "*",
    "items": "below(origin), sha256, outcome, settled",
}


def deliver(inbox):
    inbox.mkdir()
    for number in range(FILES):
        begin = report().begin - timedelta(days=number)
        head = report(begin=begin, end=begin + timedelta(seconds=86399), report_id=f"{number}")
        (inbox / f"{number:03}.xml").write_bytes(compose(head, [record(messages=number)]))
    return inbox


def fetch(database, folder, point="<item", call=0):
    command = [sys.executable, "-m", "tests.killed", database, folder, folder.parent / "done", point, call]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def contents(path):
    """All that was stored, with origins as they stand below their folder."""
    database = open_database(path)
    database.conn.create_function("below", 1, lambda origin: origin.rpartition("/")[2])
    found = {
        name: sorted(rows(database, f"SELECT {columns} FROM {name}"), key=repr)
        for name, columns in TABLES.items()
    }
    database.close()
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    done = fetch(folder / "whole.db", deliver(folder / "inbox"))
    assert done.returncode == 0, done.stderr
    return contents(folder / "whole.db")


CALLS = {
    "item": 50,
    "prepare": 50,
    "file": 50,
    "report": 50,
    "raw": 50,
    "position": 2,
    "roll-up": 2,
    "rows": 2,
    "flush": 2,
}
"""Which call kills; the second batch's where there are few."""


@pytest.mark.parametrize("side", "<>")
@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_anywhere_is_made_good_by_the_next(tmp_path, undisturbed, point, side):
    folder = deliver(tmp_path / "inbox")
    killed = fetch(tmp_path / "killed.db", folder, side + point, CALLS.get(point, 1))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = fetch(tmp_path / "killed.db", folder)
    assert again.returncode == 0, again.stderr
    assert [*folder.iterdir()] == []
    assert len([*(tmp_path / "done").iterdir()]) == FILES
    assert contents(tmp_path / "killed.db") == undisturbed
