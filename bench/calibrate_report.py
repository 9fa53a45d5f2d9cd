"""How a calibration is shown: the goals, one line a kind, the rules and faults behind what is wrong."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from bench.calibrate_score import (
    GOAL_DELAY_DAYS,
    GOAL_EVIDENCE,
    GOAL_MISSED,
    GOAL_RISK,
    Total,
    WorldScore,
    total,
)


def print_scores(scores: Sequence[WorldScore]) -> None:
    """The whole answer on a terminal."""
    print_total("all", total(scores))
    for target in ("quarantine", "reject"):
        print_total(f"next step {target}", total(_next_is(scores, target)))
    print_kinds(scores)
    print_reasons(scores)


def _percent(share: float | None) -> str:
    return "      -" if share is None else f"{share:7.2%}"


def _days(delay: float | None) -> str:
    return "never" if delay is None else f"{delay:.0f}"


def print_total(title: str, sums: Total) -> None:
    """The goals of one group of worlds, with the naive rule beside them."""
    error = None if sums.missed_error is None else f"+- {sums.missed_error:.2%}"
    print(f"\n{title}: {sums.worlds} worlds, {sums.days} domain-days, {sums.ready} ready, {sums.asked} due")
    _line("", "verdict", "naive", "goal")
    missed, naive = _percent(sums.missed), _percent(sums.naive_missed)
    _line("ready, and a fault that is there loses too much", missed, naive, _percent(GOAL_MISSED), error)
    _line("  of these: no more than 5 messages in 30 days", _percent(sums.missed_few))
    _line("the same with faults too new for any report", _percent(sums.missed_with_unseen))
    _line("ready over a fault that loses less than that", _percent(sums.ready_grey))
    _line("median days from due to ready", _days(sums.delay), "", f"{GOAL_DELAY_DAYS}")
    _line("90 % of them within days", _days(sums.delay_90))
    _line("due, and told not ready because of risk", _percent(sums.risk), "", _percent(GOAL_RISK))
    _line("due, and told cannot tell", _percent(sums.evidence), "", _percent(GOAL_EVIDENCE))
    _line("due, and not told ready", _percent(_plus(sums.risk, sums.evidence)), _percent(sums.naive_not))


def _line(label: str, *cells: str | None) -> None:
    print(f"  {label:50}" + "".join(f"{cell or '':>10}" for cell in cells))


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def print_kinds(scores: Sequence[WorldScore]) -> None:
    """One line a kind, with its worst worlds by name so that each miss can be replayed."""
    print(f"\n  {'kind':20} worlds  ready  missed    due    risk  c.tell delay  worst worlds")
    for kind in sorted({each.kind for each in scores}):
        mine = [each for each in scores if each.kind == kind]
        sums = total(mine)
        answers = f"{sums.ready:6} {_percent(sums.missed)} {sums.asked:6} {_percent(sums.risk)}"
        waiting = f"{_percent(sums.evidence)} {_days(sums.delay):>5}"
        print(f"  {kind:20} {sums.worlds:6} {answers} {waiting}  {', '.join(_worst(mine))}")


def _worst(scores: Sequence[WorldScore]) -> list[str]:
    ordered = sorted(scores, key=lambda each: -(5 * each.missed + each.asked_risk + each.asked_evidence / 2))
    return [
        f"{each.name} ({each.missed}m {each.asked_risk}r {each.asked_evidence}e)"
        for each in ordered[:3]
        if each.missed + each.asked_risk + each.asked_evidence
    ]


def print_reasons(scores: Sequence[WorldScore]) -> None:
    """Which rules and faults are behind the wrong answers."""
    for title, field in (
        ("faults behind wrong ready", "causes"),
        ("gates behind wrong risk", "risk_gates"),
        ("gates behind wrong cannot-tell", "evidence_gates"),
    ):
        sums: Counter[str] = Counter()
        worlds: Counter[str] = Counter()
        for each in scores:
            for word, days in getattr(each, field):
                sums[word] += days
                worlds[word] += 1
        print(
            f"\n  {title}: "
            + ", ".join(f"{word} {days}d/{worlds[word]}w" for word, days in sums.most_common(12))
        )


def _next_is(scores: Sequence[WorldScore], target: str) -> list[WorldScore]:
    policies = ("none", "staged") if target == "quarantine" else ("quarantine",)
    return [each for each in scores if each.policy in policies]


def as_json(scores: Sequence[WorldScore]) -> str:
    """Everything that was counted, as one object."""
    groups = {
        "all": scores,
        "quarantine": _next_is(scores, "quarantine"),
        "reject": _next_is(scores, "reject"),
    }
    summary = {name: asdict(total(group)) for name, group in groups.items()}
    return json.dumps({"totals": summary, "worlds": [asdict(each) for each in scores]}, indent=1)
