"""A zip archive's members, read from its directory within budgets.

A reader of its own, because `zipfile` lists a directory of any length and, before Python 3.11.8, lets
members overlap. Names are data: directories in them mean nothing here, and nothing is written by them.
"""

import itertools
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import NotAReport, TooLarge
from dmarcwatch.reasons import Reason
from dmarcwatch.text import clean
from dmarcwatch.unpack.archives import Content, Gauge, Packed, plain, small_bytes, small_content
from dmarcwatch.unpack.inflate import RAW, Meter, Stream

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_END_SEARCH = _END.size + 0xFFFF
"""The end record and the longest comment behind it (APPNOTE 4.3.16)."""
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64_LOCATOR_MAGIC = b"PK\x06\x07"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_MAGIC = b"PK\x06\x06"
_ENTRY = struct.Struct("<4s6H3L5H2L")
_ENTRY_MAGIC = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x2041
"""General purpose bits 0, 6 and 13 (APPNOTE 4.4.4)."""
_EXTRA = struct.Struct("<2H")
_ZIP64_EXTRA = 1
_IN_ZIP64 = 0xFFFFFFFF
"""Stands where the number is in the extra field (APPNOTE 4.5.3); some writers always do so."""


class Entry(NamedTuple):
    """One file as the directory describes it."""

    name: str
    """As written, directories included."""
    encrypted: bool
    method: int
    checksum: int
    size: int
    """Inflated, as claimed."""
    header: int
    """Where its local header begins."""
    start: int
    end: int
    """The packed bytes are `data[start:end]`."""


def entries(data: bytes, budgets: Budgets) -> list[Entry]:
    """The files of a zip archive in the order of its directory, without directories.

    Raises NotAReport for an archive that is damaged or whose members overlap, TooLarge for one of more
    than `max_members`.
    """
    start, end, shift = _directory(data)
    found: list[Entry] = []
    position = start
    for count in itertools.count(1):
        if not data.startswith(_ENTRY_MAGIC, position, end):
            break
        if count > budgets.max_members:
            raise TooLarge(Reason.MEMBERS, f"a zip archive of more than {budgets.max_members} members")
        entry, position = _entry(data, position, end, shift=shift)
        if entry.end > start:
            raise _damaged(entry.name)
        if not entry.name.endswith("/"):
            found.append(entry)
    in_place = sorted(found, key=lambda entry: entry.header)
    if any(one.end > two.header for one, two in pairwise(in_place)):
        raise NotAReport(Reason.OVERLAPPING_MEMBERS, "a zip archive whose members share bytes")
    return found


def read_entry(data: bytes, entry: Entry, meter: Meter) -> Content:
    """Inflate and measure one file; a cut or damaged one as far as it goes.

    Raises NotAReport where it cannot be read at all or lies about its size, and TooLarge.
    """
    if entry.encrypted:
        raise NotAReport(Reason.ENCRYPTED, "a member of a zip archive is encrypted")
    if entry.method == _STORED:
        content = plain(entry.name, data[entry.start : entry.end], meter)
        if content.size != entry.size:
            raise _lying(entry, content.size)
        return content
    if entry.method != _DEFLATED:
        raise NotAReport(Reason.UNSUPPORTED, f"a zip member packed by method {entry.method}")
    return _inflate(data, entry, meter)


def _inflate(data: bytes, entry: Entry, meter: Meter) -> Content:
    packed = Packed(data[entry.start : entry.end], RAW)
    small = small_bytes(packed, meter)
    if small is not None and len(small) == entry.size and zlib.crc32(small) == entry.checksum:
        return small_content(entry.name, small, packed, meter)
    stream = Stream(packed.data, (0, len(packed.data)), window=RAW, meter=meter.document())
    gauge, checksum = Gauge(), 0
    for piece in stream:
        gauge.feed(piece)
        checksum = zlib.crc32(piece, checksum)
    if stream.whole and gauge.size != entry.size:
        raise _lying(entry, gauge.size)
    gauge.truncated = not stream.whole or checksum != entry.checksum
    return gauge.content(entry.name, packed, meter)


def _directory(data: bytes) -> tuple[int, int, int]:
    """Where the directory begins and ends, and how far behind their claimed places things really lie."""
    end = data.rfind(_END_MAGIC, max(0, len(data) - _END_SEARCH))
    if end < 0 or end + _END.size > len(data):
        raise _damaged("its directory; it was cut")
    size, start = _END.unpack_from(data, end)[5:7]
    locator = end - _END64_LOCATOR.size
    if start == _IN_ZIP64 and data.startswith(_END64_LOCATOR_MAGIC, max(0, locator)):
        end = data.rfind(_END64_MAGIC, 0, locator)
        if end < 0 or end + _END64.size > len(data):
            raise _damaged("its directory")
        size, start = _END64.unpack_from(data, end)[8:10]
    # The directory ends where its end record begins, whatever stands before the archive.
    shift = end - size - start
    if end - size < 0 or shift < 0:
        raise _damaged("its directory")
    return end - size, end, shift


def _entry(data: bytes, position: int, end: int, *, shift: int) -> tuple[Entry, int]:
    """The directory's entry at `position`, and where the next one begins."""
    if position + _ENTRY.size > end:
        raise _damaged("its directory")
    header = _ENTRY.unpack_from(data, position)
    flags, method, checksum, packed, size = header[3], header[4], *header[7:10]
    name_bytes, extra_bytes, comment_bytes, offset = *header[10:13], header[16]
    position += _ENTRY.size
    name = data[position : position + name_bytes].decode("utf-8", "replace")
    extra = data[position + name_bytes : position + name_bytes + extra_bytes]
    size, packed, offset = _zip64(extra, (size, packed, offset))
    offset += shift
    if not data.startswith(_LOCAL_MAGIC, offset) or offset + _LOCAL.size > len(data):
        raise _damaged(name)
    start = offset + _LOCAL.size + sum(_LOCAL.unpack_from(data, offset)[9:11])
    entry = Entry(name, bool(flags & _ENCRYPTED), method, checksum, size, offset, start, start + packed)
    return entry, position + name_bytes + extra_bytes + comment_bytes


def _zip64(extra: bytes, numbers: tuple[int, int, int]) -> Iterator[int]:
    """`numbers` with those that stand in the extra field put in."""
    place = 0
    wide = b""
    while _IN_ZIP64 in numbers and place + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, place)
        place += _EXTRA.size + length
        if kind == _ZIP64_EXTRA:
            wide = extra[place - length : place]
    for number in numbers:
        if number == _IN_ZIP64 and len(wide) >= 8:
            number, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        yield number


def _damaged(what: str) -> NotAReport:
    return NotAReport(Reason.DAMAGED, f"a damaged zip archive: {clean(what, 100)}")


def _lying(entry: Entry, size: int) -> NotAReport:
    return NotAReport(Reason.LYING_SIZES, f"a zip member said to be {entry.size} bytes inflates to {size}")
