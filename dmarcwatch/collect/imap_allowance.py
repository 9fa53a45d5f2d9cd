"""What one command may cost: a server that talks for ever, or without end, is left alone.

A socket's timeout bounds silence alone; a word now and then would keep it for ever.
"""

import imaplib
import time

from dmarcwatch.errors import CollectError

_LINE_COST = 256
"""Bytes that a line costs us beside its own."""


class OutOfTime(CollectError):
    """The time given to the run ended while the server was answering."""


class Endless(TimeoutError):
    """A command is still being answered after more time than any needs."""


class Allowance:
    """Bytes and seconds for each command of one mailbox's connections."""

    def __init__(
        self, source: str, *, max_bytes: int, patience: float, grace: float, deadline: float | None
    ) -> None:
        self._source = source
        self._max_bytes = max_bytes
        self._patience = patience
        self._grace = grace
        """Seconds that settling and saying goodbye have even at the deadline."""
        self._deadline = deadline
        """By time.monotonic()."""
        self._finishing = False
        self._waits = 0.0
        self.renew()

    def begin(self, *, finishing: bool = False, waits: float = 0.0) -> None:
        """Say what the commands to come are for: to finish what was begun, or to wait so many seconds."""
        self._finishing, self._waits = finishing, waits

    def renew(self) -> None:
        """Begin with a command."""
        self._bytes = self._max_bytes
        now = time.monotonic()
        self._until = now + self._patience + self._waits
        self._end = self._deadline
        if self._end is not None and self._finishing:
            self._end = max(self._end, now + self._grace)

    def spend(self, size: int) -> None:
        """Take `size` bytes, before they are read. Raises imaplib's error where there are not as many."""
        self._bytes -= size
        if self._bytes < 0:
            raise imaplib.IMAP4.error(
                f"an answer of more than {self._max_bytes:,} bytes, more than was asked for"
            )

    def spend_line(self, size: int) -> None:
        """The same for a line, which costs more than its bytes."""
        self.spend(size + _LINE_COST)

    def seconds(self) -> float:
        """What is left of the command's time, more than 0. Raises Endless or OutOfTime."""
        now = time.monotonic()
        if self._end is not None and now >= self._end:
            raise self._out_of_time()
        if now >= self._until:
            raise Endless
        return min(self._until, self._end or self._until) - now

    def sleep(self, seconds: float) -> None:
        """Wait, unless the time given to the run ends meanwhile. Raises OutOfTime."""
        if self._deadline is not None and time.monotonic() + seconds >= self._deadline:
            raise self._out_of_time()
        time.sleep(seconds)

    def _out_of_time(self) -> OutOfTime:
        return OutOfTime(
            f"{self._source}: the time given to this run ended while the server was answering",
            hint="Everything read so far is stored; the next run goes on there.",
        )
