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

_STEP = 16 * 1024
"""Compressed bytes given to zlib at a time; what it has not used is copied, so not all at once."""
_CAREFUL_STEPS = 1 << 16
"""A damaged stream is cut into so many steps: zlib keeps back what it inflated in the call that fails."""


class Meter:
    """What one item has inflated to so far."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._total = 0

    def add(self, size: int, *, document: int, consumed: int) -> None:
        """Count `size` more bytes of a document of now `document` bytes out of `consumed`.

        Raises TooLarge, for the total of an item as for one document: fifty members of a zip cost
        as much as one of their size together.
        """
        self._total += size
        budgets = self._budgets
        if self._total > budgets.max_inflated_bytes:
            raise TooLarge(Reason.INFLATED_BYTES, f"inflates to more than {budgets.max_inflated_bytes} bytes")
        if document > budgets.ratio_free_bytes and document > budgets.max_ratio * consumed:
            raise TooLarge(Reason.RATIO, f"inflates to more than {budgets.max_ratio} times its size")


class Stream:
    """One deflate stream in `data` from `start` on; iterate it once.

    Iteration ends at the stream's end, at the end of `data` and where the stream is damaged; `whole`
    tells the first from the rest. Raises TooLarge where a `meter` is given.
    """

    def __init__(self, data: bytes, start: int, end: int, *, window: int, meter: Meter | None = None) -> None:
        self._data = data
        self.start = start
        self._limit = end
        self._window = window
        self._meter = meter
        self.size = 0
        """Bytes inflated so far."""
        self.end = start
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
            self._meter.add(len(piece), document=self.size, consumed=self.end - self.start)
        return piece

    def _pieces(self, step: int) -> Iterator[bytes]:
        stream = zlib.decompressobj(self._window)
        for position in range(self.start, self._limit, step):
            stop = min(position + step, self._limit)
            pending, piece = self._data[position:stop], b""
            while (pending or len(piece) == CHUNK_BYTES) and not stream.eof:
                piece = stream.decompress(pending, CHUNK_BYTES)
                pending = stream.unconsumed_tail
                self.end = stop - len(pending) - len(stream.unused_data)
                if piece:
                    yield piece
            if stream.eof:
                self.whole = True
                return
