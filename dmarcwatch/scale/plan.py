"""The list of an increment: what is new, cut into batches, written down before anything is read.

A job that ends in its middle goes on with the same list and the same batches, so that no object is read
into two of them.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.collect import Notice, Notify
from dmarcwatch.collect.sources import FileSource, S3Source, Settle
from dmarcwatch.errors import ConfigError
from dmarcwatch.scale import schemas
from dmarcwatch.scale.dataset import Dataset, folder
from dmarcwatch.scale.ids import MAX_BATCH_OBJECTS, MAX_BATCHES, MAX_INCREMENTS
from dmarcwatch.scale.listing import Listing, Target
from dmarcwatch.scale.mapping import READ
from dmarcwatch.scale.opening import Listed, Source
from dmarcwatch.scale.retrying import to_retry

DEFAULT_BATCH = 500
"""Objects of one batch: a second or so of work beside the few milliseconds that a task costs."""
_BATCH_BYTES = 64 * 1024 * 1024
"""Bytes of one batch's objects, unless a single one is larger."""
_FILE_BATCHES = 500
"""Batches of one file of the plan: so many are in memory at once."""
DONE = (READ, "empty")
"""Fates of objects that need not be looked at again; what vanished or was refused may come back."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An increment's sources and when it was begun; its objects stand in files beside it."""

    increment: int
    now: datetime
    sources: tuple[Source, ...]
    recorded: tuple[tuple[str, ...], ...]
    """For each source the names that its mail host stamped in earlier increments."""
    objects: int
    batches: int
    unlisted: tuple[str, ...]
    """What could not be listed, as sentences."""
    left: Mapping[str, int] = field(default_factory=dict)
    """How much that is, by reason."""
    retry: bool = False
    """What has rejects is read again."""


class Planner:
    """Makes and reads the plans of a data set."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def make(
        self, listings: Sequence[Listing], *, now: datetime, batch_objects: int, retry: bool = False
    ) -> Plan:
        """Write the plan of a new increment with all that is new; one without objects is not written.

        `retry`: with all that has rejects, too.

        Raises CollectError where a list cannot be had.
        """
        increment = max(self._dataset.begun(), default=0) + 1
        if increment > MAX_INCREMENTS:
            raise ConfigError([f"{self._dataset.uri} has {increment - 1:,} increments and takes no more."])
        unlisted: list[Notice] = []
        targets = self._unseen(_targets(listings, unlisted.append), retry=retry)
        batches = self._write(increment, targets, min(batch_objects, MAX_BATCH_OBJECTS))
        sources = tuple(listing.source for listing in listings)
        sentences = tuple(notice.message for notice in unlisted)
        left = dict(Counter(notice.reason for notice in unlisted))
        plan = Plan(
            increment,
            now,
            sources,
            self._recorded(sources),
            targets.num_rows,
            batches,
            sentences,
            left,
            retry,
        )
        if plan.objects:
            self._dataset.shelf.write(f"{folder(increment)}/plan.json", json.dumps(_written(plan)).encode())
        return plan

    def read(self, increment: int) -> Plan:
        """The plan of an increment that was begun."""
        name = f"{folder(increment)}/plan.json"
        hint = f"Delete the folder {folder(increment)}: nothing of it counts yet, and its list is made anew."
        return self._dataset.shelf.read_document(name, _read, hint=hint)

    def batches(self, increment: int) -> Iterator[tuple[int, tuple[Listed, ...]]]:
        """The batches of a plan by number, some hundreds in memory at a time."""
        names = self._dataset.shelf.names(folder(increment))
        for name, size in names.items():
            if name.endswith(".parquet"):
                rows = self._dataset.shelf.read_table(f"{folder(increment)}/{name}", size=size).to_pylist()
                for number, objects in groupby(rows, key=lambda row: row.pop("batch")):
                    yield number, tuple(Listed(**each) for each in objects)

    def _unseen(self, targets: pa.Table, *, retry: bool) -> pa.Table:
        """Those that no committed increment has read, or not without rejects, in their order, each once."""
        seen = [
            self._dataset.shelf.read_table(name, size=size, columns=["digest"], where=_done())
            for increment in self._dataset.committed
            for name, size in self._dataset.manifest(increment)["objects"].items()
        ]
        order = targets.append_column("order", pa.array(range(targets.num_rows), pa.int64()))
        if seen:
            keys = pa.concat_tables(seen)
            if retry:
                again = to_retry(self._dataset, targets)
                keys = keys.filter(pc.invert(pc.is_in(keys["digest"], value_set=again)))
            new = order.select(["digest", "order"]).join(keys, keys="digest", join_type="left anti")
            order = order.take(new["order"].sort())
        first = order.group_by("digest", use_threads=False).aggregate([("order", "min")])
        keep = pc.is_in(order["order"], value_set=first["order_min"].combine_chunks())
        return order.filter(keep).drop_columns("order")

    def _write(self, increment: int, targets: pa.Table, batch_objects: int) -> int:
        """Write the batches; how many there are."""
        # What a run that ended while it planned has left here.
        self._dataset.shelf.drop(folder(increment))
        sizes = zip(targets["source"].to_pylist(), targets["size"].to_pylist(), strict=True)
        batch, number = _cut(sizes, batch_objects)
        if batch and batch[-1] >= MAX_BATCHES:
            raise ConfigError(
                [f"{targets.num_rows:,} objects are too many batches of {batch_objects} for one increment."],
                hint="Read a part of them at a time, or use --batch 1024.",
            )
        columns = {"batch": pa.array(batch, pa.int32()), "number": pa.array(number, pa.int32())}
        columns |= {name: targets[name] for name in targets.column_names}
        plan = pa.table(columns).select(schemas.PLAN.names).cast(schemas.PLAN)
        for start in range(0, batch[-1] + 1 if batch else 0, _FILE_BATCHES):
            part = plan.filter(
                pc.and_(pc.greater_equal(plan["batch"], start), pc.less(plan["batch"], start + _FILE_BATCHES))
            )
            self._dataset.shelf.write_table(f"{folder(increment)}/plan-{start:06d}.parquet", part)
        return batch[-1] + 1 if batch else 0

    def _recorded(self, sources: Sequence[Source]) -> tuple[tuple[str, ...], ...]:
        hosts: dict[str, set[str]] = {source.name: set() for source in sources}
        for increment in self._dataset.committed:
            for source, names in self._dataset.manifest(increment)["mail_hosts"].items():
                hosts.setdefault(source, set()).update(names)
        return tuple(tuple(sorted(hosts[source.name])) for source in sources)


def _targets(listings: Iterable[Listing], notify: Notify) -> pa.Table:
    names = ("source", *Target._fields)
    schema = pa.schema([schemas.PLAN.field(name) for name in names])
    rows = (
        (number, *target) for number, listing in enumerate(listings) for target in listing.targets(notify)
    )
    return schemas.table(rows, schema)


def _cut(objects: Iterable[tuple[int, int | None]], most: int) -> tuple[list[int], list[int]]:
    """Each object's batch and its place in it, by source and size; a batch has one source."""
    batches, numbers = [], []
    batch = number = held = last = 0
    for source, size in objects:
        cost = size or 0
        if number and (number == most or held + cost > _BATCH_BYTES or source != last):
            batch, number, held = batch + 1, 0, 0
        batches.append(batch)
        numbers.append(number)
        number, held, last = number + 1, held + cost, source
    return batches, numbers


def _done() -> Any:
    return pc.field("fate").isin(list(DONE))


def _written(plan: Plan) -> dict[str, Any]:
    document = asdict(plan) | {"now": plan.now.isoformat()}
    document["sources"] = [{"kind": type(source).__name__} | asdict(source) for source in plan.sources]
    return json.loads(json.dumps(document, default=str))  # type: ignore[no-any-return]


def _read(document: dict[str, Any]) -> Plan:
    return Plan(
        document["increment"],
        datetime.fromisoformat(document["now"]),
        tuple(_source(each) for each in document["sources"]),
        tuple(tuple(names) for names in document["recorded"]),
        document["objects"],
        document["batches"],
        tuple(document["unlisted"]),
        # Plans of older versions have neither of these.
        document.get("left", {}),
        document.get("retry", False),
    )


def _source(document: dict[str, Any]) -> Source:
    kind, settle = document.pop("kind"), Settle(document.pop("settle"))
    if kind == S3Source.__name__:
        return S3Source(**document, settle=settle)
    done = document.pop("done")
    return FileSource(
        Path(document.pop("path")), settle=settle, done=Path(done) if done else None, **document
    )
