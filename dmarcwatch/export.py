"""Rows as CSV, JSON lines or Parquet, written as they come: memory does not grow with their number."""

import csv
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from io import TextIOWrapper
from itertools import islice
from typing import IO, Any, NamedTuple

from dmarcwatch.cells import safe_cell
from dmarcwatch.errors import ConfigError

GROUP_ROWS = 10_000
"""Rows of one Parquet row group: with records 160 MB at most, whatever their number; 50,000 take 440."""


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Column(NamedTuple):
    """One column of what is written."""

    name: str
    type: str
    """`INTEGER`, `REAL`, `TEXT`, or `JSON` for text that holds an array or an object."""


class Rows(NamedTuple):
    """Columns, and rows as they are asked for."""

    columns: tuple[Column, ...]
    rows: Iterator[tuple[object, ...]]


def write(rows: Rows, form: Format, out: IO[bytes]) -> int:
    """Write the rows into `out`, which stays open; how many.

    Raises ConfigError where Parquet is asked for and pyarrow is not installed.
    """
    return _WRITERS[form](rows, out)


def _csv(rows: Rows, out: IO[bytes]) -> int:
    """RFC 4180 with a head. No cell begins a formula; NULL is an empty cell."""
    text = TextIOWrapper(out, "utf-8", newline="", write_through=False)
    writer = csv.writer(text)
    writer.writerow(column.name for column in rows.columns)
    count = 0
    for row in rows.rows:
        writer.writerow(safe_cell(cell) if isinstance(cell, str) else cell for cell in row)
        count += 1
    text.detach()
    return count


def _jsonl(rows: Rows, out: IO[bytes]) -> int:
    """One object a line; what the database keeps as JSON is an array or an object here as well."""
    names = [column.name for column in rows.columns]
    nested = [number for number, column in enumerate(rows.columns) if column.type == "JSON"]
    encode = json.JSONEncoder(ensure_ascii=False).encode
    count = 0
    for row in rows.rows:
        cells = list(row)
        for number in nested:
            cells[number] = _value(cells[number])
        out.write(f"{encode(dict(zip(names, cells, strict=True)))}\n".encode())
        count += 1
    return count


def _value(text: object) -> object:
    return json.loads(text) if isinstance(text, str) else text


def _parquet(rows: Rows, out: IO[bytes]) -> int:
    """Whole numbers as int64, shares as double, all else as text (JSON as its text)."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            ["Parquet needs pyarrow, which is not installed."], hint="pip install 'dmarcwatch[parquet]'"
        ) from None
    types = {"INTEGER": pyarrow.int64(), "REAL": pyarrow.float64()}
    schema = pyarrow.schema(
        [(column.name, types.get(column.type, pyarrow.string())) for column in rows.columns]
    )
    count = 0
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for group in _groups(rows.rows):
            count += len(group)
            writer.write_table(pyarrow.table(_by_column(group, rows.columns), schema=schema))
    return count


def _groups(rows: Iterator[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    while group := list(islice(rows, GROUP_ROWS)):
        yield group


def _by_column(group: list[tuple[object, ...]], columns: tuple[Column, ...]) -> dict[str, Any]:
    return {column.name: values for column, values in zip(columns, zip(*group, strict=True), strict=True)}


_WRITERS: dict[Format, Callable[[Rows, IO[bytes]], int]] = {
    Format.CSV: _csv,
    Format.JSONL: _jsonl,
    Format.PARQUET: _parquet,
}
