"""A batch of objects -> a part: everything in it unpacked, read and classified, nothing decided yet.

What counts is decided when all parts are there (`reducing`), so batches need to know nothing of each other
and can be read on any machine, in any order, and more than once.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from dmarcwatch.check.trusting import Trust
from dmarcwatch.collect import Item, Notice
from dmarcwatch.collect.sources import S3Source
from dmarcwatch.errors import MalformedXml, ReportError, UnpackError
from dmarcwatch.parse import read
from dmarcwatch.preparing import Rules
from dmarcwatch.reasons import Reason
from dmarcwatch.scale import schemas
from dmarcwatch.scale.gathering import Found, ShardRows
from dmarcwatch.scale.ids import MAX_ORDINAL, first_id, shard_of
from dmarcwatch.scale.itemrow import ItemRow
from dmarcwatch.scale.opening import Listed, Source, opened
from dmarcwatch.scale.part import pack
from dmarcwatch.scale.recipe import Recipe
from dmarcwatch.scale.shelf import Shelf
from dmarcwatch.unpack import Document, unpack

READ = "read"
"""The fate of an object that items came out of."""
_GONE = ("vanished", "", "")


@dataclass(frozen=True, slots=True)
class Batch:
    """Some objects of an increment's list, and all that reading them needs: travels to a worker."""

    uri: str
    """Of the data set."""
    increment: int
    number: int
    objects: tuple[Listed, ...]
    sources: tuple[Source, ...]
    recorded: tuple[tuple[str, ...], ...]
    """For each source the names its mail host stamped before (RFC 8601 authserv-id)."""
    recipe: Recipe
    shards: int
    condemned: bool = False
    """Its one object ended every worker that opened it: only its bytes are taken, as a reject."""

    @property
    def part(self) -> str:
        """The name of its part: two runs of the same objects write the same file."""
        first, last = self.objects[0].number, self.objects[-1].number
        return f"{self.number:06d}-{first:04d}-{last + 1:04d}"

    def split(self, pieces: int) -> list["Batch"]:
        """The same objects in up to so many batches."""
        size = -(-len(self.objects) // pieces)
        starts = range(0, len(self.objects), size)
        return [replace(self, objects=self.objects[start : start + size]) for start in starts]


def parts_folder(increment: int) -> str:
    """Where the parts of an increment lie until it is committed."""
    return f"increments/{increment:06d}/parts"


def read_batch(batch: Batch) -> str:
    """Read a batch and write its part; the part's name. Raises CollectError for a source or the data set."""
    reader = _Reader(batch)
    for each in opened(batch.objects, batch.sources, batch.recipe.budgets):
        reader.take(batch.objects[each.number - batch.objects[0].number], each.outcome)
    Shelf(batch.uri).write(f"{parts_folder(batch.increment)}/{batch.part}", reader.part())
    return batch.part


class _Reader:
    """Reads the objects of one batch, one after the other."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._rules: Rules = batch.recipe.rules()
        self._trusts = [
            self._rules.trust.of(recorded=names, ses=isinstance(source, S3Source))
            for source, names in zip(batch.sources, batch.recorded, strict=True)
        ]
        self._rows: defaultdict[int, ShardRows] = defaultdict(ShardRows)
        self._items: list[tuple[Any, ...]] = []
        self._fates: dict[int, tuple[str, str, str]] = {}
        self._next: dict[int, int] = {}

    def take(self, found: Listed, outcome: Item | Notice) -> None:
        """Read one item, or note why there is none."""
        if isinstance(outcome, Notice):
            self._fates.setdefault(found.number, (outcome.reason, outcome.origin, outcome.message))
            return
        self._fates[found.number] = (READ, "", "")
        source, trust = self._batch.sources[found.source], self._trusts[found.source]
        item = ItemRow(self._new_id(found.number), source.name, outcome)
        if self._batch.condemned:
            item.reject("", "internal", "every worker that opened it ended; it was read no further")
        else:
            self._read(found, item, outcome, bool(source.trusted), trust)
        self._items.append(item.row())

    def part(self) -> bytes:
        """All that was read."""
        objects = [
            (self._first(each.number), each.digest, *self._fates.get(each.number, _GONE))
            for each in self._batch.objects
        ]
        common = {
            "items": schemas.table(self._items, schemas.ITEMS),
            "objects": schemas.table(objects, schemas.OBJECTS),
        }
        return pack({shard: rows.tables() for shard, rows in self._rows.items()}, common, {})

    def _new_id(self, number: int) -> int:
        """The next id of an object: of its items and reports alike."""
        ordinal = self._next.get(number, 0)
        if ordinal > MAX_ORDINAL:
            raise ReportError("parts", f"more than {MAX_ORDINAL:,} reports in one object")
        self._next[number] = ordinal + 1
        return self._first(number) + ordinal

    def _first(self, number: int) -> int:
        return first_id(self._batch.increment, self._batch.number, number)

    def _read(self, found: Listed, row: ItemRow, item: Item, local: bool, trust: Trust) -> None:
        """Unpack an item and read its documents; what is wrong with it costs only itself."""
        row.introduce(item, local, self._batch.recipe)
        try:
            if item.headers_only:
                raise UnpackError(
                    Reason.MESSAGE_BYTES, f"{row.arrival.size:,} bytes are more than one item may have"
                )
            unpacked = unpack(item.data, self._rules.budgets)
        except UnpackError as error:
            row.reject("", error.reason, error.message)
            return
        except Exception as error:  # a fault of ours must cost one item, not the batch
            row.reject("", "internal", _fault(error))
            return
        row.believe(item, unpacked, trust, self._batch.recipe)
        for fault in unpacked.faults:
            row.reject(fault.name, fault.reason, fault.message)
        for part in unpacked.set_aside:
            row.set_aside(part.kind, part.name, len(part.data))
        row.several = len(unpacked.documents) > 1
        for document in unpacked.documents:
            self._document(found, row, document, trust)

    def _document(self, found: Listed, row: ItemRow, document: Document, trust: Trust) -> None:
        try:
            self._report(found, row, document, trust)
        except ReportError as error:
            row.reject(document.name, error.reason, error.message)
        except Exception as error:  # as above
            row.reject(document.name, "internal", _fault(error))

    def _report(self, found: Listed, row: ItemRow, document: Document, trust: Trust) -> None:
        """Read one document; broken XML a second time, with recovery."""
        for recover in (True,) if document.truncated else (False, True):
            try:
                self._rows_of(found, row, document, trust=trust, recover=recover)
            except MalformedXml:
                if recover:
                    raise
            else:
                return

    def _rows_of(
        self, found: Listed, row: ItemRow, document: Document, *, trust: Trust, recover: bool
    ) -> None:
        reading = read(document.chunks, budgets=self._rules.budgets, recover=recover)
        report = reading.report
        if not self._rules.is_ours(report.policy.domain):
            row.set_aside("foreign-domain", document.name, document.size)
            return
        rows = self._rows[shard_of(report.policy.domain, self._batch.shards)]
        identity, mark, fingerprint = self._new_id(found.number), rows.mark(), 0
        try:
            for records in reading.batches():
                for record in records:
                    fingerprint += rows.add_record(identity, record, self._rules.classify(record, report))
        except BaseException:
            rows.back_to(mark)
            raise
        rows.add_numbers(reading.records)
        tier, arrival = trust.tier(row.arrival, report), row.arrival
        place = Found(
            identity, row.id, document.sha256, document.name, arrival.origin, arrival.received_at, tier,
            several=row.several,
        )  # fmt: skip
        rows.add_report(place, reading, fingerprint)
        row.documents += 1


def _fault(error: Exception) -> str:
    return f"dmarcwatch failed on it: {type(error).__name__}: {error}"
