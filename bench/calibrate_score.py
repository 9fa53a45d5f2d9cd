"""What a run of verdicts is worth, against the truth of the worlds they were given on.

The three goals, word for word: (1) the share of "ready" days on which a fault that is already there
loses more than 1 % (quarantine) or 0.5 % (reject) of the own mail of the next 30 days; (2) the median
delay from "safe for the days that the rules ask for" to "ready"; (3) the share of days, safe for that
long, on which the answer is "not ready because of risk" or "cannot tell".
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import NamedTuple

from bench.worlds_truth import State

GOAL_MISSED = 0.005
GOAL_DELAY_DAYS = 3
GOAL_RISK = 0.02
GOAL_EVIDENCE = 0.05
FEW_MESSAGES = 5
"""A loss of so few messages in 30 days is more than 1 % only of a very small domain."""


class Said(StrEnum):
    """What a verdict says about the next step, whatever the words of its rung."""

    READY = "ready"
    RISK = "risk"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class DayResult:
    """One day of one world."""

    day: int
    target: str
    said: Said
    answer: str
    """The verdict's own word."""
    gates: tuple[str, ...]
    """Gates that failed for the target."""
    state: State
    asked: bool
    """Safe, and the evidence there, for as long as the rules ask for."""
    naive_ready: bool
    lost: float
    lost_messages: float
    cause: str


@dataclass(frozen=True, slots=True)
class Delay:
    """A stretch of days on which "ready" was due."""

    days: int
    """Until it was said; where it never was, the length of the stretch."""
    said: bool


@dataclass(frozen=True, slots=True)
class WorldScore:
    """The counts of one world."""

    name: str
    kind: str
    policy: str
    days: int
    ready: int
    missed: int
    """Ready although a fault that reports can tell of loses too much."""
    missed_few: int
    """Of these, days on which no more than `FEW_MESSAGES` would be lost."""
    missed_unseen: int
    """Ready although a fault too new for any report loses too much."""
    ready_grey: int
    """Ready over a fault that loses less than the limit."""
    asked: int
    asked_risk: int
    asked_evidence: int
    delays: tuple[Delay, ...]
    naive_ready: int
    naive_missed: int
    naive_asked_not: int
    risk_gates: tuple[tuple[str, int], ...]
    """Gates behind wrong "risk" answers and the days of each."""
    evidence_gates: tuple[tuple[str, int], ...]
    causes: tuple[tuple[str, int], ...]
    """Faults behind wrong "ready" answers and the days of each."""
    seconds: float
    wrong: tuple["Wrong", ...] = ()
    """What is behind each wrong answer, where that was asked for."""


class Wrong(NamedTuple):
    """One reason for wrong answers in one world, and the days it was given on."""

    said: Said
    why: str
    """The kind of fault behind a wrong "ready"; the gate and whose stream it names behind the others."""
    about: str
    """The fault or stream by name."""
    days: tuple[int, ...]
    alone: int
    """Days on which nothing else stood in the way."""
    detail: str
    """The gates' values, or the blocker's sentence, on the first of the days."""


def score(name: str, policy: str, days: Sequence[DayResult], *, seconds: float) -> WorldScore:
    """Count one world's days."""
    ready = [day for day in days if day.said is Said.READY]
    asked = [day for day in days if day.asked]
    naive = [day for day in days if day.naive_ready]
    missed = [day for day in ready if day.state is State.UNSAFE]
    return WorldScore(
        name=name,
        kind=name.partition(":")[0],
        policy=policy,
        days=len(days),
        ready=len(ready),
        missed=len(missed),
        missed_few=sum(day.lost_messages <= FEW_MESSAGES for day in missed),
        missed_unseen=sum(day.state is State.UNSEEN for day in ready),
        ready_grey=sum(day.state is State.GREY for day in ready),
        asked=len(asked),
        asked_risk=sum(day.said is Said.RISK for day in asked),
        asked_evidence=sum(day.said is Said.EVIDENCE for day in asked),
        delays=tuple(_delays(days)),
        naive_ready=len(naive),
        naive_missed=sum(day.state is State.UNSAFE for day in naive),
        naive_asked_not=sum(not day.naive_ready for day in asked),
        risk_gates=_tally(gate for day in asked if day.said is Said.RISK for gate in day.gates),
        evidence_gates=_tally(gate for day in asked if day.said is Said.EVIDENCE for gate in day.gates),
        causes=_tally(day.cause.rpartition(": ")[2].rstrip("-0123456789") for day in missed),
        seconds=seconds,
    )


def _tally(words: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(words).most_common())


def _delays(days: Sequence[DayResult]) -> Iterable[Delay]:
    """One delay for each unbroken stretch of days on which "ready" was due."""
    waiting = 0
    said = before = False
    for day in days:
        if not day.asked:
            if before and not said:
                yield Delay(waiting, said=False)
            waiting, said, before = 0, False, False
            continue
        before = True
        if said:
            continue
        if day.said is Said.READY:
            said = True
            yield Delay(waiting, said=True)
        else:
            waiting += 1
    if before and not said:
        yield Delay(waiting, said=False)


def median_delay(delays: Sequence[Delay], quantile: float = 0.5) -> float | None:
    """Kaplan-Meier quantile of the delays, None where fewer than that share ever ended.

    A stretch that ended without "ready" says only that the delay was longer; leaving it out, or
    counting it as ended, would flatter a judge that never says ready.
    """
    left = 1.0
    for length in sorted({delay.days for delay in delays}):
        at_risk = sum(delay.days >= length for delay in delays)
        ended = sum(delay.days == length and delay.said for delay in delays)
        left *= 1 - ended / at_risk
        if left <= 1 - quantile + 1e-12:
            return float(length)
    return None


@dataclass(frozen=True, slots=True)
class Total:
    """Many worlds together; shares are None where nothing was counted."""

    worlds: int
    days: int
    ready: int
    missed: float | None
    missed_few: float | None
    missed_with_unseen: float | None
    ready_grey: float | None
    asked: int
    delay: float | None
    delay_90: float | None
    risk: float | None
    evidence: float | None
    naive_ready: int
    naive_missed: float | None
    naive_not: float | None
    missed_error: float | None
    """Half width of a 95 % interval for `missed`, with worlds as the unit that is sampled."""
    seconds: float


def total(scores: Sequence[WorldScore]) -> Total:
    """Sum worlds into shares of domain-days."""
    ready = sum(each.ready for each in scores)
    asked = sum(each.asked for each in scores)
    naive = sum(each.naive_ready for each in scores)
    missed = sum(each.missed for each in scores)
    delays = [delay for each in scores for delay in each.delays]
    return Total(
        worlds=len(scores),
        days=sum(each.days for each in scores),
        ready=ready,
        missed=_part(missed, ready),
        missed_few=_part(sum(each.missed_few for each in scores), ready),
        missed_with_unseen=_part(missed + sum(each.missed_unseen for each in scores), ready),
        ready_grey=_part(sum(each.ready_grey for each in scores), ready),
        asked=asked,
        delay=median_delay(delays),
        delay_90=median_delay(delays, 0.9),
        risk=_part(sum(each.asked_risk for each in scores), asked),
        evidence=_part(sum(each.asked_evidence for each in scores), asked),
        naive_ready=naive,
        naive_missed=_part(sum(each.naive_missed for each in scores), naive),
        naive_not=_part(sum(each.naive_asked_not for each in scores), asked),
        missed_error=_half_width(scores, ready, missed),
        seconds=sum(each.seconds for each in scores),
    )


def _part(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _half_width(scores: Sequence[WorldScore], ready: int, missed: int) -> float | None:
    """Linearised ratio estimator: the days of a world are anything but independent."""
    if not ready:
        return None
    share = missed / ready
    spread = sum((each.missed - share * each.ready) ** 2 for each in scores)
    return NormalDist().inv_cdf(0.975) * math.sqrt(spread) / ready
