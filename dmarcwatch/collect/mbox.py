"""mbox: many mails in one file, read as a stream.

The format has no standard, only habits (RFC 4155, and the variants mboxo and mboxrd). A mail begins
at a line `From ` after an empty line or at the start, and the next line must look like a header
field: so prose that begins with "From " and was not quoted does not cut a mail in two. Lines of the
mail that begin with `From ` are quoted with `>`; one is taken off (mboxrd), which a DKIM signature
over the body needs. Content-Length (mboxcl) is not believed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from dmarcwatch.collect.batches import MAX_HEAD_BYTES, head

_FROM = b"From "
_QUOTED = re.compile(rb">+From ")
# A field of RFC 5322 section 2.2, with obsolete white space before the colon (4.5); or the quoted
# `From ` line that some transports put first.
_FIELD = re.compile(rb">?From |[!-9;-~]+[ \t]*:")
_EMPTY = (b"\n", b"\r\n")
_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """One mail of an mbox."""

    offset: int
    """Where its `From ` line begins in the file, in bytes."""
    data: bytes
    """The mail, or its head alone where it exceeds the bound."""
    size: int | None
    """Bytes of a mail that exceeds the bound, else None."""


@dataclass(slots=True)
class _Growing:
    """A mail being read: its lines as long as they fit, and its size in any case."""

    offset: int
    limit: int
    lines: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, line: bytes) -> None:
        self.size += len(line)
        if self.size - len(line) <= max(self.limit, MAX_HEAD_BYTES):
            self.lines.append(line)

    def done(self) -> Message:
        if self.lines and self.lines[-1] in _EMPTY and self.size <= self.limit:
            self.lines.pop()  # the empty line that belongs to the next `From `
        data = b"".join(self.lines)
        if self.size <= self.limit:
            return Message(self.offset, data, None)
        return Message(self.offset, head(data), self.size)


def is_mbox(start: bytes) -> bool:
    """Whether a file that begins with these bytes (at least its first two lines) is an mbox."""
    first, _, rest = start.partition(b"\n")
    return first.startswith(_FROM) and _FIELD.match(rest) is not None


def messages(stream: BinaryIO, max_bytes: int) -> Iterator[Message]:
    """The mails of an mbox in their order, one in memory at a time and at most `max_bytes` of it."""
    growing: _Growing | None = None
    for offset, line, begins in _lines(stream):
        if begins:
            if growing is not None:
                yield growing.done()
            growing = _Growing(offset, max_bytes)
        elif growing is not None:
            growing.add(line)
    if growing is not None:
        yield growing.done()


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Offset, unquoted line, and whether it begins a mail; a line of no end comes in parts."""
    offset, after_empty, at_start = 0, True, True
    line = stream.readline(_LINE_BYTES)
    while line:
        following = stream.readline(_LINE_BYTES)
        begins = after_empty and line.startswith(_FROM) and _FIELD.match(following) is not None
        quoted = at_start and _QUOTED.match(line)
        yield offset, line[1:] if quoted else line, begins
        offset += len(line)
        after_empty, at_start = at_start and line in _EMPTY, line.endswith(b"\n")
        line = following
