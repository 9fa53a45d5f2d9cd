"""Mails of an mbox that earlier increments read: a file that grows is read from where it has grown."""

from collections.abc import Sequence
from functools import lru_cache

import pyarrow.compute as pc

from dmarcwatch.scale.dataset import Dataset

MBOX = "mbox "
"""Begins the token of a mail in an mbox; of other files the list has left out already what was read."""


class MailsRead:
    """A collector's memory of one source, as the committed increments have it."""

    def __init__(self, uri: str, increments: tuple[int, ...], source: str, *, retry: bool) -> None:
        self._where = (uri, increments, source, retry)

    def position(self) -> str | None:
        """None: every object is read from its beginning."""
        return None

    def seen(self, tokens: Sequence[str]) -> frozenset[str]:
        """Those that are mails of an mbox and were read. Raises CollectError for a damaged data set."""
        mails = frozenset(token for token in tokens if token.startswith(MBOX))
        return mails & _mails(*self._where) if mails else mails

    def advance(self, position: str) -> None:
        """Nothing to remember."""


@lru_cache(maxsize=1)
def _mails(uri: str, increments: tuple[int, ...], source: str, retry: bool) -> frozenset[str]:
    dataset = Dataset(uri)
    # Where rejects are read again, a mail that has some counts as not read.
    wanted = (pc.field("source") == source) & pc.starts_with(pc.field("token"), MBOX)
    if retry:
        wanted &= pc.list_value_length(pc.field("rejects")) == 0
    return frozenset(
        token
        for increment in increments
        for name, size in dataset.manifest(increment)["items"].items()
        for token in dataset.shelf.read_table(name, size=size, columns=["token"], where=wanted)[
            "token"
        ].to_pylist()
    )
