"""One deflate stream inflated in pieces, within budgets: the only place that calls zlib.

The sizes that gzip and zip write down are a stranger's claims, so nothing here asks for them.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import TooLarge
from dmarcwatch.reasons import Reason

CHUNK_BYTES: Final = 64 * 1024
"""No piece is longer."""
GZIP: Final = 31
"""zlib's window bits for a gzip member, whose checksum it verifies."""
RAW: Final = -15
"""The same for a bare stream, as zip members are."""

_SMALL_BYTES = 128 * 1024
"""Compressed; what is larger would often be inflated in vain."""
_STEP = 16 * 1024
"""Compressed bytes given to zlib at a time; what it has not used is copied, so not all at once."""
_CAREFUL_STEPS = 1 << 13
"""A damaged stream is cut into so many steps: zlib keeps back what it inflated in the call that fails."""


def inflate_small(data: bytes, *, window: int, limit: int) -> bytes | None:
    """What data inflates to that is one whole stream, nothing behind it, of at most `limit` bytes.

    None for all else, which is for `Stream` to read: this is the short way for the usual report.
    """
    if len(data) > _SMALL_BYTES:
        return None
    stream = zlib.decompressobj(window)
    try:
        inflated = stream.decompress(data, limit)
    except zlib.error:
        return None
    return inflated if stream.eof and not stream.unused_data else None


class Meter:
    """What one item has inflated to so far, all its documents together."""

    def __init__(self, budgets: Budgets) -> None:
        self.budgets = budgets
        self._inflated = 0
        self._documents = 0
        self._kept = 0

    def document(self) -> "DocumentMeter":
        """The meter of one more document. Raises TooLarge for more than `max_parts` in one item."""
        self._documents += 1
        if self._documents > self.budgets.max_parts:
            raise TooLarge(Reason.PARTS, f"more than {self.budgets.max_parts} packed files in one item")
        return DocumentMeter(self)

    def keep(self, size: int, *, most: int) -> bool:
        """True if `size` more bytes may stay in memory, of `most` altogether."""
        if self._kept + size > most:
            return False
        self._kept += size
        return True

    def add(self, size: int) -> None:
        """Count `size` more bytes. Raises TooLarge, for the item as for one document."""
        self._inflated += size
        if self._inflated > self.budgets.max_inflated_bytes:
            limit = self.budgets.max_inflated_bytes
            raise TooLarge(Reason.INFLATED_BYTES, f"inflates to more than {limit} bytes")


class DocumentMeter:
    """What one document has inflated to so far."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._size = 0

    def add(self, size: int, *, consumed: int) -> None:
        """Count `size` more bytes that came out of `consumed` so far. Raises TooLarge."""
        self._meter.add(size)
        self._size += size
        budgets = self._meter.budgets
        if self._size > budgets.ratio_free_bytes and self._size > budgets.max_ratio * consumed:
            raise TooLarge(Reason.RATIO, f"inflates to more than {budgets.max_ratio} times its size")


class Stream:
    """One deflate stream in `data` that begins at the start of `span`; iterate it once.

    Iteration ends at the stream's end, at the end of `span` and where the stream is damaged; `whole`
    tells the first from the rest. Raises TooLarge where a `meter` is given.
    """

    def __init__(
        self, data: bytes, span: tuple[int, int], *, window: int, meter: DocumentMeter | None = None
    ) -> None:
        self._data = data
        self.start, self._limit = span
        self._window = window
        self._meter = meter
        self.size = 0
        """Bytes inflated so far."""
        self.end = self.start
        """Behind the last compressed byte used so far."""
        self.whole = False
        """True once the stream has ended as it should, a gzip member's checksum included."""

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces(_STEP):
                yield self._counted(piece)
        except zlib.error:
            yield from self._rest_of_damaged()

    def _rest_of_damaged(self) -> Iterator[bytes]:
        """What a second, careful reading gets out of the stream beyond the first one."""
        step = max(1, (self._limit - self.start) // _CAREFUL_STEPS)
        known, seen = self.size, 0
        try:
            for piece in self._pieces(step):
                seen += len(piece)
                if seen > known:
                    yield self._counted(piece[known - seen :] if seen - len(piece) < known else piece)
        except zlib.error:
            self.whole = False

    def _counted(self, piece: bytes) -> bytes:
        self.size += len(piece)
        if self._meter:
            self._meter.add(len(piece), consumed=self.end)
        return piece

    def _pieces(self, step: int) -> Iterator[bytes]:
        stream = zlib.decompressobj(self._window)
        for position in range(self.start, self._limit, step):
            stop = min(position + step, self._limit)
            pending, piece = self._data[position:stop], b""
            while (pending or len(piece) == CHUNK_BYTES) and not stream.eof:
                piece = stream.decompress(pending, CHUNK_BYTES)
                pending = stream.unconsumed_tail
                self.end = stop - len(stream.unused_data if stream.eof else pending)
                if piece:
                    yield piece
            if stream.eof:
                self.whole = True
                return
