"""Processes that prepare items ahead of the one that writes.

Batches come back in the order they went out, with the definitions of each worker in theirs. A worker is
a process and a pipe and nothing more: the pools of the standard library serve theirs by a thread in this
process, and one that dies of want of memory leaves everybody waiting for ever.
"""

import itertools
import os
import struct
from collections import deque
from collections.abc import Iterator
from ctypes import c_int
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from socket import SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET, socket
from typing import NamedTuple

from dmarcwatch.batches import Batch
from dmarcwatch.collect import Item
from dmarcwatch.errors import CollectError, WorkerError
from dmarcwatch.hand import IDLE, Done, Hand, Task, refused, serve
from dmarcwatch.preparing import Rules

MAX_WORKERS = 4
"""Beyond three or four readers the one writer is what everybody waits for."""
_AHEAD = 2
"""Batches under way for each worker: one that it reads and one that waits, so that it never idles."""
SILENT_SECONDS = 600.0
"""How long a worker may spend over one item. The most that the budgets let through takes a slow machine some
minutes, so one that takes longer hangs."""
STUCK_SECONDS = 60
"""How long a message may stand still on its way: workers always listen, and say all they know."""
_LOOK_SECONDS = 1.0


def usual_workers() -> int:
    """As many as there are processors for this process; 0 on a machine with one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_WORKERS) if cores > 1 else 0


class Workers:
    """Worker processes for one run; `close` ends them. Raises WorkerError where none can be started.

    `rules` are for what this process has to read itself.
    """

    def __init__(self, count: int, task: Task, rules: Rules) -> None:
        self._task = replace(task, rules=lambda: rules)
        self._numbers = itertools.count()
        self._hand: Hand | None = None
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(_Worker(task, self._numbers))
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
                under_way.append(self._given(number, batch))
                while len(under_way) > _AHEAD * len(self._workers):
                    yield self._next(under_way)
        except CollectError as error:
            failure = error
        while under_way:
            yield self._next(under_way)
        if failure is not None:
            raise failure

    def pids(self) -> list[int]:
        """The processes that are there."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    def close(self) -> None:
        """End all of them, whatever they do."""
        for worker in self._workers:
            worker.close()

    def _given(self, number: int, batch: Batch) -> "_UnderWay":
        if not self._workers:
            return _UnderWay(batch, None)
        worker = self._workers[number % len(self._workers)]
        worker.give(batch.items)
        return _UnderWay(batch, worker)

    def _next(self, under_way: deque["_UnderWay"]) -> tuple[Batch, list[Done]]:
        batch, worker = under_way.popleft()
        if worker not in self._workers:
            return batch, [self._here(batch.items)]
        done = worker.take()
        if done is not None:
            return batch, [done]
        found = self._one_by_one(worker, batch.items)
        for other in under_way:  # what the one that died had been given besides
            if other.worker is worker:
                worker.give(other.batch.items)
        return batch, found

    def _one_by_one(self, worker: "_Worker", items: list[Item]) -> list[Done]:
        """Items over which a process died, each given alone, so that the one that kills costs only itself.

        Where no new process can be had, that is the one that the last had in hand; the others are read here.
        """
        killer = worker.in_hand()
        self._replace(worker)
        found = []
        for number, item in enumerate(items):
            done: Done | None
            if worker in self._workers:
                worker.give([item])
                done = worker.take()
                if done is None:
                    self._replace(worker)
            else:
                done = None if number == killer else self._here([item])
            found.append(done or Done(next(self._numbers), [], [refused(item)]))
        return found

    def _replace(self, worker: "_Worker") -> None:
        try:
            worker.restart()
        except WorkerError:
            worker.close()
            self._workers.remove(worker)

    def _here(self, items: list[Item]) -> Done:
        """What this process prepares itself, as those who would have done it are gone."""
        if self._hand is None:
            self._hand = Hand(next(self._numbers), self._task, c_int())
        return self._hand.prepare(items)


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
        try:
            self._pipe.send(items)
        except OSError:
            # It died over an earlier batch, or does not listen: whoever takes the answer learns of both.
            self._process.kill()

    def take(self) -> Done | None:
        """The next answer; None where the process died over it, or gives no sign of life."""
        try:
            done: Done | None = self._pipe.recv() if self._answers() else None
        except (OSError, EOFError):
            return None
        return done

    def in_hand(self) -> int:
        """Which of the items that it was given together it works on, `IDLE` between them."""
        return self._at.value

    def restart(self) -> None:
        """Put a new process in the place of one that died or hangs. Raises WorkerError where none starts."""
        self.close()
        self._start()
        self.wait()

    def wait(self) -> None:
        """Until it is ready. Raises WorkerError where it never will be."""
        if self.take() is None:
            raise _cannot_start("it ended at once")

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _answers(self) -> bool:
        """Wait for the next answer; False where nothing moves for `SILENT_SECONDS`."""
        # Looks are counted, and no clock is asked: this program may be stopped meanwhile and go on (Ctrl-Z).
        looks, at = 0.0, self.in_hand()
        while not self._pipe.poll(_LOOK_SECONDS):
            looks, at = (looks + 1 if at == self.in_hand() else 0), self.in_hand()
            if looks * _LOOK_SECONDS >= SILENT_SECONDS:
                return False
        return True

    def _start(self) -> None:
        # A server that has loaded all modules forks the workers: forking this process would copy open
        # databases and the locks of other threads.
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__])
        try:
            pipe, theirs = context.Pipe()
            _bound(pipe)
            at = context.RawValue(c_int, IDLE)
        except OSError as error:
            raise _cannot_start(str(error)) from error
        # A daemon is ended with the program, where others would be waited for, however that ends.
        arguments = (theirs, next(self._numbers), self._task, at)
        process = context.Process(target=serve, args=arguments, daemon=True)
        try:
            process.start()
        except (OSError, EOFError) as error:  # EOF: what forks them died
            pipe.close()
            raise _cannot_start(str(error)) from error
        finally:
            theirs.close()  # so that its end is seen here
        self._pipe, self._process, self._at = pipe, process, at


def _bound(pipe: Connection) -> None:
    """Let neither half a message nor one that nobody takes be waited for without end."""
    with socket(fileno=os.dup(pipe.fileno())) as end:
        for option in (SO_RCVTIMEO, SO_SNDTIMEO):
            end.setsockopt(SOL_SOCKET, option, struct.pack("ll", STUCK_SECONDS, 0))


def _cannot_start(why: str) -> WorkerError:
    return WorkerError(
        f"A second process cannot be started: {why}.",
        hint="Write `workers = 0` into dmarcwatch.toml to read in one process.",
    )


class _UnderWay(NamedTuple):
    batch: Batch
    worker: _Worker | None
