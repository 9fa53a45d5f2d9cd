"""The verdict on simulated domains: nothing of the future, nothing of forgers, and a run that can be repeated."""

import json
from dataclasses import replace

import pytest

from bench.calibrate import Job, days_of, main, parse_arguments, score_world
from bench.calibrate_score import Said
from bench.worlds import World, build
from bench.worlds_forger import Aim, Forger, with_forger
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Limit

DAYS = 70


def a_job(kind: str, seed: int, *, fresh: bool = False) -> Job:
    return Job(kind, seed, DAYS, None, DEFAULT_THRESHOLDS, fresh)


def answers(job: Job, world: World) -> list[tuple]:
    return [
        (verdict.verdict, verdict.because, {(each.gate, each.stream) for each in verdict.blockers})
        for _, verdict in days_of(job, world)
    ]


@pytest.mark.parametrize(("kind", "seed"), [("late-reports", 14), ("vendor-run", 12), ("quarantined", 13)])
def test_a_verdict_as_of_a_day_is_what_it_would_have_been_on_that_day(kind, seed):
    world = build(kind, seed, days=DAYS)
    assert answers(a_job(kind, seed), world) == answers(a_job(kind, seed, fresh=True), world)


@pytest.mark.parametrize("aim", Aim)
@pytest.mark.parametrize(("kind", "seed"), [("plain", 11), ("spoof-rotating", 15), ("ses-unsigned", 1)])
def test_no_forger_makes_a_domain_ready_or_keeps_it_from_ready(kind, seed, aim):
    world = build(kind, seed, days=DAYS)
    forged = with_forger(world, Forger(aim, reports_a_day=40, first_day=5, days=DAYS - 5))
    assert answers(a_job(kind, seed), forged) == answers(a_job(kind, seed), world)


def test_a_world_is_scored_the_same_again():
    first, again = score_world(a_job("payroll", 3)), score_world(a_job("payroll", 3))
    assert (first.ready, first.missed, first.asked, first.delays) == (
        again.ready,
        again.missed,
        again.asked,
        again.delays,
    )


def test_the_json_of_a_run_holds_every_world(capsys):
    main(["--worlds", "3", "--days", "40", "--processes", "1", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert [world["days"] for world in printed["worlds"]] == [40, 40, 40]
    assert printed["totals"]["all"]["worlds"] == 3


def test_a_trace_tells_the_story_and_every_day(capsys):
    main(["--world", "payroll:3", "--days", "40", "--trace"])
    printed = capsys.readouterr().out
    assert "sender payroll" in printed
    assert len([line for line in printed.splitlines() if " truth " in line or "lost" in line]) >= 40


def test_a_threshold_is_changed_by_its_name():
    thresholds = parse_arguments(["--set", "gap_factor=1", "--set", "fixed_days=7,20"]).thresholds
    assert thresholds.gap_factor == 1
    assert (thresholds.fixed_days.quarantine, thresholds.fixed_days.reject) == (7, 20)
    assert thresholds.window_days == DEFAULT_THRESHOLDS.window_days


def test_a_wrong_ready_is_listed_by_its_fault_and_what_it_loses():
    never = Limit(1.0, 1.0)
    blind = replace(
        DEFAULT_THRESHOLDS,
        stream_share=never,
        failing_share=never,
        bad_days_share=never,
        doubtful_share=never,
        state_messages=10**9,
        stream_messages=10**9,
    )
    scored = score_world(Job("esp-unaligned", 3, 50, None, blind, False, explain=True))
    wrong = next(each for each in scored.wrong if each.said is Said.READY)
    assert len(wrong.days) == scored.missed > 0
    assert wrong.why == "harsh evaluator"
    assert "loses" in wrong.detail


def test_a_wrong_risk_is_listed_by_its_gate():
    harsh = replace(DEFAULT_THRESHOLDS, bad_days=-1, bad_days_share=Limit(0.0, 0.0))
    scored = score_world(Job("high-volume", 1, 50, None, harsh, False, explain=True))
    wrong = next(each for each in scored.wrong if each.why == "bad-days (domain)")
    assert len(wrong.days) == wrong.alone == scored.asked_risk > 0


def test_the_list_of_wrong_answers_counts_days_by_reason(capsys):
    main(["--world", "esp-unaligned:3", "--days", "50", "--wrong", "--set", "bad_days=-1"])
    printed = capsys.readouterr().out
    assert "wrong risk, by gate" in printed
