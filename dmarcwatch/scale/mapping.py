"""A batch of objects -> a part: everything in it unpacked, read and classified, nothing decided yet.

What counts is decided when all parts are there (`reducing`), so batches need to know nothing of each other
and can be read on any machine, in any order, and more than once.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any

from dmarcwatch.arrival import Arrival
from dmarcwatch.collect import Item, Notice
from dmarcwatch.collect.sources import S3Source
from dmarcwatch.errors import ReportError
from dmarcwatch.prepared import Definitions, Prepared, ReadReport, Refused
from dmarcwatch.preparing import Preparer
from dmarcwatch.scale import schemas
from dmarcwatch.scale.gathering import Found, ShardRows
from dmarcwatch.scale.ids import MAX_ORDINAL, first_id, shard_of
from dmarcwatch.scale.itemrow import item_row
from dmarcwatch.scale.mboxes import MailsRead
from dmarcwatch.scale.opening import Listed, Source, opened
from dmarcwatch.scale.part import pack
from dmarcwatch.scale.recipe import Recipe
from dmarcwatch.scale.shelf import Shelf

READ = "read"
"""The fate of an object that items came out of."""
_GONE = ("vanished", "", "")
_CONDEMNED = Refused("", "internal", "the processes that read it died over it")


@dataclass(frozen=True, slots=True)
class Batch:
    """Some objects of one source in an increment's list, with all that reading them needs."""

    uri: str
    """Of the data set."""
    increment: int
    number: int
    objects: tuple[Listed, ...]
    source: Source
    recorded: tuple[str, ...]
    """Names that its mail host stamped before (RFC 8601 authserv-id)."""
    recipe: Recipe
    shards: int
    earlier: tuple[int, ...] = ()
    """The increments committed before."""
    retry: bool = False
    """Mails that were rejects are read again."""
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
    memory = MailsRead(batch.uri, batch.earlier, batch.source.name, retry=batch.retry)
    for number, outcome in opened(batch.objects, batch.source, batch.recipe.budgets, memory):
        reader.take(number, outcome)
    Shelf(batch.uri).write(f"{parts_folder(batch.increment)}/{batch.part}", reader.part())
    return batch.part


class _Reader:
    """Reads the objects of one batch, one after the other."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        rules = batch.recipe.rules()
        ses = isinstance(batch.source, S3Source)
        rules = replace(rules, trust=rules.trust.of(recorded=batch.recorded, ses=ses))
        self._defined = Definitions([], [])
        self._preparer = Preparer(rules, batch.recipe.now, self._define)
        self._rows: defaultdict[int, ShardRows] = defaultdict(partial(ShardRows, self._defined))
        self._items: list[tuple[Any, ...]] = []
        self._fates: dict[int, tuple[str, str, str]] = {}
        self._next: dict[int, int] = {}

    def take(self, number: int, outcome: Item | Notice) -> None:
        """Read one item of the object with this number, or note why there is none."""
        if isinstance(outcome, Notice):
            self._fates.setdefault(number, (outcome.reason, outcome.origin, outcome.message))
            return
        self._fates[number] = (READ, "", "")
        prepared = self._prepare(outcome)
        item = self._new_id(number)
        reports = [part for part in prepared.parts if isinstance(part, ReadReport)]
        for read in reports:
            shard = shard_of(read.report.policy.domain, self._batch.shards)
            found = Found(self._new_id(number), item, prepared.arrival, len(reports) > 1)
            self._rows[shard].add_report(found, read)
        self._items.append(item_row(item, self._batch.source.name, prepared, outcome.data))

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

    def _prepare(self, item: Item) -> Prepared:
        if not self._batch.condemned:
            return self._preparer.prepare(item, local=bool(self._batch.source.trusted))
        digest, size = sha256(item.data).hexdigest(), item.size or len(item.data)
        arrival = Arrival(item.origin, item.token, digest, size, item.received_at, local=False)
        return Prepared(arrival, (_CONDEMNED,))

    def _define(self, new: Definitions) -> None:
        self._defined.evidence.extend(new.evidence)
        self._defined.judgements.extend(new.judgements)

    def _new_id(self, number: int) -> int:
        """The next id of an object: of its items and reports alike."""
        ordinal = self._next.get(number, 0)
        if ordinal > MAX_ORDINAL:
            raise ReportError("parts", f"more than {MAX_ORDINAL:,} reports in one object")
        self._next[number] = ordinal + 1
        return self._first(number) + ordinal

    def _first(self, number: int) -> int:
        return first_id(self._batch.increment, self._batch.number, number)
