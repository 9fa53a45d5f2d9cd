"""Rounds of `fetch` disturbed at random moments; afterwards all must be as if nothing had happened.

`python -m bench.faults --rounds 200 --seed 1 --source both`

A round fills a mailbox (Dovecot) or a bucket (SeaweedFS) of its own and reads it undisturbed into a first
database. Then `fetch` reads the same into a second one, disturbed a few times, with any way of settling,
and undisturbed until it says that nothing is left. Both databases must hold the same, and the origin
must be as configured. Ends with 1 where anything differs.
"""

import argparse
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench.collectors import mail_server
from bench.fault_kinds import EXPECTED, KINDS, SOUND, Ended, Fetch, Scene, Usual, small_disk
from bench.fault_origins import LIMIT_BYTES, BucketOrigin, MailboxOrigin, Origin, mails
from dmarcwatch.collect.sources import Settle
from tests.collectors.mail_servers import MailServer
from tests.collectors.stores import ADMIN_KEYS, BULK_BUCKET, client_of, running_seaweedfs
from tests.collectors.wire import Wire
from tests.contents import contents, differences

_MOST_FAULTS = 3
"""Disturbed runs of one round."""
_MOST_RUNS = 5
"""Undisturbed runs after which something must be wrong."""
_CONFIG = 'verify_dkim = "never"\nworkers = {workers}\n[budgets]\nmax_message_bytes = {limit}\n'
_LIBRARIES_SPEAK = ("memory short", "handles short")
"""Kinds in which a library may say in any words what it could not have."""
_OURS = re.compile(r"^(MemoryError|OSError: \[Errno 24\])", re.MULTILINE)
"""Python's own words for that, which are ours to explain."""

MakeOrigin = Callable[[str, Random], Origin]
"""A name and chance to a filled origin."""


@dataclass
class Tally:
    """What came of the rounds of one kind."""

    rounds: int = 0
    faults: int = 0
    hit: int = 0
    """Runs that felt the fault after they had begun."""
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


class Round:
    """One mailbox or bucket, read twice."""

    def __init__(self, origin: Origin, folder: Path, disk: Path, rng: Random) -> None:
        self._origin = origin
        self._folder = folder
        self._disk = disk
        self._rng = rng
        self._settle = rng.choice(origin.settles)

    def play(self, kind: str, tally: Tally) -> None:
        """Read undisturbed, then disturbed, and note what differs."""
        begun = time.perf_counter()
        usual, expected = self._undisturbed()
        fetch = self._fetch("disturbed", self._settle, self._disk)
        scene = Scene(fetch, self._origin.wire, usual, self._rng)
        for _ in range(self._rng.randint(1, _MOST_FAULTS)):
            ended, hit = KINDS[kind](scene)
            tally.faults += 1
            tally.hit += hit and ended.began
            tally.statuses[ended.status] += 1
            tally.wrong += _bad_manners(kind, ended)
        tally.wrong += drain(fetch)
        tally.wrong += differences(expected, contents(fetch.database))
        tally.wrong += self._origin.wrong(self._settle)
        tally.rounds += 1
        tally.seconds += time.perf_counter() - begun

    def _undisturbed(self) -> tuple[Usual, dict[str, list[str]]]:
        wire = self._origin.wire
        for number in range(_MOST_RUNS):  # on a crowded machine a server may be late by itself
            fetch = self._fetch(f"undisturbed{number}", Settle.NOTHING, self._folder, workers=0)
            before = wire.received_bytes
            ended = fetch.run()
            if ended.status in SOUND:
                return Usual(ended.seconds, wire.received_bytes - before), contents(fetch.database)
        raise RuntimeError(f"an undisturbed run ended with {ended.status}: {ended.err}")

    def _fetch(self, name: str, settle: Settle, place: Path, *, workers: int = 2) -> Fetch:
        folder = self._folder / name
        folder.mkdir()
        text = _CONFIG.format(limit=LIMIT_BYTES, workers=workers) + self._origin.table(settle)
        (folder / "dmarcwatch.toml").write_text(text)
        return Fetch(folder, place / f"{name}.db")


def drain(fetch: Fetch) -> list[str]:
    """Fetch undisturbed until nothing is left; what is wrong where that does not come."""
    for _ in range(_MOST_RUNS):
        ended = fetch.run()
        if ended.status in SOUND and json.loads(ended.out)["items"] == 0:
            return []
    return [f"an undisturbed run still ends with {ended.status}: {ended.err[-500:]}{ended.out[-500:]}"]


def _bad_manners(kind: str, ended: Ended) -> Iterator[str]:
    """Runs must end as they say they do, in sentences."""
    if ended.status not in SOUND and ended.status not in EXPECTED[kind]:
        yield f"a run ended with {ended.status}: {ended.err[-2000:]}"
    elif "Traceback" in ended.err and (kind not in _LIBRARIES_SPEAK or _OURS.search(ended.err)):
        yield f"a run ended with a traceback: {ended.err[-2000:]}"


def play(make: MakeOrigin, tallies: dict[str, Tally], rounds: range, *, seed: int) -> None:
    """The rounds with these numbers, kind after kind in turn."""
    for number in rounds:
        kind = list(tallies)[number % len(tallies)]
        rng = Random(f"{seed} {number}")
        with tempfile.TemporaryDirectory(prefix="faults-") as held, small_disk(Path(held) / "disk") as disk:
            folder = Path(held)
            origin = make(f"{kind.replace(' ', '-')}-{seed}-{number}", rng)
            before = len(tallies[kind].wrong)
            Round(origin, folder, disk, rng).play(kind, tallies[kind])
            _tell(f"round {number} ({kind})", tallies[kind].wrong[before:], folder)


def _tell(title: str, wrong: Sequence[str], folder: Path) -> None:
    """Say at once what is wrong, and keep what shows it."""
    if not wrong:
        print(f"{title}: as if nothing had happened", file=sys.stderr, flush=True)
        return
    kept = shutil.copytree(folder, Path(tempfile.mkdtemp(prefix="faults-kept-")), dirs_exist_ok=True)
    print(f"{title}, kept in {kept}:", *wrong, sep="\n  ", file=sys.stderr, flush=True)


def _sum_up(name: str, tallies: dict[str, Tally]) -> None:
    for kind, tally in tallies.items():
        print(
            f"{name:5} {kind:14} {tally.rounds:4} rounds, {tally.faults:4} disturbed runs, "
            f"{tally.hit:4} hit in mid-run, {len(tally.wrong)} differences, {tally.seconds:.0f} s; "
            f"ended with {dict(sorted(tally.statuses.items()))}",
            flush=True,
        )


@contextmanager
def mailboxes(server: MailServer) -> Iterator[MakeOrigin]:
    """A mailbox for each round, behind a wire."""
    with Wire("127.0.0.1", server.tls_port) as wire:
        yield lambda name, rng: MailboxOrigin(server, wire, name, mails(rng, host="mx.example.com"))


@contextmanager
def buckets(address: str) -> Iterator[MakeOrigin]:
    """A prefix of a bucket for each round, behind a wire."""
    with closing(client_of(address)) as client, suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BULK_BUCKET)
    os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = ADMIN_KEYS
    port = int(address.rpartition(":")[2])
    with Wire("127.0.0.1", port) as wire:
        yield lambda name, rng: BucketOrigin(address, wire, f"{name}/", mails(rng, host="amazonses.com"))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="of each source")
    parser.add_argument("--first", type=int, default=0, help="number of the first round, to go on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--source", choices=["imap", "s3", "both"], default="both")
    parser.add_argument("--kinds", default=",".join(KINDS), help="some of the kinds, by comma")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that servers and disks go, too
    failed = False
    with ExitStack() as stack:
        makes: dict[str, MakeOrigin] = {}
        if given.source in {"imap", "both"}:
            makes["imap"] = stack.enter_context(mailboxes(stack.enter_context(mail_server())))
        if given.source in {"s3", "both"}:
            makes["s3"] = stack.enter_context(buckets(stack.enter_context(running_seaweedfs())))
        for name, make in makes.items():
            tallies = {kind: Tally() for kind in given.kinds.split(",")}
            try:
                play(make, tallies, range(given.first, given.first + given.rounds), seed=given.seed)
            finally:
                _sum_up(name, tallies)
            failed |= any(tally.wrong for tally in tallies.values())
    sys.exit(failed)


if __name__ == "__main__":
    main()
