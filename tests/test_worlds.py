"""The simulated domains: the same for a seed, their accounts add up, their truth owes nothing to a judge."""

import ast
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from bench import worlds
from bench.calibrate_score import DayResult, Delay, Said, median_delay, score
from bench.worlds import build, kind_of
from bench.worlds_calendar import Draw
from bench.worlds_evidence import evidence_of
from bench.worlds_faults import (
    AMAZONSES_ONLY,
    BOTH,
    DKIM_ONLY,
    OWN_DKIM_BROKEN,
    SPF_ONLY,
    UNALIGNED,
    Auth,
    Fault,
    from_day,
)
from bench.worlds_flows import Origin, Sender, Whose, flows_of, unknown_origin
from bench.worlds_forger import Aim, Forger, with_forger
from bench.worlds_rates import BASE, KINDS
from bench.worlds_replay import replay
from bench.worlds_rollup import persists
from bench.worlds_senders import draw_senders
from bench.worlds_truth import LOSS_LIMIT, State, find_truth
from dmarcwatch.report import Tier
from dmarcwatch.streams import Place, PlaceKind

BENCH = Path(worlds.__file__).parent
EVERY_KIND = pytest.mark.parametrize("kind", [kind.name for kind in KINDS])


def a_draw(**changes) -> Draw:
    """A quiet office-free domain of a hundred messages a day, from Monday 2 March 2026."""
    given = {
        "rng": np.random.default_rng(1),
        "rates": replace(BASE, shutdown=0.0),
        "domain": "example.com",
        "start": date(2026, 3, 2),
        "days": 120,
        "daily": 100.0,
        "working_days": False,
        "strict": False,
        "region": "eu-west-1",
    }
    return Draw(**(given | changes))


def a_sender(
    draw: Draw, *faults: Fault, daily: float = 100.0, normal: Auth = BOTH, key: str = "main"
) -> Sender:
    origin = Origin(Place("example.com", "example.com", key, PlaceKind.NONE, ""), key, "saas")
    return Sender(
        key, origin, "s1", from_day(draw, 0, daily), ((normal, 1.0),), OWN_DKIM_BROKEN, faults=faults
    )


def broken(draw: Draw, share: float, begun: int = 0, fixed: int | None = None) -> Fault:
    return Fault("broken", AMAZONSES_ONLY, from_day(draw, begun, share), begun, fixed)


# The same for a seed.


def test_a_kind_and_a_seed_are_the_same_world_for_ever():
    first, again = build("spoof-rotating", 7), build("spoof-rotating", 7)
    assert (first.stream_days, first.domain_days, first.pool) == (
        again.stream_days,
        again.domain_days,
        again.pool,
    )
    assert np.array_equal(first.truth.lost, again.truth.lost)
    assert first.story == again.story


def test_another_seed_or_kind_is_another_world():
    assert build("plain", 1).stream_days != build("plain", 2).stream_days != build("payroll", 2).stream_days


def test_a_run_draws_its_kinds_by_its_seed_alone():
    drawn = [kind_of(number, 5).name for number in range(300)]
    assert drawn == [kind_of(number, 5).name for number in range(300)]
    assert len(set(drawn)) > len(KINDS) / 2


# The accounts add up.


@EVERY_KIND
def test_each_report_says_as_many_messages_as_its_rows(kind):
    world = build(kind, 3)
    rows: Counter[tuple] = Counter()
    for row in world.stream_days:
        rows[row.day, row.reporter] += row.messages
    assert rows == {(report.day, report.reporter): report.messages for report in world.domain_days}


@EVERY_KIND
def test_each_row_is_possible(kind):
    for row in build(kind, 4).stream_days:
        failing = row.messages - row.dmarc_pass - row.indeterminate - row.unknown
        assert row.messages > 0
        assert failing >= row.spared >= 0
        assert failing - row.spared >= row.quarantined + row.rejected
        assert row.both_aligned <= min(row.dkim_aligned, row.spf_aligned)
        assert row.dkim_aligned + row.spf_aligned - row.both_aligned + row.unverified == row.dmarc_pass
        assert row.received_day > row.day


@EVERY_KIND
def test_keys_of_the_roll_ups_are_unique(kind):
    world = build(kind, 5)
    assert len({row[:9] for row in world.stream_days}) == len(world.stream_days)
    assert len({row[:5] for row in world.domain_days}) == len(world.domain_days)
    assert {row.stream for row in world.stream_days} == set(world.origins) == set(world.whose)


def test_the_flows_of_a_sender_sum_to_what_it_sends():
    draw = a_draw(
        rates=replace(BASE, fault_hazard=1 / 40, incident_hazard=1 / 40, flapping=1.0, small_mean=3.0)
    )
    for sender in draw_senders(draw):
        assert np.allclose(sum(flow.sent for flow in flows_of(sender, draw.horizon)), sender.sent)


def test_mail_that_a_harmless_and_a_harmful_fault_claim_fails():
    draw = a_draw()
    harmless = replace(broken(draw, 1.0), becomes=DKIM_ONLY, cause="fallback")
    flows = flows_of(a_sender(draw, harmless, broken(draw, 1.0, begun=20)), draw.horizon)
    failing = sum((flow.sent for flow in flows if not flow.auth.passes), draw.nothing())
    assert list(failing[[19, 20, 60]]) == [0.0, 100.0, 100.0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mail_that_is_sent_fails_as_much_as_the_truth_says(seed):
    rates = replace(BASE, repaired=0.0, incident_hazard=0.0, fault_hazard=1 / 60, flapping=1.0, shutdown=0.0)
    draw = a_draw(rng=np.random.default_rng(seed), rates=rates)
    last = draw.days - 1
    senders = [
        replace(sender, faults=tuple(fault for fault in sender.faults if fault.begun <= last))
        for sender in draw_senders(draw)
    ]
    flows = [flow for sender in senders for flow in flows_of(sender, draw.horizon)]
    failing = sum(flow.sent[last + 1 : last + 31].sum() for flow in flows if not flow.auth.passes)
    sent = sum(sender.sent[last + 1 : last + 31].sum() for sender in senders)
    assert failing / sent == pytest.approx(find_truth(draw, senders, ()).lost_begun[last], abs=0.005)


def test_own_mail_is_the_sum_of_the_senders():
    draw = a_draw()
    senders = [a_sender(draw, key="a"), a_sender(draw, daily=7.0, key="b")]
    assert np.allclose(find_truth(draw, senders, ()).own, 107.0)


def test_pool_rows_are_of_places_without_a_stream_that_came_back_or_sent_a_batch():
    world = build("spoof-rotating", 3)
    days: dict[Place, set[date]] = {}
    messages: Counter[Place] = Counter()
    for row in world.pool:
        days.setdefault(row.place, set()).add(row.day)
        messages[row.place] += row.messages
    own_streams = {origin.place for origin in world.origins.values()}
    assert days
    assert all(len(each) > 1 or messages[place] >= 20 for place, each in days.items())
    assert not own_streams & set(days)


# The truth.


@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_a_policy_loses_the_share_that_a_lasting_fault_fails(share):
    draw = a_draw()
    truth = find_truth(draw, [a_sender(draw, broken(draw, share))], ())
    assert truth.lost[60] == pytest.approx(share)
    assert truth.state(60, "quarantine") is State.UNSAFE


def test_a_repaired_fault_loses_nothing_and_an_unrepaired_one_is_counted_as_if_it_stayed():
    draw = a_draw()
    truth = find_truth(draw, [a_sender(draw, broken(draw, 0.5, begun=10, fixed=40))], ())
    assert truth.lost[39] == pytest.approx(0.5)
    assert truth.lost[40] == 0.0
    assert truth.state(40, "quarantine") is State.SAFE


def test_a_fault_is_there_when_reports_can_tell_and_begun_before():
    draw = a_draw()
    truth = find_truth(draw, [a_sender(draw, broken(draw, 0.5, begun=50))], ())
    said = [truth.state(day, "quarantine") for day in (49, 50, 51, 52)]
    assert said == [State.SAFE, State.UNSEEN, State.UNSEEN, State.UNSAFE]


def test_a_fault_below_the_limit_is_grey():
    draw = a_draw()
    small = a_sender(draw, broken(draw, 1.0), daily=0.6, key="small")
    truth = find_truth(draw, [a_sender(draw), small], ())
    assert truth.state(60, "quarantine") is State.GREY
    assert truth.state(60, "reject") is State.UNSAFE


def test_a_quarterly_sender_that_fails_is_there_only_after_its_first_run():
    draw = a_draw()
    sent = draw.nothing()
    sent[70] = sent[100] = 2000.0
    quarterly = replace(a_sender(draw, broken(draw, 1.0), key="quarterly"), sent=sent)
    truth = find_truth(draw, [a_sender(draw), quarterly], ())
    assert [truth.state(day, "quarantine") for day in (30, 60, 75)] == [
        State.GREY,
        State.UNSEEN,
        State.UNSAFE,
    ]


def test_two_faults_of_a_sender_lose_a_message_once():
    draw = a_draw()
    other = replace(broken(draw, 0.5), cause="other")
    truth = find_truth(draw, [a_sender(draw, broken(draw, 0.5), other)], ())
    assert truth.lost[60] == pytest.approx(0.75)


def test_spf_alone_keeps_from_reject_but_not_from_quarantine():
    draw = a_draw()
    truth = find_truth(draw, [a_sender(draw, normal=Auth("spf-only", False, True))], ())
    assert truth.state(60, "quarantine") is State.SAFE
    assert truth.state(60, "reject") is State.GREY


@EVERY_KIND
def test_what_is_lost_is_a_share_and_seen_faults_lose_no_more_than_all(kind):
    truth = build(kind, 6).truth
    assert np.all(truth.lost >= 0)
    assert np.all(truth.lost <= truth.lost_begun + 1e-9)
    assert np.all(truth.lost_begun <= 1 + 1e-9)
    assert np.all(truth.lost[~truth.at_fault] <= LOSS_LIMIT["reject"])


def test_a_lost_mail_from_is_harmless_while_dkim_holds_and_lost_dkim_is_a_fault_while_spf_holds():
    draw = a_draw()
    fallback = find_truth(draw, [a_sender(draw, replace(broken(draw, 1.0), becomes=DKIM_ONLY))], ())
    unsigned = find_truth(draw, [a_sender(draw, replace(broken(draw, 1.0), becomes=SPF_ONLY))], ())
    assert fallback.lost.max() == unsigned.lost.max() == 0.0
    assert fallback.state(60, "quarantine") is State.SAFE
    assert unsigned.state(60, "quarantine") is State.GREY


# What reports could have told.


def test_evidence_grows_with_time_and_needs_own_mail():
    world = build("high-volume", 8)
    assert not world.evidence.exists(25, "quarantine")
    assert not world.evidence.exists(55, "reject")
    assert any(world.evidence.exists(day, "quarantine") for day in range(31, 120))
    parked = build("parked", 8)
    assert not any(parked.evidence.exists(day, "quarantine") for day in range(120))


def test_reports_that_nobody_vouches_for_are_no_evidence():
    assert len(evidence_of(a_draw(), (), ()).day) == 0


def test_a_place_persists_by_ten_days_or_by_two_months_within_sixty_two_days():
    dates = tuple(date(2026, 3, 2) + timedelta(day) for day in range(151))
    assert persists(dict.fromkeys(range(10), 1), dates)
    assert not persists(dict.fromkeys(range(9), 100), dates)
    assert not persists(dict.fromkeys(range(0, 150, 16), 1), dates)
    assert persists({0: 3, 31: 3}, dates)
    assert not persists({0: 3, 31: 2}, dates)
    assert not persists({0: 30, 62: 30}, dates)


# A replay, and the forger.


def test_a_replay_shows_only_what_was_received():
    world = build("late-reports", 9)
    received = 0
    for day, history in replay(world):
        today = world.start + timedelta(day)
        for rows in (history.stream_days, history.domain_days, history.pool):
            assert all(row.received_day <= today for row in rows)
        assert all(stream.last_seen <= today for stream in history.streams)
        assert {row.stream for row in history.stream_days} == {stream.id for stream in history.streams}
        received = len(history.stream_days)
    assert 0 < received <= len(world.stream_days)


@pytest.mark.parametrize("aim", Aim)
def test_a_forger_adds_untrusted_reports_and_nothing_else(aim):
    world = build("plain", 2)
    forged = with_forger(world, Forger(aim, reports_a_day=50))
    added = forged.stream_days[len(world.stream_days) :]
    assert forged.stream_days[: len(world.stream_days)] == world.stream_days
    assert len(added) == 50 * 60
    assert {row.tier for row in added} == {Tier.UNVERIFIED, Tier.CONSISTENT}
    assert {row.tier for row in forged.pool[len(world.pool) :]} <= {Tier.UNVERIFIED, Tier.CONSISTENT}
    assert forged.truth is world.truth
    assert {row.stream for row in forged.stream_days} <= set(forged.origins)


def test_a_forger_who_wants_ready_shows_passes_and_one_who_blocks_shows_failures():
    world = build("plain", 2)
    known = len(world.stream_days)
    ready = with_forger(world, Forger(Aim.READY, reports_a_day=20)).stream_days[known:]
    blocked = with_forger(world, Forger(Aim.BLOCKED, reports_a_day=20)).stream_days[known:]
    assert all(row.dmarc_pass == row.messages for row in ready)
    assert all(row.dmarc_pass == 0 for row in blocked)


# The truth owes nothing to a judge.


def test_worlds_know_the_words_of_the_program_and_none_of_its_rules():
    allowed = {"dmarcwatch.history", "dmarcwatch.report", "dmarcwatch.streams"}
    for path in BENCH.glob("worlds*.py"):
        tree = ast.parse(path.read_text())
        used = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name for name in used if name and name.startswith("dmarcwatch")} <= allowed, path.name


def test_building_a_world_loads_no_judge():
    code = "import sys, bench.worlds_replay, bench.worlds_forger; print([m for m in sys.modules if 'readiness' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCH.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# The score.


def a_day(day: int, said: Said, state: State = State.SAFE, *, asked: bool = True) -> DayResult:
    return DayResult(
        day, "quarantine", said, said, ("some-gate",), state, asked, False, 0.02, 3.0, "main: broken-7"
    )


def test_ready_is_wrong_only_over_a_fault_that_is_there():
    days = [a_day(number, Said.READY, state, asked=False) for number, state in enumerate(State)]
    counted = score("plain:1", "none", days, seconds=0.0)
    assert (counted.ready, counted.missed, counted.missed_unseen, counted.ready_grey) == (4, 1, 1, 1)
    assert counted.missed_few == 1
    assert counted.causes == (("broken", 1),)


def test_a_delay_is_counted_from_the_day_ready_was_due():
    said = [Said.RISK, Said.EVIDENCE, Said.READY, Said.RISK]
    counted = score("plain:1", "none", [a_day(number, word) for number, word in enumerate(said)], seconds=0.0)
    assert counted.delays == (Delay(2, said=True),)
    assert (counted.asked, counted.asked_risk, counted.asked_evidence) == (4, 2, 1)


def test_a_judge_that_never_says_ready_has_no_median_delay():
    assert median_delay([Delay(40, said=False)] * 3) is None
    assert median_delay([Delay(0, said=True), Delay(2, said=True), Delay(9, said=False)]) == 2.0


def test_a_stretch_that_ended_early_does_not_count_as_a_short_delay():
    assert median_delay([Delay(1, said=False), Delay(5, said=True), Delay(5, said=True)]) == 5.0


def test_a_scattered_stream_is_one_for_a_from_domain():
    world = build("spoof-fresh", 2)
    pools = [
        identity for identity, origin in world.origins.items() if origin.place.kind is PlaceKind.SCATTERED
    ]
    assert pools == ["example.com/unknown/scattered"]
    assert world.whose[pools[0]] is Whose.STRANGER
    assert unknown_origin(a_draw(), PlaceKind.SCATTERED, "").place == world.origins[pools[0]].place
    assert any(row.state == UNALIGNED.state for row in world.stream_days if row.stream == pools[0])
