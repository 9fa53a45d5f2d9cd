"""What a worker process is and does: it prepares the items that it is given, until it is ended.

The process that writes prepares by the same means what the workers could not.
"""

import gc
import os
import pickle
import signal
from collections.abc import Callable
from ctypes import c_int
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

from dmarcwatch.arrival import Arrival
from dmarcwatch.collect import Item
from dmarcwatch.prepared import Definitions, Prepared, Refused
from dmarcwatch.preparing import Preparer, Rules

IDLE = -1
"""Where a worker is between the items that it was given together."""


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


def refused(item: Item) -> Prepared:
    """What came of an item that ends whoever reads it."""
    digest, size = sha256(item.data).hexdigest(), item.size or len(item.data)
    arrival = Arrival(item.origin, item.token, digest, size, item.received_at, local=False)
    return Prepared(arrival, (Refused("", "internal", "the process that read it died or hung over it"),))


class Hand:
    """What one that prepares works with; `at` shows which item it has in hand."""

    def __init__(self, number: int, task: Task, at: c_int) -> None:
        self._number = number
        self._at = at
        self._local = task.local
        self._definitions: list[Definitions] = []
        self._preparer = Preparer(task.rules(), task.now, self._define)

    def prepare(self, items: list[Item]) -> Done:
        """Read the items, one after the other."""
        prepared = []
        for number, item in enumerate(items):
            self._at.value = number
            prepared.append(self._preparer.prepare(item, local=self._local))
        self._at.value = IDLE
        definitions, self._definitions = self._definitions, []
        return Done(self._number, definitions, prepared)

    def _define(self, definitions: Definitions) -> None:
        self._definitions.append(definitions)


READY = Done(-1, [], [])
"""The first answer of a worker."""


def serve(pipe: Connection, number: int, task: Task, at: c_int) -> None:
    """The life of a worker process, which ends when the one that it serves does."""
    # Ctrl-C is for the process that writes: it finishes or rolls back, then ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiting: SimpleQueue[bytes] = SimpleQueue()
    # Always listening, so that the one who sends never waits for one who waits for it.
    Thread(target=_listen, args=(pipe, waiting), daemon=True).start()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        hand = Hand(number, task, at)
        pipe.send(READY)
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
