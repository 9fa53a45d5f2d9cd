"""The records of one report, of this increment or an earlier one, for the few that are asked about."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.scale.earlier import Earlier


class RecordsOf:
    """Finds the records of a report."""

    def __init__(self, records: pa.Table, earlier: Earlier) -> None:
        self._records = records
        self._earlier = earlier
        self._runs: dict[int, tuple[int, int]] | None = None
        self._known: dict[int, Counter[tuple[Any, ...]]] = {}

    def holds_all(self, new: int, old: int) -> bool:
        """Whether every record of `old` is in `new`, as often."""
        return not self._multiset(old) - self._multiset(new)

    def of(self, report: int) -> pa.Table:
        """The records of a report."""
        if self._earlier.has(report):
            return self._earlier.records(report)
        return self._records.slice(*self._new().get(report, (0, 0)))

    def _multiset(self, report: int) -> Counter[tuple[Any, ...]]:
        if report not in self._known:
            rows = self.of(report)
            columns = (rows[name].to_pylist() for name in ("source_ip", "messages", "evidence"))
            self._known[report] = Counter(zip(*columns, strict=True))
        return self._known[report]

    def _new(self) -> dict[int, tuple[int, int]]:
        """Where the records of each new report stand: those of one follow each other."""
        if self._runs is None:
            self._runs = {}
            runs = pc.run_end_encode(self._records["report"].combine_chunks())
            start = 0
            for report, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
                self._runs[report] = (start, end - start)
                start = end
        return self._runs
