"""What became of every object of an increment, item by item, and the sums that must agree."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.filing import Accounts
from dmarcwatch.scale import schemas
from dmarcwatch.scale.dataset import Dataset, ShardDone
from dmarcwatch.scale.mapping import READ, parts_folder
from dmarcwatch.scale.part import Part
from dmarcwatch.scale.plan import DONE
from dmarcwatch.scale.shelf import Written

NAMED = 20
"""Objects that were not read and are named one by one; the table `objects` has all."""


@dataclass(frozen=True, slots=True)
class PartsTask:
    """Some parts of an increment, whose items become one file."""

    uri: str
    increment: int
    number: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartsDone:
    """What the items of some parts came to."""

    files: Mapping[str, tuple[str, int]]
    """Name and size in bytes, by table: `items` and `objects`."""
    fates: Mapping[str, int]
    """Objects by what became of them."""
    counts: Mapping[str, int]
    """`items`, `documents`, `rejects`, `set_aside` and its `problems`; and items by what is in them:
    `with_documents`, else `only_set_aside`, else `only_rejects`."""
    mail_hosts: Mapping[str, tuple[str, ...]]
    """For each source the names its mail host stamped on mails that passed."""
    unread: tuple[str, ...]
    """The first objects that were not read, as sentences."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The accounts of one increment, as `scale` prints them and its manifest keeps them."""

    increment: int | None
    """None where nothing was new."""
    objects: int
    """Those of the list, and what could not be listed."""
    read: int
    empty: int
    vanished: int
    left: Mapping[str, int]
    """What may hold a report and could not be listed or read, by reason; the next run tries it again."""
    items: int
    stored: int
    """Items that brought a report; like the next three by item, as `items.outcome` in a database."""
    only_duplicates: int
    only_set_aside: int
    only_rejects: int
    accounts: Accounts = field(default_factory=Accounts)
    """The same words and figures as those of `fetch`."""
    unread: tuple[str, ...] = ()
    """The first objects that were not read, as sentences."""

    @property
    def unnamed(self) -> int:
        """Objects that vanished or were left and have no sentence here."""
        return self.vanished + sum(self.left.values()) - len(self.unread)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def gather_items(task: PartsTask) -> PartsDone:
    """Write the items and objects of some parts as tables. Raises CollectError."""
    dataset = Dataset(task.uri)
    folder = parts_folder(task.increment)
    commons = [Part(dataset.shelf, f"{folder}/{name}").common() for name in task.parts]
    tables = {
        "items": pa.concat_tables([schemas.ITEMS.empty_table(), *(each["items"] for each in commons)]),
        "objects": pa.concat_tables([schemas.OBJECTS.empty_table(), *(each["objects"] for each in commons)]),
    }
    files = {}
    for name, table in tables.items():
        file = f"{name}/{task.increment:06d}-{task.number:04d}.parquet"
        files[name] = (file, dataset.shelf.write_table(file, table))
    items, objects = tables["items"], tables["objects"]
    return PartsDone(files, _fates(objects), _counts(items), _mail_hosts(items), _unread(objects))


def summarize(increment: int, parts: Iterable[PartsDone], shards: Iterable[ShardDone]) -> Summary:
    """The accounts of an increment. Raises Written where they do not add up: then something was lost."""
    fates, counts, tally = Counter[str](), Counter[str](), Counter[str]()
    unread: list[str] = []
    several = set[int]()
    for part in parts:
        fates.update(part.fates)
        counts.update(part.counts)
        unread += part.unread
    for shard in shards:
        tally.update(shard.tally)
        several.update(shard.several)
    stored = tally["single_items"] + len(several)
    summary = Summary(
        increment,
        objects=fates.total(),
        read=fates[READ],
        empty=fates["empty"],
        vanished=fates["vanished"],
        left={fate: fates[fate] for fate in sorted(fates.keys() - {*DONE, "vanished"})},
        items=counts["items"],
        stored=stored,
        only_duplicates=counts["with_documents"] - stored,
        only_set_aside=counts["only_set_aside"],
        only_rejects=counts["only_rejects"],
        accounts=_accounts(counts, tally),
        unread=tuple(unread[:NAMED]),
    )
    _check(summary, counts["documents"])
    return summary


def with_unlisted(summary: Summary, unlisted: Mapping[str, int], sentences: Sequence[str]) -> Summary:
    """The same accounts with what could not be listed: its number by reason, and sentences about it."""
    counts = Counter(unlisted)
    vanished = counts.pop("vanished", 0)
    return replace(
        summary,
        objects=summary.objects + vanished + counts.total(),
        vanished=summary.vanished + vanished,
        left=dict(sorted((counts + Counter(summary.left)).items())),
        unread=(*sentences, *summary.unread)[:NAMED],
    )


def nothing_new() -> Summary:
    """The accounts of a run that made no increment."""
    return Summary(None, 0, 0, 0, 0, {}, 0, 0, 0, 0, 0)


def summary_of(document: Mapping[str, Any]) -> Summary:
    """A summary as `as_dict` wrote it."""
    known = Summary(**document)
    return replace(known, accounts=Accounts(**document["accounts"]), unread=tuple(document["unread"]))


def _accounts(counts: Counter[str], tally: Counter[str]) -> Accounts:
    names = ("reports", "duplicates", "records", "messages", "dropped", "unread_messages")
    return Accounts(
        items=counts["items"],
        problems=tally["problems"] + counts["problems"],
        set_aside=counts["set_aside"],
        rejects=counts["rejects"],
        **{name: tally[name] for name in names},
    )


def _check(summary: Summary, documents: int) -> None:
    read = summary.read + summary.empty + summary.vanished + sum(summary.left.values())
    items = summary.stored + summary.only_duplicates + summary.only_set_aside + summary.only_rejects
    found = summary.accounts.reports + summary.accounts.duplicates
    if (read, items, found) != (summary.objects, summary.items, documents):
        raise Written(
            f"The accounts of increment {summary.increment} do not add up: {read:,} of {summary.objects:,} "
            f"objects, {items:,} of {summary.items:,} items, {found:,} of {documents:,} reports.",
            hint="Nothing of it is counted. Please report this.",
        )


def _fates(objects: pa.Table) -> dict[str, int]:
    return dict(Counter(objects["fate"].to_pylist()))


def _counts(items: pa.Table) -> dict[str, int]:
    documents = items["documents"]
    rejects, aside = pc.list_value_length(items["rejects"]), pc.list_value_length(items["set_aside"])
    none = pc.equal(documents, 0)
    only_aside = pc.and_(none, pc.greater(aside, 0))
    only_rejects = pc.and_(none, pc.equal(aside, 0))
    columns = {
        "documents": documents,
        "rejects": rejects,
        "set_aside": aside,
        "problems": pc.is_valid(pc.struct_field(pc.list_flatten(items["set_aside"]), "problem")),
        "with_documents": pc.invert(none),
        "only_set_aside": only_aside,
        "only_rejects": only_rejects,
    }
    return {"items": items.num_rows} | {name: pc.sum(values).as_py() or 0 for name, values in columns.items()}


def _mail_hosts(items: pa.Table) -> dict[str, tuple[str, ...]]:
    both = pc.and_(pc.is_valid(items["verified"]), pc.is_valid(items["authserv_id"]))
    pairs = items.filter(both).group_by(["source", "authserv_id"], use_threads=False).aggregate([])
    hosts: dict[str, tuple[str, ...]] = {}
    for source, name in sorted(zip(*(pairs[each].to_pylist() for each in pairs.column_names), strict=True)):
        hosts[source] = (*hosts.get(source, ()), name)
    return hosts


def _unread(objects: pa.Table) -> tuple[str, ...]:
    unread = objects.filter(pc.invert(pc.is_in(objects["fate"], value_set=pa.array(DONE))))
    return tuple(unread["message"].to_pylist()[:NAMED])
