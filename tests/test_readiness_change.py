"""What changed: falls of DKIM or DMARC, falls of SPF alone, and senders that fell silent."""

import pytest

from dmarcwatch.readiness import Judge
from dmarcwatch.readiness.health import Mechanism, Passed, fallen, has_fallen
from dmarcwatch.readiness.timeline import Timeline
from dmarcwatch.streams import PlaceKind, stream_id
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS
from tests.judge_build import (
    SES,
    TODAY,
    World,
    ago,
    blocked_by,
    enforcing,
    healthy,
    label,
    ok,
    place,
    row,
    stream,
    warned_by,
)

ESP = place("sendgrid", PlaceKind.NONE, "")
TODAY_ORDINAL = TODAY.toordinal()


def days(*passed_of, start=0):
    """Passed and all messages of each day, the last of them yesterday."""
    first = TODAY_ORDINAL - len(passed_of) - start
    return [Passed(first + number, messages, passed) for number, (passed, messages) in enumerate(passed_of)]


def fell(recent, baseline=((20, 20),) * 30):
    return has_fallen(days(*baseline, *recent), TODAY_ORDINAL, DEFAULT_THRESHOLDS)


def test_a_week_that_surely_passes_less_than_the_month_before_is_a_fall():
    assert fell([(5, 10)] * 7)
    assert not fell([(9, 10)] * 7)


@pytest.mark.parametrize(("lost", "falls"), [(2, False), (3, True)])
def test_three_active_days_in_a_row_of_five_messages_are_enough(lost, falls):
    assert fell([(5, 5)] * (7 - lost) + [(2, 5)] * lost) is falls


@pytest.mark.parametrize(("messages", "falls"), [(19, False), (20, True)])
def test_two_days_of_twenty_messages_are_enough(messages, falls):
    # Twenty single messages are too few a baseline for any bound.
    lost = [(messages * 0.4, messages)] * 2
    assert fell([*lost, *[(1, 1)] * 5], baseline=((1, 1),) * 20) is falls


def test_what_passed_little_before_has_not_fallen():
    assert not fell([(0, 20)] * 7, baseline=((15, 20),) * 30)


def test_without_a_month_before_nothing_can_have_fallen():
    assert not fell([(0, 20)] * 7, baseline=())


def unsigned(since, world=None):
    """The healthy domain, whose SES mail loses its signature `since` days ago."""
    world = healthy(130) if world is None else world
    return world.change(lambda one: one.day > ago(since), state="spf-only", dkim_aligned=0, both_aligned=0)


def test_dkim_that_stopped_blocks_though_spf_still_carries_the_mail():
    verdict = unsigned(5).judge()
    assert (verdict.verdict, blocked_by(verdict)) == ("not-ready", {"regressed"})
    assert "carried a passing DKIM signature until" in verdict.blockers[0].message


def named(stream, state):
    """A fix that names its state."""
    return (f"mend {state}",)


def repaired(world):
    """The world, of which a month failed as amazonses-only until 60 days ago."""
    return world.change(
        lambda one: ago(90) < one.day <= ago(60), state="amazonses-only", dmarc_pass=0, dkim_aligned=0
    )


@pytest.mark.parametrize("state", ["spf-only", "spf-only-dkim-broken"])
def test_lost_dkim_is_mended_by_the_state_that_spf_holds_the_mail_in(state):
    world = unsigned(5, repaired(healthy(130))).change(lambda one: one.state == "spf-only", state=state)
    (fall,) = [one for one in world.judge(fix=named).blockers if one.gate == "regressed"]
    assert fall.fix == (f"mend {state}",)


@pytest.mark.parametrize("p", ["none", "quarantine"])
def test_what_broke_now_is_mended_and_not_what_was_repaired_long_ago(p):
    world = (
        repaired(healthy(130))
        .publish(p=p)
        .change(
            lambda one: one.day > ago(5), state="own-dkim-broken", dmarc_pass=0, dkim_aligned=0, spf_aligned=0
        )
    )
    world.streams[stream_id(SES)] = stream(SES, label=label(SES, "owned", critical=True))
    verdict = world.judge(fix=named)
    assert verdict.verdict == ("not-ready" if p == "none" else "roll-back")
    assert {fix for one in verdict.blockers for fix in one.fix} == {"mend own-dkim-broken"}


@pytest.mark.parametrize(
    ("state", "fix"), [("dkim-only", "mail-from-fallback"), ("mail-from-spf-broken", "mail-from-spf-broken")]
)
def test_spf_that_was_lost_is_restored_and_not_set_up_anew(state, fix):
    world = healthy(130).change(lambda one: one.day > ago(5), state=state, spf_aligned=0, both_aligned=0)
    (lost,) = [one for one in world.judge(fix=named).warnings if one.gate == "regressed"]
    assert lost.fix == (f"mend {fix}",)


def test_a_break_of_yesterday_is_seen_today():
    world = healthy(130).mail(SES, [-1], 0)
    for day in (0, -1):
        world.rows = [one for one in world.rows if one.day != ago(day)]
        world.mail(SES, [day], 60, "amazonses-only", received_day=TODAY)
    verdict = world.judge()
    assert "regressed" in blocked_by(verdict)
    assert verdict.window[1] == ago(0)


def test_spf_that_stopped_while_dkim_holds_is_a_warning():
    world = healthy(130).change(
        lambda one: one.day > ago(5), state="dkim-only", spf_aligned=0, both_aligned=0
    )
    verdict = world.judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert "regressed" in warned_by(verdict)


@pytest.mark.parametrize(("good", "open_"), [(13, True), (14, False)])
def test_a_fall_closes_after_two_weeks_of_active_days_that_pass(good, open_):
    world = healthy(130).change(
        lambda one: ago(good + 9) < one.day <= ago(good), state="spf-only", dkim_aligned=0, both_aligned=0
    )
    verdict = world.judge(TODAY)
    # One more day than good ones lies before today: regressions are read up to yesterday.
    assert ok(verdict, "regressed") is not open_


@pytest.mark.parametrize(("good", "open_"), [(21, True), (28, False)])
def test_a_fall_of_a_weekly_sender_closes_after_four_weeks_that_pass(good, open_):
    world = (
        healthy(130).mail(ESP, range(0, good, 7), 40).mail(ESP, range(good, good + 14, 7), 40, "unaligned")
    )
    world.mail(ESP, range(good + 14, 130, 7), 40)
    assert ok(world.judge(), "regressed") is not open_


def test_a_fall_stays_open_while_the_baseline_fills_with_the_bad_days():
    assert "regressed" in blocked_by(unsigned(60).judge())


def test_a_sender_that_was_never_signed_has_not_fallen():
    track = Timeline(World().mail(ESP, range(100), 9, "spf-only").history())
    track.advance(TODAY)
    found = fallen(
        track.tracks[stream_id(ESP)], Mechanism.DKIM, today=TODAY_ORDINAL, limits=DEFAULT_THRESHOLDS
    )
    assert found is None


@pytest.mark.parametrize(("away", "gone"), [(7, False), (8, True), (37, True), (38, False)])
def test_a_daily_sender_is_missed_after_a_week_and_forgotten_after_a_month(away, gone):
    verdict = healthy(130).mail(ESP, range(away, 130), 5).judge()
    assert ("silent" in warned_by(verdict)) is gone


def test_a_sender_is_missed_after_three_times_its_usual_pause():
    world = healthy(200)
    assert "silent" not in warned_by(world.mail(ESP, range(15, 200, 5), 5).judge())
    assert "silent" in warned_by(healthy(200).mail(ESP, range(16, 200, 5), 5).judge())


def test_a_sender_seen_on_a_few_days_is_not_missed():
    assert "silent" not in warned_by(healthy(130).mail(ESP, range(20, 29), 5).judge())


@pytest.mark.parametrize(("away", "gone"), [(46, False), (47, True)])
def test_a_declared_monthly_sender_is_missed_after_a_month_and_a_half(away, gone):
    monthly = stream(ESP, label=label(ESP, "owned", every="month"))
    world = healthy(200).add(monthly, [row(ESP, ago(day), 50) for day in (away, away + 31)])
    assert ("silent" in warned_by(world.judge())) is gone


def test_while_enforcing_a_warning_is_watched():
    assert enforcing("reject").mail(ESP, range(10, 130), 5).judge().verdict == "watch"


def health(world):
    return Judge(world.history()).conditions(TODAY)


def test_the_health_of_a_stream_is_told_in_words():
    world = healthy(130)
    world.mail(ESP, range(10, 130), 20).mail(ESP, range(10), 20, "unaligned")
    leaking = place("postmark", PlaceKind.NONE, "")
    world.mail(leaking, range(130), 20).mail(leaking, range(5), 2, "unaligned")
    gone, few = place("mailgun", PlaceKind.NONE, ""), place("resend", PlaceKind.NONE, "")
    world.mail(gone, range(12, 130), 5).mail(few, [3], 4)
    found = health(world)
    assert found[stream_id(SES)] == ()
    assert found[stream_id(ESP)] == ("regressed", "broken")
    assert found[stream_id(leaking)] == ("leaking",)
    assert found[stream_id(gone)] == ("silent",)
    assert found[stream_id(few)] == ("thin",)


@pytest.mark.parametrize("lost", [{"dkim_aligned": 0}, {"spf_aligned": 0}])
def test_a_stream_carried_by_one_mechanism_of_two_is_degraded(lost):
    world = healthy(130).change(lambda one: one.day > ago(6), **lost)
    assert health(world)[stream_id(SES)] == ("degraded",)
