"""A part: what one batch of objects came to, in one file that is whole or refused.

Arrow streams stand one behind the other, each under its shard and name, so that whoever reduces a shard
reads its own range alone; then comes an index with their checksums, and a tail with the index's own.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

import pyarrow as pa

from dmarcwatch.scale.shelf import Shelf, Written

_MAGIC = b"DMWP1"
_TAIL = struct.Struct(f"<QI{len(_MAGIC)}s")
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")
_NO_SHARD = -1
_AGAIN = "Run the command again: its objects are read again, all others are kept."

Tables = Mapping[str, pa.Table]


class _Place(NamedTuple):
    shard: int
    name: str
    offset: int
    length: int
    checksum: int


def pack(shards: Mapping[int, Tables], common: Tables, notes: Mapping[str, Any]) -> bytes:
    """The bytes of a part: tables by shard, tables of the whole batch, and notes that JSON can hold."""
    written: list[bytes] = []
    places: list[_Place] = []
    offset = 0
    for shard, tables in [(_NO_SHARD, common), *sorted(shards.items())]:
        for name, table in tables.items():
            data = _stream(table)
            written.append(data)
            places.append(_Place(shard, name, offset, len(data), crc32(data)))
            offset += len(data)
    index = json.dumps({"places": places, "notes": notes}).encode()
    return b"".join([*written, index, _TAIL.pack(len(index), crc32(index), _MAGIC)])


class Part:
    """A part that lies on a shelf. Raises Written where it is not whole, and deletes it: its objects are
    read again, or stand in other parts as well.
    """

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._shelf = shelf
        self._name = name
        (tail,) = shelf.read_ranges(name, [(-_TAIL.size, _TAIL.size)])
        if len(tail) != _TAIL.size or not tail.endswith(_MAGIC):
            raise self._broken("it does not end as a part does")
        length, checksum, _ = _TAIL.unpack(tail)
        (index,) = shelf.read_ranges(name, [(-_TAIL.size - length, length)])
        if crc32(index) != checksum:
            raise self._broken("its index is damaged")
        document = json.loads(index)
        self.notes: dict[str, Any] = document["notes"]
        """What was noted beside the tables."""
        self._places = [_Place(*place) for place in document["places"]]

    def shard(self, shard: int) -> dict[str, pa.Table]:
        """The tables of a shard by name; empty where the batch had nothing for it."""
        places = [place for place in self._places if place.shard == shard]
        pieces = self._shelf.read_ranges(self._name, [(place.offset, place.length) for place in places])
        found = {}
        for place, data in zip(places, pieces, strict=True):
            if len(data) != place.length or crc32(data) != place.checksum:
                raise self._broken(f"table {place.name} is damaged")
            found[place.name] = pa.ipc.open_stream(data).read_all()
        return found

    def common(self) -> dict[str, pa.Table]:
        """The tables of the whole batch by name."""
        return self.shard(_NO_SHARD)

    def _broken(self, why: str) -> Written:
        self._shelf.delete(self._name)
        return Written(f"{self._shelf.uri}/{self._name} is not whole: {why}.", hint=_AGAIN)


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data
