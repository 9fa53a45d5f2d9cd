"""Items in transactions' worth, each with the bookmark that covers it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from dmarcwatch.collect import Item
from dmarcwatch.errors import CollectError

BATCH_ITEMS = 100
"""Items of a run's first transactions: fewer cost a tenth more, more make a second writer wait longer."""
MAX_BATCH_ITEMS = 400
"""Items of a transaction at most. Each writes pages all over the indexes, so large ones spare a run over
100,000 reports a sixth of its time."""
_GROWTH = 25
"""A transaction has at most one item for so many read before, so that all who help have work to the end."""
BATCH_BYTES = 1024 * 1024
"""Bytes of one transaction's items: a hundred large mails must not stand in memory at once, and a megabyte
of reports is half a million lines of XML, work enough for one process."""


class Batch(NamedTuple):
    """The items of one transaction."""

    items: list[Item]
    position: str | None
    """The source's bookmark once they are stored; None where it did not move."""


def batches(items: Iterator[Item], position: Callable[[], str | None]) -> Iterator[Batch]:
    """The items in transactions' worth; nothing is held back when the source fails midway."""
    batch: list[Item] = []
    size, wanted = 0, BATCH_ITEMS
    try:
        for number, item in enumerate(items, start=1):
            batch.append(item)
            size += len(item.data)
            if len(batch) >= wanted or size >= BATCH_BYTES:
                yield Batch(batch, position())
                batch, size = [], 0
                wanted = min(MAX_BATCH_ITEMS, max(BATCH_ITEMS, number // _GROWTH))
    except CollectError:
        if batch:
            yield Batch(batch, position())
        raise
    if batch:
        yield Batch(batch, position())
