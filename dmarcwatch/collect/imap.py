"""Messages of a mailbox over IMAP.

What was read is remembered as UIDVALIDITY and the next UID of each folder, so a folder without news
costs one command however many messages it holds. A message that cannot be read keeps the mark below
it; those above are then told apart by their tokens. Where the numbers of a folder begin anew, all of
it is read again under new tokens.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Item, Memory, Notice, Notify, unheard
from dmarcwatch.collect.imap_errors import Closed, Lost, Refused, first_of, settling_refused
from dmarcwatch.collect.imap_folders import Found, matching
from dmarcwatch.collect.imap_login import Client
from dmarcwatch.collect.imap_marks import INBOX, Mark, Marks, Place, place_of, read_marks, written
from dmarcwatch.collect.imap_reading import FolderReading
from dmarcwatch.collect.imap_session import Opened, Renumbered, Session
from dmarcwatch.collect.imap_settling import Step, settling
from dmarcwatch.collect.sources import ImapSource, Settle
from dmarcwatch.errors import CollectError

_RENUMBERINGS = 3
"""How often a folder may renew its numbers while it is read before we stop believing it."""
_LOST_FOLDERS = 3
"""How many folders in a row may break the connection: one may hold nothing but mail that does."""
_IDLE_SECONDS = 60.0
"""How long to wait for news before asking for it: a dead connection says nothing, and some servers
tell of new mail only when asked."""


class ImapCollector:
    """The folders of one mailbox, opened for reading only unless something is settled.

    `deadline` is the end of the run by time.monotonic(): what the server is still telling by then is
    left to the next one, with a CollectError.
    """

    def __init__(
        self,
        source: ImapSource,
        secret: Callable[[], str],
        *,
        budgets: Budgets | None = None,
        notify: Notify = unheard,
        deadline: float | None = None,
    ) -> None:
        self._source = source
        self._budgets = budgets or Budgets()
        self._session = Session(source, secret, budgets=self._budgets, deadline=deadline)
        self._notify = notify
        self._marks: Marks = {}
        self._expected: int | None = None
        self._looked_at: dict[str, Opened] = {}
        """The folders as they were when they were last read, for `watch`."""
        self._found: Found | None = None
        """What the source's folders led to when it was last asked."""

    @property
    def source(self) -> str:
        """The mailbox as a URL."""
        return self._source.name

    @property
    def local(self) -> bool:
        """False: anybody can send mail to a mailbox."""
        return False

    @property
    def expected(self) -> int | None:
        """Messages that seem new in the folders looked through so far."""
        return self._expected

    def items(self, memory: Memory) -> Iterator[Item]:
        """New messages, folder by folder, in the order they came. Raises CollectError.

        A folder that cannot be read holds up no other: its error is raised after them.

        What is remembered is read at once, before the first item is asked for: from then on `settle`
        knows messages whose number another one has by now.
        """
        self._marks = read_marks(memory.position())
        return self._items(memory)

    def _items(self, memory: Memory) -> Iterator[Item]:
        self._expected = None
        found = self._find()
        for name in found.garbled:
            text = f"{self.source}: the folder {name} is passed over: its name is no modified UTF-7"
            self._notify(Notice(f"{self.source}/{name}", "unreadable", text, left=True))
        errors: list[CollectError] = list(found.errors)
        lost = 0
        for folder in found.folders:
            try:
                yield from self._folder(folder.name, memory)
                lost = 0
            except (Closed, Refused, Lost) as error:
                if isinstance(error, Closed) and error.forbidden and not folder.named:
                    where = f"{self.source}/{folder.name}"
                    self._notify(Notice(where, "unreadable", error.message, left=True))
                    continue
                errors.append(error)
                lost += isinstance(error, Lost)
                if lost == _LOST_FOLDERS:
                    break
        if errors:
            raise first_of(errors)

    def settle(self, items: Sequence[Item]) -> None:
        """Mark, move or delete the messages, as configured. Raises CollectError.

        Where it is refused in one folder, the others are settled before the error is raised.
        """
        if self._source.settle is Settle.NOTHING:
            return
        folders: dict[tuple[str, int, int], list[Place]] = {}
        for place in (place_of(item.token) for item in items):
            folders.setdefault(place[:3], []).append(place)
        errors: list[CollectError] = []
        for places in folders.values():
            try:
                self._settle(places)
            except (Closed, Refused) as error:
                errors.append(error)
        if errors:
            raise first_of(errors)

    def covers(self, token: str) -> bool:
        """Whether the message that a token names lies in a folder of this source. Raises CollectError.

        The server is asked which folders those are unless they were read before.
        """
        return place_of(token).folder in (self._found or self._find()).names

    def watch(self, timeout_seconds: float) -> bool:
        """Wait for news of the first folder (IDLE, RFC 2177); the others are for polling.

        What came since the folder was last looked at, by reading it or by waiting, is news at once.
        """
        found = self._found or self._find()
        name = found.folders[0].name if found.folders else INBOX
        if self._has_changed(name):
            return True  # it came between reading and waiting
        until = time.monotonic() + timeout_seconds
        while (left := until - time.monotonic()) > 0:
            if self._hears_news(self._looked_at[name], min(left, _IDLE_SECONDS)):
                self._has_changed(name)  # so that the next wait is not for the same news
                return True
        return False

    def close(self) -> None:
        """Log out."""
        self._session.close()

    def _find(self) -> Found:
        self._found = self._session.ask(partial(matching, source=self._source))
        return self._found

    def _has_changed(self, name: str) -> bool:
        """Whether the folder is another than when it was last looked at, by reading or waiting."""
        now = self._session.open(name)
        before = self._looked_at.get(name, now)
        self._looked_at[name] = now
        return not _same(before, now)

    def _hears_news(self, opened: Opened, seconds: float) -> bool:
        try:
            told = self._session.inside(opened, partial(_hears_news, seconds=seconds), waits=seconds)
        except Renumbered:
            return True
        # Where the connection broke, the folder was opened anew, and what came meanwhile is told by that.
        return told or not _same(opened, self._session.selected or opened)

    def _folder(self, name: str, memory: Memory) -> Iterator[Item]:
        for _ in range(_RENUMBERINGS):
            try:
                yield from self._read(self._session.open(name), memory)
            except Renumbered:
                continue
            return
        raise Refused(
            f"{self.source}: UIDVALIDITY of {name} is another each time it is asked for",
            hint="The mail server is broken; until it is mended, nothing can be remembered of it.",
        )

    def _read(self, opened: Opened, memory: Memory) -> Iterator[Item]:
        self._looked_at[opened.name] = opened
        mark = self._mark(opened)
        first = mark.next_uid
        self._advance(opened, mark, memory)
        if opened.next_uid is not None and opened.next_uid <= first:
            return
        token = partial(mark.token, opened.name)
        reading = FolderReading(self._session, opened, token, budgets=self._budgets, notify=self._notify)
        uids = reading.uids(first)
        self._expected = (self._expected or 0) + len(uids)
        highest = max(uids[-1] + 1 if uids else first, opened.next_uid or 0)
        for batch in reading.batches(uids, memory):
            yield from reading.items(batch)
            done_below = reading.done_below(batch[-1].uid + 1)
            self._advance(opened, mark.advanced(done_below, batch[-1].uid + 1), memory)
        self._advance(opened, mark.advanced(reading.done_below(highest), highest), memory)

    def _mark(self, opened: Opened) -> Mark:
        """The folder's mark; a new one where the messages have other numbers than it knows."""
        mark = self._marks.get(opened.name, Mark(opened.validity))
        if not mark.holds(opened.validity, opened.next_uid):
            text = f"{self.source}: the messages of {opened.name} have got new numbers and are all read again"
            self._notify(Notice(f"{self.source}/{opened.name}", "renumbered", text, left=False))
            mark = mark.renewed(opened.validity)
        return mark.advanced(mark.next_uid, opened.next_uid or 0)

    def _advance(self, opened: Opened, mark: Mark, memory: Memory) -> None:
        if self._marks.get(opened.name) != mark:
            self._marks[opened.name] = mark
            memory.advance(written(self._marks))

    def _settle(self, places: list[Place]) -> None:
        """Settle messages of one folder that got their numbers at the same time."""
        name, validity, generation, _ = places[0]
        uids = [place.uid for place in places]
        mark = self._marks.get(name, Mark(validity, generation=generation))
        if (mark.validity, mark.generation) != (validity, generation):
            self._leave_unsettled(name, "its messages have got new numbers: what is stored stays")
            return
        # Every UID was given already, so a lower UIDNEXT means a mailbox restored from a backup.
        opened = Opened(name, validity, max(mark.ceiling, max(uids) + 1))
        step: Step | bool = settling(self._source, uids)
        try:
            while not isinstance(step, bool):
                step = self._session.inside(opened, step, writable=True)
        except Renumbered:
            self._leave_unsettled(name, "its messages have got new numbers: what is stored stays")
            return
        except Closed as error:
            if error.there or error.forbidden:
                raise
            self._leave_unsettled(name, "the folder is gone")
            return
        except Refused as error:
            raise settling_refused(self._source, name, error.words) from error
        if not step:
            self._leave_unsettled(
                name, "the server has no UIDPLUS, so messages are marked as deleted and stay"
            )

    def _leave_unsettled(self, name: str, why: str) -> None:
        where = f"{self.source}/{name}"
        self._notify(Notice(where, "unsettled", f"{where}: {why}", left=False))


def _same(one: Opened, other: Opened) -> bool:
    return (one.validity, one.next_uid) == (other.validity, other.next_uid)


def _hears_news(client: Client, seconds: float) -> bool:
    """Whether the server told of a new message within `seconds`; also proves that it lives."""
    told = []
    if client.has_capability("IDLE"):
        client.idle()
        told += client.idle_check(timeout=seconds)
        told += client.idle_done()[1]  # idle_check says nothing of a dead connection, this does
    else:
        time.sleep(seconds)
    told += client.noop()[1]
    return any(len(line) > 1 and line[1] == b"EXISTS" for line in told)
