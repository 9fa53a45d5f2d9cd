"""Zip archives as programs write them, read as `zipfile` reads them."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import NotAReport
from dmarcwatch.unpack import unpack
from dmarcwatch.unpack.inflate import Meter
from dmarcwatch.unpack.zips import entries, read_entry
from tests.hostile_zips import Zip, deflated
from tests.mail_build import report

BUDGETS = Budgets()


def members(data: bytes) -> list[tuple[str, bytes, bool]]:
    found = [read_entry(data, entry, Meter(BUDGETS)) for entry in entries(data, BUDGETS)]
    return [(content.name, b"".join(content.packed.chunks()), content.truncated) for content in found]


class Pipe(io.RawIOBase):
    """A file that cannot seek, so that sizes are written behind each member."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += bytes(data)
        return len(data)


def streamed(contents: dict[str, bytes], method: int, *, comment: bytes = b"") -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        archive.comment = comment
        for name, data in contents.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    return pipe.data


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text("abc/ü!.", min_size=1, max_size=20).filter(lambda name: name[-1] != "/"), st.binary(max_size=300), max_size=5),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.binary(max_size=50),
)  # fmt: skip
def test_members_written_to_a_pipe_are_read_as_they_were(contents, method, comment):
    data = streamed(contents, method, comment=comment.replace(b"PK", b"KP"))
    assert members(data) == [(name, content, False) for name, content in contents.items()]


@pytest.mark.parametrize("cut", [1, 10, 22, 30, 60, 200, 300])
def test_an_archive_without_its_end_is_damaged(cut):
    data = streamed({"a.xml": report()}, zipfile.ZIP_DEFLATED)
    with pytest.raises(NotAReport) as caught:
        unpack(data[:-cut])
    assert caught.value.reason == "damaged"


def test_sizes_and_places_may_stand_in_the_zip64_field():
    archive = Zip()
    packed = deflated(report())
    start = archive.local(b"a.xml", packed)
    extra = struct.pack("<2H4s", 9, 4, b"else") + struct.pack(
        "<2H3Q", 1, 24, len(report()), len(packed), start
    )
    none = 0xFFFFFFFF
    archive.entry(b"a.xml", none, none, none, crc=zlib.crc32(report()), extra=extra)
    assert members(archive.bytes()) == [("a.xml", report(), False)]


def test_the_directory_may_be_described_by_a_zip64_record():
    archive = Zip()
    archive.add(b"a.xml", report())
    size, start = len(archive.directory), len(archive.body)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    data = archive.body + archive.directory + record + locator + end
    assert members(data) == [("a.xml", report(), False)]
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["a.xml"]


@pytest.mark.parametrize("garbage", [b"\r\n", b"-- \r\nlist footer" * 50])
def test_garbage_behind_an_archive_is_ignored(garbage):
    data = streamed({"a.xml": report()}, zipfile.ZIP_DEFLATED, comment=b"a comment")
    assert members(data + garbage) == [("a.xml", report(), False)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_mutated_archive_is_read_or_refused(edits):
    data = bytearray(streamed({"a.xml": report(), "b.xml": b"x" * 50}, zipfile.ZIP_DEFLATED))
    for place, value in edits:
        data[int(place * (len(data) - 1))] = value
    try:
        found = entries(bytes(data), BUDGETS)
    except NotAReport as error:
        assert error.reason in {"damaged", "overlapping-members"}
        return
    for entry in found:
        try:
            content = read_entry(bytes(data), entry, Meter(BUDGETS))
        except NotAReport as error:
            assert error.reason in {"lying-sizes", "encrypted", "unsupported"}
        else:
            assert content.truncated or content.size == entry.size
