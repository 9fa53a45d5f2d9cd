"""What pages are put together from: words and numbers, events on the time axis, fixes."""

from datetime import date, timedelta

import jinja2
import pytest

from dmarcwatch.readiness.gates import GATES
from dmarcwatch.report import Tier
from dmarcwatch.ses import SesState
from dmarcwatch.streams import Legitimacy
from dmarcwatch.verdict import Answer
from dmarcwatch.web import words
from dmarcwatch.web.blocking import FixStep, by_stream, steps
from dmarcwatch.web.charts import MAX_SERIES, bars, stacked, window_to
from dmarcwatch.web.domain import Day, outcomes, shown
from dmarcwatch.web.events import (
    MAX_EVENTS,
    DayOfStream,
    Event,
    Note,
    alignment_changes,
    policy_changes,
    silences,
    timeline,
    verdict_changes,
)
from dmarcwatch.web.given import LADDER, Question, question, rung
from dmarcwatch.web.guard import is_loopback
from dmarcwatch.web.links import Links
from dmarcwatch.web.stream import command
from dmarcwatch.web.words import ago, count, measure, share, tags, things


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 1, "0 %"), (1, 1, "100 %"), (1, 3, "33.3 %"), (1, 2, "50 %"), (1, 100_000, "< 0.1 %"),
        (99_999, 100_000, "> 99.9 %"), (0, 0, "\N{EN DASH}"), (None, 1, "\N{EN DASH}"),
    ],
)  # fmt: skip
def test_a_share_never_rounds_something_to_nothing_nor_almost_all_to_all(part, whole, text):
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("value", "threshold", "unit", "text"),
    [
        (0.031, 0.02, "%", "3.1 %"), (0, 1, "%", "0"), (0.0, None, "%", "0 %"), (1, 1, "", "1"), (3, 1, "%", "3"),
        (90, 31, "days", "90 days"), (1.0, 0.02, "", "100 %"), (1226, 2, "", "1,226"),
        (None, 0.05, "%", "\N{EN DASH}"), (2.5, 4, "", "2.50"),
    ],
)  # fmt: skip
def test_a_gates_number_is_a_share_where_its_limit_is_one(value, threshold, unit, text):
    assert measure(value, threshold, unit) == text


def test_counts_and_their_nouns():
    assert count(None) == "\N{EN DASH}"
    assert count(1234567) == "1,234,567"
    assert (things(1, "message"), things(2, "message")) == ("1 message", "2 messages")


def test_every_name_that_a_template_asks_of_its_modules_exists():
    # A page of a rare kind would otherwise be the first to find out.
    source = jinja2.PackageLoader("dmarcwatch.web", "templates")
    env = jinja2.Environment(loader=source, autoescape=True)
    trees = {name: env.parse(source.get_source(env, name)[0]) for name in source.list_templates()}
    macros = {each.name for each in trees["dmarcwatch/_parts.html"].find_all(jinja2.nodes.Macro)}
    known = {"words": set(dir(words)), "to": {*dir(Links), "served", "several", "database"}, "parts": macros}
    asked = {
        (name, part.node.name, part.attr)
        for name, tree in trees.items()
        for part in tree.find_all(jinja2.nodes.Getattr)
        if isinstance(part.node, jinja2.nodes.Name) and part.node.name in known
    }
    assert {module for _, module, _ in asked} == set(known)
    assert [each for each in sorted(asked) if each[2] not in known[each[1]]] == []


def test_days_are_told_from_today():
    today = date(2026, 11, 20)
    days = {"2026-11-20": "today", "2026-11-19T23:59:59Z": "yesterday", "2026-11-10": "10 days ago"}
    assert {day: ago(day, today) for day in days} == days
    assert ago(None, today) == "never"
    assert ago("2026-11-22", today) == "in 2 days"


def test_a_policy_is_written_as_a_record_with_only_what_is_stated():
    assert (
        tags({"p": "none", "sp": None, "pct": 100, "t": True, "adkim": "s"})
        == "p=none; t=y; pct=100; adkim=s"
    )
    assert tags({"p": "none", "pct": 100, "t": False, "adkim": "r"}, brief=True) == "p=none"
    assert tags({"p": "quarantine", "pct": 0}, brief=True) == "p=quarantine; pct=0"
    assert tags({}) == ""


@pytest.mark.parametrize(
    ("published", "here"),
    [
        ({"p": "none"}, 0),
        ({"p": "quarantine", "t": True}, 1),
        ({"p": "quarantine", "pct": 0}, 1),
        ({"p": "quarantine"}, 2),
        ({"p": "reject", "t": True}, 3),
        ({"p": "reject", "pct": 100}, 4),
        ({}, None),
    ],
)
def test_you_are_here_on_the_ladder(published, here):
    assert rung(published) == here
    assert here is None or here < len(LADDER)


def policy(day: str, reports: int = 1, **stated: object) -> tuple[object, ...]:
    names = ("p", "sp", "np", "pct", "t", "adkim", "aspf")
    return (day, *(stated.get(name) for name in names), reports)


def test_a_tag_that_a_reporter_leaves_out_is_no_policy_change():
    rows = [
        policy("2026-11-01", p="none", sp="none", pct=100, adkim="r", aspf="r"),
        policy("2026-11-02", p="none"),
    ]
    assert policy_changes(rows) == ()


def test_a_policy_change_is_what_most_reports_of_a_day_show():
    rows = [
        policy("2026-11-01", 5, p="none"),
        policy("2026-11-02", 4, p="none"),
        policy("2026-11-02", 1, p="quarantine"),
        policy("2026-11-03", 1, p="none"),
        policy("2026-11-03", 4, p="quarantine", pct=50),
    ]
    assert policy_changes(rows) == (
        Event("2026-11-03", "policy", "Policy is now p=quarantine; sp=quarantine; pct=50"),
    )


def test_t_and_np_change_only_where_somebody_states_them():
    rows = [
        policy("2026-11-01", p="quarantine", t=1),
        policy("2026-11-02", p="quarantine"),
        policy("2026-11-03", p="quarantine", t=0),
    ]
    assert [event.text for event in policy_changes(rows)] == ["Policy is now t=n"]


def days_of(*shares: float) -> list[DayOfStream]:
    first = date(2026, 9, 1)
    return [
        DayOfStream((first + timedelta(age)).isoformat(), 100, 100, round(100 * share))
        for age, share in enumerate(shares)
    ]


def test_the_day_a_return_path_is_lost_is_found_in_the_days():
    found = alignment_changes("SES", (), days_of(*[0.95] * 10, *[0.02] * 10))
    assert [(event.day, event.kind) for event in found] == [("2026-09-11", "alignment")]


def test_one_bad_day_is_no_lost_return_path():
    assert alignment_changes("SES", (), days_of(*[1.0] * 10, 0.0, *[1.0] * 10)) == ()


def test_what_the_judge_found_is_told_instead_of_what_the_days_suggest():
    note = Note("mail-from-fallback", "2026-09-10", "fell back")
    found = alignment_changes("SES", (note,), days_of(*[1.0] * 10, *[0.0] * 10))
    assert found == (Event("2026-09-10", "alignment", "SES: fell back"),)


def test_a_week_without_reports_is_silence_and_a_weekend_is_not():
    days = ["2026-11-01", "2026-11-04", "2026-11-12"]
    assert silences(days, date(2026, 11, 13)) == (Event("2026-11-05", "silence", "No reports for 7 days"),)
    assert silences([], date(2026, 11, 13)) == ()


def test_silence_reaches_into_the_present():
    assert silences(["2026-11-01"], date(2026, 11, 20))[0].text == "No reports for 18 days"


def test_a_verdict_is_an_event_only_where_it_changes():
    given = [("2026-11-01", "not-ready"), ("2026-11-02", "not-ready"), ("2026-11-03", "ready-for-quarantine")]
    assert verdict_changes(given) == (Event("2026-11-03", "verdict", "Verdict: ready for quarantine"),)


def test_very_many_events_are_shown_by_the_rarest_and_counted():
    senders = [Event(f"2026-11-{day:02}", "sender", "First mail") for day in range(1, 21)]
    shown_events = timeline([Event("2026-11-30", "policy", "Policy is now p=reject")], senders)
    assert len(shown_events) == MAX_EVENTS + 1
    assert any(event.kind == "policy" for event in shown_events)
    assert shown_events[-1].text == "and 9 more"


def test_a_fix_is_split_into_commands_records_and_sentences():
    lines = [
        "Sign with the domain's identity:",
        "  Console > Identities. Or:",
        "aws sesv2 put-email-identity-dkim-attributes \\",
        "  --signing-enabled",
        "DNS: bounce.example.com MX 10 feedback-smtp.eu-west-1.amazonses.com (this MX and no other)",
        "dmarcwatch label example.com/x owned    (if it is yours)",
    ]
    assert steps(lines) == (
        FixStep("Sign with the domain's identity: Console > Identities. Or:", "sentence"),
        FixStep("aws sesv2 put-email-identity-dkim-attributes \\\n  --signing-enabled", "command"),
        FixStep(
            "bounce.example.com MX 10 feedback-smtp.eu-west-1.amazonses.com", "record", "this MX and no other"
        ),
        FixStep("dmarcwatch label example.com/x owned", "command", "if it is yours"),
    )


def test_more_streams_than_colours_stand_together():
    named = [(f"s{number}", {"2026-11-01": float(number)}) for number in range(1, 20)]
    series = stacked(named, ["2026-11-01"])
    assert len(series) == MAX_SERIES
    assert (series[0].name, series[-1].name) == ("s19", "13 others")
    assert sum(each.total for each in series) == sum(range(1, 20))


def test_small_bars_fill_their_box_and_leave_out_empty_days():
    assert bars([0, 5, 10]) == "M1 100V50h.8V100zM2 100V0h.8V100z"
    assert bars([0, 0]) == bars([]) == ""


def test_a_window_ends_today_or_with_the_last_report_where_that_is_long_ago():
    today = date(2026, 11, 20)
    assert shown("2026-11-18", today, 30) == window_to(today, 30)
    assert shown("2020-01-01", today, 30).last == date(2020, 1, 1)
    assert shown("2026-11-22", today, 30).last == date(2026, 11, 22)
    assert shown(None, today, 30).last == today
    assert len(window_to(today, 30).days) == 30


def test_every_word_of_the_verdict_has_one_for_people():
    assert {question.gate for question in GATES} == set(words.GATES)
    assert {*map(str, Answer), ""} == set(words.VERDICTS)
    assert {*map(str, Legitimacy), ""} == set(words.LEGITIMACY)
    assert {*map(str, Tier)} == set(words.TIERS)
    assert {*map(str, SesState)} <= set(words.STATES)


@pytest.mark.parametrize("legitimacy", ["owned", "shadow", "unknown", "spoof", "forwarded", None])
def test_outcomes_together_are_all_messages(legitimacy):
    day = Day("2026-11-01", 10, 6, 3, 5, 5, 14, 5, 8)
    assert sum(messages for _, messages in outcomes(day, legitimacy)) == 14


def test_a_stream_id_that_holds_shell_words_is_quoted():
    assert command("example.com/$(reboot) x", "spoof") == "dmarcwatch label 'example.com/$(reboot) x' spoof"


def test_loopback_is_an_address_or_localhost_and_nothing_that_looks_like_it():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost")))
    assert not any(
        map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "127.0.0.1.example", "localhost.example", ""))
    )


def test_a_question_says_where_its_answer_goes():
    assert question("Which must never break? dmarcwatch label STREAM owned --critical") == Question(
        "Which must never break?", command="dmarcwatch label STREAM owned --critical"
    )
    assert question("Does it send mail at all? If not: no_mail = true") == Question(
        "Does it send mail at all? If not:", setting="no_mail = true"
    )
    assert question("Is it so? Or not") == Question("Is it so? Or not")


def test_what_several_gates_say_of_one_sender_is_one_thing():
    said = [{"stream": "a"}, {"stream": None}, {"stream": "b"}, {"stream": "a"}, {}]
    assert [len(group) for group in by_stream(said)] == [2, 1, 1, 1]
