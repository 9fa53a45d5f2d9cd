"""Reports of earlier increments that new ones may meet: how they stood, and what that changes."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.duplicates import COUNTED
from dmarcwatch.plausible import VOUCHED
from dmarcwatch.report import Tier
from dmarcwatch.scale import schemas
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.ids import increment_of
from dmarcwatch.scale.settling import HELD, Entry, Identity
from dmarcwatch.scale.sums import Sums, sum_up
from dmarcwatch.store.holding import PATH

_VOUCHED = pa.array(sorted(map(str, VOUCHED)))


class Earlier:
    """The reports of one shard in committed increments that speak of the same days as the new ones.

    Only those can be the same: what makes reports one has their period in it.
    """

    def __init__(self, dataset: Dataset, increments: tuple[int, ...], shard: int, days: pa.Array) -> None:
        self._dataset = dataset
        self._increments = increments
        self._shard = shard
        self._before = as_they_stand(dataset.reports_of(increments, shard, days.to_pylist()))
        self.entries = entries_of(self._before)
        """Those reports, to be settled with the new ones; final where their records were dropped."""
        self._days = {entry.id: entry.day for entry in self.entries}
        self._finish()

    def _finish(self) -> None:
        places = {entry.id: (increment_of(entry.id), entry.day) for entry in self.entries}
        dropped = self._dataset.dropped_records(self._shard, places.values())
        for entry in self.entries:
            entry.final = places[entry.id] in dropped

    def has(self, report: int) -> bool:
        """Whether a report is one of them."""
        return report in self._days

    def records(self, report: int) -> pa.Table:
        """The records of one of them."""
        return self._dataset.records_of(increment_of(report), self._shard, self._days[report], (report,))

    def policies(self) -> Iterator[tuple[str, date, str, int]]:
        """Domain, day, `p` and how many reports that somebody vouches for showed it."""
        rows = self._table("domain_days")
        rows = rows.filter(pc.and_(pc.is_in(rows["tier"], value_set=_VOUCHED), pc.is_valid(rows["p"])))
        names = ("policy_domain", "day", "p", "reports")
        return zip(*(rows[name].to_pylist() for name in names), strict=True)

    def selectors(self) -> Iterator[tuple[tuple[str, str], int]]:
        """Signing domain and selector with the messages that passed."""
        rows = self._table("selector_days")
        keys = zip(rows["domain"].to_pylist(), rows["selector"].to_pylist(), strict=True)
        return ((key, passed) for key, passed in zip(keys, rows["passed"].to_pylist(), strict=True) if key[1])

    def messages(self, domain: str, reporter: str) -> Iterator[tuple[int, tuple[str, int]]]:
        """Id, begin and messages of the counted reports of one reporter on one domain, of other days too."""
        of_both = (pc.field("policy_domain") == domain) & (pc.field("reporter") == reporter)
        rows = as_they_stand(self._table("reports", where=of_both))
        columns = (rows[name].to_pylist() for name in ("id", "begin", "messages", "status"))
        for identity, begin, messages, status in zip(*columns, strict=True):
            if status == COUNTED and identity not in self._days:
                yield identity, (begin, messages)

    def _table(self, name: str, *, where: Any = None) -> pa.Table:
        return self._dataset.table(name, self._increments, (self._shard,), where=where)

    def changed(self, increment: int) -> pa.Table:
        """The rows of those that now stand otherwise, to be written with `increment`."""
        after = self._after()
        rows = after.filter(self._differs(after))
        at = rows.column_names.index("increment")
        return rows.set_column(at, "increment", pa.array([increment] * rows.num_rows, pa.int32()))

    def changes(self) -> Iterator[Sums]:
        """What their changes take from the sums, and what they add."""
        after = self._after()
        mask = self._differs(after)
        if not pc.any(mask).as_py():
            return
        before, after = self._before.filter(mask), after.filter(mask)
        records = pa.concat_tables([self.records(report) for report in before["id"].to_pylist()])
        yield sum_up(before, records, sign=-1)
        yield sum_up(after, records)

    def _after(self) -> pa.Table:
        columns = {name: self._before[name] for name in self._before.column_names}
        columns |= standing(self.entries, self._before["problems"])
        return pa.table(columns).select(schemas.REPORTS.names).cast(schemas.REPORTS)

    def _differs(self, after: pa.Table) -> pa.ChunkedArray:
        changed = pc.not_equal(after["tier"], self._before["tier"])
        for name in ("status", "received_at"):
            changed = pc.or_(changed, pc.not_equal(after[name], self._before[name]))
        return changed


def entries_of(reports: pa.Table) -> list[Entry]:
    """Reports as `settling` wants them, in the order of the table."""
    names = ("policy_domain", "reporter", "begin", "end", "org_name")
    identities = zip(*(reports[name].to_pylist() for name in names), strict=True)
    rest = ("id", "sha256", "report_id", "fingerprint", "records", "messages", "day", "p", "received_at")
    rows = zip(*(reports[name].to_pylist() for name in rest), strict=True)
    found = "status" not in reports.column_names
    statuses = [None] * reports.num_rows if found else reports["status"].to_pylist()
    tiers = (Tier(tier) for tier in reports["tier"].to_pylist())
    return [
        Entry(**dict(zip(rest, row, strict=True)), identity=Identity(*key), tier=tier, status=status)
        for key, row, tier, status in zip(identities, rows, tiers, statuses, strict=True)
    ]


def standing(entries: list[Entry], problems: pa.ChunkedArray) -> dict[str, pa.Array]:
    """The columns of `reports` that say how a report stands, and why it is held among its problems."""
    return {
        "tier": pa.array([str(entry.tier) for entry in entries], pa.string()),
        "status": pa.array([entry.status for entry in entries], pa.string()),
        "received_at": pa.array([entry.received_at for entry in entries], pa.string()),
        "received_day": pa.array([date.fromisoformat(entry.received_at[:10]) for entry in entries]),
        "problems": pa.array(
            [_with_reason(entry, found) for entry, found in zip(entries, problems.to_pylist(), strict=True)],
            problems.type,
        ),
    }


def _with_reason(entry: Entry, problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if entry.held is None and entry.status == HELD:
        return problems  # as an earlier increment found it
    others = [each for each in problems if not each["path"].startswith(PATH)]
    if entry.held is None:
        return others
    return [*others, {"path": f"{PATH}{entry.held.why}", "found": entry.held.found, "messages": 0}]


def as_they_stand(reports: pa.Table) -> pa.Table:
    """Of each report the row of the last increment that has one."""
    last = {identity: at for at, identity in enumerate(reports["id"].to_pylist())}
    return reports.take(pa.array(sorted(last.values()), pa.int64())).combine_chunks()
