"""Reports of earlier increments that new ones may meet: how they stood, and what that changes."""

from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.report import Tier
from dmarcwatch.scale import schemas
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.ids import increment_of
from dmarcwatch.scale.settling import Entry, Identity
from dmarcwatch.scale.sums import Sums, sum_up


class Earlier:
    """The reports of one shard in committed increments that speak of the same days as the new ones.

    Only those can be the same: what makes reports one has their period in it.
    """

    def __init__(self, dataset: Dataset, increments: tuple[int, ...], shard: int, days: pa.Array) -> None:
        self._dataset = dataset
        self._shard = shard
        self._before = as_they_stand(dataset.reports_of(increments, shard, days.to_pylist()))
        self.entries = entries_of(self._before)
        """Those reports, to be settled with the new ones."""
        self._days: dict[int, date] = dict(
            zip(self._before["id"].to_pylist(), self._before["day"].to_pylist(), strict=True)
        )

    def has(self, report: int) -> bool:
        """Whether a report is one of them."""
        return report in self._days

    def records(self, report: int) -> pa.Table:
        """The records of one of them."""
        return self._dataset.records_of(increment_of(report), self._shard, self._days[report], (report,))

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
        columns = {name: self._before[name] for name in self._before.column_names} | {
            "tier": pa.array([str(entry.tier) for entry in self.entries], pa.string()),
            "status": pa.array([entry.status for entry in self.entries], pa.string()),
        }
        return pa.table(columns, schemas.REPORTS)

    def _differs(self, after: pa.Table) -> pa.ChunkedArray:
        return pc.or_(
            pc.not_equal(after["tier"], self._before["tier"]),
            pc.not_equal(after["status"], self._before["status"]),
        )


def entries_of(reports: pa.Table) -> list[Entry]:
    """Reports as `settling` wants them, in the order of the table."""
    names = ("policy_domain", "reporter", "begin", "end", "org_name")
    identities = zip(*(reports[name].to_pylist() for name in names), strict=True)
    rest = ("id", "sha256", "report_id", "fingerprint", "records", "tier")
    rows = zip(*(reports[name].to_pylist() for name in rest), strict=True)
    found = "status" not in reports.column_names
    last = reports["held" if found else "status"].to_pylist()
    return [
        Entry(
            id=identity,
            identity=Identity(*key),
            sha256=sha256,
            report_id=report_id,
            fingerprint=fingerprint,
            records=records,
            tier=Tier(tier),
            status=None if found else mark,
            held=found and mark,
        )
        for key, (identity, sha256, report_id, fingerprint, records, tier), mark in zip(
            identities, rows, last, strict=True
        )
    ]


def as_they_stand(reports: pa.Table) -> pa.Table:
    """Of each report the row of the last increment that has one."""
    last = {identity: at for at, identity in enumerate(reports["id"].to_pylist())}
    return reports.take(pa.array(sorted(last.values()), pa.int64())).combine_chunks()
