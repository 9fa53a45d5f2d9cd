"""Collectors: a mailbox, a bucket or a folder becomes items, one after the other.

A collector is two methods. `items` yields what is new, with at most one batch in memory; `settle`
does at the origin what the user asked for, and is called only after the item is committed. What was
read is remembered in the database (`Memory`), so that nothing at the origin needs to change.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Item:
    """Bytes from a collector, before we know what they hold."""

    origin: str
    """Where it lies, as a URL or path a person recognises; unique within its source."""
    token: str
    """What the collector remembers it by: folder, UIDVALIDITY and UID; key and ETag; path, size and
    time of a file. Unique within its source."""
    data: bytes
    received_at: datetime | None = None
    """INTERNALDATE, LastModified; None where the origin does not say (a bare file)."""
    size: int | None = None
    """Bytes at the origin where `data` was not read because it exceeds the budget; else None."""
    headers_only: bool = False
    """True where only the head of an item too large to read was fetched."""


class Notice(NamedTuple):
    """Something about the origin that is no item and no error, and must not pass in silence."""

    origin: str
    """Where, in the same words as `Item.origin`, or a folder or bucket as a whole."""
    reason: str
    """One stable word, such as `archived`, `encrypted`, `unreadable`, `vanished`."""
    message: str
    """One sentence for a person."""
    left: bool
    """True where something may hold a report, could not be read, and waits at the origin."""


Notify = Callable[[Notice], None]


def unheard(_notice: Notice) -> None:
    """Drop a notice: for callers that have nobody to tell."""


class Memory(Protocol):
    """What the database remembers of a source between runs."""

    def position(self) -> str | None:
        """The collector's own bookmark (such as UIDVALIDITY and the highest UID), None on a first run."""

    def seen(self, tokens: Sequence[str]) -> frozenset[str]:
        """Those of `tokens` that are stored already, whatever became of them."""

    def advance(self, position: str) -> None:
        """Remember `position`; committed together with the items before it.

        Called by the collector between two items: it says that every item yielded so far is covered,
        so it may be written only in the transaction that completes them, or after it.
        """


class Collector(Protocol):
    """One source of reports."""

    @property
    def source(self) -> str:
        """The source's stable name in the database, without secrets."""

    @property
    def local(self) -> bool:
        """True where the user named the files: their reports are trusted (tier `local`)."""

    def items(self, memory: Memory) -> Iterator[Item]:
        """What is new, oldest first where the origin has an order.

        Raises CollectError, where only a part cannot be read after all the others.
        """

    def settle(self, items: Sequence[Item]) -> None:
        """Do what the user asked for with items that are committed and held a report.

        Only origin and token of an item are looked at, and settling twice is harmless, so a run that
        ended between commit and settle can be made up for later. Raises CollectError once all is done
        that can be; reading goes on after it.
        """

    def close(self) -> None:
        """Let go of connections; safe to call twice."""


@runtime_checkable
class Counted(Protocol):
    """A collector that knows how much is to come before it has read it."""

    @property
    def expected(self) -> int | None:
        """Items that this reading brings, at most and as far as it has looked; None before that."""


@runtime_checkable
class Told(Protocol):
    """A collector that messages told of its items; they may go once the items are committed."""

    def acknowledge(self, items: Sequence[Item]) -> None:
        """Be done with the messages, whatever the items held; again is harmless. Raises CollectError."""


@runtime_checkable
class Shared(Protocol):
    """A collector of a part of its source, such as some folders of a mailbox; others may read the rest."""

    def covers(self, token: str) -> bool:
        """Whether the item that a token names lies in this part. Raises CollectError."""


@runtime_checkable
class Watcher(Protocol):
    """A collector that can wait for news; the others are asked again at intervals."""

    def watch(self, timeout_seconds: float) -> bool:
        """Wait until the origin says that something may be new, at most `timeout_seconds`.

        True where it said so. False is no proof of silence: poll as well. Raises CollectError.
        """
