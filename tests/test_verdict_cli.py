"""`dmarcwatch verdict`: its forms, its history, and what it ends with, on the demo's ninety days."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner

from dmarcwatch import demo
from dmarcwatch.cli import main
from dmarcwatch.config import Config
from dmarcwatch.judging import Court
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import open_database

DAY = date(2026, 11, 20)
LATER = datetime(2027, 1, 20, tzinfo=UTC)
"""Two months after the last report: what was a risk has become a lack of evidence."""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verdict")
    demo.write(folder / "reports", DAY)
    (folder / "empty.toml").touch()
    done = run(folder / "dmarcwatch.db", "fetch", str(folder / "reports"))
    assert done.exit_code == 0, done.output
    return folder / "dmarcwatch.db"


def run(path, *arguments):
    before = ["--db", str(path), "--config", str(path.parent / "empty.toml")]
    return CliRunner().invoke(main, [*before, *arguments])


def verdict(path, *arguments):
    return run(path, "verdict", *arguments)


def as_of(day):
    return ("--as-of", day.isoformat())


def test_the_first_line_is_the_answer_and_the_exit_status_says_it(path):
    done = verdict(path, "example.com", *as_of(DAY))
    (told,) = json.loads(verdict(path, "example.com", "--json", *as_of(DAY)).stdout)
    assert done.stdout.startswith("example.com")
    assert done.exit_code == {"not-ready": 1, "cannot-tell": 3}.get(told["verdict"], 0)


def test_a_verdict_of_the_past_rests_on_what_had_arrived(path):
    early = DAY - timedelta(days=80)
    (told,) = json.loads(verdict(path, "example.com", "--json", *as_of(early)).stdout)
    assert told["as_of"] == early.isoformat()
    assert told["evidence"]["last_day"] < early.isoformat()
    assert "history" in {blocker["gate"] for blocker in told["blockers"]}


def test_a_table_has_one_line_a_domain(path):
    done = verdict(path, "--all", *as_of(DAY))
    domains = {one["domain"] for one in json.loads(verdict(path, "--json", *as_of(DAY)).stdout)}
    assert {line.split()[0] for line in done.stdout.splitlines()[1:]} == domains


def test_every_gate_is_explained_with_its_limit(path):
    done = verdict(path, "example.com", "--explain", *as_of(DAY))
    (told,) = json.loads(verdict(path, "example.com", "--json", *as_of(DAY)).stdout)
    assert all(gate["gate"] in done.stdout for gate in told["gates"])
    assert "margin" in done.stdout


@pytest.mark.parametrize(("chosen", "status"), [(True, 1), (False, 0)])
def test_a_build_fails_on_the_verdicts_it_names_and_on_no_other(path, chosen, status):
    (told,) = json.loads(verdict(path, "example.com", "--json", *as_of(DAY)).stdout)
    word = told["verdict"] if chosen else "roll-back"
    assert verdict(path, "example.com", "--fail-on", word, *as_of(DAY)).exit_code == status


def test_a_domain_nobody_reported_on_is_named_with_the_near_ones(path):
    done = verdict(path, "exampel.com")
    assert done.exit_code == 2
    assert "No report has spoken of exampel.com." in done.stderr
    assert "Near it: example.com" in done.stderr


def test_every_verdict_given_is_kept_and_what_changed_is_told(path):
    before = len(verdict_lines(path))
    keep(path, datetime(2026, 11, 20, tzinfo=UTC))
    keep(path, LATER)
    *_, first, last = given = verdict_lines(path)
    assert len(given) == before + 2
    assert (first["as_of"], last["as_of"]) == ("2026-11-20", "2027-01-20")
    (change,) = json.loads(verdict(path, "example.com", "--since-last", "--json").stdout)
    assert (change["from"], change["to"]) == (first["verdict"], last["verdict"])
    assert change["new_blockers"] and change["gone_blockers"]
    assert not set(change["new_blockers"]) & set(change["gone_blockers"])
    told = verdict(path, "example.com", "--since-last").stdout
    assert f"{last['verdict']} on 2027-01-20" in told
    assert "New: " in told and "Gone: " in told


def keep(path, now, domain="example.com"):
    """Judge as `fetch` does at a time."""
    database = open_database(path)
    Court(Config(), Senders.load(), now).judge_and_keep(database, [domain])
    database.close()


def verdict_lines(path):
    assert "as_of" in verdict(path, "example.com", "--history").stdout.lower()
    return json.loads(verdict(path, "example.com", "--history", "--json").stdout)
