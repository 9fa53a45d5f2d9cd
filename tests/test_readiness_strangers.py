"""Unknown senders: when the program asks, when it stops asking, and what it never asks about."""

from datetime import timedelta

import pytest

from dmarcwatch.history import PoolDay
from dmarcwatch.report import Tier
from dmarcwatch.streams import PlaceKind, stream_id
from tests.judge_build import (
    SCATTERED,
    SES,
    ago,
    blocked_by,
    gates,
    healthy,
    label,
    network,
    ok,
    place,
    row,
    stream,
    warned_by,
)

NET = network()
VENDOR = place("unknown", PlaceKind.DOMAIN, "vendor.example")
MONTH = (0, 30, 60)


def asked(verdict):
    return {blocker.stream for blocker in verdict.blockers if blocker.gate == "unknown-persistent"}


def seen(days, messages=2, *, where=NET, reporters=("google", "yahoo"), world=None):
    """The healthy domain, and a place that fails as reporters take turns to see."""
    world = healthy() if world is None else world
    for number, day in enumerate(days):
        world.mail(where, [day], messages, "unaligned", reporter=reporters[number % len(reporters)])
    return world


@pytest.mark.parametrize(("days", "asks"), [(9, False), (10, True)])
def test_ten_days_of_a_month_ask_whose_mail_it_is(days, asks):
    assert bool(asked(seen(range(days)).judge())) is asks


@pytest.mark.parametrize(("messages", "asks"), [(10, False), (11, True)])
def test_more_than_ten_messages_are_worth_the_question(messages, asks):
    # All within November, so that no second month makes it a monthly run.
    world = seen(range(10), 1)
    if messages > 10:
        world.mail(NET, [0], messages - 10, "unaligned")
    assert bool(asked(world.judge())) is asks


def test_a_single_reporter_is_believed_only_where_nobody_else_reports():
    assert not asked(seen(range(10), reporters=["google"]).judge())
    alone = healthy(reporters=["google"], per_reporter=60)
    assert asked(seen(range(10), reporters=["google"], world=alone).judge())


@pytest.mark.parametrize(("recent", "asks"), [(4, False), (5, True)])
def test_the_question_closes_when_fewer_than_five_messages_are_left(recent, asks):
    # Twelve days ending 26 days ago asked; of them so many lie within the last thirty.
    days = range(30 - recent, 30 - recent + 12)
    assert bool(asked(seen(days, 1).judge())) is asks


def test_a_vendors_monthly_run_asks_from_its_second_month_on():
    assert not asked(seen([3], 40).judge())
    verdict = seen([3, 34], 40, reporters=["google"]).judge()
    assert asked(verdict) == {stream_id(NET)}
    assert verdict.because == "risk"


@pytest.mark.parametrize(("gap", "asks"), [(27, False), (28, True), (33, True), (34, False)])
def test_a_month_has_28_to_33_days(gap, asks):
    assert bool(asked(seen([5, 5 + gap], 20, reporters=["google"]).judge())) is asks


def test_a_run_over_several_days_is_one_run():
    assert asked(seen([3, 4, 34, 35], 20, reporters=["google"]).judge())


def test_weeks_apart_again_and_again_ask_as_well():
    assert asked(seen([3, 10, 17, 24, 31], 5, reporters=["google"]).judge())
    assert not asked(seen([3, 11, 17, 26, 32], 5, reporters=["google"]).judge())


def test_networks_that_spoofers_use_again_are_told_and_do_not_block():
    world = healthy()
    for number in range(12):
        seen(
            [2 + number, 16 + 2 * number],
            20,
            where=network(f"203.0.{number}.0/24"),
            reporters=["google"],
            world=world,
        )
    verdict = world.judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert "unknown-persistent" in warned_by(verdict)


def test_a_place_of_the_pool_may_persist_before_it_is_a_stream():
    world = healthy()
    world.pool = [
        PoolDay(VENDOR, ago(day), ago(day) + timedelta(days=1), reporter, Tier.VERIFIED, 2, 2)
        for day in range(12)
        for reporter in ("google", "yahoo")
    ]
    assert asked(world.judge()) == {stream_id(VENDOR)}


def test_a_place_nobody_trusted_has_seen_asks_nothing():
    world = healthy()
    world.pool = [PoolDay(VENDOR, ago(day), ago(day), "x", Tier.UNVERIFIED, 9, 9) for day in range(30)]
    world.mail(NET, range(30), 9, "unaligned", tier=Tier.UNVERIFIED)
    assert world.judge().verdict == "ready-for-quarantine"


@pytest.mark.parametrize("word", ["owned", "spoof", "forwarder", "ignore"])
def test_an_answer_ends_the_question(word):
    world = seen(range(20))
    world.streams[stream_id(NET)] = stream(NET, label=label(NET, word))
    verdict = world.judge()
    assert not asked(verdict)
    assert verdict.verdict == ("not-ready" if word == "owned" else "ready-for-quarantine")


def test_the_question_says_how_to_answer_it():
    (blocker,) = (one for one in seen(range(20)).judge().blockers if one.gate == "unknown-persistent")
    assert blocker.stream == "example.com/unknown/203.0.113.0-24"
    assert all(stream_id(NET) in line for line in blocker.fix)
    assert {"owned", "spoof"} <= set(" ".join(blocker.fix).split())


def test_mail_that_passes_asks_nothing_however_often_it_comes():
    assert not asked(healthy().mail(NET, range(60), 9, "spf-only").judge())


def test_a_tenant_under_another_name_is_bounded_as_any_domain_that_comes_back():
    """Companies sign in under other names than they write from; only they can say so."""
    tenant = place("google-workspace", PlaceKind.TENANT, "stranger-com")
    world = healthy().add(
        stream(tenant, sender_type="mailbox"),
        [
            row(tenant, ago(day), 9, "unaligned", reporter=name)
            for day in range(60)
            for name in ("google", "yahoo")
        ],
    )
    verdict = world.judge()
    assert verdict.verdict == "not-ready"
    blocker = next(one for one in verdict.blockers if one.gate == "unknown-failing")
    assert (blocker.messages, verdict.quarantine.spoof) == (540, 0)
    assert blocker.fix[0].startswith(f"dmarcwatch label {stream_id(tenant)} owned|forwarder|spoof")


@pytest.mark.parametrize(("messages", "safe"), [(36, True), (37, False)])
def test_unknown_mail_with_an_own_signature_is_bounded(messages, safe):
    # 2 % of 1,800 own messages and these.
    verdict = healthy().mail(NET, [3], messages, "own-dkim-broken").judge()
    assert verdict.quarantine.unknown == messages
    assert ok(verdict, "unknown-failing") is safe


@pytest.mark.parametrize(("way", "whole"), [({}, 50), ({"forwarded": True}, 50), ({}, 0)])
def test_scattered_signatures_break_at_most_as_often_as_they_pass_there(way, whole):
    # Forwarders leave most signatures whole; a stranger who pastes an old one leaves none.
    world = healthy().mail(SCATTERED, [3], 80, "own-dkim-broken")
    verdict = world.mail(SCATTERED, [4], whole, "dkim-only", **way).judge()
    assert (verdict.quarantine.unknown, verdict.quarantine.spoof) == (whole, 80 - whole)
    assert ok(verdict, "unknown-failing") is (whole == 0)


@pytest.mark.parametrize(("apart", "bounded"), [(6, False), (7, True)])
def test_a_foreign_domain_that_comes_back_is_bounded_and_a_throwaway_one_is_not(apart, bounded):
    verdict = seen([10, 10 - apart], 60, where=VENDOR, reporters=["google"]).judge()
    assert ok(verdict, "unknown-failing") is not bounded
    assert (verdict.quarantine.unknown, verdict.quarantine.spoof) == ((120, 0) if bounded else (0, 120))


def test_pooled_domains_that_come_back_are_taken_out_of_the_spoofed():
    world = healthy().mail(SCATTERED, range(30), 10, "unaligned")
    world.pool = [PoolDay(VENDOR, ago(day), ago(day), "google", Tier.VERIFIED, 30, 30) for day in (2, 20)]
    verdict = world.judge()
    assert (verdict.quarantine.unknown, verdict.quarantine.spoof) == (60, 240)
    assert "unknown-failing" in blocked_by(verdict)


def test_a_broken_signature_of_an_own_sender_is_bounded_and_not_asked_about():
    world = healthy()
    world.streams[stream_id(SES)] = stream(SES, selectors=["s1"])
    rows = [
        row(NET, ago(day), 1, "own-dkim-broken", reporter=name)
        for day in range(30)
        for name in ("google", "yahoo")
    ]
    world.add(stream(NET, selectors=["s1"]), rows)
    verdict = world.judge()
    assert not asked(verdict)
    assert next(gates(verdict, "unknown-failing")).value == pytest.approx(60 / 1860)


def test_other_unknown_mail_is_told_and_changes_nothing():
    world = seen(range(10), 1)
    verdict = world.judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert any("10 messages of unknown senders" in warning.message for warning in verdict.warnings)


@pytest.mark.parametrize(
    ("one", "other", "asks"), [(10, 30, True), (10, 31, False), (2, 8, True), (1, 8, False)]
)
def test_two_runs_of_very_different_size_are_chance(one, other, asks):
    verdict = seen([5], one, world=seen([35], other, reporters=["google"]), reporters=["google"]).judge()
    assert bool(asked(verdict)) is asks


def test_three_runs_may_differ_in_size_as_reporters_miss_some():
    world = seen([5, 65], 40, reporters=["google"])
    assert asked(seen([35], 9, world=world, reporters=["google"]).judge())


def test_a_server_of_a_domain_that_mails_little_asks_by_its_share():
    # One message in five days is 20 % of what the domain itself sends, and never ten days of a month.
    world = healthy(per_reporter=1, reporters=["google"])
    assert asked(seen(range(0, 60, 5), 1, world=world, reporters=["google"]).judge())
    assert not asked(seen(range(0, 60, 5), 1, reporters=["google"]).judge())
    # Much at once on as many days is a spoofer's.
    world = healthy(per_reporter=1, reporters=["google"])
    assert not asked(seen(range(0, 60, 8), 12, world=world, reporters=["google"]).judge())


def unsigned_people(messages):
    """The healthy domain, and people whose mail is not signed, as three organisations report."""
    world = healthy()
    people = place("google-workspace", PlaceKind.NONE, "")
    for name in ("google", "yahoo", "microsoft"):
        world.add(
            stream(people, sender_type="mailbox"),
            [row(people, ago(day), messages, "spf-only", reporter=name) for day in range(60)],
        )
    return world


@pytest.mark.parametrize(("unsigned", "asks"), [(20, True), (40, False)])
def test_as_much_as_a_forwarder_passes_on_of_unsigned_mail_asks_nothing(unsigned, asks):
    # Thirty messages in thirty days; a hundredth of 40 x 3 x 30 unsigned ones is 36.
    verdict = seen(range(60), 1, world=unsigned_people(unsigned)).judge()
    assert bool(asked(verdict)) is asks
    assert asks or any(
        "as forwarded mail does that you do not sign" in one.message for one in verdict.warnings
    )


def test_of_several_places_only_those_ask_that_are_active_like_a_server():
    world = seen(range(40), 3)  # a server, every day
    for number in (1, 2, 3):  # spoofers: the same mail and more, on every third day
        seen(range(number, 40, 3), 12, where=network(f"203.0.{number}.0/24"), world=world)
    verdict = world.judge()
    assert asked(verdict) == {stream_id(NET)}
    assert any("spoofers reuse networks" in warning.message for warning in verdict.warnings)


@pytest.mark.parametrize(("daily", "asks"), [(1, True), (20, False)])
def test_two_small_runs_ask_where_they_are_much_beside_the_rest(daily, asks):
    # Three messages of two runs, and 300 or 6,000 of the domain's own.
    world = healthy(per_reporter=daily)
    seen([3], 1, world=world, reporters=["google"])
    assert bool(asked(seen([34], 2, world=world, reporters=["google"]).judge())) is asks


def test_a_small_run_asks_when_it_came_twice_as_long_as_it_is_no_trifle():
    world = healthy(per_reporter=200)  # 600 a day: 0.1 % of 124 days are about 60
    assert not asked(seen([3, 34], 20, world=world, reporters=["google"]).judge())
    world = healthy(per_reporter=200)
    assert asked(seen([3, 34, 64], 20, world=world, reporters=["google"]).judge())


def test_where_networks_come_back_at_odd_intervals_two_runs_a_month_apart_are_chance():
    def world(size=50):
        grown = healthy()
        for number in range(3):
            where = network(f"198.51.{number}.0/24")
            seen([2 + number, 19 + 3 * number], size, where=where, reporters=["google"], world=grown)
        return grown

    assert not asked(seen([3, 34], 40, world=world(), reporters=["google"]).judge())
    assert asked(seen([3, 34, 64], 40, world=world(), reporters=["google"]).judge())
    # Runs larger than any of those are no chance, and
    assert asked(seen([3, 34], 40, world=world(3), reporters=["google"]).judge())
    # a vendor is known by its domain; that networks come back says nothing of domains.
    assert asked(seen([3, 34], 40, where=VENDOR, world=world(), reporters=["google"]).judge())


def test_a_rhythm_ends_when_its_run_stays_away():
    assert asked(seen([61, 92], 20, reporters=["google"]).judge())
    assert not asked(seen([62, 93], 20, reporters=["google"]).judge())
