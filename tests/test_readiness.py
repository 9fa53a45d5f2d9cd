"""From the gates to the answer: what the owner may do now (JUDGEMENT 6, decision)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dmarcwatch.history import Declared, History
from dmarcwatch.readiness import Judge, judge
from dmarcwatch.streams import PlaceKind, stream_id
from dmarcwatch.thresholds import Days, Thresholds
from dmarcwatch.verdict import Answer, Target
from tests.judge_build import (
    SCATTERED,
    TODAY,
    World,
    ago,
    blocked_by,
    enforcing,
    healthy,
    label,
    network,
    place,
    stream,
    warned_by,
)

ESP = place("sendgrid", PlaceKind.NONE, "")
OTHER = place(name="us-east-1")
RECORD = "v=DMARC1; p=none; rua=mailto:dmarc@example.com"


def test_a_domain_whose_mail_all_passes_is_ready_for_quarantine():
    verdict = healthy().judge()
    assert (verdict.verdict, verdict.because, verdict.blockers) == ("ready-for-quarantine", None, ())
    assert verdict.target is Target.QUARANTINE


def test_known_harm_comes_before_missing_evidence_and_both_are_listed():
    verdict = healthy(20).mail(OTHER, range(20), 5, "amazonses-only").judge()
    assert (verdict.verdict, verdict.because) == ("not-ready", "risk")
    assert {"stream-failing", "history"} <= blocked_by(verdict)
    assert verdict.days_needed is None


def test_missing_evidence_alone_is_cannot_tell_and_says_for_how_long():
    verdict = healthy(25).judge()
    assert (verdict.verdict, verdict.because, verdict.days_needed) == ("cannot-tell", "evidence", 5)


@pytest.mark.parametrize("held", [{"t": True}, {"pct": 0}, {"pct": 99}])
def test_a_quarantine_held_back_is_the_staged_rung_and_does_not_enforce(held):
    verdict = healthy().publish(p="quarantine", **held).judge()
    assert (verdict.verdict, verdict.target) == ("ready-for-quarantine", Target.QUARANTINE)
    assert verdict.next_tags == "p=quarantine"


@pytest.mark.parametrize("held", [{"t": True}, {"pct": 50}])
def test_a_reject_held_back_counts_as_quarantine(held):
    verdict = enforcing("reject", **held).judge()
    assert (verdict.verdict, verdict.next_tags) == ("ready-for-reject", "p=reject")


def test_two_months_of_quarantine_without_harm_are_ready_for_reject():
    assert enforcing("quarantine").judge().verdict == "ready-for-reject"


def test_a_domain_at_reject_that_passes_keeps_it():
    verdict = enforcing("reject").judge()
    assert (verdict.verdict, verdict.because, verdict.next_tags) == ("keep", None, None)


def test_what_reject_still_waits_for_does_not_disturb_quarantine():
    verdict = enforcing("quarantine", 50).judge()
    assert (verdict.verdict, verdict.because) == ("keep", None)
    assert "history" in blocked_by(verdict)


def test_missing_evidence_never_turns_keep_into_cannot_tell():
    verdict = enforcing("quarantine", 20).judge()
    assert (verdict.verdict, verdict.because) == ("watch", "evidence")
    assert "history" in warned_by(verdict)


def test_a_failing_sender_is_watched_while_little_is_lost():
    verdict = enforcing("quarantine").mail(ESP, range(0, 60, 5), 1, "unaligned").judge()
    assert (verdict.verdict, verdict.because) == ("watch", "risk")


@pytest.mark.parametrize(("p", "tags"), [("quarantine", "p=none"), ("reject", "p=quarantine")])
def test_own_mail_that_is_lost_this_week_calls_for_a_step_back(p, tags):
    verdict = enforcing(p).mail(OTHER, range(3), 50, "amazonses-only").judge()
    assert (verdict.verdict, verdict.because, verdict.next_tags) == ("roll-back", "risk", tags)


@pytest.mark.parametrize(("days", "messages"), [([0], 200), ([0, 1], 2), ([9, 10], 300)])
def test_one_bad_day_few_messages_or_last_weeks_fault_call_for_no_step_back(days, messages):
    verdict = enforcing("quarantine").mail(OTHER, days, messages, "amazonses-only").judge()
    assert verdict.verdict == "watch"


def test_a_critical_sender_that_breaks_calls_for_a_step_back_however_small():
    world = enforcing("quarantine", 130).mail(ESP, range(10, 60), 2)
    world.mail(ESP, range(4), 2, "unaligned")
    assert world.judge().verdict == "watch"
    world.streams[stream_id(ESP)] = stream(ESP, label=label(ESP, "owned", critical=True))
    assert world.judge().verdict == "roll-back"


def test_a_stricter_subdomain_policy_comes_down_with_it():
    world = enforcing("reject", sp="reject").mail(OTHER, range(3), 50, "amazonses-only")
    assert world.judge().next_tags == "p=quarantine; sp=quarantine"


@pytest.mark.parametrize(("silent", "answer"), [(6, "keep"), (7, "watch")])
def test_seven_expected_days_without_any_report_are_watched(silent, answer):
    verdict = healthy(range(silent, 130)).publish(p="reject").judge()
    assert verdict.verdict == answer


def test_a_domain_that_sends_nothing_may_reject_at_once():
    declared = Declared(no_mail=True)
    for world in (World(), World().reports(range(3)), World().mail(SCATTERED, range(9), 99, "unaligned")):
        verdict = world.judge(declared=declared)
        assert (verdict.verdict, verdict.next_tags) == ("ready-for-reject", "p=reject")
    assert World().reports(range(9)).publish(p="reject").judge(declared=declared).verdict == "keep"


def test_mail_that_passes_gives_the_lie_to_a_domain_that_sends_nothing():
    verdict = healthy(20).judge(declared=Declared(no_mail=True))
    assert verdict.verdict == "cannot-tell"


def test_forwarded_passes_do_not_prove_that_a_domain_sends():
    world = World().mail(network(), [3], 5, "dkim-only", forwarded=True)
    assert world.judge(declared=Declared(no_mail=True)).verdict == "ready-for-reject"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("not-ready", 1),
        ("roll-back", 1),
        ("cannot-tell", 3),
        ("keep", 0),
        ("watch", 0),
        ("ready-for-reject", 0),
    ],
)
def test_the_answer_is_the_exit_status(answer, status):
    assert Answer(answer).exit_status == status


def test_the_next_record_is_the_users_own_with_the_tags_changed():
    world = healthy()
    world.record = RECORD
    verdict = world.judge()
    assert verdict.next_record == "v=DMARC1; p=quarantine; t=y; pct=0; rua=mailto:dmarc@example.com"
    assert verdict.next_tags == "p=quarantine; t=y; pct=0"


def test_without_the_users_record_only_the_tags_are_named_and_rua_is_kept():
    verdict = healthy().judge()
    assert verdict.next_record is None
    assert any("keep your rua" in note for note in verdict.notes)


def test_no_step_is_advised_where_none_is_safe():
    for world in (healthy(10), healthy().mail(OTHER, range(9), 9, "amazonses-only"), enforcing("reject")):
        verdict = world.judge()
        assert (verdict.next_record, verdict.next_tags) == (None, None)


def test_held_back_tags_are_removed_on_the_next_rung():
    world = healthy().publish(p="quarantine", t=True, pct=0)
    world.record = "v=DMARC1; p=quarantine; t=y; pct=0; rua=mailto:dmarc@example.com"
    verdict = world.judge()
    assert verdict.next_record == "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com"
    assert "remove t and pct" in verdict.notes


def test_a_subdomain_policy_that_lags_stays_until_the_subdomains_pass():
    world = healthy().publish(sp="none")
    world.record = "v=DMARC1; p=none; sp=none"
    assert any(note.startswith("sp=none stays as it is") for note in world.judge().notes)
    assert not any(note.startswith("sp=") for note in healthy().judge().notes)


def test_names_that_do_not_exist_may_be_rejected_with_the_step():
    assert "np=reject may go along: no mail of yours comes from a subdomain" in healthy().judge().notes
    below = healthy().mail(place(header_from="news.example.com"), range(60), 20).judge()
    assert any(note.endswith("add it if DNS knows news.example.com") for note in below.notes)
    assert not any("np=" in note for note in healthy().publish(np="reject").judge().notes)


def test_two_weeks_on_the_staged_rung_are_a_recommendation_with_a_date():
    world = healthy().publish(lambda one: one.day >= ago(5), p="quarantine", t=True)
    verdict = world.judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert "better wait until 27 November: two weeks on the staged rung" in verdict.notes


def test_the_json_is_the_documented_object():
    found = healthy().judge().as_dict()
    assert list(found) == [
        "domain",
        "as_of",
        "verdict",
        "because",
        "published",
        "target",
        "next_record",
        "next_tags",
        "blockers",
        "warnings",
        "gates",
        "evidence",
        "tiers",
        "projection",
        "days_needed",
        "questions",
        "notes",
    ]
    assert found["published"] == {
        "p": "none",
        "sp": None,
        "np": None,
        "pct": 100,
        "t": None,
        "adkim": "r",
        "aspf": "r",
        "last_seen": "2026-11-18",
    }
    assert list(found["gates"][0]) == [
        "gate",
        "target",
        "value",
        "threshold",
        "ok",
        "kind",
        "at_least",
        "found",
    ]
    assert list(found["evidence"]) == [
        "first_day",
        "last_day",
        "days_covered",
        "longest_gap_days",
        "reporters",
        "reports",
        "messages",
        "unread_messages",
        "rejects",
    ]
    assert found["projection"]["reject"] == {"legitimate": 0, "unknown": 0, "forwarded": 0, "spoof": 0}


def test_a_blocker_in_the_json_has_its_seven_fields():
    (blocker, *_) = healthy(10).judge().as_dict()["blockers"]
    assert list(blocker) == ["gate", "stream", "message", "value", "threshold", "messages", "fix"]


def test_thresholds_can_be_configured():
    strict = Thresholds(history_days=Days(200, 300))
    assert blocked_by(healthy().judge(limits=strict)) == {"history"}


def test_a_verdict_of_the_past_rests_on_what_had_arrived_by_then():
    world = healthy(200).mail(OTHER, range(60), 5, "amazonses-only")
    one = Judge(world.history())
    today = one.at(TODAY)
    then = one.at(TODAY - timedelta(days=100))
    assert (then.verdict, today.verdict) == ("ready-for-quarantine", "not-ready")
    assert one.at(TODAY) == today
    kept = [row for row in world.rows if row.received_day <= then.as_of]
    cut = History("example.com", tuple(world.streams.values()), kept, world.domain_days)
    assert judge(cut, as_of=then.as_of) == then


def test_labels_given_after_the_history_was_read_hold():
    world = healthy()
    for name in ("google", "yahoo"):
        world.mail(network(), range(30), 5, "unaligned", reporter=name)
    one = Judge(world.history())
    assert one.at(TODAY).verdict == "not-ready"
    given = {stream_id(network()): label(network(), "spoof")}
    assert one.at(TODAY, labels=given).verdict == "ready-for-quarantine"


def test_questions_are_asked_until_they_are_answered():
    asked = healthy().judge().questions
    assert len(asked) == 3
    answers = Declared(audience="machines", critical=("x",), every=(("x", "month"),))
    assert healthy().judge(declared=answers).questions == ()


def test_a_verdict_is_about_the_day_it_is_given_for():
    verdict = healthy().judge(date(2026, 11, 10))
    assert verdict.as_of == date(2026, 11, 10)
    assert verdict.window == (date(2026, 10, 10), date(2026, 11, 8))


@pytest.mark.parametrize(("record", "begins"), [("v=DMARC1; p=none", True), ("p=none; v=DMARC1", False)])
def test_no_next_record_is_made_of_one_that_receivers_pass_over(record, begins):
    verdict = replace(healthy(), record=record).judge()
    assert verdict.next_tags == "p=quarantine; t=y; pct=0"
    assert verdict.next_record == ("v=DMARC1; p=quarantine; t=y; pct=0" if begins else None)
    assert any("does not begin with v=DMARC1" in note for note in verdict.notes) is not begins
