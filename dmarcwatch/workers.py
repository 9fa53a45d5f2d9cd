"""Processes that prepare items ahead of the one that writes.

Each worker is a pool of one process, so that one that dies takes no other with it. Batches come back
in the order they went out, with the definitions of each worker in theirs.
"""

import gc
import itertools
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from multiprocessing import connection, get_context, parent_process
from typing import NamedTuple

from dmarcwatch.arrival import Arrival
from dmarcwatch.batches import Batch
from dmarcwatch.collect import Item
from dmarcwatch.errors import CollectError, WorkerError
from dmarcwatch.prepared import Definitions, Prepared, Refused
from dmarcwatch.preparing import Preparer, Rules

MAX_WORKERS = 4
"""Beyond three or four readers the one writer is what everybody waits for."""
_AHEAD = 2
"""Batches under way for each worker: one that it reads and one that waits, so that it never idles."""


class Done(NamedTuple):
    """What one worker prepared."""

    worker: int
    """Whose numbers these are."""
    definitions: list[Definitions]
    prepared: list[Prepared]


@dataclass(frozen=True, slots=True)
class Task:
    """What all items of a run have in common."""

    rules: Callable[[], Rules]
    """Called once in each worker; can be pickled."""
    now: datetime
    local: bool


def usual_workers() -> int:
    """As many as there are processors for this process; 0 on a machine with one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_WORKERS) if cores > 1 else 0


class Workers:
    """Worker processes for one run; `close` ends them. Raises WorkerError where none can be started."""

    def __init__(self, count: int, task: Task) -> None:
        numbers = itertools.count()
        self._workers = [_Worker(task, numbers) for _ in range(count)]
        for worker in self._workers:
            worker.wait()

    def ahead(self, waiting: Iterator[Batch]) -> Iterator[tuple[Batch, list[Done]]]:
        """Each batch with what its items hold, in order; the source is read ahead of what is asked for.

        A source that fails midway raises its CollectError after all that came before.
        """
        under_way: deque[_UnderWay] = deque()
        failure: CollectError | None = None
        try:
            for number, batch in enumerate(waiting):
                worker = self._workers[number % len(self._workers)]
                under_way.append(_UnderWay(batch, worker, worker.give(batch.items)))
                if len(under_way) > _AHEAD * len(self._workers):
                    yield _next(under_way)
        except CollectError as error:
            failure = error
        while under_way:
            yield _next(under_way)
        if failure is not None:
            raise failure

    def pids(self) -> list[int]:
        """The processes that are there."""
        return [pid for worker in self._workers for pid in worker.pids()]

    def close(self) -> None:
        """End all of them, whatever they do."""
        for worker in self._workers:
            worker.close()


class _Worker:
    """One process, replaced by a new one when it dies."""

    def __init__(self, task: Task, numbers: Iterator[int]) -> None:
        self._task = task
        self._numbers = numbers
        self._start()

    def give(self, items: list[Item]) -> "Future[Done]":
        """Let the items be prepared."""
        try:
            return self._pool.submit(_prepare, items)
        except BrokenProcessPool as error:  # it died over an earlier batch
            broken: Future[Done] = Future()
            broken.set_exception(error)
            return broken

    def one_by_one(self, items: list[Item]) -> list[Done]:
        """Items over which a process died, each given alone, so that the one that kills costs only itself."""
        self._restart()
        found = []
        for item in items:
            try:
                found.append(self.give([item]).result())
            except BrokenProcessPool:
                found.append(Done(next(self._numbers), [], [_refused(item)]))
                self._restart()
        return found

    def wait(self) -> None:
        """Until it is ready. Raises WorkerError where it never will be."""
        try:
            self._pool.submit(os.getpid).result()
        except (BrokenProcessPool, OSError, EOFError) as error:  # EOF: what forks them died
            raise WorkerError(
                f"A second process cannot be started: {error}.",
                hint="Write `workers = 0` into dmarcwatch.toml to read in one process.",
            ) from error

    def pids(self) -> list[int]:
        """The process, if it is there."""
        return list(self._pool._processes or ())

    def close(self) -> None:
        """End it, whatever it does."""
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _restart(self) -> None:
        self.close()
        self._start()
        self.wait()

    def _start(self) -> None:
        # A server that has loaded all modules forks the workers: forking this process would copy open
        # databases and the locks of other threads.
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._pool = ProcessPoolExecutor(
            1, mp_context=context, initializer=_begin, initargs=(next(self._numbers), self._task)
        )


class _UnderWay(NamedTuple):
    batch: Batch
    worker: _Worker
    future: "Future[Done]"


def _next(under_way: deque[_UnderWay]) -> tuple[Batch, list[Done]]:
    batch, worker, future = under_way.popleft()
    try:
        return batch, [future.result()]
    except BrokenProcessPool:
        done = worker.one_by_one(batch.items)
    for index, other in enumerate(under_way):
        if other.worker is worker and other.future.done() and other.future.exception() is not None:
            under_way[index] = other._replace(future=worker.give(other.batch.items))
    return batch, done


def _refused(item: Item) -> Prepared:
    digest, size = sha256(item.data).hexdigest(), item.size or len(item.data)
    arrival = Arrival(item.origin, item.token, digest, size, item.received_at, local=False)
    return Prepared(arrival, (Refused("", "internal", "the process that read it died over it"),))


class _Hand:
    """What a worker process works with."""

    def __init__(self, number: int, task: Task) -> None:
        self._number = number
        self._local = task.local
        self._definitions: list[Definitions] = []
        self._preparer = Preparer(task.rules(), task.now, self._define)

    def prepare(self, items: list[Item]) -> Done:
        prepared = [self._preparer.prepare(item, local=self._local) for item in items]
        definitions, self._definitions = self._definitions, []
        return Done(self._number, definitions, prepared)

    def _define(self, definitions: Definitions) -> None:
        self._definitions.append(definitions)


_hand: _Hand | None = None


def _begin(number: int, task: Task) -> None:
    global _hand
    # Ctrl-C is for the process that writes: it finishes or rolls back, then ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    _hand = _Hand(number, task)


def _prepare(items: list[Item]) -> Done:
    assert _hand is not None
    return _hand.prepare(items)


def _end_with_parent() -> None:
    """A parent that was killed cannot say goodbye."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
