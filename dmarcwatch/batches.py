"""Items in transactions' worth, each with the bookmark that covers it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from dmarcwatch.collect import Item
from dmarcwatch.errors import CollectError

BATCH_ITEMS = 100
"""Items of one transaction: fewer cost a tenth more time, more make a second writer wait longer."""
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
    size = 0
    try:
        for item in items:
            batch.append(item)
            size += len(item.data)
            if len(batch) >= BATCH_ITEMS or size >= BATCH_BYTES:
                yield Batch(batch, position())
                batch, size = [], 0
    except CollectError:
        if batch:
            yield Batch(batch, position())
        raise
    if batch:
        yield Batch(batch, position())
