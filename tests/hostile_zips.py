"""Zip archives as an attacker would write them, field by field; see `tests.hostile`."""

import struct
import zlib
from collections.abc import Callable

from tests.mail_build import gz, report, zipped

MEGABYTE = 1 << 20


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


class Zip:
    """A zip archive written field by field, so that any of them can lie."""

    def __init__(self) -> None:
        self.body = b""
        self.directory = b""
        self.members = 0

    def local(self, name: bytes, packed: bytes, *, method: int = 8, flags: int = 0) -> int:
        """Append a member; where its header begins."""
        start = len(self.body)
        self.body += struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, method, 0, 0, 0, 0, 0, len(name), 0)
        self.body += name + packed
        return start

    def entry(
        self, name: bytes, start: int, packed: int, size: int, *, crc: int = 0, method: int = 8, flags: int = 0,
        extra: bytes = b"",
    ) -> None:  # fmt: skip
        """Append an entry of the directory, true or not."""
        fields = (20, 20, flags, method, 0, 0, crc, packed, size, len(name), len(extra), 0, 0, 0, 0, start)
        self.directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields) + name + extra
        self.members += 1

    def add(self, name: bytes, data: bytes, *, size: int | None = None) -> None:
        """A member like any other, but for its claimed size."""
        packed = deflated(data)
        start = self.local(name, packed)
        self.entry(name, start, len(packed), len(data) if size is None else size, crc=zlib.crc32(data))

    def bytes(self, *, directory_start: int | None = None) -> bytes:
        start = len(self.body) if directory_start is None else directory_start
        members = min(self.members, 0xFFFF)
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, members, members, len(self.directory), start, 0)
        return self.body + self.directory + end


def _zip_bomb(members: int) -> bytes:
    archive = Zip()
    for number in range(members):
        archive.add(b"%d.xml" % number, b"<feedback>" + b"\0" * (5 * MEGABYTE))
    return archive.bytes()


def _zip_directory_flood() -> bytes:
    archive = Zip()
    archive.local(b"a.xml", b"")
    archive.directory = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 16) * 400_000
    return archive.bytes()


def _zip_one_body_many_entries() -> bytes:
    """Every entry points at the same member: full overlap."""
    archive = Zip()
    packed = deflated(report())
    start = archive.local(b"a.xml", packed)
    for number in range(40):
        archive.entry(b"%d.xml" % number, start, len(packed), len(report()), crc=zlib.crc32(report()))
    return archive.bytes()


def _zip_quoted_overlap() -> bytes:
    """Each member's stored block quotes the next one's local header, so that all share one kernel."""
    kernel = deflated(b"<feedback>" + b"a" * MEGABYTE)
    archive = Zip()
    names = [b"%02d.xml" % number for number in range(20)]
    local = {
        name: struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, *[0] * 5, len(name), 0) + name for name in names
    }
    for place, name in enumerate(names):
        start = len(archive.body)
        archive.body += local[name]
        if place + 1 < len(names):  # a stored block whose content is the next local header
            quoted = len(local[names[place + 1]])
            archive.body += struct.pack("<BHH", 0, quoted, quoted ^ 0xFFFF)
        archive.directory += b"%d " % start
    starts = [int(start) for start in archive.directory.split()]
    archive.directory = b""
    archive.body += kernel
    for name, start in zip(names, starts, strict=True):
        packed = len(archive.body) - start - len(local[name])
        archive.entry(name, start, packed, MEGABYTE + 10)
    return archive.bytes()


def _zip_lying(size: int) -> bytes:
    archive = Zip()
    archive.add(b"a.xml", report(), size=size)
    return archive.bytes()


def _zip_stored_lying() -> bytes:
    archive = Zip()
    start = archive.local(b"a.xml", report(), method=0)
    archive.entry(b"a.xml", start, len(report()), 0xFFFFFFF0, method=0)
    return archive.bytes()


def _zip_member(**fields: int) -> bytes:
    archive = Zip()
    packed = deflated(report())
    start = archive.local(b"a.xml", packed)
    archive.entry(b"a.xml", start, len(packed), len(report()), **fields)
    return archive.bytes()


def _zip_far_away(**lies: int) -> bytes:
    archive = Zip()
    packed = deflated(report())
    start = archive.local(b"a.xml", packed)
    archive.entry(b"a.xml", lies.get("start", start), lies.get("packed", len(packed)), len(report()))
    return archive.bytes()


def _zip64(offset: int) -> bytes:
    archive = Zip()
    archive.local(b"a.xml", deflated(report()))
    extra = struct.pack("<2H3Q", 1, 24, len(report()), len(report()), offset)
    archive.entry(b"a.xml", 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, extra=extra)
    return archive.bytes()


ZIPS: dict[str, Callable[[], tuple[bytes, str | None]]] = {
    "zip-bomb": lambda: (_zip_bomb(1), "ratio"),
    "zip-bomb-of-many-members": lambda: (_zip_bomb(50), "ratio"),
    "zip-of-too-many-members": lambda: (zipped({f"{n}.xml": b"" for n in range(51)}), "members"),
    "zip-directory-flood": lambda: (_zip_directory_flood(), "members"),
    "zip-members-that-are-one": lambda: (_zip_one_body_many_entries(), "overlapping-members"),
    "zip-quoted-overlap": lambda: (_zip_quoted_overlap(), "overlapping-members"),
    "zip-claims-less": lambda: (_zip_lying(10), "lying-sizes"),
    "zip-claims-more": lambda: (_zip_lying(1 << 30), "lying-sizes"),
    "zip-stored-claims-more": lambda: (_zip_stored_lying(), "lying-sizes"),
    "zip-encrypted": lambda: (_zip_member(flags=1), "encrypted"),
    "zip-unknown-method": lambda: (_zip_member(method=99), "unsupported"),
    "zip-in-zip": lambda: (zipped({"a.zip": zipped({"a.xml": report()})}), "nested-archive"),
    "gzip-in-zip": lambda: (zipped({"a.xml.gz": gz(report())}), "nested-archive"),
    "zip-without-directory": lambda: (zipped({"a.xml": report()})[:200], "damaged"),
    "zip-directory-elsewhere": lambda: (Zip().bytes(directory_start=1 << 30), "damaged"),
    "zip-member-elsewhere": lambda: (_zip_far_away(start=1 << 30), "damaged"),
    "zip-member-into-directory": lambda: (_zip_far_away(packed=1 << 20), "damaged"),
    "zip64-beyond-everything": lambda: (_zip64((1 << 64) - 1), "damaged"),
    "zip-names-leave-the-directory": lambda: (zipped({"../../../etc/passwd.xml": report()}), None),
    "zip-names-are-absolute": lambda: (zipped({"C:\\windows\\system32\\a.xml": report()}), None),
    "zip-names-hold-terminal-codes": lambda: (zipped({"\x1b]0;owned\x07\u202elmx.a": report()}), None),
    "zip-name-of-sixty-thousand": lambda: (zipped({"n" * 60_000 + ".xml": report()}), None),
    "zip-two-of-one-name": lambda: (_zip_twins(), None),
}


def _zip_twins() -> bytes:
    archive = Zip()
    archive.add(b"a.xml", report("1"))
    archive.add(b"a.xml", report("2"))
    return archive.bytes()
