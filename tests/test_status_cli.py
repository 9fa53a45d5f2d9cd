"""`dmarcwatch status` tells monitoring by its exit status what the last runs came to."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.store.status import health
from tests.aside_build import tls
from tests.build import record, report
from tests.database import fresh, rows

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def last(**changes):
    run = {
        "source": "imap://a@b",
        "started_at": "2026-11-20T11:00:00Z",
        "ended_at": "2026-11-20T11:01:00Z",
        "last_success": "2026-11-20T11:01:00Z",
        "rejects": 0,
        "dropped": 0,
        "error": None,
    }
    return [run | changes]


def asked(runs, sources=(), **options):
    return health(runs, sources=sources, now=NOW, **options)


def test_a_good_run_is_0():
    assert asked(last()) == (0, ())


def test_a_failed_run_is_4_and_says_why():
    found = asked(last(error="the server says no"))
    assert found == (4, ("imap://a@b could not be read: the server says no",))


@pytest.mark.parametrize("changes", [{"rejects": 2}, {"dropped": 1}])
def test_something_rejected_or_dropped_is_6(changes):
    assert asked(last(**changes)).exit_status == 6


def test_a_source_that_could_not_be_read_comes_before_rejects():
    found = asked(last(error="no", rejects=3))
    assert (found.exit_status, len(found.reasons)) == (4, 2)


def test_a_run_under_way_is_well_and_one_of_yesterday_is_not():
    assert asked(last(ended_at=None)).exit_status == 0
    assert asked(last(ended_at=None, started_at="2026-11-20T05:59:00Z")).exit_status == 4


@pytest.mark.parametrize(("hours", "expected"), [(1, 0), (0.9, 4)])
def test_a_source_may_be_unread_for_as_long_as_the_user_says(hours, expected):
    assert asked(last(), max_age=timedelta(hours=hours)).exit_status == expected


def test_a_run_that_never_ended_well_is_not_young_enough():
    found = asked(last(last_success=None), max_age=timedelta(days=400))
    assert found == (4, ("imap://a@b was never read to its end",))


def test_only_configured_sources_are_asked_where_some_are():
    assert asked(last(error="no"), ["s3://x/"]) == (4, ("s3://x/ was never read",))
    assert asked([*last(error="no"), *last(source="s3://x/")], ["s3://x/"]) == (0, ())


def run(tmp_path, *arguments):
    return CliRunner().invoke(
        main, ["--db", str(tmp_path / "a.db"), "--config", str(tmp_path / "a.toml"), *arguments]
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "a.toml").write_text('[[source]]\nkind = "files"\npath = "%s"\n' % (tmp_path / "reports"))
    return tmp_path / "reports"


def test_status_ends_as_the_last_fetch_of_the_configured_sources_did(tmp_path, folder):
    (folder / "1.xml").write_bytes(compose(report(), [record()]))
    assert run(tmp_path, "fetch").exit_code == run(tmp_path, "status").exit_code == 0
    (folder / "2.xml").write_bytes(b"<feedback/>")
    assert run(tmp_path, "fetch").exit_code == run(tmp_path, "status").exit_code == 6
    folder.rename(tmp_path / "gone")
    assert run(tmp_path, "fetch").exit_code == run(tmp_path, "status").exit_code == 4
    assert run(tmp_path, "status").stdout.startswith(f"Needs a look: {folder} could not be read")
    (tmp_path / "gone").rename(folder)
    assert run(tmp_path, "fetch").exit_code == run(tmp_path, "status", "--max-age", "26h").exit_code == 0


def test_json_names_the_reasons_and_keeps_the_status(tmp_path, folder):
    run(tmp_path, "fetch")
    with fresh(tmp_path / "a.db") as database:
        rows(database, "UPDATE runs SET ended_at = '2020-01-01T00:00:00Z'")
    done = run(tmp_path, "status", "--json", "--max-age", "1d")
    assert done.exit_code == 4
    assert json.loads(done.stdout)["needs_a_look"] == [f"{folder} was last read at 2020-01-01T00:00:00Z"]


def test_tls_reports_that_could_not_be_read_are_named_and_nobody_is_called(tmp_path, folder):
    (folder / "1.json").write_bytes(tls(policy={"policy-type": "none"}))
    assert run(tmp_path, "fetch").exit_code == run(tmp_path, "status").exit_code == 0
    assert "Invalid policy type none" in run(tmp_path, "status").stdout
    assert json.loads(run(tmp_path, "status", "--json").stdout)["unread_aside"][0]["reports"] == 1
