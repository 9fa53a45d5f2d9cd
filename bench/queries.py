"""How long verdicts, sources and pages take on a large database, such as bench.scale_db's.

`python -m bench.queries /tmp/scale.db --domain domain0000.example --domain domain0500.example`

Commands run in this process, so that no start is measured. The median of the warm runs counts, in wall
milliseconds; beside it stand the CPU's, which say the same on a machine that others use as well, and the
first run, because a person who asks once gets that. Ends with 1 where a median is above its limit.
"""

import argparse
import asyncio
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlencode

from click.testing import CliRunner

from dmarcwatch.cli import main as dmarcwatch
from dmarcwatch.serve import app, metadata
from dmarcwatch.web.links import ROOT


class Took(NamedTuple):
    """Seconds of one answer."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Timing:
    """One question asked several times."""

    name: str
    limit: float
    """Seconds it may take."""
    first: Took
    warm: tuple[Took, ...]

    @property
    def wall(self) -> float:
        """Of the median warm answer."""
        return median(each.wall for each in self.warm)

    @property
    def missed(self) -> bool:
        """Whether it took longer than it may."""
        return self.wall > self.limit

    def __str__(self) -> str:
        times = (self.wall, median(each.cpu for each in self.warm), self.first.wall)
        shown = " ".join(f"{seconds * 1000:7.0f}" for seconds in times)
        return f"{shown} {'!' if self.missed else ' '} {self.name}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by name, and in how many seconds it is to be answered."""

    name: str
    limit: float
    ask: Callable[[], Awaitable[None]]


COMMAND_LIMIT, PAGE_LIMIT = 0.5, 0.3


async def measure(question: Question, rounds: int) -> Timing:
    """Ask once, and then `rounds` times more."""
    took = []
    for _ in range(rounds + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        await question.ask()
        took.append(Took(time.perf_counter() - wall, time.process_time() - cpu))
    return Timing(question.name, question.limit, took[0], tuple(took[1:]))


def command(database: Path, words: Sequence[str]) -> Callable[[], Awaitable[None]]:
    """A command of dmarcwatch that must not fail."""

    async def ask() -> None:
        result = CliRunner().invoke(dmarcwatch, ["--db", str(database), "-q", *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        if result.exit_code not in (0, 1, 3):
            raise RuntimeError(f"{' '.join(words)} ended with {result.exit_code}: {result.output[-500:]}")

    return ask


def questions(database: Path, domains: Sequence[str], as_of: str) -> Iterator[Question]:
    """All that is asked."""
    for domain in domains:
        for words in (("verdict", domain, "--as-of", as_of, "--json"), ("sources", domain, "--json")):
            yield Question(" ".join(words), COMMAND_LIMIT, command(database, words))
    site = app(database, as_of=as_of)
    for path in (*pages(database, domains), *tables(database, domains[0])):
        yield Question(path, PAGE_LIMIT, page(site, path))


def page(site: object, path: str) -> Callable[[], Awaitable[None]]:
    """A page that must be there."""

    async def ask() -> None:
        answer = await site.client.get(path)  # type: ignore[attr-defined]
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:500]}")

    return ask


def pages(database: Path, domains: Sequence[str]) -> Iterator[str]:
    """Our own pages."""
    yield from (ROOT, f"{ROOT}?page=9", f"{ROOT}?q=9", f"{ROOT}/reporters", f"{ROOT}/inbox")
    connection = sqlite3.connect(database)
    for domain in domains:
        name = {"name": domain}
        yield f"{ROOT}/domain?{urlencode(name)}"
        yield f"{ROOT}/domain?{urlencode({**name, 'days': 365})}"
        yield f"{ROOT}/domain?{urlencode({**name, 'p': 'reject', 'adkim': 's', 'aspf': 's'})}"
        rows = connection.execute(
            "SELECT id FROM streams WHERE policy_domain = ? ORDER BY messages DESC LIMIT 2", (domain,)
        )
        for (identity,) in rows.fetchall():
            yield f"{ROOT}/stream?{urlencode({'id': identity})}"
            yield f"{ROOT}/stream?{urlencode({'id': identity, 'days': 365})}"
        yield f"{ROOT}/reporters?{urlencode({'domain': domain, 'days': 365})}"
    connection.close()


def tables(database: Path, domain: str) -> Iterator[str]:
    """Datasette's pages: the database, every public table and view, and every kept query about one domain."""
    at = f"/{database.stem}"
    databases = metadata(database.stem)["databases"][database.stem]
    connection = sqlite3.connect(database)
    stream, report = connection.execute(
        "SELECT s.id, (SELECT max(id) FROM reports WHERE policy_domain = s.policy_domain) FROM streams s "
        "WHERE s.policy_domain = ? ORDER BY s.messages DESC LIMIT 1", (domain,)
    ).fetchone()  # fmt: skip
    address = connection.execute("SELECT max(ip) FROM _addresses").fetchone()[0]
    connection.close()
    yield at
    yield from (f"{at}/{name}" for name, table in databases["tables"].items() if not table.get("hidden"))
    yield f"{at}/stream_days?{urlencode({'policy_domain': domain})}"
    yield f"{at}/records?{urlencode({'report': report})}"
    known = {"domain": domain, "stream": stream, "source_ip": address, "report": report, "days": ""}
    for name, query in databases["queries"].items():
        yield f"{at}/{name}?{urlencode({each: known[each] for each in query.get('params', ())})}"


async def show(database: Path, domains: Sequence[str], as_of: str, rounds: int) -> int:
    """Ask everything and print the timings as they come; how many missed their limit."""
    missed = 0
    print("     ms  CPU ms   first")
    for question in questions(database, domains, as_of):
        timing = await measure(question, rounds)
        missed += timing.missed
        print(timing, flush=True)
    return missed


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.queries", description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--domain", action="append", help="repeatable; default: domain0000.example")
    parser.add_argument("--as-of", default="2026-11-20")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    missed = asyncio.run(
        show(given.database, given.domain or ["domain0000.example"], given.as_of, given.rounds)
    )
    print(f"{missed} took longer than {COMMAND_LIMIT} s (commands) or {PAGE_LIMIT} s (pages).")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
