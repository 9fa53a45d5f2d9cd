"""Maildir: one file a mail, in `new` and `cur` (cr.yp.to/proto/maildir.html).

The part of a file name before `:2,` stays the same while flags change, and the content never does,
so that part is what a mail is remembered by.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Item, Memory, Notify, unheard
from dmarcwatch.collect.batches import MAX_HEAD_BYTES, head, unseen
from dmarcwatch.collect.folders import cannot_read, unreadable
from dmarcwatch.collect.sources import FileSource, Settle, printable
from dmarcwatch.collect.tidy import remove
from dmarcwatch.errors import CollectError

_FLAGS = ":2,"


def is_maildir(path: Path) -> bool:
    """Whether a folder is a Maildir; `tmp` may be missing in a copy."""
    return (path / "cur").is_dir() and (path / "new").is_dir()


class MaildirCollector:
    """The mails of one Maildir. Its subfolders (Maildir++) are sources of their own."""

    def __init__(
        self, source: FileSource, *, budgets: Budgets | None = None, notify: Notify = unheard
    ) -> None:
        self._source = source
        self._root = source.path.absolute()
        self._budgets = budgets or Budgets()
        self._notify = notify
        self._where: dict[str, Path] = {}
        """Where each mail lay when the folders were last listed, by token."""

    @property
    def source(self) -> str:
        """The absolute path."""
        return self._source.name

    @property
    def local(self) -> bool:
        """False unless configured otherwise: anybody can send mail to a mailbox."""
        return bool(self._source.trusted)

    def items(self, memory: Memory) -> Iterator[Item]:
        """The mails not read yet, oldest delivery first."""
        self._list()
        for token in unseen(sorted(self._where, key=_order), str, memory):
            path = self._current(token)
            try:
                if path is None:
                    raise FileNotFoundError
                yield self._read(token, path)
            except OSError as error:
                self._notify(unreadable(path or self._root / token, error))

    def settle(self, items: Sequence[Item]) -> None:
        """Mark, move or delete the mails, as configured."""
        if self._source.settle is Settle.NOTHING:
            return
        for item in items:
            path = self._current(item.token)
            if path is None:
                continue
            if self._source.settle is Settle.SEEN:
                self._mark_seen(path, item.token)
            else:
                remove(path, self._source)

    def close(self) -> None:
        """Nothing stays open."""

    def _list(self) -> None:
        try:
            self._where = {
                printable(Path(path.name.partition(_FLAGS)[0])): path
                for folder in ("new", "cur")
                for path in (self._root / folder).iterdir()
                if not path.name.startswith(".")
            }
        except OSError as error:
            raise cannot_read(self._root, error) from error

    def _current(self, token: str) -> Path | None:
        """Where a mail lies now, its flags may have changed; None where it is gone."""
        path = self._where.get(token)
        if path is None or not path.exists():
            self._list()
        return self._where.get(token)

    def _read(self, token: str, path: Path) -> Item:
        limit = self._budgets.max_message_bytes
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(0)
            too_large = size > limit
            data = head(stream.read(MAX_HEAD_BYTES)) if too_large else stream.read(limit)
        return Item(
            origin=f"{self._source.name}/{token}",
            token=token,
            data=data,
            received_at=_delivered(token),
            size=size if too_large else None,
            headers_only=too_large,
        )

    def _mark_seen(self, path: Path, token: str) -> None:
        name, _, flags = path.name.partition(_FLAGS)
        marked = "".join(sorted({*flags, "S"}))  # flags stand in ASCII order
        target = self._root / "cur" / f"{name}{_FLAGS}{marked}"
        try:
            path.rename(target)
        except OSError as error:
            raise CollectError(
                f"{printable(path)} is stored but cannot be marked as seen: {error.strerror}",
                hint="Give the user who runs dmarcwatch the right to write there, or set settle to nothing.",
            ) from error
        self._where[token] = target


def _order(token: str) -> tuple[int, str]:
    """Time of delivery, then name; a name that does not begin with a time comes first."""
    seconds = token.partition(".")[0]
    return (int(seconds) if seconds.isdecimal() and len(seconds) <= 12 else 0, token)


def _delivered(token: str) -> datetime | None:
    """The time of delivery, with which a name begins; None where it does not."""
    seconds = _order(token)[0]
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
