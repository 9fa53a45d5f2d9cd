"""The pages: what each shows, and that each says what is so where there is nothing to show."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dmarcwatch.serve import app
from dmarcwatch.verdict import Answer, Because, Target
from tests import web_worlds
from tests.web_build import AS_OF, Build, Sent
from tests.web_client import get, get_all, read, url
from tests.web_worlds import ALIGNED, DOMAIN, FORGOTTEN, not_ready

STREAM = f"{DOMAIN}/amazon-ses/eu-west-1"
FORGOTTEN_STREAM = f"{DOMAIN}/amazon-ses/us-east-1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return web_worlds.plausible(tmp_path_factory.mktemp("web") / "dmarcwatch.db")


def test_home_names_every_domain_with_its_verdict_policy_and_what_needs_a_hand(world):
    page = read(get(world))
    assert "1 domain: 1 not ready." in page.text
    assert "p=none; sp=quarantine" in page.text
    assert "Amazon SES in us-east-1 sends as example.com without a signature of yours" in page.text
    assert "and 1 more" in page.text
    assert "2 days ago" in page.text


def test_home_leaves_out_tags_that_say_no_more_than_their_absence(world):
    assert "adkim=r" not in read(get(world)).text
    assert "adkim=r" in read(get(world, "domain", name=DOMAIN)).text


def test_home_puts_what_needs_attention_first_and_pages_two_thousand_domains(tmp_path):
    build = Build(tmp_path / "many.db")
    for number in range(2000):
        build.verdict(replace(not_ready(AS_OF, f"d{number:04}.example"), verdict=Answer.KEEP, blockers=()))
    build.verdict(not_ready(AS_OF, "zz-not-ready.example"))
    build.verdict(replace(not_ready(AS_OF, "zz-broken.example"), verdict=Answer.ROLL_BACK))
    path = build.close()
    first, last, found, beyond = (
        read(page)
        for page in get_all(path, [url(), url(page=21), url(q="D1999"), url(page=99_999_999_999_999)])
    )
    names = [line for line in first.text.split() if line.endswith(".example")]
    assert names[:3] == ["zz-broken.example", "zz-not-ready.example", "d0000.example"]
    assert len([tag for tag, _ in first.tags if tag == "tr"]) == 101
    assert "Page 1 of 21" in first.text
    assert "d1999.example" in last.text
    assert "d1999.example" in found.text
    assert "d0000.example" not in found.text
    assert "Page 1 of 21" in beyond.text


def test_a_domain_shows_the_sentence_of_the_command_line(world):
    page = read(get(world, "domain", name=DOMAIN))
    assert "example.com is NOT ready for p=quarantine: 1 sender that is yours fails." in page.text
    assert "Mail of your own would be lost, or might be." in page.text


def test_a_domain_shows_gates_with_value_and_limit(world):
    page = read(get(world, "domain", name=DOMAIN))
    assert "Own mail that fails, at most legit-failing was measured 3.1 % ≤ 2 %" in page.text
    assert "Time observed 90 days ≥ 31 days" in page.text
    marks = [attrs["aria-label"] for tag, attrs in page.tags if attrs.get("class") == "mark"]
    assert (marks.count("passed"), marks.count("not passed")) == (11, 4)


def test_a_fix_is_there_to_copy_without_the_words_around_it(world):
    page = read(get(world, "domain", name=DOMAIN))
    copied = [attrs["data-copy"] for _, attrs in page.tags if "data-copy" in attrs]
    assert any(text.startswith("aws sesv2 put-email-identity-dkim-signing-attributes") for text in copied)


def test_the_time_axis_marks_policy_changes_new_senders_fallback_and_silence(world):
    page = read(get(world, "domain", name=DOMAIN))
    assert "2026-10-05 Policy is now sp=quarantine" in page.text
    assert "First mail from SendGrid (news.example.com)" in page.text
    assert "2026-10-28 Amazon SES eu-west-1: no custom MAIL FROM any more" in page.text
    assert "2026-11-06 No more reports from Enterprise Outlook" in page.text


def test_charts_have_every_day_in_the_table_behind_them(world):
    page = get(world, "domain", name=DOMAIN).text
    table = page.split('id="chart-outcome"')[1].split("</figure>")[0]
    assert table.count('<th scope="row">') == 90


def test_the_ladder_says_you_are_here(world):
    page = get(world, "domain", name=DOMAIN).text
    here = page.split('<li aria-current="step">')[1].split("</li>")[0]
    assert "<code>p=none</code>" in here
    assert "You are here" in here


def test_mail_of_reports_nobody_vouches_for_is_counted_apart(world):
    untrusted = sqlite3.connect(world).execute(
        "SELECT sum(messages) FROM domain_days WHERE tier = 'unverified' AND day > date('2026-11-20', '-90 days')"
    )
    number = f"{untrusted.fetchone()[0]:,}"
    assert (
        f"{number} messages of reports that nobody vouches for"
        in read(get(world, "domain", name=DOMAIN)).text
    )


def test_a_stream_shows_its_states_addresses_selectors_reporters_and_label(world):
    page = read(get(world, "stream", id=STREAM))
    for text in (
        "both aligned", "54.240.7.11", "Amazon.com, Inc.", "US", "6gcvxmyjx5cqqtqmqrhqxyxcbdmlgd5y",
        "Enterprise Outlook", "Labelled owned", "critical", "shop and invoices", "mailing_list: announce list",
        "fell back",
    ):  # fmt: skip
        assert text in page.text


def test_a_stream_gives_the_command_for_each_label(world):
    page = read(get(world, "stream", id=FORGOTTEN_STREAM))
    for word in ("owned", "forwarder", "spoof", "ignore"):
        assert f"dmarcwatch label {FORGOTTEN_STREAM} {word}" in page.text


def test_a_stream_repeats_what_the_verdict_holds_against_it(world):
    assert "What the verdict says of it" in read(get(world, "stream", id=FORGOTTEN_STREAM)).text
    other = read(get(world, "stream", id=f"{DOMAIN}/google-workspace/{DOMAIN}"))
    assert "What the verdict says of it" not in other.text


def test_reporters_shows_trust_and_who_fell_silent(world):
    page = read(get(world, "reporters"))
    assert "5 organisations reported on example.com" in page.text
    assert "silent for 15 days" in page.text
    assert page.text.count("silent for") == 1
    assert "Every day shown has a report that counts." in page.text


def test_a_contradiction_between_reporter_and_evidence_is_named(tmp_path):
    build = Build(tmp_path / "x.db")
    passed_without_evidence = replace(FORGOTTEN, outcome="pass_unverified")
    failed_with_evidence = replace(ALIGNED, outcome="fail")
    for age in range(3):
        sent = Sent("odd.example", AS_OF - timedelta(3 + age))
        build.report(sent, [(passed_without_evidence, 4), (failed_with_evidence, 5), (ALIGNED, 100)])
    page = read(get(build.close(), "reporters"))
    assert "12 messages passed without evidence; 15 messages aligned, yet not passed" in page.text


def test_the_inbox_shows_runs_rejects_and_problems(world):
    page = read(get(world, "inbox"))
    for text in (
        "2026-11-20 04:00",
        "13 no-report",
        "invoice.pdf",
        "feedback/record[2]/row/count",
        "many",
    ):
        assert text in page.text


def test_an_unfinished_run_is_not_shown_as_done(tmp_path):
    build = Build(tmp_path / "x.db")
    build.run(ended_at=None)
    assert "running, or killed" in read(get(build.close(), "inbox")).text


def test_a_page_for_a_domain_ready_to_step_gives_the_tags_to_publish(tmp_path):
    build = Build(tmp_path / "x.db")
    build.report(Sent("google.com", AS_OF - timedelta(3)), [(ALIGNED, 100)])
    ready = replace(
        not_ready(AS_OF), verdict=Answer.READY_FOR_QUARANTINE, because=None, blockers=(), warnings=(),
        next_tags="p=quarantine; t=y; pct=0",
    )  # fmt: skip
    build.verdict(ready)
    page = read(get(build.close(), "domain", name=DOMAIN))
    assert "example.com is ready for p=quarantine." in page.text
    assert "Change to p=quarantine; t=y; pct=0" in page.text
    assert "What to mend first" not in page.text


def test_a_verdict_that_cannot_tell_says_how_long_it_takes(tmp_path):
    build = Build(tmp_path / "x.db")
    build.verdict(replace(
        not_ready(AS_OF), verdict=Answer.CANNOT_TELL, because=Because.EVIDENCE, target=Target.QUARANTINE,
        days_needed=9, blockers=(),
    ))  # fmt: skip
    page = read(get(build.close(), "domain", name=DOMAIN))
    assert "About 9 days more at this rate." in page.text
    assert "No message was ever reported." in page.text


def test_the_pages_of_our_server_stand_at_its_root(world):
    async def pages() -> list[int]:
        datasette = app(world)
        return [(await datasette.client.get(path)).status_code for path in ("/", "/dmarcwatch")]

    assert asyncio.run(pages()) == [200, 200]
    assert "Domains · dmarcwatch" in get_all(world, ["/"])[0].text
