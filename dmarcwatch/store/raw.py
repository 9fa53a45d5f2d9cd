"""The bytes as they came, and what could not be read of them."""

import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any

from dmarcwatch.arrival import Arrival
from dmarcwatch.errors import ConfigError
from dmarcwatch.prepared import Refused
from dmarcwatch.store.identity import iso

_REJECT_COLUMNS = ("id", "received_at", "reason", "size", "name", "origin", "message")

COMPRESS_BYTES = 2048
"""Items above this are kept compressed when that saves a tenth; smaller ones fill no page anyway."""


LARGE_BYTES = 1024 * 1024
"""Items above this are written piece by piece, because SQLite copies a value twice before it is on a page."""
_PIECE_BYTES = 64 * 1024
_PACKED = (b"\x1f\x8b", b"PK\x03\x04")
"""How gzip and zip begin: what is compressed already is kept as it is."""


def encoded(data: bytes) -> tuple[str, bytes]:
    """An item's bytes as they are kept, and the word for how."""
    if len(data) > COMPRESS_BYTES and not data.startswith(_PACKED):
        packed = zlib.compress(data, 1)
        if len(packed) < len(data) * 0.9:
            return "zlib", packed
    return "raw", data


def write_large(connection: sqlite3.Connection, item: int, data: bytes) -> None:
    """Keep an item's bytes with no copy of them in memory."""
    encoding, kept = encoded(data)
    connection.execute(
        "INSERT INTO _raw (item, encoding, bytes) VALUES (?, ?, zeroblob(?))", (item, encoding, len(kept))
    )
    view = memoryview(kept)
    with connection.blobopen("_raw", "bytes", item) as blob:
        for start in range(0, len(kept), _PIECE_BYTES):
            blob.write(view[start : start + _PIECE_BYTES])


def rejects(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every reject as a plain row, newest first."""
    rows = connection.execute(f"SELECT {', '.join(_REJECT_COLUMNS)} FROM rejects ORDER BY id DESC")
    return [dict(zip(_REJECT_COLUMNS, row, strict=True)) for row in rows]


def knows_reject(connection: sqlite3.Connection, item: int, arrival: Arrival, refused: Refused) -> bool:
    """Whether another item of the same bytes and moment gave no report for the same reason."""
    received = arrival.received_at and iso(arrival.received_at)
    known = connection.execute(
        "SELECT 1 FROM rejects WHERE sha256 = ? AND size = ? AND received_at IS ? AND name = ? "
        "AND reason = ? AND item <> ?",
        (arrival.sha256, arrival.size, received, refused.name, refused.reason, item),
    )
    return known.fetchone() is not None


def reject_bytes(connection: sqlite3.Connection, identity: int) -> bytes:
    """The bytes of the item behind a reject. Raises ConfigError for an id that is not there."""
    row = connection.execute("SELECT item FROM rejects WHERE id = ?", (identity,)).fetchone()
    if row is None:
        raise ConfigError([f"There is no reject {identity}."], hint="`dmarcwatch rejects` lists them.")
    return item_bytes(connection, row[0])


def report_item(connection: sqlite3.Connection, report: int) -> tuple[bytes, str]:
    """The bytes of the item that brought a report, and the SHA-256 of the report's own document in it."""
    row = connection.execute("SELECT item, sha256 FROM reports WHERE id = ?", (report,)).fetchone()
    if row is None:
        raise ConfigError([f"There is no report {report}."], hint="Ids are in the table `reports`.")
    return item_bytes(connection, row[0]), row[1]


def item_bytes(connection: sqlite3.Connection, item: int) -> bytes:
    """The bytes of an item. Raises ConfigError where they were not kept."""
    row = connection.execute("SELECT encoding, bytes FROM _raw WHERE item = ?", (item,)).fetchone()
    if row is None:
        raise ConfigError([f"The bytes of item {item} are no longer kept."], hint="See `dmarcwatch prune`.")
    return _decoded(row[0], row[1])


def all_items(connection: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
    """Every kept item's id and bytes, in the order they came."""
    for item, encoding, data in connection.execute("SELECT item, encoding, bytes FROM _raw ORDER BY item"):
        yield item, _decoded(encoding, data)


def _decoded(encoding: str, data: bytes) -> bytes:
    return zlib.decompress(data) if encoding == "zlib" else data
