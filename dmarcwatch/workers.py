"""Processes that prepare items ahead of the one that writes.

Batches come back in the order they went out, with the definitions of each worker in theirs. A worker is
a process and a pipe and nothing more: the pools of the standard library serve theirs by a thread in this
process, and one that dies of want of memory leaves everybody waiting for ever.
"""

import gc
import itertools
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
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
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(_Worker(task, numbers))
            for worker in self._workers:
                worker.wait()
        except BaseException:
            self.close()
            raise

    def ahead(self, waiting: Iterator[Batch]) -> Iterator[tuple[Batch, list[Done]]]:
        """Each batch with what its items hold, in order; the source is read ahead of what is asked for.

        A source that fails midway raises its CollectError after all that came before.
        """
        under_way: deque[_UnderWay] = deque()
        failure: CollectError | None = None
        try:
            for number, batch in enumerate(waiting):
                worker = self._workers[number % len(self._workers)]
                worker.give(batch.items)
                under_way.append(_UnderWay(batch, worker))
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
        return [worker.pid for worker in self._workers if worker.pid is not None]

    def close(self) -> None:
        """End all of them, whatever they do."""
        for worker in self._workers:
            worker.close()


class _Worker:
    """One process, replaced by a new one when it dies. What it is given it answers in order."""

    def __init__(self, task: Task, numbers: Iterator[int]) -> None:
        self._task = task
        self._numbers = numbers
        self._start()

    @property
    def pid(self) -> int | None:
        """Its number."""
        return self._process.pid

    def give(self, items: list[Item]) -> None:
        """Let the items be prepared."""
        with suppress(OSError):  # it died over an earlier batch, as whoever takes the answer learns
            self._pipe.send(items)

    def take(self) -> Done | None:
        """The next answer; None where the process died over it."""
        try:
            done: Done = self._pipe.recv()
        except (OSError, EOFError):
            return None
        return done

    def one_by_one(self, items: list[Item]) -> list[Done]:
        """Items over which a process died, each given alone, so that the one that kills costs only itself."""
        self._restart()
        found = []
        for item in items:
            self.give([item])
            done = self.take()
            if done is None:
                done = Done(next(self._numbers), [], [_refused(item)])
                self._restart()
            found.append(done)
        return found

    def wait(self) -> None:
        """Until it is ready. Raises WorkerError where it never will be."""
        if self.take() is None:
            raise _cannot_start("it ended at once")

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _restart(self) -> None:
        self.close()
        self._start()
        self.wait()

    def _start(self) -> None:
        # A server that has loaded all modules forks the workers: forking this process would copy open
        # databases and the locks of other threads.
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__])
        pipe, theirs = context.Pipe()
        # A daemon is ended with the program, where others would be waited for, however that ends.
        process = context.Process(target=_serve, args=(theirs, next(self._numbers), self._task), daemon=True)
        try:
            process.start()
        except (OSError, EOFError) as error:  # EOF: what forks them died
            pipe.close()
            raise _cannot_start(str(error)) from error
        finally:
            theirs.close()  # so that its end is seen here
        self._pipe, self._process = pipe, process


def _cannot_start(why: str) -> WorkerError:
    return WorkerError(
        f"A second process cannot be started: {why}.",
        hint="Write `workers = 0` into dmarcwatch.toml to read in one process.",
    )


class _UnderWay(NamedTuple):
    batch: Batch
    worker: _Worker


def _next(under_way: deque[_UnderWay]) -> tuple[Batch, list[Done]]:
    batch, worker = under_way.popleft()
    done = worker.take()
    if done is not None:
        return batch, [done]
    found = worker.one_by_one(batch.items)
    for other in under_way:  # what the one that died had been given besides
        if other.worker is worker:
            worker.give(other.batch.items)
    return batch, found


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


_READY = Done(-1, [], [])


def _serve(pipe: Connection, number: int, task: Task) -> None:
    """The life of a worker process, which ends when the one that it serves does."""
    # Ctrl-C is for the process that writes: it finishes or rolls back, then ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiting: SimpleQueue[bytes] = SimpleQueue()
    # Always listening, so that the one who sends never waits for one who waits for it.
    Thread(target=_listen, args=(pipe, waiting), daemon=True).start()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        hand = _Hand(number, task)
        pipe.send(_READY)
        while True:
            pipe.send(hand.prepare(pickle.loads(waiting.get())))
    finally:
        os._exit(1)  # without a word: what it died over is found out by those who wait


def _listen(pipe: Connection, waiting: "SimpleQueue[bytes]") -> None:
    try:
        while True:
            waiting.put(pipe.recv_bytes())
    finally:
        os._exit(1)  # a parent that was killed cannot say goodbye
