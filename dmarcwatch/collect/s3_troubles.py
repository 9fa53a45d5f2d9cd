"""What could not be read in one run, and when that is no longer a matter of single objects."""

from collections.abc import Callable

from dmarcwatch.collect import Notice, Notify
from dmarcwatch.collect.aws_errors import RIGHTS, Failing
from dmarcwatch.errors import CollectError
from dmarcwatch.text import count

_REFUSALS = {"denied", "unreadable"}
"""Reasons of notices that may be about all objects as well as about one."""
_PROBES = 1000
"""Refused objects after which a run gives up that has read none: a cent's worth of requests at most, made
side by side, and more than the objects that somebody wrote with another key or owner in a row."""
_NO_ACCIDENT = 10
"""So many refused ones are told as an error, where earlier runs could read and this one could nothing."""
_IN_A_ROW = 10
"""Objects that fail one after the other until the service counts as down: each was asked for many times."""


class Troubles:
    """The objects of one run that gave no item.

    A single one is a notice and hides none behind it. Refusals wait to be told until something was
    read: where nothing is, one error says so in place of a thousand notices.
    """

    def __init__(
        self, source: str, notify: Notify, *, proven: bool, still_readable: Callable[[], bool]
    ) -> None:
        self._source = source
        self._notify = notify
        self._proven = proven
        """Earlier runs could read."""
        self._still_readable = still_readable
        """Asks for an object that an earlier run has read."""
        self._read = False
        self._refused: list[Notice] = []
        self._first: Failing | None = None
        self._failed = 0
        self._in_a_row = 0

    def read(self) -> None:
        """An object was read."""
        self._read, self._in_a_row = True, 0
        self._tell_refused()

    def noticed(self, notice: Notice) -> None:
        """An object is not to be read, and the service says why. Raises CollectError."""
        self._in_a_row = 0
        if self._read or notice.reason not in _REFUSALS:
            self._notify(notice)
            return
        self._refused.append(notice)
        if len(self._refused) == _PROBES:
            self._tell_or_give_up()

    def failed(self, url: str, error: Failing) -> None:
        """An object could not be had, however often it was asked for. Raises CollectError."""
        self._notify(Notice(url, "failing", f"{url} waits for the next run: {error.message}", left=True))
        self._first = self._first or error
        self._failed += 1
        self._in_a_row += 1
        if self._in_a_row == _IN_A_ROW:
            raise error

    def end(self) -> None:
        """Everything was asked for. Raises CollectError.

        Where the service failed, so did the run, though all the rest was read: it may be about to fail
        altogether, and only the status of a failed source tells whoever watches over it. A refusal is
        lasting and the object's own, so that is told as what was left.
        """
        denied = any(notice.reason == "denied" for notice in self._refused)
        if denied and (not self._proven or len(self._refused) >= _NO_ACCIDENT):
            self._tell_or_give_up()
        self._tell_refused()
        if self._first is not None:
            left = count(self._failed, "object waits", "objects wait")
            raise CollectError(f"{self._first.message}; {left} for the next run", hint=self._first.hint)

    def _tell_or_give_up(self) -> None:
        if not (self._proven and self._still_readable()):
            raise self._unreadable()
        self._read = True
        self._tell_refused()

    def _tell_refused(self) -> None:
        for notice in self._refused:
            self._notify(notice)
        self._refused.clear()

    def _unreadable(self) -> CollectError:
        which = "its new objects" if self._proven else "its objects"
        tried = f"none of {len(self._refused)} tried; {self._refused[0].message}"
        return CollectError(
            f"{self._source}: {which} may not be read, {tried}",
            hint=RIGHTS,
        )
