"""What a collector did not foresee costs its source, and no other."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from dmarcwatch.collect import Collector, Item, Memory
from dmarcwatch.errors import CollectError, DmarcwatchError
from dmarcwatch.text import clean

_SHORT = {errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT}
_MAX_WORDS_CHARS = 200


@contextmanager
def foreseen(source: str) -> Iterator[None]:
    """Turn an error that nobody foresaw into a CollectError of the source.

    Servers answer what no standard says. What this machine lacks (memory, handles, room) is raised as it
    is, and so are our own errors and those of the database.
    """
    try:
        yield
    except (DmarcwatchError, sqlite3.Error, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _SHORT:
            raise
        words = clean(f"{type(error).__name__}: {error}", _MAX_WORDS_CHARS)
        raise CollectError(
            f"{source}: what it answered could not be understood ({words})",
            hint="What was read before is stored. This is a fault of dmarcwatch as well: please report it.",
        ) from error


def understood(collector: Collector, memory: Memory) -> Iterator[Item]:
    """The items of a collector, whose errors are foreseen; what it remembers is read at once."""
    with foreseen(collector.source):
        items = collector.items(memory)
    return _understood(collector.source, items)


def _understood(source: str, items: Iterator[Item]) -> Iterator[Item]:
    with foreseen(source):
        yield from items
