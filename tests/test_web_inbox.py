"""The page of what came in: what waits for a person, what is held and how it is let through, what no verdict reads."""

import asyncio
import shlex
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copy

import httpx
import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.plausible import Why
from dmarcwatch.serve import app
from dmarcwatch.store import holding
from dmarcwatch.unpack import SetAsideKind
from dmarcwatch.web import words
from dmarcwatch.web.inbox import ROWS_SHOWN, inbox_page
from tests.aside_build import failure, tls
from tests.build import record, report
from tests.database import feed, fresh, rules
from tests.web_build import AS_OF, Build, Sent
from tests.web_client import Html, get, read
from tests.web_worlds import ALIGNED

NO_TLS = b'{"organization-name": "Reporter", "policies": []}'


def ancient() -> bytes:
    """A report that covers a time before DMARC."""
    long_ago = report().begin.replace(year=1999)
    return compose(report(begin=long_ago, end=long_ago + timedelta(days=1), report_id="old"), [record()])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report that counts, one that is held, two TLS reports of which one is none, and a failure report."""
    path = tmp_path_factory.mktemp("inbox") / "dmarcwatch.db"
    with fresh(path) as database:
        feed(database, compose(report(), [record()]), ancient(), tls(), NO_TLS, failure(), b"nothing")
    return path


def commands(page: Html) -> list[str]:
    return [attrs["data-copy"] or "" for _, attrs in page.tags if "data-copy" in attrs]


def follow(path: Path, page: Html, word: str) -> httpx.Response:
    """The page behind the first link to a table or view."""
    link = next(each for each in page.links if f"/{word}" in each)

    async def answer() -> httpx.Response:
        return await app(path, as_of=AS_OF.isoformat()).client.get(link)

    return asyncio.run(answer())


def test_a_held_report_is_listed_with_its_reason_and_is_no_problem_inside_a_report(path):
    text = read(get(path, "inbox")).text
    assert "1 report cannot be what it says: 1 impossible period" in text
    assert "1999-" in text.partition("Held reports")[2]
    assert "held/" not in text


def test_the_command_beside_a_held_report_lets_it_through(path, tmp_path):
    path = Path(copy(path, tmp_path))
    release = next(each for each in commands(read(get(path, "inbox"))) if "--release" in each)
    program, *arguments = shlex.split(release)
    assert program == "dmarcwatch"
    done = CliRunner().invoke(main, ["--db", str(path), *arguments])
    assert done.exit_code == 0, done.output
    assert "No report is held" in read(get(path, "inbox")).text


def test_the_page_lists_the_held_reports_that_the_command_line_does(path):
    with fresh(path) as database:
        page = inbox_page(database.conn, AS_OF)
        listed = holding.held_reports(database.conn)
        counted = {each["why"]: each["reports"] for each in holding.held_reasons(database.conn)}
    assert [(each.report, each.domain, each.found) for each in page.held] == [
        (each["id"], each["policy_domain"], each["found"]) for each in listed
    ]
    assert dict(page.held_reasons) == {words.held_word(why): number for why, number in counted.items()}


def test_very_many_held_reports_are_counted_and_the_newest_shown(tmp_path):
    build = Build(tmp_path / "x.db")
    numbers = [
        build.report(Sent("x.example", AS_OF - timedelta(3), "unverified"), [(ALIGNED, 1)])
        for _ in range(ROWS_SHOWN + 3)
    ]
    for number in numbers:
        build.held(number, "policy", "p=reject")
    page = read(get(build.close(), "inbox"))
    shown = [each for each in commands(page) if "--release" in each]
    assert shown == [f"dmarcwatch rejects --release {number}" for number in numbers[:2:-1]]
    assert f"{ROWS_SHOWN + 3} reports cannot be what they say" in page.text
    assert f"The newest {ROWS_SHOWN}." in page.text


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ("tls_days", "812"),
        ("tls_problems", "certificate-expired"),
        ("failure_days", "192.0.2.99"),
        ("failure_reports", "mx.reporter.example"),
        ("set_aside", "tls-report"),
        ("reports?id__exact", "old"),
    ],
)
def test_links_lead_to_what_tls_failure_and_held_reports_say(path, view, says):
    answer = follow(path, read(get(path, "inbox")), view)
    assert answer.status_code == 200
    assert says in answer.text


def test_what_could_not_be_read_of_the_set_aside_is_counted_apart(path):
    page = read(get(path, "inbox"))
    assert "TLS reports how mail servers reached your own by TLS 2 1 Sessions by day" in page.text
    assert "Failure reports each on one message that failed DMARC 1 none By day" in page.text
    unread = next(each for each in page.links if "problem__notblank" in each)
    assert "/set_aside?" in unread


def test_reports_on_other_domains_are_said_to_be_that(tmp_path):
    with fresh(tmp_path / "x.db") as database:
        not_ours = replace(rules(), is_ours=lambda domain: False)
        feed(database, compose(report(), [record()]), rules=not_ours)
    assert "Reports on other domains" in read(get(tmp_path / "x.db", "inbox")).text


def test_the_page_begins_with_what_waits_for_a_person(path, tmp_path):
    page = read(get(path, "inbox"))
    assert "Last run today. Waiting for you: 1 reject and 1 held report." in page.text
    assert {"#rejects", "#held"} <= set(page.links)
    with fresh(tmp_path / "quiet.db") as database:
        feed(database, compose(report(), [record()]))
    assert "Last run today. Nothing waits for you." in read(get(tmp_path / "quiet.db", "inbox")).text


def test_every_reason_and_every_kind_has_a_word_for_people():
    assert set(words.HELD) == {*map(str, Why)}
    assert set(words.ASIDE) == {*map(str, SetAsideKind), "foreign-domain"}
    assert words.held_word("later").text == "later"
    assert words.aside_word("later").many == "later"
