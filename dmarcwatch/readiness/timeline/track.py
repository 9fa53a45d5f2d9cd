"""One stream as received so far: its rows sorted into days, and by the way they came."""

from dmarcwatch.readiness.timeline.cells import SIGNED_FAILING, DayCell, Indirect
from dmarcwatch.report import Grade
from dmarcwatch.streams import Stream, StreamDay

_SHARED_OPERATORS = frozenset({"mailbox", "gateway", "unknown"})
"""Sender types whose addresses carry everybody's mail, so that a reporter's word of a list counts."""

_MAX_SPAN_DAYS = 62
"""A report over more days says nothing of any one of them; the longest seen spans 25."""


class Track:
    """One stream as received so far."""

    __slots__ = (
        "cells",
        "covered",
        "failing_days",
        "first",
        "indirect",
        "last",
        "rows",
        "shared",
        "stream",
        "totals",
        "unsigned_days",
    )

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.shared = stream.sender_type in _SHARED_OPERATORS
        self.cells: dict[int, DayCell] = {}
        self.indirect: dict[int, Indirect] = {}
        self.failing_days: set[int] = set()
        self.unsigned_days: set[int] = set()
        """Days with messages that lack an aligned DKIM pass."""
        self.covered: dict[int, float] = {}
        """Messages by day of reports read in full, those over several days spread evenly."""
        self.rows: list[StreamDay] = []
        """Direct ones, as they came."""
        self.totals = DayCell()
        """Sums over all days."""
        self.first: int | None = None
        """First day with direct messages of a trusted report read in full."""
        self.last: int | None = None

    def add(self, row: StreamDay) -> None:
        """Count a trusted row."""
        day = row.day.toordinal()
        failing = row.messages - row.dmarc_pass - row.indeterminate - row.unknown
        if row.forwarded or row.state == "altered":
            self._add_indirect(day, row, row.messages, failing)
            return
        moved = 0
        if self.shared and row.listed and failing and row.state in SIGNED_FAILING:
            # A list or an ARC sealer broke a signature of the domain on its way (JUDGEMENT 3, line 2).
            moved = min(row.listed, failing)
            self._add_indirect(day, row, moved, moved)
            row = row._replace(spared=max(0, row.spared - moved))
        elif row.listed and row.state == "unaligned":
            self._indirect(day).hinted += row.listed
        elif row.listed:
            self._indirect(day).listed += row.listed
        self._add_direct(day, row, row.messages - moved, failing - moved)

    def _indirect(self, day: int) -> Indirect:
        return self.indirect.setdefault(day, Indirect())

    def _add_indirect(self, day: int, row: StreamDay, messages: int, failing: int) -> None:
        cell = self._indirect(day)
        cell.messages += messages
        cell.failing += failing
        cell.spared += min(row.spared, failing)
        cell.listed += row.listed

    def _add_direct(self, day: int, row: StreamDay, messages: int, failing: int) -> None:
        self.rows.append(row if messages == row.messages else row._replace(messages=messages))
        cell = self.cells.get(day)
        if cell is None:
            cell = self.cells[day] = DayCell()
        if failing:
            self.failing_days.add(day)
        if row.dkim_aligned < messages:
            self.unsigned_days.add(day)
        whole = row.grade is not Grade.RECOVERED
        for counts in (cell, self.totals):
            counts.add_failing(row, failing)
            if whole:
                counts.add_whole(row, messages)
            else:
                counts.messages += failing
        if whole and messages:
            self._seen(day, row.span_days, messages)

    def _seen(self, day: int, span_days: int, messages: int) -> None:
        self.first = day if self.first is None else min(self.first, day)
        self.last = day if self.last is None else max(self.last, day)
        span = min(span_days, _MAX_SPAN_DAYS)  # one cluster for the statistics, but all of it is covered
        each = messages if span == 1 else messages / span
        for covered in range(day, day + span):
            self.covered[covered] = self.covered.get(covered, 0) + each
