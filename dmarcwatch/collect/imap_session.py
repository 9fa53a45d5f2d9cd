"""A connection to a mailbox that comes back when it breaks.

Every command asked through it can be asked again, so a break costs one answer and never the run.
"""

import imaplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect.imap_allowance import Allowance, Endless, OutOfTime
from dmarcwatch.collect.imap_errors import (
    IMAP_ERRORS,
    NOT_IMAP,
    Unreachable,
    folder_refused,
    lost,
    patience,
    read_only,
    refused,
)
from dmarcwatch.collect.imap_folders import folder_names
from dmarcwatch.collect.imap_login import Client, connect, drop
from dmarcwatch.collect.sources import ImapSource
from dmarcwatch.errors import CollectError

T = TypeVar("T")

MAX_NUMBER = 2**32 - 1
"""No UID and no number of messages is higher (RFC 9051 section 9, nz-number)."""
_ROOM_BYTES = 16 * 1024 * 1024
"""What an answer may hold beside one message of the largest size: a batch of small ones, and words."""
_COMMAND_TRIES = 2
"""How often one command is asked on sound connections; a third silence would rarely end otherwise."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder as it was when it was opened."""

    name: str
    validity: int
    """UIDVALIDITY: while it stays, a UID means the same message (RFC 9051 section 2.3.1.1)."""
    next_uid: int | None = None
    """UIDNEXT: every message that comes later has this UID or a higher one; None if not told."""
    exists: int = 0
    """Messages in it."""

    def follows(self, earlier: "Opened") -> bool:
        """Whether this is the same folder as `earlier`, then or later: UIDNEXT never falls."""
        if self.validity != earlier.validity:
            return False
        return self.next_uid is None or earlier.next_uid is None or self.next_uid >= earlier.next_uid


class Renumbered(CollectError):
    """UIDVALIDITY changed or UIDNEXT fell: what is known of the folder's UIDs is void."""


class Session:
    """At most one connection to the mailbox of `source`; `secret` gives the password or a token.

    `deadline` is the end of the run by time.monotonic(): a command still under way by then raises
    OutOfTime, except those that settle what is stored.
    """

    def __init__(
        self,
        source: ImapSource,
        secret: Callable[[], str],
        *,
        budgets: Budgets | None = None,
        deadline: float | None = None,
    ) -> None:
        self.source = source
        self._allowance = Allowance(
            source.name,
            max_bytes=(budgets or Budgets()).max_message_bytes + _ROOM_BYTES,
            patience=patience(source),
            grace=source.timeout_seconds,
            deadline=deadline,
        )
        self._secret = secret
        self._client: Client | None = None
        self._met = False
        """Whether the server was ever reached: then it is worth waiting for."""
        self._selected: tuple[Opened, bool] | None = None

    def ask(self, action: Callable[[Client], T]) -> T:
        """The result of `action` on a sound connection, whatever folder is open. Raises CollectError."""
        return self._again(lambda: action(self._connected()))

    def open(self, name: str) -> Opened:
        """The folder as it is now, opened for reading only. Raises CollectError."""
        return self._again(lambda: self._select(name, writable=False))

    def inside(
        self, opened: Opened, action: Callable[[Client], T], *, writable: bool = False, waits: float = 0.0
    ) -> T:
        """The result of `action` with the folder open, the same as it was; it may wait so many seconds.

        Raises Renumbered where UIDs mean other messages by now, Refused where the server says no to `action`,
        Lost where it breaks the connection each time, and other CollectErrors.
        """
        attempt = partial(self._inside, opened, writable=writable)
        return self._again(lambda: action(attempt()), finishing=writable, waits=waits)

    @property
    def selected(self) -> Opened | None:
        """The folder that is open now, as it was when it was opened; None where none is."""
        return self._selected and self._selected[0]

    def close(self) -> None:
        """Log out politely where there is somebody to be polite to."""
        client, self._client, self._selected = self._client, None, None
        if client is None:
            return
        self._allowance.begin(finishing=True)
        try:
            client.logout()
        except (*IMAP_ERRORS, *NOT_IMAP, OutOfTime):
            drop(client)

    def _again(self, attempt: Callable[[], T], *, finishing: bool = False, waits: float = 0.0) -> T:
        self._allowance.begin(finishing=finishing, waits=waits)
        last: Exception | None = None
        for _ in range(_COMMAND_TRIES):
            try:
                return attempt()
            except OutOfTime:
                self._drop()
                raise
            except (imaplib.IMAP4.abort, OSError) as error:
                self._drop()
                last = error
                if isinstance(error, Endless):
                    break
            except (imaplib.IMAP4.error, *NOT_IMAP) as error:
                # The answer may not have been read to its end, so the connection is not sound.
                self._drop()
                raise refused(self.source, error) from error
        assert last is not None
        raise lost(self.source, last) from last

    def _connected(self) -> Client:
        for delay in self._delays():
            if self._client is not None:
                break
            try:
                self._client = connect(self.source, self._secret, self._allowance)
            except Unreachable:
                if delay is None or not self._met:
                    raise
                self._allowance.sleep(delay)
        self._met = True
        return self._client

    def _delays(self) -> Iterator[float | None]:
        """Seconds to wait after each failed try; None after the last."""
        for number in range(self.source.attempts - 1):
            yield self.source.retry_seconds * 2**number
        yield None

    def _inside(self, opened: Opened, *, writable: bool) -> Client:
        client = self._connected()
        if self._selected is None or self._selected[0].name != opened.name or self._selected[1] < writable:
            self._select(opened.name, writable=writable)
        assert self._selected is not None
        if not self._selected[0].follows(opened):
            raise Renumbered(f"{self.source.name}: the messages of {opened.name} have got new numbers")
        return client

    def _select(self, name: str, *, writable: bool) -> Opened:
        client = self._connected()
        self._selected = None
        try:
            told = client.select_folder(name, readonly=not writable)
        except imaplib.IMAP4.readonly as error:
            raise read_only(self.source, name) from error
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise folder_refused(self.source, name, error, known=folder_names(client)) from error
        opened = Opened(name, told.get(b"UIDVALIDITY", 0), told.get(b"UIDNEXT"), told.get(b"EXISTS", 0))
        if max(opened.exists, opened.next_uid or 0) > MAX_NUMBER:
            raise ValueError(f"{name} has {opened.exists:,} messages and the next UID {opened.next_uid}")
        self._selected = opened, writable
        return opened

    def _drop(self) -> None:
        client, self._client, self._selected = self._client, None, None
        if client is not None:
            drop(client)
