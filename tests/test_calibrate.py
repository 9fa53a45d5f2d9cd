"""The verdict on simulated domains: nothing of the future, nothing of forgers, and a run that can be repeated."""

import json

import pytest

from bench.calibrate import Job, days_of, main, parse_arguments, score_world
from bench.worlds import World, build
from bench.worlds_forger import Aim, Forger, with_forger
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS

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
