"""What can happen to a `fetch` while it runs: killed, cut off, or starved of disk, memory or handles."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.collectors.wire import Fault, Wire

PATIENCE_SECONDS = 300
"""After which a fetch counts as hung, which would be a defect."""
DISK_BYTES = 96 * 1024 * 1024


Process = subprocess.Popen[str]
Disturb = Callable[[Process], None]


class Ended(NamedTuple):
    """What one run of `fetch` came to."""

    status: int
    """Negative: the signal that ended it."""
    out: str
    err: str
    seconds: float
    """Since it noted its run in the database."""
    began: bool
    """Whether it came so far."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A `dmarcwatch fetch` as cron would start it."""

    folder: Path
    """Holds its configuration and its database, and is where it runs."""
    database: Path

    def start(self) -> Process:
        """The process, its output going to files."""
        argv = [sys.executable, "-m", "dmarcwatch", "--db", str(self.database), "-q", "fetch", "--json"]
        with (self.folder / "out").open("w") as out, (self.folder / "err").open("w") as err:
            return subprocess.Popen(argv, cwd=self.folder, stdout=out, stderr=err, text=True)

    def run(self, disturb: Disturb = lambda process: None, *, early: float | None = None) -> Ended:
        """Start it, disturb it once it has noted its run or is `early` seconds old, and wait for its end.

        Raises RuntimeError where it hangs.
        """
        runs, begun, began = self.runs(), time.perf_counter(), False
        process = self.start()
        try:
            while not began and process.poll() is None:
                time.sleep(0.01)
                began = self.runs() > runs
                if early is not None and time.perf_counter() > begun + early:
                    break
            begun = time.perf_counter()
            disturb(process)
            status = process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"the fetch in {self.folder} hangs") from error
        finally:
            process.kill()
            process.wait()
        seconds = time.perf_counter() - begun
        out, err = ((self.folder / name).read_text("utf-8", "replace") for name in ("out", "err"))
        return Ended(status, out, err, seconds, began)

    def runs(self) -> int:
        """How many runs its database knows of."""
        if not self.database.exists():
            return 0
        # Read-only, so that looking never creates or recovers what the run is to create or recover.
        name = f"{self.database.as_uri()}?mode=ro"
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(name, uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
        return 0


@dataclass(frozen=True, slots=True)
class Usual:
    """How an undisturbed run of the same mail went."""

    seconds: float
    received_bytes: int


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a run is disturbed."""

    fetch: Fetch
    wire: Wire
    usual: Usual
    rng: Random

    def wait(self, process: Process, most: float = 1.05) -> bool:
        """Let it run for a while, up to so much of its usual time; whether it still does."""
        until = time.monotonic() + self.rng.uniform(0, most) * self.usual.seconds
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        return process.poll() is None


class Struck(NamedTuple):
    """A disturbed run."""

    ended: Ended
    hit: bool
    """Whether it felt it."""


def killed(scene: Scene) -> Struck:
    """SIGKILL."""

    def disturb(process: Process) -> None:
        if early is None:
            scene.wait(process)
        process.kill()

    # Now and then while the program is starting or makes its database.
    early = scene.rng.uniform(0, 2) if scene.rng.random() < 0.2 else None
    ended = scene.fetch.run(disturb, early=early)
    return Struck(ended, ended.status == -signal.SIGKILL)


def helper_killed(scene: Scene) -> Struck:
    """SIGKILL of one of the processes that read for it, as the kernel does when memory is short."""
    hit = False

    def disturb(process: Process) -> None:
        nonlocal hit
        while process.poll() is None and not _children(process.pid):
            time.sleep(0.01)  # small runs have none
        scene.wait(process, 0.3)
        if helpers := _children(process.pid):
            with suppress(ProcessLookupError):
                os.kill(scene.rng.choice(helpers), signal.SIGKILL)
                hit = True

    return Struck(scene.fetch.run(disturb), hit)


def _children(pid: int) -> list[int]:
    """The processes below one, without that which Python keeps for cleaning up behind itself."""
    try:
        mine = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        found = [one for one in mine if b"resource_tracker" not in Path(f"/proc/{one}/cmdline").read_bytes()]
    except OSError:
        return []
    return found + [below for one in found for below in _children(one)]


def cut(scene: Scene) -> Struck:
    """Connections that end after any number of bytes."""
    return _on_the_wire(scene, silent=False)


def stalled(scene: Scene) -> Struck:
    """A connection on which nothing more arrives."""
    return _on_the_wire(scene, silent=True)


def _on_the_wire(scene: Scene, *, silent: bool) -> Struck:
    rng, wire = scene.rng, scene.wire
    number = 1 if silent else rng.randint(1, 30)
    spread = scene.usual.received_bytes // (1 if rng.random() < 0.5 else number)
    wire.faults.extend(
        Fault(rng.randint(0, spread), silent) if rng.random() < 0.8 else None for _ in range(number)
    )
    before = wire.struck
    ended = scene.fetch.run()
    wire.faults.clear()
    return Struck(ended, wire.struck > before)


def disk_full(scene: Scene) -> Struck:
    """Somebody else fills the disk; where there is no small one to fill, files may not grow."""
    ballast = scene.fetch.database.with_name("ballast")

    def disturb(process: Process) -> None:
        if not scene.wait(process):
            return
        folder, left = ballast.parent, scene.rng.choice((0, 8192, 65536, 262144))
        if folder.is_mount():
            with ballast.open("wb") as file, suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(folder).free - left))
        else:
            largest = max((path.stat().st_size for path in folder.iterdir()), default=0)
            _limit(process, resource.RLIMIT_FSIZE, largest + left)

    ended = scene.fetch.run(disturb)
    ballast.unlink(missing_ok=True)
    return _starved(ended)


def memory_short(scene: Scene) -> Struck:
    """No more than a little address space beyond what it has."""

    def disturb(process: Process) -> None:
        if scene.wait(process):
            with suppress(OSError):
                pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
                more = scene.rng.choice((0, 64 * 1024, 1024**2, 8 * 1024**2))
                _limit(process, resource.RLIMIT_AS, pages * resource.getpagesize() + more)

    return _starved(scene.fetch.run(disturb))


def handles_short(scene: Scene) -> Struck:
    """No more open files than it has, or few more."""

    def disturb(process: Process) -> None:
        if scene.wait(process):
            with suppress(OSError):
                numbers = [int(path.name) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
                _limit(process, resource.RLIMIT_NOFILE, max(numbers) + 1 + scene.rng.randint(0, 3))

    return _starved(scene.fetch.run(disturb))


def _limit(process: Process, which: int, value: int) -> None:
    with suppress(ProcessLookupError):
        resource.prlimit(process.pid, which, (value, value))


def _starved(ended: Ended) -> Struck:
    return Struck(ended, ended.status not in SOUND)


SOUND = (0, 6)
"""Exit status of a run that read everything; 6 says that some of it was no report."""
KINDS: dict[str, Callable[[Scene], Struck]] = {
    "killed": killed,
    "helper killed": helper_killed,
    "cut": cut,
    "stalled": stalled,
    "disk full": disk_full,
    "memory short": memory_short,
    "handles short": handles_short,
}
EXPECTED = {
    "killed": {-9},
    "helper killed": set(),
    "cut": {4},
    "stalled": {4},
    "disk full": {5},
    "memory short": {1, 4, 5, -6, -11},
    "handles short": {1, 4, 5},
}
"""How a run may end besides sound."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, where we may mount one; else an ordinary folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    mounted = os.getuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
