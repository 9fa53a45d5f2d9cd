"""parsedmarc and dmarcwatch on the same sets in turn, whole processes, by what the kernel counted.

`python -m bench.compare --sets A,B,C,D,help,newA --workers 0,2 --processes 1,2 --rounds 5`

Machines drift, so the programs take turns, and CPU seconds and ratios within a round say more than walls.
dmarcwatch does the whole job (read, unpack, parse, classify, store, roll up, judge); parsedmarc parses,
offline, and writes JSON and CSV. Every run's count of reports is checked: speed without them is none.
"""

import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

SIZES = {"A": 10_000, "B": 10_000, "C": 500_000, "D": 200}
"""COUNT of `bench.generate` for each set."""
TOO_LARGE_FOR_PARSEDMARC = {"C"}
"""It refuses more than 100 MiB of XML."""
DMARCWATCH, PARSEDMARC = "dmarcwatch", "parsedmarc"


_PR_SET_CHILD_SUBREAPER = 36
"""Linux, <linux/prctl.h>."""


class Usage(NamedTuple):
    """What one process and its children used."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    """Resident set of the largest of its processes, in 10**6 bytes."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program on one set."""

    name: str
    argv: tuple[str, ...]
    reports: int | None = None
    """How many it must find; None where it reads none."""
    found: Path | None = None
    """Where its output is counted."""


def run(job: Job, folder: Path) -> Usage:
    """Run to the end in `folder`. Raises RuntimeError with its last words where it failed."""
    with (folder / "stdout").open("w+b") as out, (folder / "stderr").open("w+b") as err:
        others = _children()
        begun = time.perf_counter()
        process = subprocess.Popen(job.argv, stdout=out, stderr=err, cwd=folder, env=_environment())
        # ru_maxrss begins at the parent's size, so this process stays small: sets are made by another one.
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        all_used = [used, *_orphans(others)]
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        words = (folder / "stderr").read_text("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{' '.join(job.argv[:6])} ... ended with {process.returncode}:\n{words}")
    cpu = sum(each.ru_utime + each.ru_stime for each in all_used)
    return Usage(cpu, wall, max(each.ru_maxrss for each in all_used) * 1024 / 1e6)


def adopt() -> None:
    """Let processes whose parent ends become this one's children, so that what they used is counted.

    Worker processes descend from a server that outlives the program by a moment.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _orphans(others: set[int]) -> Iterator[resource.struct_rusage]:
    """What the processes used that a program left behind, at their end; `others` are no business of its."""
    while left := _children() - others:
        with suppress(ChildProcessError):
            yield os.wait4(left.pop(), 0)[2]


def _children() -> set[int]:
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread that has just ended
            found.update(map(int, path.read_text("ascii").split()))
    return found


def dmarcwatch(
    source: Path, folder: Path, *, reports: int | None, workers: int = 0, again: bool = False
) -> Job:
    """`fetch` of a folder into a new database; with `again` into the one that has it all."""
    database, settings = folder / "bench.db", folder / "dmarcwatch.toml"
    if again:
        run(dmarcwatch(source, folder, reports=reports), folder)
    settings.write_text(f"workers = {workers}\n")
    options = ("--config", str(settings), "--db", str(database), "-q")
    argv = (sys.executable, "-m", "dmarcwatch", *options, "fetch", "--json", str(source))
    name = "nothing new" if again else f"{DMARCWATCH} +{workers}" if workers else DMARCWATCH
    return Job(name, argv, 0 if again else reports, folder / "stdout")


def parsedmarc(source: Path, folder: Path, *, reports: int | None, processes: int) -> Job:
    """parsedmarc's own command with JSON and CSV output."""
    settings = folder / "parsedmarc.ini"
    settings.write_text(
        f"[general]\noffline = True\nsilent = True\nn_procs = {processes}\noutput = {folder / 'out'}\n"
        "save_aggregate = True\n"
    )
    program = str(Path(sys.executable).with_name("parsedmarc"))
    name = PARSEDMARC if processes == 1 else f"{PARSEDMARC} x{processes}"
    return Job(name, (program, "-c", str(settings), str(source)), reports, folder / "out" / "aggregate.json")


def help_page(_source: Path, _folder: Path) -> Job:
    """`dmarcwatch --help`."""
    return Job("--help", (sys.executable, "-m", "dmarcwatch", "--help"))


def _environment() -> dict[str, str]:
    """This process's, but with byte code kept from run to run: installed programs have theirs compiled."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "dmarcwatch-bench-pyc")}


def count_reports(job: Job) -> int:
    """What the job says it read."""
    assert job.found is not None
    if job.found.name == "stdout":
        return int(json.loads(job.found.read_text("utf-8"))["reports"])
    with job.found.open("r", encoding="utf-8") as lines:  # never as a whole: see `run`
        return sum(line.count('"xml_schema"') for line in lines)


def jobs(which: str, source: Path, *, workers: Sequence[int], processes: Sequence[int]) -> list[partial[Job]]:
    """The jobs of one set, each waiting for the folder it may write to."""
    if which == "help":
        return [partial(help_page, source)]
    reports = 1 if which == "C" else SIZES[which[-1]]
    if which.startswith("new"):
        return [partial(dmarcwatch, source, reports=reports, again=True)]
    peers = [] if which in TOO_LARGE_FOR_PARSEDMARC else processes
    ours = (partial(dmarcwatch, source, reports=reports, workers=count) for count in workers)
    return [*ours, *(partial(parsedmarc, source, reports=reports, processes=count) for count in peers)]


def measure(prepared: Sequence[partial[Job]], rounds: int) -> dict[str, list[Usage]]:
    """The usage of each job in each round; every second round runs in the other order."""
    usages: dict[str, list[Usage]] = {}
    for number in range(rounds):
        for prepare in prepared if number % 2 == 0 else reversed(prepared):
            with tempfile.TemporaryDirectory(prefix="dmarcwatch-bench-") as name:
                job = prepare(Path(name))
                usage = run(job, Path(name))
                if job.reports is not None and (found := count_reports(job)) != job.reports:
                    raise RuntimeError(f"{job.name} read {found} reports of {job.reports}")
            usages.setdefault(job.name, []).append(usage)
            print(f"  {job.name:14} {_figures(usage)}", file=sys.stderr)
    return usages


def show(which: str, usages: dict[str, list[Usage]]) -> None:
    """Medians, and the peers' CPU and wall seconds as multiples of ours, round by round."""
    print(f"set {which}")
    for name, rounds in usages.items():
        print(f"  {name:14} {_figures(Usage(*map(median, zip(*rounds, strict=True))))}")
    for peer in (name for name in usages if name.startswith(PARSEDMARC)):
        for own in (name for name in usages if name.startswith(DMARCWATCH)):
            pairs = list(zip(usages[peer], usages[own], strict=True))
            cpu = median(his.cpu_seconds / mine.cpu_seconds for his, mine in pairs)
            wall = median(his.wall_seconds / mine.wall_seconds for his, mine in pairs)
            print(f"  {peer} needs {cpu:.1f} x the CPU and {wall:.1f} x the time of {own}")


def _figures(usage: Usage) -> str:
    return f"{usage.cpu_seconds:8.2f} CPU s {usage.wall_seconds:8.2f} s {usage.peak_mb:8.0f} MB"


def prepared_set(letter: str, count: int, folder: Path, seed: int) -> Path:
    """The folder of a set, made where it is not there yet."""
    path = folder / f"{letter}-{count}-{seed}"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = (sys.executable, "-m", "bench.generate", letter, str(count), str(unfinished))
        subprocess.run((*command, "--seed", str(seed)), check=True)
        unfinished.rename(path)
    return path


def warm_up(folder: Path, seed: int) -> None:
    """Run everything once on little, so that no measured run compiles or finds the disk's cache cold."""
    source = prepared_set("B", 20, folder, seed)
    peer = partial(parsedmarc, source, reports=20, processes=1)
    measure([partial(help_page, source), partial(dmarcwatch, source, reports=20, again=True), peer], 1)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("--sets", default="A,B", help="of A, B, C, D, help, newA, newB; default A,B")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="0", help="of dmarcwatch, such as 0,2; default 0")
    parser.add_argument("--processes", default="1", help="of parsedmarc, such as 1,2; default 1")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "dmarcwatch-bench")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    workers, processes = ([int(n) for n in text.split(",")] for text in (given.workers, given.processes))
    adopt()
    given.folder.mkdir(parents=True, exist_ok=True)
    warm_up(given.folder, given.seed)
    for which in given.sets.split(","):
        letter = which[-1] if which[-1] in SIZES else "A"
        source = prepared_set(letter, SIZES[letter], given.folder, given.seed)
        show(which, measure(jobs(which, source, workers=workers, processes=processes), given.rounds))


if __name__ == "__main__":
    main()
