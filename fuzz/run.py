"""`make fuzz MINUTES=n`: every target for so many minutes, two at a time, and what came of it in numbers.

Ends with 1 where an input failed, took longer or held more than one item may; the input lies in
`fuzz/crashes/` then. Mended, it moves to `fuzz/findings/TARGET/`, where the suite replays it for ever.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzz.seeds import ROOT, write

TARGETS = ("unpack", "parse", "mail")
CORPUS = ROOT / "corpus"
"""What the fuzzer found worth keeping, beside the seeds; grows from run to run and is not committed."""
CRASHES = ROOT / "crashes"
HANG_SECONDS = 20
"""By the clock, after which an input counts as endless; what it may take of the processor: `harness`."""
ITEM_MEGABYTES = 200
_HARNESS_MEGABYTES = 100
"""The interpreter with its libraries, atheris and its corpus, before any item."""
_LARGEST_BYTES = 64 * 1024
"""Of an input: large ones are the business of the suite's hostile items, small ones are tried faster."""
_STAT = re.compile(r"stat::(\w+):\s+(\d+)")
_COVERED = re.compile(r"cov: (\d+) ft: (\d+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one target's time brought."""

    target: str
    seeds: int
    executions: int
    new_paths: int
    """Inputs that reached what none before them had."""
    features: int
    slowest_seconds: int
    """Whole seconds, as libFuzzer counts them."""
    peak_megabytes: int
    """Of the process, interpreter and all."""
    crashes: tuple[Path, ...]
    talk: str
    """The last lines of the fuzzer, to be shown where something failed."""


def fuzz(target: str, minutes: float) -> Outcome:
    """Run one target; a failing input ends it early."""
    corpus, crashes = CORPUS / target, CRASHES / target
    seeds = write(corpus, target)
    crashes.mkdir(parents=True, exist_ok=True)
    before = set(crashes.iterdir())
    command = [
        *(sys.executable, "-m", "fuzz.harness", target),
        f"-max_total_time={round(60 * minutes)}",
        f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={_HARNESS_MEGABYTES + ITEM_MEGABYTES}",
        f"-max_len={_LARGEST_BYTES}",
        f"-dict={ROOT / 'words.dict'}",
        f"-artifact_prefix={crashes}/",
        "-print_final_stats=1",
        str(corpus),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", cwd=ROOT.parent, check=False
    )
    return _outcome(target, seeds, done, sorted(set(crashes.iterdir()) - before))


def _outcome(target: str, seeds: int, done: subprocess.CompletedProcess[str], crashes: list[Path]) -> Outcome:
    stats = {name: int(value) for name, value in _STAT.findall(done.stderr)}
    covered = _COVERED.findall(done.stderr)
    if done.returncode and not crashes:
        # The fuzzer itself failed: no input is to blame, and nothing was shown.
        crashes = [CRASHES / target]
    return Outcome(
        target=target,
        seeds=seeds,
        executions=stats.get("number_of_executed_units", 0),
        new_paths=stats.get("new_units_added", 0),
        features=int(covered[-1][1]) if covered else 0,
        slowest_seconds=stats.get("slowest_unit_time_sec", 0),
        peak_megabytes=stats.get("peak_rss_mb", 0),
        crashes=tuple(crashes),
        talk="\n".join(done.stderr.splitlines()[-25:]),
    )


def report(outcomes: Iterable[Outcome]) -> str:
    """The numbers as a table."""
    heads = ("target", "seeds", "executions", "new paths", "features", "slowest", "peak", "crashes")
    rows = [
        (
            one.target,
            f"{one.seeds:,}",
            f"{one.executions:,}",
            f"{one.new_paths:,}",
            f"{one.features:,}",
            f"{one.slowest_seconds} s",
            f"{one.peak_megabytes} MB",
            f"{len(one.crashes)}",
        )
        for one in outcomes
    ]
    return "\n".join("".join(cell.rjust(12) for cell in row) for row in (heads, *rows))


def main() -> int:
    """Run what the command line asks for; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    parser.add_argument("targets", nargs="*", default=TARGETS)
    chosen = parser.parse_args()
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = list(pool.map(lambda target: fuzz(target, chosen.minutes), chosen.targets))
    print(report(outcomes))
    for one in outcomes:
        for crash in one.crashes:
            print(f"\n{one.target}: {crash}\n{one.talk}")
    return int(any(one.crashes for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
