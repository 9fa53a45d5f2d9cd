"""A folder in which every second item is hostile: the good ones all arrive, the others end with their reason."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from dmarcwatch.compose import compose
from dmarcwatch.store.database import open_database
from tests.build import record, report
from tests.database import rows
from tests.hostile import hostile

HOSTILE = hostile()


def good(number):
    begin = report().begin - timedelta(days=number)
    head = report(begin=begin, end=begin + timedelta(seconds=86399), report_id=f"good {number}")
    return compose(head, [record(messages=7)])


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """The database after one fetch through the command line, and what the command said."""
    folder = tmp_path_factory.mktemp("attack")
    inbox = folder / "inbox"
    inbox.mkdir()
    for number, (name, (data, _)) in enumerate(HOSTILE.items()):
        (inbox / f"{number:03}-a-good.xml").write_bytes(good(number))
        (inbox / f"{number:03}-b-{name}").write_bytes(data)
    command = [sys.executable, "-m", "dmarcwatch", "--db", folder / "a.db", "fetch", "--json", inbox]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    database = open_database(folder / "a.db")
    yield database, done
    database.close()


def test_there_are_enough_kinds_of_attack():
    assert len(HOSTILE) >= 60


def test_the_run_ends_in_order_and_says_that_something_was_rejected(attacked):
    _, done = attacked
    assert (done.returncode, done.stderr) == (6, "")
    assert json.loads(done.stdout)["items"] >= 2 * len(HOSTILE) - 5


def test_every_good_report_arrives_untouched(attacked):
    database, _ = attacked
    assert rows(
        database,
        "SELECT count(*), sum(messages) FROM reports WHERE report_id LIKE 'good %' AND status = 'counted'",
    ) == [(len(HOSTILE), 7 * len(HOSTILE))]


@pytest.mark.parametrize("name", [name for name, (data, reason) in HOSTILE.items() if reason and data])
def test_a_hostile_item_ends_as_a_reject_whose_reason_names_the_cause(attacked, name):
    database, _ = attacked
    reasons = {
        reason
        for (reason,) in rows(database, "SELECT reason FROM rejects WHERE origin LIKE ?", f"%-b-{name}%")
    }
    assert HOSTILE[name][1] in reasons


def test_no_item_of_strangers_is_a_fault_of_ours(attacked):
    database, _ = attacked
    assert rows(database, "SELECT origin, message FROM rejects WHERE reason = 'internal'") == []


def test_no_text_from_outside_keeps_control_characters(attacked):
    database, _ = attacked
    texts = rows(
        database,
        "SELECT org_name || report_id || policy_domain FROM reports UNION ALL SELECT found FROM problems "
        "UNION ALL SELECT reasons || dkim || ifnull(header_from, '') FROM records",
    )
    assert [
        text
        for (text,) in texts
        if text and any(ord(char) < 32 or 0x202A <= ord(char) <= 0x202E for char in text)
    ] == []
