"""Histories as life brings them: each odd one has its answer and its sentence."""

from datetime import date, timedelta

import pytest

from dmarcwatch.history import Declared
from dmarcwatch.readiness.explain import text
from dmarcwatch.report import Tier
from dmarcwatch.streams import stream_id
from tests.judge_build import (
    LAST,
    SES,
    TODAY,
    World,
    ago,
    blocked_by,
    domain_day,
    enforcing,
    healthy,
    label,
    network,
    place,
    row,
    stream,
    warned_by,
)

FUTURE = date(2036, 1, 1)


def words(verdict):
    return text(verdict, width=1000)


def test_no_reports_at_all():
    verdict = World().judge()
    assert (verdict.verdict, verdict.days_needed) == ("cannot-tell", None)
    assert "no trusted report has arrived" in words(verdict)


def test_reports_that_nobody_could_verify_say_how_to_switch_that_on():
    world = healthy().change(lambda _: True, tier=Tier.UNVERIFIED).publish(tier=Tier.UNVERIFIED)
    verdict = world.judge()
    assert (verdict.verdict, verdict.because) == ("cannot-tell", "evidence")
    assert 'verify_dkim = "auto"' in words(verdict)
    assert "300 reports could not be verified" in words(verdict)


def test_a_report_that_is_not_verified_can_not_stop_a_verdict():
    world = healthy().mail(place(name="us-east-1"), range(60), 900, "amazonses-only", tier=Tier.CONSISTENT)
    world.mail(SES, range(60), 900, "amazonses-only", tier=Tier.UNVERIFIED)
    assert world.judge().verdict == "ready-for-quarantine"


def test_one_reporter_only():
    verdict = healthy(40, reporters=["google"]).judge()
    assert verdict.verdict == "cannot-tell"
    assert "1 organisation reported on your own mail (google)" in words(verdict)


def test_a_gap():
    verdict = healthy(day for day in range(100) if not 4 <= day < 19).judge()
    assert blocked_by(verdict) == {"longest-gap"}
    assert "for 15 days in a row no report shows" in words(verdict)


@pytest.mark.parametrize("p", ["none", "reject"])
def test_reports_that_stopped(p):
    verdict = healthy(range(20, 200)).publish(p=p).judge()
    assert verdict.verdict == ("cannot-tell" if p == "none" else "watch")
    assert "20 days in a row" in words(verdict) or "after 29 October" in words(verdict)


def test_a_clock_in_the_future():
    world = healthy()
    world.domain_days.append(domain_day(FUTURE, received_day=ago(3)))
    world.rows.append(row(SES, FUTURE, 10**6, "amazonses-only", received_day=ago(3)))
    verdict = world.judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert "left out 1 report of days after its arrival: a reporter's clock is wrong" in words(verdict)


def test_late_reports_count_from_the_day_they_arrive():
    late = ago(40) + timedelta(days=35)
    world = healthy().mail(place(name="us-east-1"), range(20, 40), 5, "amazonses-only", received_day=late)
    assert world.judge(late - timedelta(days=1)).verdict == "ready-for-quarantine"
    assert world.judge(late).verdict == "not-ready"


def test_counts_of_a_thousand_million():
    world = healthy(per_reporter=10**9).mail(SES, range(30), 10**6, "own-dkim-broken")
    verdict = world.judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert "90,030,000,000 messages of your own" in words(verdict)


def test_one_message_a_month():
    verdict = World().reports(range(400)).mail(SES, range(0, 400, 30), 1).judge()
    assert verdict.verdict == "cannot-tell"
    assert "1 message of your own, 100 are asked for (or 30 in 90 days)" in words(verdict)


def test_a_policy_changed_in_the_middle_of_the_window():
    world = healthy(130).publish(lambda one: one.day >= ago(10), p="quarantine")
    verdict = world.judge()
    assert (verdict.published.p, verdict.verdict) == ("quarantine", "keep")
    assert "p=quarantine has been in full force for 12 days" in words(verdict)


def test_reports_that_disagree_about_the_published_policy():
    world = enforcing("quarantine").publish(lambda one: one.reporter == "yahoo", p="none")
    verdict = world.judge()
    assert verdict.published.p == "quarantine"
    assert "7 of 21 reports of the last week show another policy than p=quarantine" in words(verdict)


def test_reports_disagree_for_a_day_or_two_after_a_change_and_that_is_no_news():
    changed = lambda one: one.day >= ago(2) and (one.reporter != "yahoo" or one.day > ago(1))  # noqa: E731
    assert "published" not in warned_by(healthy().publish(changed, p="quarantine", t=True).judge())


def test_where_reports_are_even_the_weaker_policy_is_believed():
    world = healthy(reporters=["a", "b"]).publish(lambda one: one.reporter == "a", p="reject")
    assert world.judge().published.p == "none"


def test_a_record_newer_than_the_reports():
    world = healthy()
    world.record = "v=DMARC1; p=quarantine; rua=mailto:a@example.com"
    verdict = world.judge()
    assert "your record says p=quarantine, reports of 18 November still show p=none" in words(verdict)


def test_a_record_that_cannot_be_read():
    world = healthy()
    world.record = "v=DMARC1; p=monitor"
    verdict = world.judge()
    assert verdict.next_record is None
    assert (
        "the record you publish cannot be read (p=monitor: one of none, quarantine, reject is known)"
        in words(verdict)
    )


def test_a_record_known_without_any_report_says_the_rung():
    world = World()
    world.record = "v=DMARC1; p=reject"
    assert world.judge().verdict == "watch"


def test_many_items_that_gave_no_report():
    world = healthy()
    world.rejects = 50
    assert "50 items gave no report" in words(world.judge())


def test_a_sender_nobody_has_heard_of_for_a_while():
    world = healthy().mail(place("sendgrid", name=""), range(10, 100), 5)
    verdict = world.judge()
    assert "silent" in warned_by(verdict)
    assert "has been silent for 10 days" in words(verdict)


def test_a_day_that_was_never_judged_before_the_first_report():
    verdict = healthy(10).judge(TODAY - timedelta(days=500))
    assert verdict.verdict == "cannot-tell"
    assert verdict.evidence.first_day is None


def test_a_network_that_is_no_network_is_owned_by_nobody():
    declared = Declared(owned_networks=("not a network",))
    assert healthy().mail(network("also not"), range(3), 3, "unaligned").judge(declared=declared).verdict


def test_the_last_day_judged_is_two_days_ago():
    assert TODAY - timedelta(days=2) == LAST == healthy().judge().window[1]


def test_a_reject_held_back_by_pct_is_told_to_be_weak():
    assert "p=reject; pct=0 is weaker than p=quarantine" in words(enforcing("reject", pct=0).judge())


def test_an_odd_reporter_is_named():
    world = healthy().change(lambda one: one.reporter == "yahoo", unverified=20)
    assert "yahoo: DNS errors or passes without a reason that no other reporter sees" in words(world.judge())


def test_streams_left_out_by_a_label_are_listed():
    world = healthy()
    world.streams[stream_id(network())] = stream(network(), label=label(network(), "ignore"))
    assert f"left out of everything, as you asked: {stream_id(network())}" in words(world.judge())
