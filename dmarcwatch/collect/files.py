"""Files, folders, mboxes and standard input.

A file is remembered by path, size and time, so one that did not change is not opened again. A mail
of an mbox is remembered by where it stands and what it says; the mbox as a whole, once read to its
end, by size and time in the collector's position.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from io import BufferedReader, FileIO
from typing import BinaryIO, cast

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Item, Memory, Notice, Notify, unheard
from dmarcwatch.collect.batches import MAX_HEAD_BYTES, unseen
from dmarcwatch.collect.folders import SQLITE_MAGIC, FoundFile, cannot_read, find, listed, unreadable
from dmarcwatch.collect.mbox import Message, is_mbox, messages
from dmarcwatch.collect.sources import FileSource
from dmarcwatch.collect.tidy import tidy

_SPOOL_BYTES = 8 * 1024 * 1024
"""What is kept of a stream in memory before it goes to a temporary file."""
_CHUNK_BYTES = 1024 * 1024


class FileCollector:
    """One file, or every file of a folder and of the folders in it (`folders.walk` says which)."""

    def __init__(
        self, source: FileSource, *, budgets: Budgets | None = None, notify: Notify = unheard
    ) -> None:
        self._source = source
        self._root = source.path.absolute()
        self._budgets = budgets or Budgets()
        self._notify = notify

    @property
    def source(self) -> str:
        """The absolute path."""
        return self._source.name

    @property
    def local(self) -> bool:
        """True unless configured otherwise or the path is an mbox: anybody can send mail to that."""
        if self._source.trusted is not None:
            return self._source.trusted
        try:
            with self._root.open("rb") as stream:
                return not is_mbox(stream.read(MAX_HEAD_BYTES))
        except OSError:  # a folder; or it will be said when it is read
            return True

    def items(self, memory: Memory) -> Iterator[Item]:
        """What is new or has changed, sorted by path."""
        mboxes = _bookmarks(memory.position())
        for found in unseen(self._found(), lambda found: found.token, memory):
            if mboxes and mboxes.get(found.name) == found.token:
                continue
            if not found.size:  # mail programs leave an mbox behind when its last mail is taken out
                self._notify(Notice(found.name, "empty", f"{found.name} is empty", left=False))
                continue
            try:
                was_mbox = yield from self._read(found, memory)
            except OSError as error:
                if found.path == self._root:
                    raise cannot_read(found.path, error) from error
                self._notify(unreadable(found.path, error))
                continue
            if was_mbox:
                mboxes[found.name] = found.token
                memory.advance(json.dumps(mboxes))

    def settle(self, items: Sequence[Item]) -> None:
        """Move or delete the files, as configured; what changed since it was read is left."""
        tidy(items, self._source, self._notify)

    def close(self) -> None:
        """Nothing stays open between two items but the file being read."""

    def _found(self) -> Iterator[FoundFile]:
        if self._root.is_dir():
            done = self._source.done
            yield from listed(self._root, skip=done and done.absolute(), notify=self._notify)
        else:
            yield find(self._root)

    def _read(self, found: FoundFile, memory: Memory) -> Generator[Item, None, bool]:
        """Yield the items of one file; the result says whether it was an mbox."""
        limit = self._budgets.max_inflated_bytes  # a bare XML file is its own inflated form
        # One byte more than there should be, so that one call reads all and sees the end.
        with FileIO(found.location) as file:
            start = file.read(min(found.size + 1, MAX_HEAD_BYTES))
            if is_mbox(start):
                file.seek(0)
                with BufferedReader(file) as mbox:
                    yield from _mails(mbox, found.name, memory, self._budgets.max_message_bytes)
                return True
            if start.startswith(SQLITE_MAGIC):
                return False
            whole = len(start) <= found.size < MAX_HEAD_BYTES
            too_large = found.size > limit
            data = b"" if too_large else start if whole else (start + file.readall())[:limit]
        yield Item(found.name, found.token, data, size=found.size if too_large else None)
        return False


class StreamCollector:
    """Standard input or a named pipe: a mail, an archive, a report, or an mbox."""

    def __init__(
        self,
        opener: Callable[[], AbstractContextManager[BinaryIO]],
        name: str,
        *,
        budgets: Budgets | None = None,
    ) -> None:
        self._opener = opener
        self._name = name
        self._budgets = budgets or Budgets()

    @property
    def source(self) -> str:
        """`-`, or the path of the pipe."""
        return self._name

    @property
    def local(self) -> bool:
        """True: the user piped it in."""
        return True

    def items(self, memory: Memory) -> Iterator[Item]:
        """The stream as one item, or the mails of an mbox; content that came before is left out."""
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as temporary, self._opener() as stream:
            spool = cast("BinaryIO", temporary)
            digest, size = hashlib.sha256(), 0
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                spool.write(chunk)
            spool.seek(0)
            if is_mbox(_start(spool)):
                yield from _mails(spool, self._name, memory, self._budgets.max_message_bytes)
                return
            limit = self._budgets.max_inflated_bytes
            token = f"sha256 {digest.hexdigest()}"
            if size and not memory.seen([token]):
                data = b"" if size > limit else spool.read()
                yield Item(self._name, token, data, size=size if size > limit else None)

    def settle(self, items: Sequence[Item]) -> None:
        """Nothing: what came through a pipe is gone already."""

    def close(self) -> None:
        """Nothing stays open."""


def _mails(stream: BinaryIO, name: str, memory: Memory, limit: int) -> Iterator[Item]:
    def token(message: Message) -> str:
        digest = hashlib.sha256(message.data).hexdigest()[:32]
        return f"mbox {name} {message.offset} {digest}"

    # One question for each mail: a batch would hold all its mails in memory.
    for message in unseen(messages(stream, limit), token, memory, at_once=1):
        yield Item(
            origin=f"{name}#{message.offset}",
            token=token(message),
            data=message.data,
            size=message.size,
            headers_only=message.size is not None,
        )


def _start(stream: BinaryIO) -> bytes:
    start = stream.read(MAX_HEAD_BYTES)
    stream.seek(0)
    return start


def _bookmarks(position: str | None) -> dict[str, str]:
    """The mboxes read to their end, by name, with the token each had."""
    return json.loads(position) if position else {}
