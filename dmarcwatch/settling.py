"""What happens at the origin to items that are stored; what fails there never keeps a run from reading on."""

import sqlite3
from collections.abc import Mapping, Sequence

from dmarcwatch.batches import BATCH_ITEMS
from dmarcwatch.collect import Collector, Item, Shared, Told
from dmarcwatch.collect.foreseen import foreseen
from dmarcwatch.errors import CollectError
from dmarcwatch.store.database import transaction
from dmarcwatch.store.memory import SourceMemory

_TRIES = 3
"""How often in a row settling may fail before a run leaves it to the next: each may wait for a server."""


class Settling:
    """Settles what one run stores of one source, and what earlier runs could not settle any more."""

    def __init__(self, connection: sqlite3.Connection, memory: SourceMemory, collector: Collector) -> None:
        self._connection = connection
        self._memory = memory
        self._collector = collector
        self._failures = 0
        """In a row."""
        self.failure: CollectError | None = None
        """Why something could not be settled and waits for the next run; the first reason there was."""

    def make_up(self) -> None:
        """Settle what an earlier run stored."""
        waiting = self._waiting()
        for start in range(0, len(waiting), BATCH_ITEMS):
            part = waiting[start : start + BATCH_ITEMS]
            self.settle({number: Item(origin, token, b"") for number, origin, token in part}, told_of=())

    def settle(self, found: Mapping[int, Item], *, told_of: Sequence[Item]) -> None:
        """Settle what brought something, by id; messages may go that told of any of `told_of`.

        Mail that is no report may be anybody's, so it stays as it is.
        """
        if self._failures >= _TRIES:
            return
        try:
            with foreseen(self._collector.source):
                if found:
                    self._collector.settle(list(found.values()))
                if isinstance(self._collector, Told):
                    self._collector.acknowledge(told_of)
        except CollectError as error:
            self._failed(error)
            return
        self._failures = 0
        with transaction(self._connection):
            self._memory.note_settled(list(found))

    def _waiting(self) -> list[tuple[int, str, str]]:
        """Id, origin and token of what waits for this collector: others may settle other parts otherwise."""
        waiting, collector = self._memory.unsettled(), self._collector
        if not waiting or not isinstance(collector, Shared):
            return waiting
        try:
            with foreseen(collector.source):
                return [each for each in waiting if collector.covers(each[2])]
        except CollectError as error:
            self._failed(error)
            return []

    def _failed(self, error: CollectError) -> None:
        self._failures += 1
        self.failure = self.failure or error
