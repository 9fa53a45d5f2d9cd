"""What gzip data and zip archives hold, measured in one bounded pass: one layer, no recursion.

A layer is one archive. What lies packed inside a packed file again is said to be so (`nested-archive`)
and not opened: no reporter packs twice, and bombs do.
"""

import hashlib
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from dmarcwatch.errors import TooLarge
from dmarcwatch.reasons import Reason
from dmarcwatch.unpack.inflate import CHUNK_BYTES, GZIP, RAW, DocumentMeter, Meter, Stream, inflate_small
from dmarcwatch.unpack.sniff import GZIP_MAGIC, HEAD_BYTES, begins_document

KEPT_BYTES = 4 * 1024 * 1024
"""Content up to this size is kept inflated, larger content is inflated again when it is read."""
_ALL_KEPT_BYTES = 8 * KEPT_BYTES
"""The same for all documents of an item together: a hundred small ones must not fill the memory."""
_MAX_GZIP_MEMBERS = 10_000
"""Block-wise writers make one for each 64 KiB; an empty member costs 20 bytes, so their number is bounded."""


class Packed(NamedTuple):
    """Bytes as they came and how they are packed."""

    data: bytes
    window: int | None = None
    """`inflate.GZIP` or `inflate.RAW`; None for plain bytes."""

    def __repr__(self) -> str:
        return f"Packed({len(self.data)} bytes)"

    def chunks(self) -> Iterator[bytes]:
        """The inflated bytes in pieces of at most 64 KiB, as often as asked; without budgets."""
        if self.window is None:
            for start in range(0, len(self.data), CHUNK_BYTES):
                yield self.data[start : start + CHUNK_BYTES]
        elif self.window == GZIP:
            for stream in gzip_streams(self.data, None):
                yield from stream
        else:
            yield from Stream(self.data, (0, len(self.data)), window=self.window)


class Content(NamedTuple):
    """One run of bytes out of an archive or a mail, measured."""

    name: str
    sha256: str
    size: int
    head: bytes
    """The first `HEAD_BYTES`."""
    packed: Packed
    truncated: bool = False
    """True where the archive was cut or is damaged: this is what could be got out of it."""


class Gauge:
    """Measures content piece by piece."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._kept: list[bytes] = []
        self.size = 0
        self.truncated = False

    def feed(self, piece: bytes) -> None:
        """Take the next piece in."""
        self._digest.update(piece)
        if self.size <= KEPT_BYTES:
            self._kept.append(piece)
        self.size += len(piece)

    def content(self, name: str, packed: Packed, meter: Meter) -> Content:
        """What was fed; `packed` is where it came from."""
        kept = b"".join(self._kept)
        keep = self.size <= KEPT_BYTES and meter.keep(self.size, most=_ALL_KEPT_BYTES)
        source = Packed(kept) if keep else packed
        return Content(name, self._digest.hexdigest(), self.size, kept[:HEAD_BYTES], source, self.truncated)


def plain(name: str, data: bytes, meter: Meter) -> Content:
    """Content that is not packed at all."""
    meter.document().add(len(data), consumed=len(data))
    return Content(name, hashlib.sha256(data).hexdigest(), len(data), data[:HEAD_BYTES], Packed(data))


def gzip_streams(data: bytes, meter: DocumentMeter | None) -> Iterator[Stream]:
    """The members of gzip data one after the other (RFC 1952 section 2.2); iterate each before the next.

    Whatever follows the last one is ignored, as gzip itself does: Mimecast adds a line end.
    """
    position = members = 0
    while data.startswith(GZIP_MAGIC, position):
        members += 1
        if members > _MAX_GZIP_MEMBERS:
            raise TooLarge(Reason.MEMBERS, f"gzip data of more than {_MAX_GZIP_MEMBERS} members")
        stream = Stream(data, (position, len(data)), window=GZIP, meter=meter)
        yield stream
        if not stream.whole:
            return
        position = stream.end


def small_bytes(packed: Packed, meter: Meter) -> bytes | None:
    """What one packed document inflates to, if it is small and whole; not counted yet."""
    budgets = meter.budgets
    limit = min(KEPT_BYTES, budgets.ratio_free_bytes, budgets.max_inflated_bytes)
    return inflate_small(packed.data, window=packed.window or RAW, limit=limit)


def small_content(name: str, inflated: bytes, packed: Packed, meter: Meter) -> Content:
    """The content of a small document. Raises TooLarge."""
    size = len(inflated)
    meter.document().add(size, consumed=len(packed.data))
    source = Packed(inflated) if meter.keep(size, most=_ALL_KEPT_BYTES) else packed
    return Content(name, hashlib.sha256(inflated).hexdigest(), size, inflated[:HEAD_BYTES], source)


def gunzip(name: str, data: bytes, meter: Meter) -> list[Content]:
    """What gzip data holds: its members joined, or several documents where each member begins one.

    Raises TooLarge.
    """
    packed = Packed(data, GZIP)
    small = small_bytes(packed, meter)
    if small is not None:
        return [small_content(name, small, packed, meter)]
    contents: list[Content] = []
    gauge, start = Gauge(), 0
    for stream in gzip_streams(data, meter.document()):
        pieces = iter(stream)
        first = next(pieces, b"")
        if gauge.size and begins_document(first):
            contents.append(gauge.content(name, Packed(data[start : stream.start], GZIP), meter))
            gauge, start = Gauge(), stream.start
        for piece in chain((first,), pieces):
            gauge.feed(piece)
        # What inflates to nothing behind a whole member is garbage that begins like gzip.
        gauge.truncated = not stream.whole and (stream.size > 0 or stream.start == 0)
    contents.append(gauge.content(name, Packed(data[start:], GZIP), meter))
    return contents
