"""The distributed job beside `fetch` on the same reports, in turn, by what the kernel counted.

`python -m bench.scale_job --reports 200000 --rounds 1 --folder /tmp/scale`

Reports of many domains over a month, as an agency or a registrar receives them: in a few big folders. Both
programs do the whole job: `fetch` reads, stores, sums up and judges; `scale` reads with two worker processes,
one of which is killed in the middle, writes Parquet and sums up, and `import` brings the sums into SQLite and
judges. All three count: reports, records, messages and the sums by stream and day must be equal.
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

from bench import compare, generate, templates

DAYS = 30
SHARDS = 8
WORKERS = 2
FOLDERS = 4


class Round(NamedTuple):
    """What one round took."""

    fetch: compare.Usage
    scale: compare.Usage
    imported: compare.Usage


def write_reports(count: int, folder: Path, *, seed: int) -> int:
    """Write `count` small reports of as many domains as that takes in thirty days; how many records."""
    rng = Random(seed)
    a_day = len(templates.REPORTERS)
    domains = [f"d{number:05d}.example" for number in range(-(-count // (DAYS * a_day)))]
    records = 0
    names = (
        (reporter, domain, generate.FIRST_DAY + day * 86_400)
        for day in range(DAYS)
        for domain in domains
        for reporter in templates.REPORTERS
    )
    for number, (reporter, domain, day) in enumerate(islice(names, count)):
        size = generate._small(rng)
        head, tail = templates.document(reporter, domain, day, number)
        xml = "".join([head, *generate._records(reporter, domain, size, rng), tail]).encode()
        into = folder / f"part{number * FOLDERS // count}"
        into.mkdir(parents=True, exist_ok=True)
        (into / f"{reporter.host}!{domain}!{day}.xml.gz").write_bytes(templates.gzipped(xml))
        records += size
    return records


def one_round(source: Path, folder: Path, *, kill: bool) -> tuple[Round, dict[str, Any]]:
    """`fetch`, then `scale` and `import`; their use, and what they counted."""
    fetched, imported, dataset = folder / "fetch.db", folder / "import.db", folder / "set"
    program = (sys.executable, "-m", "dmarcwatch", "-q")
    fetch = compare.run(
        compare.Job("fetch", (*program, "--db", str(fetched), "fetch", "--json", str(source))), folder
    )
    told = json.loads((folder / "stdout").read_text())
    killed: list[int] = []
    watch = threading.Thread(target=_kill_a_worker, args=(dataset, killed), daemon=True)
    if kill:
        watch.start()
    options = ("--workers", str(WORKERS), "--shards", str(SHARDS), "--json")
    scale = compare.run(
        compare.Job("scale", (*program, "scale", str(dataset), str(source), *options)), folder
    )
    (summary,) = json.loads((folder / "stdout").read_text())
    brought = compare.run(
        compare.Job("import", (*program, "--db", str(imported), "import", str(dataset))), folder
    )
    counts = {
        name: (told[name], summary["accounts"][name])
        for name in ("items", "reports", "duplicates", "rejects", "records", "messages")
    }
    counts["stream days"] = (_days(fetched), _days(imported))
    counts["workers killed"] = (int(kill), len(killed))
    counts["data set, MB"] = (fetched.stat().st_size // 10**6, _size(dataset) // 10**6)
    return Round(fetch, scale, brought), counts


def _kill_a_worker(dataset: Path, killed: list[int]) -> None:
    """Kill one worker process once a quarter of the parts is written."""
    increment = dataset / "increments" / "000001"
    while not (increment / "plan.json").exists():
        time.sleep(0.05)
    batches = json.loads((increment / "plan.json").read_text())["batches"]
    while len(list((increment / "parts").glob("[0-9]*"))) < batches / 4:
        time.sleep(0.05)
    pid = max(_workers())
    os.kill(pid, signal.SIGKILL)
    killed.append(pid)


def _workers() -> list[int]:
    """The processes that the job's own process has spawned to work, and that this one may kill."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    return [
        worker
        for job in children.get(os.getpid(), ())
        for worker in children.get(job, ())
        if b"spawn_main" in Path(f"/proc/{worker}/cmdline").read_bytes()
    ]


def _days(database: Path) -> int:
    """A number that is the same for the same `stream_days`."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT * FROM stream_days")
        return sum(hash(tuple(map(str, row))) for row in rows) & 0xFFFF_FFFF


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def show(rounds: Sequence[Round], counts: dict[str, Any], *, reports: int) -> None:
    """Print the table."""
    for name in Round._fields:
        uses = [getattr(each, name) for each in rounds]
        cpu, wall = median(use.cpu_seconds for use in uses), median(use.wall_seconds for use in uses)
        peak = max(use.peak_mb for use in uses)
        print(f"{name:9} {cpu:9.1f} CPU s {wall:9.1f} s wall {peak:7.0f} MB a process")
    alone = median(each.scale.cpu_seconds / each.fetch.cpu_seconds for each in rounds)
    both = median(
        (each.scale.cpu_seconds + each.imported.cpu_seconds) / each.fetch.cpu_seconds for each in rounds
    )
    print(f"CPU of scale to fetch {alone:.2f}, with import {both:.2f} (goal: at most 1.3)")
    hours = median(each.scale.cpu_seconds for each in rounds) / reports * 1e6 / 3600
    print(f"A million reports take {hours:.2f} core-hours, a hundred million {hours * 100:.0f}")
    for name, (one, other) in counts.items():
        print(f"{name:15} fetch {one:>14,} scale {other:>14,}{'' if one == other else '   differ'}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale_job", description=__doc__)
    parser.add_argument("--reports", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True, help="Where reports and results go.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-kill", action="store_true", help="Let all workers live.")
    given = parser.parse_args()
    compare.adopt()
    source = given.folder / f"reports-{given.reports}-{given.seed}"
    if not source.exists():
        written = write_reports(given.reports, source, seed=given.seed)
        print(f"{given.reports:,} reports with {written:,} records in {source}")
    rounds, counts = [], {}
    for _ in range(given.rounds):
        work = given.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        each, counts = one_round(source, work, kill=not given.no_kill)
        rounds.append(each)
    show(rounds, counts, reports=given.reports)


if __name__ == "__main__":
    main()
