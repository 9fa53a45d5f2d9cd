"""All parts' rows of one shard -> its tables: reports with their status, records by day, and the sums.

A shard has everything about its domains, so it needs to know nothing of the others. Reducing it twice
writes the same files with the same rows.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.scale import schemas
from dmarcwatch.scale.dataset import Dataset, ShardDone, records_name, table_name
from dmarcwatch.scale.earlier import Earlier, entries_of, standing
from dmarcwatch.scale.knowledge import ShardKnowledge
from dmarcwatch.scale.mapping import parts_folder
from dmarcwatch.scale.part import Part
from dmarcwatch.scale.pool import form_streams, places_of
from dmarcwatch.scale.recordsof import RecordsOf
from dmarcwatch.scale.settling import DUPLICATE, Entry, settle
from dmarcwatch.scale.sums import Sums, added, sum_up
from dmarcwatch.store.holding import PATH


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of an increment whose parts are all there: travels to a worker."""

    uri: str
    increment: int
    number: int
    parts: tuple[str, ...]
    earlier: tuple[int, ...]
    """The increments committed before."""


def reduce_shard(shard: Shard) -> int:
    """Reduce one shard and note that it is done; its number. Raises CollectError."""
    dataset = Dataset(shard.uri)
    if not dataset.is_reduced(shard.increment, shard.number):
        dataset.note_shard(shard.increment, shard.number, _Reduction(dataset, shard).done())
    return shard.number


class _Reduction:
    """The reduction of one shard."""

    def __init__(self, dataset: Dataset, shard: Shard) -> None:
        self._dataset = dataset
        self._shard = shard
        self._files: dict[str, int] = {}

    def done(self) -> ShardDone:
        """Read, settle, sum up and write."""
        found, records = self._found()
        if not found.num_rows:
            return ShardDone()
        earlier = Earlier(self._dataset, self._shard.earlier, self._shard.number, found["day"].unique())
        entries = entries_of(found)
        of = RecordsOf(records, earlier)
        knowledge = ShardKnowledge(entries, of, earlier)
        settle(entries, earlier.entries, knowledge=knowledge, holds_all=of.holds_all)
        reports = self._settled(found, entries)
        records = records.filter(pc.is_in(records["report"], value_set=reports["id"].combine_chunks()))
        self._write_sums(added([sum_up(reports, records), *earlier.changes()]))
        rows = pa.concat_tables([reports, earlier.changed(self._shard.increment)])
        self._write("reports", rows)
        self._write_records(reports, records)
        days = pc.min_max(rows["day"]).as_py() if rows.num_rows else None
        return ShardDone(
            self._files,
            (str(days["min"]), str(days["max"])) if days else None,
            _tally(found, reports),
            _several(found, reports),
        )

    def _found(self) -> tuple[pa.Table, pa.Table]:
        """Reports as found and their records, from all parts in their order."""
        reports, records = [schemas.FOUND_REPORTS.empty_table()], [schemas.RECORDS.empty_table()]
        for name in self._shard.parts:
            folder = parts_folder(self._shard.increment)
            tables = Part(self._dataset.shelf, f"{folder}/{name}").shard(self._shard.number)
            if tables:
                reports.append(tables["reports"])
                records.append(_in_words(tables))
        return pa.concat_tables(reports), pa.concat_tables(records)

    def _settled(self, found: pa.Table, entries: list[Entry]) -> pa.Table:
        """The reports that have a row, as they stand."""
        columns = {name: found[name] for name in found.column_names} | {
            "increment": pa.array([self._shard.increment] * len(entries), pa.int32())
        }
        columns |= standing(entries, found["problems"])
        reports = pa.table(columns).select(schemas.REPORTS.names).cast(schemas.REPORTS)
        return reports.filter(pc.not_equal(reports["status"], DUPLICATE))

    def _write_sums(self, sums: Sums) -> None:
        place_days = sums["place_days"]
        before = self._shard.earlier
        pool = self._dataset.table("pool_days", before, (self._shard.number,))
        promoted = self._dataset.table("promoted", before, (self._shard.number,))
        streams = form_streams(place_days, _of_places(pool, place_days), promoted)
        for name, table in streams._asdict().items():
            self._write(name, table)
        for name in ("selector_days", "place_addresses", "domain_days"):
            self._write(name, sums[name])

    def _write_records(self, reports: pa.Table, records: pa.Table) -> None:
        at = pc.index_in(records["report"], value_set=reports["id"].combine_chunks())
        days = reports["day"].combine_chunks().take(at).combine_chunks()
        # Sorted once, each day is a slice; picking them one by one took longer than all else here.
        order = pc.sort_indices(days)
        records, days = records.combine_chunks().take(order), days.take(order)
        start = 0
        for day, count in zip(*(part.to_pylist() for part in days.value_counts().flatten()), strict=True):
            name = records_name(self._shard.increment, self._shard.number, day)
            self._files[name] = self._dataset.shelf.write_table(name, records.slice(start, count))
            start += count

    def _write(self, name: str, table: pa.Table) -> None:
        if table.num_rows:
            file = table_name(name, self._shard.increment, self._shard.number)
            self._files[file] = self._dataset.shelf.write_table(file, table)


def _in_words(tables: dict[str, pa.Table]) -> pa.Table:
    """The records of a part, as they are written: their numbers made words again."""
    numbers = tables["records"]
    columns = {name: numbers[name] for name in ("report", "n", "messages")}
    columns["source_ip"] = tables["addresses"]["source_ip"].take(numbers["address"])
    evidence = tables["evidence"].take(numbers["evidence"])
    judgements = tables["judgements"].take(numbers["judgement"])
    columns |= {name: evidence[name] for name in evidence.column_names}
    columns |= {name: judgements[name] for name in judgements.column_names}
    return pa.table(columns).select(schemas.RECORDS.names)


def _of_places(pool: pa.Table, place_days: pa.Table) -> pa.Table:
    """The pool as far as it speaks of the same places."""
    places = places_of(place_days)
    return pool.join(places, keys=list(schemas.PLACE), join_type="left semi", use_threads=False)


def _tally(found: pa.Table, reports: pa.Table) -> dict[str, int]:
    """The shard's share of the accounts."""
    # Why a report is held stands among its problems, as in the database, and is none of its document.
    problems = [
        problem
        for row in reports["problems"].to_pylist()
        for problem in row
        if not problem["path"].startswith(PATH)
    ]
    single = set(found.filter(pc.invert(found["several"]))["item"].to_pylist())
    sums = ("records", "messages", "unread_messages")
    return {name: pc.sum(reports[name]).as_py() or 0 for name in sums} | {
        "reports": reports.num_rows,
        "duplicates": found.num_rows - reports.num_rows,
        "problems": len(problems),
        "dropped": sum(problem["messages"] != 0 for problem in problems),
        "single_items": len(single & set(reports["item"].to_pylist())),
    }


def _several(found: pa.Table, reports: pa.Table) -> tuple[int, ...]:
    """The items of more than one document that brought one of these reports."""
    items = found.filter(found["several"])["item"].to_pylist()
    return tuple(sorted(set(items) & set(reports["item"].to_pylist())))
