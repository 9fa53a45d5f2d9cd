"""The engine called Dask: worker processes of this machine, or a cluster that is there already.

Nothing else knows Dask. A scheduler hands tasks to workers and gives those of a lost worker to others; what
ends several workers comes back as `KilledWorker`.
"""

import gc
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

import dask
from distributed import Client, LocalCluster

from dmarcwatch.scale.engine import EngineError

Task = TypeVar("Task")
Result = TypeVar("Result")
Say = Callable[[str], None]

_DEATHS = 1
"""Workers that a task may end before it counts as deadly; it is tried once more, as a machine may fail."""
_AHEAD = 3
"""Tasks handed over for each worker's thread: the next one is there when one ends."""
_LOOK_SECONDS = 5.0
"""How long to wait for news before asking whether the scheduler is still there."""
PATIENCE_SECONDS = 600.0
"""How long a cluster may have no worker at all: those of a cluster that grows by itself take minutes."""
_CONNECT_SECONDS = 10
_ANY_PORT = "127.0.0.1:0"
_HINT = "Start it, or see its address; then run the command again: what was done is kept."


_CALM = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "60s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.diagnostics.nvml": False,
}
"""Dask watches itself closely for its dashboard, which is not there: with two idle workers that took 7.5 % of
a core (2.3 of 30 s), and so less than 1 %."""


class Cluster:
    """Workers at the other end of a client."""

    def __init__(self, client: Any, say: Say = lambda text: None) -> None:
        self._client = client
        self._say = say
        self._deserted: float | None = None
        """Since when there is no worker, where there is none."""

    def run(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[tuple[Task, Result | Exception]]:
        """Each task with its result or what it raised, as they end. Raises EngineError."""
        waiting, ended = iter(tasks), SimpleQueue[Any]()
        running: dict[Any, Task] = {}

        def fill() -> None:
            for task in islice(waiting, max(0, self._ahead() - len(running))):
                future = self._client.submit(_carry_out, function, task, pure=False)
                running[future] = task
                future.add_done_callback(ended.put)

        fill()
        while running:
            future = self._next(ended)
            task = running.pop(future)
            outcome = self._outcome(future)
            future.release()
            fill()
            yield task, outcome

    def _next(self, ended: "SimpleQueue[Any]") -> Any:
        """The next task that ends. Raises EngineError when there will be none."""
        while True:
            try:
                return ended.get(timeout=_LOOK_SECONDS)
            except Empty:
                self._look()

    def _outcome(self, future: Any) -> Any:
        """The result, or what was raised. Raises EngineError where neither will come any more."""
        while True:
            try:
                return future.result(timeout=_LOOK_SECONDS)
            except Exception as error:
                if future.status == "error":
                    return error
                if future.status not in ("pending", "finished"):
                    raise _lost(future.status) from error
                # Its worker ended before the result was fetched, and another one does it again.
                self._look()

    def _look(self) -> None:
        """Say that nobody is there to work. Raises EngineError where that has lasted too long."""
        if self._threads():
            self._deserted = None
        elif self._deserted is None:
            self._deserted = monotonic()
            self._say("No worker is there to take a task; waiting for one.")
        elif monotonic() - self._deserted > PATIENCE_SECONDS:
            raise EngineError(
                f"The scheduler has had no worker for {PATIENCE_SECONDS / 60:.0f} minutes.",
                hint="Start workers (`dask worker ADDRESS`), and run the command again: all is kept.",
            )

    def _ahead(self) -> int:
        """How many tasks to hand over. Raises EngineError where nobody takes them."""
        return _AHEAD * max(1, self._threads())

    def _threads(self) -> int:
        """How many tasks are carried out at a time. Raises EngineError where the scheduler is gone."""
        try:
            if self._client.status != "running":
                raise _lost(self._client.status)
            threads: int = sum(self._client.nthreads().values())
        except (OSError, TimeoutError, RuntimeError) as error:
            raise _lost(error) from error
        return threads


@contextmanager
def cluster(*, scheduler: str | None, workers: int | None, say: Say = lambda text: None) -> Iterator[Cluster]:
    """The cluster of a scheduler, else worker processes of this machine (as many as cores) until the end.

    `say` is told what a person may have to do something about.

    Raises EngineError where the scheduler cannot be reached or has workers that cannot take part.
    """
    settings = {
        "distributed.scheduler.allowed-failures": _DEATHS,
        "distributed.comm.timeouts.connect": _CONNECT_SECONDS,
    }
    with dask.config.set(settings):
        if scheduler is None:
            with _local(workers) as local, _connected(local) as client:
                yield Cluster(client, say)
            return
        with _connected(scheduler) as client:
            _check_workers(client)
            yield Cluster(client, say)


def _connected(scheduler: Any) -> Any:
    try:
        return Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineError(f"No scheduler answers at {scheduler}: {error}.", hint=_HINT) from error


@contextmanager
def _local(workers: int | None) -> Iterator[LocalCluster]:
    # One thread a process: reading reports is Python's own work, which threads do not share.
    with (
        dask.config.set(_CALM),
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers or dask.system.CPU_COUNT,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            # Without a dashboard it serves its figures all the same, and on a port that another one may have.
            scheduler_kwargs={"dashboard_address": _ANY_PORT},
            silence_logs=logging.CRITICAL,
        ) as local,
    ):
        yield local


def _check_workers(client: Client) -> None:
    """Whether every worker has the same program."""
    mine = _version()
    try:
        found: dict[str, Any] = client.run(_version, on_error="return")
    except (OSError, TimeoutError) as error:
        raise _lost(error) from error
    others = {worker: version for worker, version in found.items() if version != mine}
    if others:
        worker, version = next(iter(others.items()))
        raise EngineError(
            f"{len(others)} of {len(found)} workers cannot take part: {worker} has {version!r}, not {mine}.",
            hint="Install dmarcwatch[scale] of the same version on every worker.",
        )


def _version() -> str:
    from importlib.metadata import version

    return f"dmarcwatch {version('dmarcwatch')}"


def _carry_out(function: Callable[[Task], Result], task: Task) -> Result:
    """What a worker does for a task."""
    _prepare()
    return function(task)


@lru_cache(maxsize=1)
def _prepare() -> None:
    # What a batch makes has no cycles; looking for some takes a twentieth of it, as in `fetch`.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _lost(what: object) -> EngineError:
    return EngineError(f"The cluster's scheduler is gone ({what}).", hint=_HINT)
