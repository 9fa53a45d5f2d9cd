"""What no report can be, and what a report that nobody vouches for is not believed to be."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dmarcwatch.plausible import EARLY, LATE, MAX_MESSAGES, SURGE, Known, Told, Why, implausible, impossible
from dmarcwatch.report import Policy, Tier
from tests.build import REPORT, policy, report

ON_TIME = REPORT.end + timedelta(hours=5)
UNVOUCHED = (Tier.UNVERIFIED, Tier.CONSISTENT)
KNOWN = Known(
    policies=frozenset({"none"}),
    usual=(20, 30, 25, 20, 40),
    addresses={"54.240.8.11": 10},
    passing_selectors=frozenset({"s1"}),
    seen_selectors=frozenset({"s1"}),
    any_selector_seen=True,
)


def told(tier=Tier.UNVERIFIED, *, received=ON_TIME, messages=10, report=REPORT) -> Told:
    return Told(report, tier, received, messages)


def why(held):
    return held and held.why


@pytest.mark.parametrize("tier", Tier)
def test_a_report_like_any_other_is_not_held(tier):
    assert impossible(told(tier)) is None
    assert implausible(told(tier), KNOWN) is None


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("days", [-1, 36])
def test_nobody_reports_on_a_time_that_runs_backwards_or_lasts_for_months(tier, days):
    odd = report(end=REPORT.begin + timedelta(days=days))
    assert why(impossible(told(tier, report=odd, received=None))) is Why.PERIOD


@pytest.mark.parametrize("tier", Tier)
def test_nobody_sends_more_than_a_thousand_million_messages(tier):
    assert impossible(told(tier, messages=MAX_MESSAGES)) is None
    assert why(impossible(told(tier, messages=MAX_MESSAGES + 1))) is Why.COUNTS


def test_a_report_does_not_come_two_days_before_its_own_end():
    just = REPORT.end - EARLY
    assert impossible(told(received=just)) is None
    for tier in (*UNVOUCHED, Tier.VERIFIED):
        assert why(impossible(told(tier, received=just - timedelta(seconds=1)))) is Why.EARLY
    assert impossible(told(Tier.LOCAL, received=just - timedelta(days=9))) is None
    assert impossible(told(received=None)) is None


def test_a_report_does_not_come_a_week_late():
    assert implausible(told(received=REPORT.end + LATE), KNOWN) is None
    held = implausible(told(received=REPORT.end + LATE + timedelta(seconds=1)), KNOWN)
    assert why(held) is Why.LATE
    assert "7 days" in held.found


def test_a_policy_that_was_never_published_is_not_believed():
    reject = told(report=report(policy=policy(p=Policy.REJECT)))
    assert why(implausible(reject, KNOWN)) is Why.POLICY
    assert implausible(reject, replace(KNOWN, policies=frozenset({"none", "reject"}))) is None
    assert implausible(reject, replace(KNOWN, policies=frozenset())) is None
    assert implausible(told(report=report(policy=policy(p=None))), KNOWN) is None


@pytest.mark.parametrize(
    "ip", ["10.1.2.3", "127.0.0.1", "192.168.0.1", "0.0.0.0", "224.0.0.9", "::1", "fe80::1"]
)
def test_mail_does_not_come_from_addresses_that_nobody_can_reach(ip):
    assert implausible(told(), replace(KNOWN, addresses={ip: 5, "54.240.8.11": 5})) is None
    held = implausible(told(), replace(KNOWN, addresses={ip: 6, "54.240.8.11": 5}))
    assert why(held) is Why.ADDRESSES
    assert ip in held.found


def test_a_report_without_any_address_is_not_held_for_them():
    assert implausible(told(), replace(KNOWN, addresses={})) is None


def test_signatures_do_not_pass_under_selectors_that_nobody_ever_saw():
    stranger = replace(KNOWN, passing_selectors=frozenset({"x9"}), seen_selectors=frozenset())
    assert why(implausible(told(), stranger)) is Why.SELECTOR
    both = replace(KNOWN, passing_selectors=frozenset({"x9", "s1"}))
    assert implausible(told(), both) is None
    assert implausible(told(), replace(stranger, any_selector_seen=False)) is None


def test_a_reporter_does_not_tell_of_fifty_times_as_much_as_ever():
    usual = replace(KNOWN, usual=(100,) * 5)
    assert implausible(told(messages=SURGE * 100), usual) is None
    assert why(implausible(told(messages=SURGE * 100 + 1), usual)) is Why.SURGE
    assert implausible(told(messages=999), KNOWN) is None
    assert implausible(told(messages=10**6), replace(KNOWN, usual=(100,) * 4)) is None


@pytest.mark.parametrize("tier", [Tier.LOCAL, Tier.VERIFIED])
def test_what_somebody_vouches_for_is_held_for_the_impossible_alone(tier):
    known = Known(frozenset({"reject"}), (1,) * 9, {"10.0.0.1": 9}, frozenset({"x"}), frozenset(), True)
    late = told(tier, received=REPORT.end + timedelta(days=300), messages=10**8)
    assert impossible(late) is None
    assert implausible(late, known) is None
