"""Sets of realistic reports for measuring, the same bytes for the same seed.

`python -m bench.generate A 10000 /tmp/set-a --seed 1`

A: COUNT small reports as xml.gz; B: the same as mails; C: one report of COUNT records;
D: COUNT reports of 5,000 records.
"""

import argparse
import gzip
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice, product
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench import templates
from bench.templates import KINDS, REPORTERS, Reporter

FIRST_DAY = 1_749_945_600
"""2025-06-15 00:00 UTC; ten thousand small reports cover the seventeen months after it."""
SMALL_MU, SMALL_SIGMA, SMALL_MOST = 1.12, 0.95, 400
"""Records of a small report are log-normal: most have one to three, a few a hundred; 4.8 on average,
as in the set that the peers were measured with."""
LARGE_RECORDS = 5_000
ORGANISATION = ("example.com", "example.net", "example.org", "shop.example", "news.example", "old.example")
"""The From domains: one organisation's."""


class Set(StrEnum):
    """The sets, by the letters the measurements use."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Tally(NamedTuple):
    """What was written."""

    reports: int
    records: int
    bytes_written: int


def generate(which: Set, count: int, folder: Path, *, seed: int) -> Tally:
    """Write a set into `folder`, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(seed)
    if which is Set.C:
        return _one_report(count, folder, rng)
    reports = records = written = 0
    for number, (reporter, domain, day) in enumerate(_names(count)):
        size = LARGE_RECORDS if which is Set.D else _small(rng)
        head, tail = templates.document(reporter, domain, day, number)
        xml = "".join([head, *_records(reporter, domain, size, rng), tail]).encode()
        name = f"{reporter.host}!{domain}!{day}!{day + reporter.last_second}"
        if which is Set.B:
            path, data = folder / f"{number:06d}.eml", templates.mail(reporter, domain, name, xml)
        else:
            path, data = folder / f"{name}.xml.gz", templates.gzipped(xml)
        path.write_bytes(data)
        reports, records, written = reports + 1, records + size, written + len(data)
    return Tally(reports, records, written)


def _one_report(count: int, folder: Path, rng: Random) -> Tally:
    reporter, domain = REPORTERS[0], ORGANISATION[0]
    head, tail = templates.document(reporter, domain, FIRST_DAY, 0)
    path = folder / f"{reporter.host}!{domain}!{FIRST_DAY}!{FIRST_DAY + reporter.last_second}.xml.gz"
    with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, templates.MTIME) as packed:
        packed.write(head.encode())
        for text in _records(reporter, domain, count, rng):
            packed.write(text.encode())
        packed.write(tail.encode())
    return Tally(1, count, path.stat().st_size)


def _names(count: int) -> Iterator[tuple[Reporter, str, int]]:
    """`count` different (reporter, domain, day), as many of each reporter as its weight says."""
    return islice(_all_names(), count)


def _all_names() -> Iterator[tuple[Reporter, str, int]]:
    credit = dict.fromkeys(REPORTERS, 0.0)
    for day in range(FIRST_DAY, 2**32, 86_400):
        for domain, reporter in product(ORGANISATION, REPORTERS):
            credit[reporter] += reporter.weight / REPORTERS[0].weight
            if credit[reporter] >= 1:
                credit[reporter] -= 1
                yield reporter, domain, day


def _small(rng: Random) -> int:
    return min(SMALL_MOST, max(1, round(rng.lognormvariate(SMALL_MU, SMALL_SIGMA))))


def _records(reporter: Reporter, domain: str, count: int, rng: Random) -> Iterator[str]:
    for kind in rng.choices(KINDS, [kind.weight for kind in KINDS], k=count):
        yield templates.record(reporter, domain, kind, rng)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=__doc__)
    parser.add_argument("set", type=Set, choices=list(Set))
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    tally = generate(given.set, given.count, given.folder, seed=given.seed)
    megabytes = tally.bytes_written / 1e6
    print(f"{tally.reports} reports, {tally.records} records, {megabytes:.1f} MB in {given.folder}")


if __name__ == "__main__":
    main()
