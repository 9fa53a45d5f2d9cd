"""A forger of a thousand reports a day over the simulated domains: `python -m bench.forgery --worlds 20`.

For each world and each aim the verdict of every tenth day is the one without the forger. Prints what moved,
which must be nothing, and ends with 1 otherwise.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from bench.worlds import World, build, kind_of
from bench.worlds_forger import Aim, Forger, with_forger
from bench.worlds_replay import declared, whole
from dmarcwatch.readiness import Judge
from dmarcwatch.verdict import Verdict

EVERY_DAYS = 10
DAYS = 90


class Moved(NamedTuple):
    """A verdict that the forger changed."""

    world: str
    aim: Aim
    day: int
    before: str
    after: str


def compare(world: World, forger: Forger) -> list[Moved]:
    """Where the verdicts on a world differ once the forger has written."""
    forged = with_forger(world, forger)
    pairs = zip(verdicts(world), verdicts(forged), strict=True)
    return [
        Moved(world.name, forger.aim, number * EVERY_DAYS, str(before.verdict), str(after.verdict))
        for number, (before, after) in enumerate(pairs)
        if essence(before) != essence(after)
    ]


def verdicts(world: World) -> Iterator[Verdict]:
    """The verdict of every tenth day, from all that will ever have been received by then."""
    judge = Judge(whole(world, {}), declared=declared(world))
    for day in range(0, world.days, EVERY_DAYS):
        yield judge.at(world.start + timedelta(day))


def essence(verdict: Verdict) -> dict[str, object]:
    """All that a verdict says but for how many reports came that decide nothing."""
    said = verdict.as_dict()
    return {name: said[name] for name in said if name not in ("tiers", "warnings")}


def report(worlds: int, moved: Iterable[Moved], days: int) -> str:
    """What came of it."""
    lines = [f"{one.world} {one.aim} day {one.day}: {one.before} -> {one.after}" for one in moved]
    return "\n".join([*lines, f"{worlds} worlds, {days:,} pairs of verdicts, {len(lines)} moved"])


def main() -> int:
    """Compare as many worlds as asked for; 1 where a verdict moved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reports-a-day", type=int, default=1000)
    asked = parser.parse_args()
    found: list[Moved] = []
    for number in range(asked.worlds):
        world = build(kind_of(number, asked.seed).name, number, days=DAYS)
        for aim in Aim:
            found += compare(world, Forger(aim, reports_a_day=asked.reports_a_day, first_day=20, days=60))
    print(report(asked.worlds, found, asked.worlds * len(Aim) * (DAYS // EVERY_DAYS)))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
