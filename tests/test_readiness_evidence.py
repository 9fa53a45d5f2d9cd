"""Each evidence gate of JUDGEMENT 6, open and closed at its limit."""

from datetime import date

import pytest

from dmarcwatch.readiness.gates.evidence import turns
from dmarcwatch.report import Grade, Tier
from dmarcwatch.streams import PlaceKind
from dmarcwatch.verdict import Target
from tests.judge_build import (
    LAST,
    REPORTERS,
    SCATTERED,
    SES,
    TODAY,
    World,
    ago,
    enforcing,
    gates,
    healthy,
    label,
    ok,
    place,
    row,
    stream,
)

ESP = place("sendgrid", PlaceKind.NONE, "")


def value(verdict, gate):
    return next(one.value for one in gates(verdict, gate) if one.target is verdict.target)


def asked(verdict):
    return {gate.gate for gate in verdict.gates}


@pytest.mark.parametrize(("days", "enough"), [(29, False), (30, True)])
def test_quarantine_asks_for_a_month_since_the_first_report(days, enough):
    verdict = healthy(days).judge()
    assert value(verdict, "history") == days + 1
    assert ok(verdict, "history") is enough


@pytest.mark.parametrize(("days", "enough"), [(59, False), (60, True)])
def test_reject_asks_for_two_months_since_the_first_report(days, enough):
    assert ok(enforcing("quarantine", days).judge(), "history") is enough


@pytest.mark.parametrize(("days", "enough"), [(28, False), (29, True)])
def test_one_of_the_months_before_reject_is_at_full_quarantine(days, enough):
    world = healthy(120).publish(lambda one: one.day >= ago(days), p="quarantine")
    assert ok(world.judge(), "history") is enough


@pytest.mark.parametrize("held", [{"t": True}, {"pct": 50}])
def test_days_on_the_staged_rung_are_not_days_at_full_quarantine(held):
    world = healthy(120).publish(p="quarantine")
    world.publish(lambda one: one.day < ago(20), p="quarantine", **held)
    verdict = world.judge()
    assert verdict.target is Target.REJECT
    assert [one.value for one in gates(verdict, "history") if one.target is Target.REJECT] == [121, 22]


def test_a_report_without_records_begins_the_history():
    world = healthy(20).reports([40], ["google"], messages=0)
    assert value(world.judge(), "history") == 42


def test_reports_that_were_recovered_or_not_trusted_are_no_evidence():
    world = healthy()
    assert value(world.change(lambda _: True, grade=Grade.RECOVERED).judge(), "messages") == 0
    assert value(healthy().change(lambda _: True, tier=Tier.CONSISTENT).judge(), "messages") == 0
    assert value(healthy().change(lambda _: True, grade=Grade.REPAIRED).judge(), "messages") == 1800


def test_the_two_last_days_are_still_under_way():
    late = healthy().mail(SES, [-1, -2], 500, received_day=TODAY)
    assert value(late.judge(), "messages") == value(healthy().judge(), "messages")


@pytest.mark.parametrize(("missing", "enough"), [(3, True), (4, False)])
def test_reports_cover_nine_tenths_of_the_expected_days(missing, enough):
    verdict = healthy(day for day in range(30) if not 10 <= day < 10 + missing).judge()
    assert value(verdict, "covered-days") == pytest.approx((30 - missing) / 30)
    assert ok(verdict, "covered-days") is enough


def test_a_sender_who_rests_at_weekends_is_covered():
    world = healthy(day for day in range(100) if ago(day).weekday() < 5)
    verdict = world.judge()
    assert value(verdict, "covered-days") == 1.0
    assert verdict.verdict == "ready-for-quarantine"


def test_after_a_holiday_the_window_reaches_back():
    verdict = healthy(day for day in range(100) if not 3 <= day < 13).judge()
    assert ok(verdict, "covered-days")
    assert verdict.window == (ago(36), LAST)


def test_the_window_reaches_back_no_further_than_it_may():
    verdict = healthy(day for day in range(200) if not 3 <= day < 40).judge()
    assert verdict.window == (ago(44), LAST)
    assert not ok(verdict, "covered-days")


@pytest.mark.parametrize(("gap", "enough"), [(14, True), (15, False)])
def test_two_weeks_in_a_row_without_own_mail_are_allowed(gap, enough):
    verdict = healthy(day for day in range(100) if not 5 <= day < 5 + gap).judge()
    assert verdict.evidence.longest_gap_days == gap
    assert ok(verdict, "longest-gap") is enough


def test_a_domain_that_mails_little_is_not_asked_for_coverage():
    assert {"covered-days", "longest-gap"} & asked(healthy(100, per_reporter=1).judge()) == set()
    assert {"covered-days", "longest-gap"} <= asked(healthy(100, per_reporter=2).judge())


def test_a_report_over_several_days_covers_them_all():
    world = World().reports(range(100))
    for name in REPORTERS:
        world.mail(SES, range(3, 100, 4), 80, reporter=name, span_days=4)
    verdict = world.judge()
    assert value(verdict, "covered-days") == 1.0
    assert verdict.evidence.longest_gap_days == 0


def test_spoofing_supplies_no_evidence():
    world = World().reports(range(100))
    for name in REPORTERS:
        world.mail(SCATTERED, range(100), 500, "unaligned", reporter=name)
    verdict = world.judge()
    assert (verdict.evidence.messages, verdict.evidence.reporters, verdict.evidence.days_covered) == (0, 0, 0)
    assert verdict.verdict == "cannot-tell"


@pytest.mark.parametrize(("more", "enough"), [(9, False), (10, True)])
def test_quarantine_asks_for_a_hundred_own_messages(more, enough):
    verdict = healthy(40, per_reporter=1).mail(SES, [3], more).judge()
    assert value(verdict, "messages") == 90 + more
    assert ok(verdict, "messages") is enough


@pytest.mark.parametrize(("days", "enough"), [(88, False), (89, True)])
def test_small_domains_get_there_by_time(days, enough):
    world = World().reports([days - 1, 0])
    for name in REPORTERS:
        world.mail(SES, range(0, days, 7), 1, reporter=name)
    assert ok(world.judge(), "messages") is enough


def test_one_message_a_month_is_never_enough():
    verdict = World().reports(range(400)).mail(SES, range(0, 400, 30), 1).judge()
    assert (verdict.verdict, verdict.days_needed) == ("cannot-tell", None)
    assert "1 message of your own, 100 are asked for" in " ".join(b.message for b in verdict.blockers)


@pytest.mark.parametrize(
    ("first", "last", "number"),
    [
        ("2026-01-28", "2026-02-03", 1),
        ("2026-01-29", "2026-02-03", 0),
        ("2026-01-28", "2026-02-02", 0),
        ("2026-01-01", "2026-12-31", 11),
        ("2025-12-20", "2026-01-10", 1),
        ("2026-02-10", "2026-01-10", 0),
    ],
)
def test_a_month_turns_from_its_28th_to_the_3rd(first, last, number):
    assert turns(date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal()) == number


def test_a_month_has_to_turn_once_before_quarantine():
    # LAST is 18 November: 16 days back is 2 November, 22 days back is 27 October.
    young = healthy(16).judge()
    assert not ok(young, "month-turn")
    assert "enough with the reports of 3 December" in " ".join(b.message for b in young.blockers)
    assert ok(healthy(23).judge(), "month-turn")


@pytest.mark.parametrize(
    ("days", "names", "per_reporter", "enough"),
    [
        (40, ("a", "b"), 20, False),
        (40, ("a", "b", "c"), 20, True),
        (40, ("a", "b"), 4, True),
        (40, ("a",), 4, False),
        (58, ("a",), 20, False),
        (59, ("a",), 20, True),
        (80, ("a",), 3, False),
        (101, ("a",), 3, True),
    ],
)
def test_so_many_organisations_have_to_agree(days, names, per_reporter, enough):
    verdict = healthy(days, reporters=names, per_reporter=per_reporter).judge()
    assert ok(verdict, "reporters") is enough


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["google"], "1 organisation reported on your own mail (google)"),
        (["google", "yahoo"], "2 organisations"),
    ],
)
def test_too_few_reporters_say_when_they_will_be_enough(names, words):
    verdict = healthy(40, reporters=names).judge()
    assert verdict.verdict == "cannot-tell"
    assert verdict.days_needed == 19
    assert words in verdict.blockers[0].message


@pytest.mark.parametrize(("unread", "enough"), [(36, True), (37, False)])
def test_two_percent_of_messages_may_be_unread(unread, enough):
    world = healthy().publish(
        lambda one: one.day == ago(3) and one.reporter == "google", unread_messages=unread
    )
    world.publish(lambda one: True, messages=20)
    assert ok(world.judge(), "unread") is enough


def test_a_small_reporter_that_writes_broken_reports_hides_little():
    broken = healthy().publish(lambda one: one.reporter == "yahoo", grade=Grade.RECOVERED, messages=0)
    assert ok(broken.judge(), "unread")
    assert not ok(
        healthy().publish(lambda one: one.reporter == "yahoo", grade=Grade.RECOVERED).judge(), "unread"
    )


def test_a_report_cut_short_hides_as_much_as_its_reporter_usually_tells():
    days = {ago(day) for day in (1, 2)}
    which = lambda one: one.day in days and one.reporter == "google"  # noqa: E731
    assert not ok(healthy().publish(which, grade=Grade.RECOVERED, messages=1).judge(), "unread")


@pytest.mark.parametrize(("recovered", "enough"), [(1, True), (2, False)])
def test_two_percent_of_reports_may_be_recovered(recovered, enough):
    days = {ago(day) for day in range(recovered)}
    which = lambda one: one.day in days and one.reporter == "google"  # noqa: E731
    assert ok(healthy().publish(which, grade=Grade.RECOVERED).judge(), "unread") is enough


@pytest.mark.parametrize(("more", "enough"), [(9, True), (10, False)])
def test_a_twentieth_of_the_mail_may_come_from_unproven_streams(more, enough):
    # Ten messages on one day are worth 6.9; nine such streams make 4.8 % of 1,890, ten 5.3 % of 1,900.
    world = healthy()
    for region in range(more):
        world.mail(place(name=f"us-east-{region}"), [3], 10)
    assert ok(world.judge(), "thin") is enough


@pytest.mark.parametrize(("age", "enough"), [(13, False), (14, True)])
def test_a_new_sender_needs_two_weeks_of_watching(age, enough):
    verdict = healthy().mail(ESP, range(age + 1), 20, "spf-only").judge()
    assert ok(verdict, "quiet") is enough


def test_a_new_sender_that_was_set_up_first_needs_no_watching():
    assert ok(healthy().mail(ESP, range(3), 50, "both-aligned").judge(), "quiet")
    mixed = healthy().mail(ESP, range(3), 50, "both-aligned").mail(ESP, [2], 2, "spf-only")
    assert not ok(mixed.judge(), "quiet")


def test_the_senders_of_the_first_day_are_not_new():
    assert ok(healthy(10).judge(), "quiet")


@pytest.mark.parametrize(("other", "warns"), [(3, True), (4, False)])
def test_one_reporter_with_nearly_all_the_mail_is_a_warning(other, warns):
    world = healthy(100, reporters=["google"], per_reporter=100).reports(range(100), ["yahoo"])
    verdict = world.mail(SES, range(100), other, reporter="yahoo").judge()
    assert ok(verdict, "dominant-reporter") is not warns
    assert verdict.verdict == "ready-for-quarantine"


def test_reporters_that_contradict_the_dominant_one_do_not_quiet_the_warning():
    world = healthy(100, reporters=["google"], per_reporter=200)
    world.mail(SES, range(100), 3, reporter="yahoo").mail(
        SES, range(30), 1, "own-dkim-broken", reporter="yahoo"
    )
    assert not ok(world.judge(), "dominant-reporter")


def test_the_evidence_is_stated_as_it_was_weighed():
    seen = healthy(90).judge().evidence
    assert (seen.first_day, seen.last_day) == (ago(89), LAST)
    assert (seen.days_covered, seen.longest_gap_days, seen.reporters) == (30, 0, 3)
    assert (seen.reports, seen.messages, seen.unread_messages, seen.rejects) == (90, 1800, 0, 0)


def test_the_longest_of_what_is_missing_is_what_is_needed():
    # 12 days of history: 19 short of 31; the month turns on 3 December, 15 days after the last day judged.
    assert healthy(11).judge().days_needed == 19


def test_where_one_gate_cannot_say_nobody_can():
    world = healthy(25).publish(lambda one: one.day == ago(1), unread_messages=500)
    assert world.judge().days_needed is None


def test_streams_left_out_by_a_label_are_left_out_of_everything():

    ignored = stream(ESP, label=label(ESP, "ignore"))
    world = healthy().add(ignored, [row(ESP, ago(day), 30, "unaligned") for day in range(30)])
    verdict = world.judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert verdict.quarantine.legitimate == verdict.quarantine.spoof == 0
