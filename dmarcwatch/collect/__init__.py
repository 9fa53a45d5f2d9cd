"""Collectors: a mailbox, a bucket or a folder becomes items, one after the other.

A collector is two methods. `items` yields what is new, with at most one batch in memory; `settle`
does at the origin what the user asked for, and is called only after the item is committed. What was
read is remembered in the database (`Memory`), so that nothing at the origin needs to change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Item:
    """Bytes from a collector, before we know what they hold."""

    origin: str
    """Where it lies, as a URL or path a person recognises; unique within its source."""
    token: str
    """What the collector remembers it by: `UIDVALIDITY/UID`, `key etag`, size and time of a file."""
    data: bytes
    received_at: datetime | None = None
    """INTERNALDATE, LastModified; None where the origin does not say (a bare file)."""
    size: int | None = None
    """Bytes at the origin where `data` was not read because it exceeds the budget; else None."""
    headers_only: bool = False
    """True where only the head of an item too large to read was fetched."""


class Memory(Protocol):
    """What the database remembers of a source between runs."""

    def position(self) -> str | None:
        """The collector's own bookmark (such as UIDVALIDITY and the highest UID), None on a first run."""

    def seen(self, tokens: Sequence[str]) -> frozenset[str]:
        """Those of `tokens` that are stored already, whatever became of them."""

    def advance(self, position: str) -> None:
        """Remember `position`; committed together with the items before it."""


class Collector(Protocol):
    """One source of reports."""

    @property
    def source(self) -> str:
        """The source's stable name in the database, without secrets."""

    @property
    def local(self) -> bool:
        """True where the user named the files: their reports are trusted (tier `local`)."""

    def items(self, memory: Memory) -> Iterator[Item]:
        """What is new, oldest first where the origin has an order. Raises CollectError."""

    def settle(self, items: Sequence[Item]) -> None:
        """Do what the user asked for with items that are committed. Raises CollectError."""

    def close(self) -> None:
        """Let go of connections; safe to call twice."""
