"""Calibrate the verdict: replay simulated domains day by day and count how often it is wrong.

python -m bench.calibrate --worlds 2000 --days 120 --seed 1
python -m bench.calibrate --world payroll:1000007 --trace
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import Pool
from typing import Any

import numpy as np

from bench.calibrate_misses import print_wrong, wrong_answers
from bench.calibrate_report import as_json, print_scores
from bench.calibrate_score import DayResult, Said, WorldScore, score
from bench.worlds import World, build, kind_of
from bench.worlds_flows import Whose
from bench.worlds_replay import declared, replay, whole
from bench.worlds_truth import REPORT_DELAY_DAYS, State
from dmarcwatch.readiness import Judge, judge
from dmarcwatch.streams import Label
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dmarcwatch.verdict import Answer, Kind, Target, Verdict

_NAIVE_DAYS = 30
_NAIVE_SHARE = 0.98
_NAIVE_MESSAGES = 100
_LABELS = {Whose.OWN: "owned", Whose.INDIRECT: "forwarder", Whose.STRANGER: "spoof"}
_LABEL_DAYS = 180


@dataclass(frozen=True, slots=True)
class Job:
    """One world to replay."""

    kind: str
    seed: int
    days: int
    answers: int | None
    """Days after which the owner labels a stream the program asks about; None for never."""
    thresholds: Thresholds
    fresh: bool
    """Hand over only what was received by each day, instead of the whole history with `as_of`."""
    explain: bool = False
    """Keep what is behind each wrong answer."""


def days_of(job: Job, world: World) -> Iterator[tuple[DayResult, Verdict]]:
    """Judge every day of a world."""
    judged = _fresh(job, world) if job.fresh else _judged(job, world)
    for day, (verdict, naive) in enumerate(zip(judged, _naive_days(world), strict=True)):
        yield _result(world, day, verdict, naive=naive), verdict


def _fresh(job: Job, world: World) -> Iterator[Verdict]:
    """A new judge a day that is handed nothing of what comes later."""
    for day, history in replay(world):
        as_of = world.start + timedelta(day)
        yield judge(history, as_of=as_of, thresholds=job.thresholds, declared=declared(world))


def _judged(job: Job, world: World) -> Iterator[Verdict]:
    """One judge, as over the database; a new one where the owner has answered."""
    labels: dict[str, Label] = {}
    asked_since: dict[str, int] = {}
    judge_of = Judge(whole(world, labels), thresholds=job.thresholds, declared=declared(world))
    for day in range(world.days):
        verdict = judge_of.at(world.start + timedelta(day))
        yield verdict
        if job.answers is not None and _answer(
            world, verdict, asked_since, labels=labels, patience=job.answers
        ):
            judge_of = Judge(whole(world, labels), thresholds=job.thresholds, declared=declared(world))


def _answer(
    world: World, verdict: Verdict, asked_since: dict[str, int], *, labels: dict[str, Label], patience: int
) -> bool:
    """The owner looks at what the program asks about, and labels it rightly after some days.

    True where a label was given.
    """
    before = len(labels)
    today = (verdict.as_of - world.start).days
    for blocker in verdict.blockers:
        if blocker.gate == "unknown-persistent" and blocker.stream in world.whose:
            since = asked_since.setdefault(blocker.stream, today)
            if today - since >= patience:
                word = _LABELS[world.whose[blocker.stream]]
                expires = verdict.as_of + timedelta(_LABEL_DAYS)
                labels[blocker.stream] = Label(blocker.stream, word, verdict.as_of, expires)
    return len(labels) > before


def _result(world: World, day: int, verdict: Verdict, *, naive: bool) -> DayResult:
    target = world.target or "reject"
    said, gates = _said(verdict, target)
    state = world.truth.state(day, target)
    due = world.target is not None and world.truth.safe_long_enough(day, target)
    return DayResult(
        day=day,
        target=target,
        said=said,
        answer=str(verdict.verdict),
        gates=gates,
        state=state,
        asked=due and world.evidence.exists(day, target),
        naive_ready=naive,
        lost=float(world.truth.lost[day]),
        lost_messages=float(world.truth.lost_messages[day]),
        cause=world.truth.worst[day],
    )


def _said(verdict: Verdict, target: str) -> tuple[Said, tuple[str, ...]]:
    """The verdict in the words of the goals; while enforcing, what keeps it from the next step."""
    if verdict.verdict in (Answer.READY_FOR_QUARANTINE, Answer.READY_FOR_REJECT):
        return Said.READY, ()
    failed = [gate for gate in verdict.gates if gate.target is Target(target) and not gate.ok]
    risks = tuple(sorted({gate.gate for gate in failed if gate.kind is Kind.RISK}))
    if risks or verdict.verdict in (Answer.NOT_READY, Answer.ROLL_BACK):
        return Said.RISK, risks
    return Said.EVIDENCE, tuple(sorted({gate.gate for gate in failed if gate.kind is Kind.EVIDENCE}))


def _naive_days(world: World) -> list[bool]:
    """The usual rule, day by day: 98 % of all mail of 30 days passes, and there are 100 messages."""
    sums = np.zeros((2, world.days))
    for row in world.stream_days:
        first = (row.day - world.start).days + REPORT_DELAY_DAYS
        begins = max(first, (row.received_day - world.start).days)
        ends = min(first + _NAIVE_DAYS, world.days)
        sums[0, begins:ends] += row.messages
        sums[1, begins:ends] += row.dmarc_pass
    messages, passed = sums
    return [bool(ready) for ready in (messages >= _NAIVE_MESSAGES) & (passed >= _NAIVE_SHARE * messages)]


def score_world(job: Job) -> WorldScore:
    """Build one world, judge its days and count."""
    began = time.perf_counter()
    world = build(job.kind, job.seed, days=job.days)
    days = list(days_of(job, world))
    # A domain at reject has no step left: "ready" cannot be said of it, and nothing is due.
    counted = score(world.name, world.policy, [result for result, _ in days], seconds=0.0)
    wrong = wrong_answers(world, days) if job.explain else ()
    return replace(counted, wrong=wrong, seconds=time.perf_counter() - began)


def run(jobs: Sequence[Job], *, processes: int) -> list[WorldScore]:
    """Score worlds, in parallel, in the order of the jobs."""
    if processes == 1:
        return [score_world(job) for job in jobs]
    with Pool(processes) as pool:
        return list(pool.imap(score_world, jobs, chunksize=4))


def draw_jobs(args: argparse.Namespace) -> list[Job]:
    """The worlds of a run; a world's seed is made of the run's seed and its number."""
    kinds = [args.only or kind_of(number, args.seed).name for number in range(args.worlds)]
    return [
        Job(
            kind,
            args.seed * 1_000_000 + number,
            args.days,
            args.answers,
            args.thresholds,
            args.fresh,
            args.wrong,
        )
        for number, kind in enumerate(kinds)
    ]


def trace(job: Job) -> None:
    """Print a world's story and its days: verdict, blockers and truth."""
    world = build(job.kind, job.seed, days=job.days)
    print("\n".join(world.story))
    for result, verdict in days_of(job, world):
        found = "; ".join(
            f"{each.gate} {each.stream or ''} {each.messages or ''}" for each in verdict.blockers
        )
        truth = (
            f"{result.state:13} lost {result.lost:6.2%} {'due' if result.asked else '   '} {_mark(result):6}"
        )
        print(f"{result.day:3} {verdict.as_of} {result.answer:20} {truth} {result.cause:40} | {found}")


def _mark(result: DayResult) -> str:
    if result.said is Said.READY:
        return {State.UNSAFE: "MISSED", State.UNSEEN: "unseen"}.get(result.state, "")
    return "WRONG" if result.asked else ""


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    """The options of a run."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibrate", description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", metavar="KIND", help="worlds of one kind")
    parser.add_argument(
        "--answers", type=int, metavar="DAYS", help="the owner labels unknown streams after DAYS"
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another threshold")
    parser.add_argument("--world", metavar="KIND:SEED", help="one world")
    parser.add_argument("--trace", action="store_true", help="print each day of --world")
    parser.add_argument("--fresh", action="store_true", help="a new judge a day, with what it could have")
    parser.add_argument("--wrong", action="store_true", help="list what is behind each wrong answer")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(words)
    args.thresholds = _thresholds(args.set)
    return args


def _thresholds(settings: Sequence[str]) -> Thresholds:
    """The defaults with some numbers changed; a number for each policy is written as `14,31`."""
    changes: dict[str, Any] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        now = getattr(DEFAULT_THRESHOLDS, name)
        numbers = [float(number) if "." in number else int(number) for number in value.split(",")]
        changes[name] = numbers[0] if len(numbers) == 1 else type(now)(*numbers)
    return replace(DEFAULT_THRESHOLDS, **changes)


def main(words: Sequence[str]) -> None:
    """Replay one world or many and print what came out."""
    args = parse_arguments(words)
    if args.world:
        kind, _, seed = args.world.partition(":")
        jobs = [Job(kind, int(seed), args.days, args.answers, args.thresholds, args.fresh, args.wrong)]
        if args.trace:
            return trace(jobs[0])
    else:
        jobs = draw_jobs(args)
    began = time.perf_counter()
    scores = run(jobs, processes=1 if len(jobs) == 1 else args.processes)
    if args.json:
        print(as_json(scores))
        return None
    print_scores(scores)
    if args.wrong:
        print_wrong((each.name, each.wrong) for each in scores)
    print(f"\n  {time.perf_counter() - began:.0f} s")
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
