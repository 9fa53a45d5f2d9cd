"""The risk gates that take own mail together, open and closed at their limits."""

import pytest

from dmarcwatch.history import Declared
from dmarcwatch.streams import PlaceKind
from tests.judge_build import (
    SCATTERED,
    SES,
    ago,
    blocked_by,
    enforcing,
    gates,
    healthy,
    ok,
    place,
)

ESP = place("sendgrid", PlaceKind.NONE, "")
SUB = place(header_from="news.example.com")
BROKEN = "own-dkim-broken"


def small(per_day=10, days=100):
    """A domain of ten messages a day, so that single failures weigh."""
    return (
        healthy(days, per_reporter=per_day - 2, reporters=["google"])
        .mail(SES, range(days), 2, reporter="yahoo")
        .reports(range(days), ["yahoo"])
    )


@pytest.mark.parametrize(("failing", "safe"), [(5, True), (6, False)])
def test_five_failing_messages_are_no_harm_to_a_small_domain(failing, safe):
    world = small().mail(SES, range(0, failing * 2, 2), 1, BROKEN)
    assert ok(world.judge(), "legit-failing") is safe


@pytest.mark.parametrize(("failing", "safe"), [(2, True), (3, False)])
def test_before_reject_only_two_are_none(failing, safe):
    world = small(days=130).publish(p="quarantine").mail(SES, range(0, failing * 2, 2), 1, BROKEN)
    assert ok(world.judge(), "legit-failing") is safe


@pytest.mark.parametrize(("daily", "safe"), [(3, True), (4, False), (20, False)])
def test_the_failing_share_is_judged_by_its_upper_bound(daily, safe):
    # 3 of 303 a day are bounded at 1.98 %, 4 of 304 at 2.4 %.
    world = healthy(per_reporter=100).mail(SES, range(30), daily, BROKEN)
    verdict = world.judge()
    value = next(gates(verdict, "legit-failing")).value
    assert (value <= 0.02) is safe
    assert ok(verdict, "legit-failing") is safe


@pytest.mark.parametrize(("bad", "safe"), [(1, True), (2, False)])
def test_two_bad_days_in_a_month_are_too_many(bad, safe):
    world = healthy().mail(SES, range(5, 5 + bad), 10, BROKEN)
    assert ok(world.judge(), "bad-days") is safe


def test_a_day_is_bad_from_three_failures_and_a_twentieth_on():
    def quietly(failing):
        return ok(healthy().mail(SES, range(5), failing, BROKEN).judge(), "bad-days")

    assert quietly(3)  # 3 of 63 are 4.8 %
    assert not quietly(4)  # 4 of 64 are 6.2 %


def test_what_was_altered_on_its_way_never_blocks():
    verdict = healthy().mail(SES, range(60), 30, "altered").judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert verdict.quarantine.forwarded == 900


def test_what_was_forwarded_never_blocks_before_quarantine():
    verdict = healthy().mail(SES, range(60), 30, "amazonses-only", forwarded=True).judge()
    assert (verdict.verdict, verdict.quarantine.legitimate) == ("ready-for-quarantine", 0)


@pytest.mark.parametrize(("unverified", "safe"), [(2, True), (20, False)])
def test_passes_nobody_can_see_a_reason_for_are_doubtful(unverified, safe):
    world = healthy().change(lambda one: one.day >= ago(29), unverified=unverified)
    if safe:
        world.change(lambda one: one.reporter != "google", unverified=0)
        world.change(lambda one: one.day < ago(10), unverified=0)
    assert ok(world.judge(), "doubtful") is safe


def test_dns_errors_are_neither_pass_nor_fail_and_bounded_as_well():
    world = healthy().change(lambda one: True, dmarc_pass=15, indeterminate=5)
    verdict = world.judge()
    assert not ok(verdict, "doubtful")
    assert ok(verdict, "legit-failing")


def test_a_reporter_that_doubts_alone_is_odd_and_not_the_mail():
    odd = healthy().change(lambda one: one.reporter == "yahoo", unverified=20)
    assert ok(odd.judge(), "doubtful")
    two = healthy().change(lambda one: one.reporter in ("yahoo", "google"), unverified=20)
    assert not ok(two.judge(), "doubtful")


def test_the_failures_of_an_odd_reporter_still_count():
    world = healthy().change(
        lambda one: one.reporter == "yahoo", dmarc_pass=0, state=BROKEN, dkim_aligned=0, spf_aligned=0
    )
    assert not ok(world.judge(), "doubtful")


@pytest.mark.parametrize(("broken", "fine"), [(36, True), (37, False)])
def test_reject_waits_while_a_hundredth_of_the_mail_breaks_on_its_second_way(broken, fine):
    world = enforcing("quarantine").mail(SES, [3], broken, "altered")
    verdict = world.judge()
    assert ok(verdict, "forwarded") is fine
    assert (verdict.verdict == "ready-for-reject") is fine


def test_forwarded_mail_that_its_receiver_spares_is_not_lost():
    assert ok(enforcing("quarantine").mail(SES, [3], 300, "altered", spared=290).judge(), "forwarded")


@pytest.mark.parametrize(
    ("declared", "capped"),
    [
        (Declared(), False),
        (Declared(audience="machines"), False),
        (Declared(audience="people"), True),
        (Declared(audience="people", accept_listed=True), False),
    ],
)
def test_people_are_kept_from_reject_until_the_owner_accepts_what_lists_lose(declared, capped):
    verdict = enforcing("quarantine").judge(declared=declared)
    assert ("people" in blocked_by(verdict)) is capped
    assert (verdict.verdict == "ready-for-reject") is not capped


@pytest.mark.parametrize(("listed", "capped"), [(3, False), (4, True)])
def test_listed_mail_shows_people_even_where_nobody_said_so(listed, capped):
    # 0.1 % of 3,600 messages are 3.6.
    world = enforcing("quarantine")
    world.mail(SES, [3], 0)
    world.rows[-1] = world.rows[-1]._replace(listed=listed)
    assert ("people" in blocked_by(world.judge())) is capped


def test_lists_are_no_matter_before_quarantine():
    verdict = healthy().judge(declared=Declared(audience="people"))
    assert verdict.verdict == "ready-for-quarantine"
    assert not list(gates(verdict, "people"))


def test_spoofing_argues_for_enforcement_and_never_blocks_it():
    verdict = healthy().mail(SCATTERED, range(60), 100_000, "unaligned").judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert verdict.quarantine.spoof == 3_000_000


def dns_outage(*days):
    """The healthy domain, whose DNS did not answer for any receiver on some days."""
    lost = {ago(day) for day in days}
    none = {"dmarc_pass": 0, "dkim_aligned": 0, "spf_aligned": 0, "both_aligned": 0}
    return healthy(130).change(lambda one: one.day in lost, indeterminate=20, **none)


@pytest.mark.parametrize(
    ("days", "safe"), [((0,), True), ((0, 1), False), ((14, 15), True), ((12, 13), False), ((2, 20), True)]
)
def test_days_of_dns_errors_are_left_out_when_they_are_over(days, safe):
    verdict = dns_outage(*days).judge()
    assert ok(verdict, "doubtful") is safe
    told = any("DNS did not answer" in one.message for one in verdict.warnings)
    assert told is (safe or max(days) >= 14)


def test_a_dns_error_is_neither_pass_nor_fail_so_nothing_falls():
    verdict = dns_outage(0, 1, 2, 3).judge()
    assert ok(verdict, "regressed")
    assert "legit-failing" not in blocked_by(verdict)
