"""How long verdicts, sources and pages take on a large database, such as bench.scale_db's.

`python -m bench.queries /tmp/scale.db --domain domain0000.example --domain domain0500.example`

Commands run in this process, so that no start is measured; the first run of each is shown beside the best,
because a person who asks once gets the first.
"""

import argparse
import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from click.testing import CliRunner

from dmarcwatch.cli import main as dmarcwatch
from dmarcwatch.serve import app
from dmarcwatch.web.links import ROOT


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds of one question asked several times."""

    name: str
    first: float
    best: float


async def measure(name: str, ask: Callable[[], Awaitable[None]], rounds: int) -> Timing:
    """Ask `rounds` times."""
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await ask()
        seconds.append(time.perf_counter() - begun)
    return Timing(name, seconds[0], min(seconds))


def command(database: Path, words: Sequence[str]) -> Callable[[], Awaitable[None]]:
    """A command of dmarcwatch that must not fail."""

    async def ask() -> None:
        result = CliRunner().invoke(dmarcwatch, ["--db", str(database), "-q", *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        if result.exit_code not in (0, 1, 3):
            raise RuntimeError(f"{' '.join(words)} ended with {result.exit_code}: {result.output[-500:]}")

    return ask


def questions(
    database: Path, domains: Sequence[str], as_of: str
) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """What is asked, by name."""
    for domain in domains:
        yield f"verdict {domain}", command(database, ("verdict", domain, "--as-of", as_of, "--json"))
        yield f"sources {domain}", command(database, ("sources", domain, "--json"))
    site = app(database, as_of=as_of)
    for path in pages(database, domains):
        yield path, page(site, path)


def page(site: object, path: str) -> Callable[[], Awaitable[None]]:
    """A page that must be there."""

    async def ask() -> None:
        answer = await site.client.get(path)  # type: ignore[attr-defined]
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[:500]}")

    return ask


def pages(database: Path, domains: Sequence[str]) -> Iterator[str]:
    """Our pages, and Datasette's on the largest tables."""
    yield from (ROOT, f"{ROOT}/reporters", f"{ROOT}/inbox")
    connection = sqlite3.connect(database)
    for domain in domains:
        yield f"{ROOT}/domain?{urlencode({'name': domain})}"
        row = connection.execute(
            "SELECT id FROM streams WHERE policy_domain = ? ORDER BY id", (domain,)
        ).fetchone()
        yield f"{ROOT}/stream?{urlencode({'id': row[0]})}"
        yield f"/{database.stem}/stream_days?{urlencode({'policy_domain': domain})}"
    for table in ("reports", "records", "stream_days"):
        yield f"/{database.stem}/{table}"
    connection.close()


async def show(database: Path, domains: Sequence[str], as_of: str, rounds: int) -> None:
    """Ask everything and print the timings as they come."""
    for name, ask in questions(database, domains, as_of):
        timing = await measure(name, ask, rounds)
        print(f"{timing.first * 1000:9.0f} ms first {timing.best * 1000:9.0f} ms best  {name}", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.queries", description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--domain", action="append", help="repeatable; default: domain0000.example")
    parser.add_argument("--as-of", default="2026-11-20")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(show(given.database, given.domain or ["domain0000.example"], given.as_of, given.rounds))


if __name__ == "__main__":
    main()
