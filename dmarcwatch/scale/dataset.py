"""What lies where in a data set, and which of it is committed.

`increments/N/manifest.json` is written last: without it nothing of increment N is read. Tables are files
named `TABLE/N-SHARD.parquet`; `increments/N/shards/S.json` lists those of a shard with their sizes, and the
manifest lists these lists with theirs.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.errors import ConfigError
from dmarcwatch.scale import schemas
from dmarcwatch.scale.shelf import Shelf, Written

_FORMAT = 1
_HEAD = "dataset.json"
_NUMBER = re.compile(r"\d{6}", re.ASCII)
_NOTED = ("items", "objects", "mail_hosts", "summary")
"""What every manifest has by name."""
DEFAULT_SHARDS = 8
SCHEMAS = {
    "reports": schemas.REPORTS,
    "stream_days": schemas.STREAM_DAYS,
    "pool_days": schemas.POOL_DAYS,
    "selector_days": schemas.SELECTOR_DAYS,
    "place_addresses": schemas.PLACE_ADDRESSES,
    "domain_days": schemas.DOMAIN_DAYS,
    "promoted": schemas.PROMOTED,
}
"""The tables of a shard that are one file each; `records` is one for each day."""


@dataclass(frozen=True, slots=True)
class ShardDone:
    """What reducing a shard came to: its files, and its share of the accounts."""

    files: Mapping[str, int] = field(default_factory=dict)
    """Size in bytes by name."""
    days: tuple[str, str] | None = None
    """First and last day of its reports, those of earlier increments that it changed as well."""
    tally: Mapping[str, int] = field(default_factory=dict)
    several: tuple[int, ...] = ()
    """Items with more than one document that brought a report: other shards may name them too."""


class Dataset:
    """A data set on a shelf. `shards` is asked only where it is new. Raises ConfigError and ShelfError."""

    def __init__(self, uri: str, *, shards: int | None = None, create: bool = False) -> None:
        self.shelf = Shelf(uri)
        self.uri = uri
        self._done: dict[tuple[int, int], ShardDone] = {}
        self._manifests: dict[int, dict[str, Any]] = {}
        if _HEAD not in self.shelf.names(""):
            if not create:
                raise ConfigError([f"{uri} holds no data set."], hint="`dmarcwatch scale` makes one.")
            self._write_head(shards or DEFAULT_SHARDS)
        written, self.shards, self.id = self.shelf.read_document(_HEAD, _head)
        if written != _FORMAT:
            raise ConfigError(
                [f"{uri} was written by another version of dmarcwatch (format {written})."],
                hint="Read the reports anew into another folder.",
            )
        if shards not in (None, self.shards):
            raise ConfigError(
                [f"{uri} has {self.shards} shards, not {shards}: their number stays what it was at first."],
                hint="Leave --shards out, or choose another folder.",
            )
        if create and self.id is None:
            self.id = self._write_head(self.shards)

    @property
    def place(self) -> str:
        """Where it lies, however it was spelled."""
        return place_of(self.uri)

    def _write_head(self, shards: int) -> str:
        identity = uuid4().hex
        document = {"format": _FORMAT, "shards": shards, "id": identity}
        self.shelf.write(_HEAD, json.dumps(document).encode())
        return identity

    def begun(self) -> list[int]:
        """The increments that have a plan, in order."""
        return [number for number in self._numbers() if "plan.json" in self._names_of(number)]

    @cached_property
    def committed(self) -> tuple[int, ...]:
        """The increments that are whole, in order."""
        return tuple(number for number in self._numbers() if "manifest.json" in self._names_of(number))

    def manifest(self, increment: int) -> dict[str, Any]:
        """What was noted at the commit of an increment."""
        if increment not in self._manifests:
            name = f"{folder(increment)}/manifest.json"
            self._manifests[increment] = self.shelf.read_document(name, _manifest)
        return self._manifests[increment]

    def is_reduced(self, increment: int, shard: int) -> bool:
        """Whether a shard of an increment under way needs no more work."""
        return not self.shelf.missing([shard_name(increment, shard)])

    def shard_done(self, increment: int, shard: int) -> ShardDone:
        """What reducing a shard came to. Raises Written where the note of it is gone or cut short."""
        if (increment, shard) not in self._done:
            self._done[increment, shard] = self._read_shard(shard_name(increment, shard), increment)
        return self._done[increment, shard]

    def _read_shard(self, name: str, increment: int) -> ShardDone:
        # Manifests of older versions have no such list.
        listed = self.manifest(increment).get("shards", {}) if increment in self.committed else {}
        return self.shelf.read_document(name, _shard_done, size=listed.get(name))

    def note_shard(self, increment: int, shard: int, done: ShardDone) -> None:
        """Note that a shard is reduced, after its files are written."""
        self.shelf.write(shard_name(increment, shard), json.dumps(asdict(done)).encode())

    def shard_notes(self, increment: int) -> dict[str, int]:
        """The notes of all shards of an increment with their sizes in bytes, for its manifest."""
        return {
            f"{shards_folder(increment)}/{name}": size
            for name, size in self.shelf.names(shards_folder(increment)).items()
        }

    def table(
        self, name: str, increments: Iterable[int], shards: Iterable[int], *, where: Any = None
    ) -> pa.Table:
        """The rows of a table in committed increments, in their order. Raises Written for a damaged file."""
        wanted = tuple(shards)
        pieces = [
            self.shelf.read_table(file, size=size, where=where)
            for increment in increments
            for shard in wanted
            for file, size in self._files(name, increment, shard)
        ]
        schema = SCHEMAS[name]
        return pa.concat_tables(
            [schema.empty_table(), *(piece.select(schema.names).cast(schema) for piece in pieces)]
        )

    def reports_of(self, increments: Iterable[int], shard: int, days: Iterable[date]) -> pa.Table:
        """The rows of `reports` that speak of some days."""
        wanted = pa.array(sorted(days), pa.date32())
        first, last = str(wanted[0]), str(wanted[-1])
        overlapping = []
        for increment in increments:
            done = self.shard_done(increment, shard)
            if done.days and done.days[0] <= last and first <= done.days[1]:
                overlapping.append(increment)
        return self.table("reports", overlapping, (shard,), where=pc.field("day").isin(wanted))

    def records_of(self, increment: int, shard: int, day: date, reports: Iterable[int]) -> pa.Table:
        """The records of some reports of one day."""
        done = self.shard_done(increment, shard)
        name = records_name(increment, shard, day)
        wanted = pc.field("report").isin(pa.array(sorted(reports), pa.int64()))
        if name not in done.files:
            return schemas.RECORDS.empty_table()
        return self.shelf.read_table(name, size=done.files[name], where=wanted).cast(schemas.RECORDS)

    def dropped_records(self, shard: int, written: Iterable[tuple[int, date]]) -> frozenset[tuple[int, date]]:
        """Of these increments and days those whose records are gone: whoever keeps them may drop them."""
        names = {records_name(increment, shard, day): (increment, day) for increment, day in set(written)}
        known = {
            name for name, (increment, _) in names.items() if name in self.shard_done(increment, shard).files
        }
        return frozenset(names[name] for name in self.shelf.missing(known))

    def _files(self, name: str, increment: int, shard: int) -> Iterator[tuple[str, int]]:
        done = self.shard_done(increment, shard)
        file = table_name(name, increment, shard)
        if file in done.files:
            yield file, done.files[file]

    def _numbers(self) -> list[int]:
        names = self.shelf.folders("increments")
        for name in names:
            if not _NUMBER.fullmatch(name):
                raise Written(
                    f"{self.uri}/increments/{name} is no increment.", hint="Move that folder elsewhere."
                )
        return [int(name) for name in names]

    def _names_of(self, increment: int) -> Mapping[str, int]:
        return self.shelf.names(folder(increment))


def _head(document: dict[str, Any]) -> tuple[int, int, str | None]:
    # Data sets of older versions have no id until their next increment.
    return int(document["format"]), int(document["shards"]), document.get("id")


def _manifest(document: dict[str, Any]) -> dict[str, Any]:
    missing = [name for name in _NOTED if not isinstance(document[name], dict)]
    if missing:
        raise ValueError(missing)
    return document


def _shard_done(document: dict[str, Any]) -> ShardDone:
    files, tally = dict(document["files"]), dict(document["tally"])
    days, several = document["days"], tuple(document["several"])
    return ShardDone(files, tuple(days) if days else None, tally, several)


def place_of(uri: str) -> str:
    """Where a data set lies, however that is spelled."""
    return uri.rstrip("/") if "://" in uri else str(Path(uri).resolve())


def folder(increment: int) -> str:
    """Where an increment's plan, parts and manifests lie."""
    return f"increments/{increment:06d}"


def shards_folder(increment: int) -> str:
    """Where the notes lie that say what reducing each shard came to."""
    return f"{folder(increment)}/shards"


def shard_name(increment: int, shard: int) -> str:
    """The file that says what reducing a shard came to."""
    return f"{shards_folder(increment)}/{shard:04d}.json"


def table_name(name: str, increment: int, shard: int) -> str:
    """The file of a shard's table."""
    return f"{name}/{increment:06d}-{shard:04d}.parquet"


def records_name(increment: int, shard: int, day: date) -> str:
    """The file of a shard's records of one day."""
    return f"records/day={day}/{increment:06d}-{shard:04d}.parquet"
