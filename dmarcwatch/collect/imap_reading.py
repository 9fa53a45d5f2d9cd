"""The messages of one folder that are new: which there are, and their bytes in bounded batches."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Item, Memory, Notice, Notify
from dmarcwatch.collect.batches import ASKED_AT_ONCE, MAX_HEAD_BYTES, batched, unseen
from dmarcwatch.collect.imap_errors import Lost, Refused
from dmarcwatch.collect.imap_login import Client
from dmarcwatch.collect.imap_session import MAX_NUMBER, Opened, Session

WINDOW = 50_000
"""Messages looked through by one SEARCH: imaplib gives up on an answer of more than 1,000,000 bytes,
which is some 90,000 UIDs of ten digits."""
BATCH_MESSAGES = 100
BATCH_BYTES = 8 * 1024 * 1024
"""Bodies in memory at once, unless a single message is larger; more would not be faster."""
_BREAKS = 5
"""Messages in a row that break the connection before it is the server's fault: each costs the silence
that counts as dead, twice."""

Told = dict[int, dict[bytes, Any]]
"""What the server says of messages, by UID and attribute."""


@dataclass(frozen=True, slots=True)
class _Mail:
    uid: int
    size: int
    received_at: datetime | None


class FolderReading:
    """One pass over a folder."""

    def __init__(
        self,
        session: Session,
        opened: Opened,
        token: Callable[[int], str],
        *,
        budgets: Budgets,
        notify: Notify,
    ) -> None:
        self._session = session
        self._opened = opened
        self._token = token
        self._limit = budgets.max_message_bytes
        self._notify = notify
        self._breaks = 0
        """Messages that broke the connection since the last one that was read."""
        self._stuck: int | None = None
        """The lowest UID that could not be read and waits."""

    def uids(self, first: int, *, window: int = WINDOW) -> list[int]:
        """The UIDs from `first` on, ascending.

        Messages marked as deleted are among them: whoever marked one may think better of it, and the
        mark of the folder would have passed it by then. Our own are stored, so they are not read twice.
        """
        found: set[int] = set()
        # By sequence numbers, because UIDs may have gaps of any size; from the top, because messages
        # that somebody removes meanwhile only make others slip down, into windows still to come.
        for low, high in windows(self._opened.exists, window):
            criteria = [f"{low}:{high}", "UID", f"{first}:*"]
            found.update(self._session.inside(self._opened, partial(_search, criteria=criteria)))
        # `n:*` holds the last message even where its UID is below n (RFC 9051 section 9, seq-range).
        return sorted(uid for uid in found if first <= uid <= MAX_NUMBER)

    def done_below(self, uid: int) -> int:
        """`uid`, or the lowest UID that could not be read and waits, if that is below it."""
        return uid if self._stuck is None else min(self._stuck, uid)

    def batches(self, uids: Iterable[int], memory: Memory) -> Iterator[list[_Mail]]:
        """The messages not stored yet, in their order, in lists that fit into memory."""
        batch: list[_Mail] = []
        filled = 0
        for mail in self._sized(unseen(uids, self._token, memory)):
            if batch and (len(batch) == BATCH_MESSAGES or filled + mail.size > BATCH_BYTES):
                yield batch
                batch, filled = [], 0
            batch.append(mail)
            filled += min(mail.size, self._limit)
        if batch:
            yield batch

    def items(self, batch: list[_Mail]) -> Iterator[Item]:
        """The messages of one batch; for one too large, its head."""
        small = [mail.uid for mail in batch if mail.size <= self._limit]
        large = [mail.uid for mail in batch if mail.size > self._limit]
        # PEEK, because reading must not set \\Seen in a mailbox people also read.
        bodies = self._fetch(small, ["BODY.PEEK[]"])
        bodies |= self._fetch(large, [f"BODY.PEEK[HEADER]<0.{MAX_HEAD_BYTES}>"])
        for mail in batch:
            data = _body(bodies.get(mail.uid, {}))
            if data is not None:
                yield self._item(mail, data)
            elif mail.uid in bodies:
                self._leave([mail.uid], "the server gave no text for it")

    def _item(self, mail: _Mail, data: bytes) -> Item:
        too_large = mail.size > self._limit
        return Item(
            origin=self._url(mail.uid),
            token=self._token(mail.uid),
            data=data,
            received_at=mail.received_at,
            size=mail.size if too_large else None,
            headers_only=too_large,
        )

    def _sized(self, uids: Iterable[int]) -> Iterator[_Mail]:
        for chunk in batched(uids, ASKED_AT_ONCE):
            told = self._fetch(chunk, ["RFC822.SIZE", "INTERNALDATE"])
            sizes = {uid: told[uid].get(b"RFC822.SIZE") for uid in chunk if uid in told}
            absurd = [uid for uid, size in sizes.items() if not isinstance(size, int)]
            if absurd:
                self._leave(absurd, "the server does not tell its size")
            for uid, size in sizes.items():
                if isinstance(size, int):
                    yield _Mail(uid, size, told[uid].get(b"INTERNALDATE"))

    def _fetch(self, uids: list[int], parts: list[str]) -> Told:
        """What the server says of each message; those it cannot give are noticed and left out."""
        if not uids:
            return {}
        try:
            # A list of numbers, never a range as text: imapclient 4.1 cannot read the answer to that.
            told: Told = self._session.inside(self._opened, lambda client: client.fetch(uids, parts))
        except (Refused, Lost) as error:
            if len(uids) == 1:
                self._give_up(uids[0], error)
                return {}
            # One message that the server chokes on must not hold up the others.
            told = {}
            for uid in _from_both_ends(uids):
                told |= self._fetch([uid], parts)
            return told
        self._breaks = 0
        untold = [uid for uid in uids if uid not in told]
        if untold:
            self._leave(untold, "the server tells nothing of it")
        return told

    def _give_up(self, uid: int, error: Refused | Lost) -> None:
        """Leave one message that cannot be had, unless the server can do nothing else either."""
        self._breaks += isinstance(error, Lost)
        if self._breaks >= _BREAKS:
            raise error
        self._leave([uid], error.message)

    def _leave(self, uids: list[int], why: str) -> None:
        """Say that messages wait, or that they are gone. Raises Lost where the server tells neither."""
        there = self._session.inside(self._opened, partial(_those_there, uids=uids))
        for uid in uids:
            url = self._url(uid)
            if uid in there:
                self._stuck = self.done_below(uid)
                self._notify(Notice(url, "unreadable", f"{url} cannot be read and waits: {why}", left=True))
            else:  # moved or deleted by somebody since it was found
                self._notify(Notice(url, "vanished", f"{url} went away before it was read", left=False))

    def _url(self, uid: int) -> str:
        """RFC 5092 section 6."""
        source = self._session.source
        folder = quote(self._opened.name, safe="/")
        mailbox = f"imap://{quote(source.user, safe='')}@{source.host}/{folder}"
        return f"{mailbox};UIDVALIDITY={self._opened.validity}/;UID={uid}"


def windows(exists: int, size: int) -> Iterator[tuple[int, str]]:
    """The sequence numbers of `exists` messages, and of those that come meanwhile, in parts of at
    most `size`, from the top."""
    high = "*"
    for low in range((exists - 1) // size * size + 1, 0, -size):
        yield low, high
        high = str(low - 1)


def _from_both_ends(uids: list[int]) -> Iterator[int]:
    """First, last, second, last but one: messages next to each other that break the connection, as those
    of one sender do, are then told from a server that breaks on everything."""
    for low, high in zip(uids, reversed(uids), strict=True):
        if low >= high:
            if low == high:
                yield low
            return
        yield from (low, high)


def _search(client: Client, criteria: list[str]) -> list[int]:
    return list(client.search(criteria))


def _those_there(client: Client, uids: list[int]) -> set[int]:
    # Servers tell of removed messages in answer to NOOP, but not to FETCH (RFC 9051 section 7.5.1).
    client.noop()
    return set(client.search(["UID", ",".join(map(str, uids))]))


def _body(told: dict[bytes, Any]) -> bytes | None:
    """The text among what was told of a message, whichever part was asked for."""
    texts = (value for key, value in told.items() if key.startswith(b"BODY["))
    return next((text for text in texts if isinstance(text, bytes)), None)
