"""The history of a domain as day cells that grow with what was received: the index behind `judge`.

A verdict as of a day may use only what had arrived by then, and calibration asks for thousands of
days of one domain. So rows are sorted by arrival once and added to the cells as `as_of` passes.
Days are ordinals (`date.toordinal`) in here: plain integers subtract and hash faster.
"""

from datetime import date
from operator import attrgetter
from typing import NamedTuple, TypeVar

from dmarcwatch.history import History, PoolDay
from dmarcwatch.report import Grade, Tier
from dmarcwatch.streams import DomainDay, Place, Stream, StreamDay

TRUSTED = frozenset({Tier.LOCAL, Tier.VERIFIED})
"""Reports that count (JUDGEMENT 5); all others are shown beside them."""

SIGNED_FAILING = frozenset({"own-dkim-broken", "strict-adkim"})
"""Failing states in which a signature of the domain was present."""

_SHARED_OPERATORS = frozenset({"mailbox", "gateway", "unknown"})
"""Sender types whose addresses carry everybody's mail, so that a reporter's word of a list counts."""

_Row = TypeVar("_Row", StreamDay, DomainDay, PoolDay)

_MAX_SPAN_DAYS = 62
"""A report over more days says nothing of any one of them; the longest seen spans 25."""


class DayCell:
    """One stream on one day: trusted messages that came directly, of all reporters."""

    __slots__ = (
        "dkim",
        "doubted_by",
        "doubtful",
        "evidence",
        "failed_by",
        "failing",
        "messages",
        "passed",
        "reporters",
        "signed",
        "spared",
        "spf",
        "states",
        "undecided",
    )

    def __init__(self) -> None:
        self.messages = 0
        """What rates divide by; of recovered reports only what fails."""
        self.evidence = 0
        """Messages of reports that were read in full."""
        self.failing = 0
        self.doubtful = 0
        """Failing, unverified, indeterminate or unknown."""
        self.passed = 0
        self.dkim = 0
        self.spf = 0
        self.signed = 0
        """Failing with a signature of the domain present."""
        self.spared = 0
        """Failing, with a reason for which the reporter would let them pass."""
        self.undecided = 0
        """Neither pass nor fail: DNS errors, and words nobody knows."""
        self.reporters: dict[str, int] = {}
        """Messages of `evidence` by organisation."""
        self.doubted_by: dict[str, int] = {}
        """Messages that are doubtful and do not fail, by organisation."""
        self.failed_by: dict[str, int] = {}
        """Failing messages by organisation."""
        self.states: dict[str, int] = {}
        """Failing messages by state."""


class Indirect:
    """One stream on one day: trusted messages that came by a forwarder or a list."""

    __slots__ = ("failing", "hinted", "listed", "messages", "spared")

    def __init__(self) -> None:
        self.messages = 0
        self.failing = 0
        self.spared = 0
        self.listed = 0
        """Messages with a mailing-list or arc=pass reason that carry a signature of the domain, or pass."""
        self.hinted = 0
        """The same of messages that show no sign of the domain; they are among the direct ones."""


class Track:
    """One stream as received so far."""

    __slots__ = (
        "cells",
        "failing_days",
        "first",
        "indirect",
        "last",
        "shared",
        "spread",
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
        self.spread: dict[int, float] = {}
        """What coverage has to add on a day for reports over several days."""
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
        cell = self.cells.get(day)
        if cell is None:
            cell = self.cells[day] = DayCell()
        if failing:
            self.failing_days.add(day)
        if row.dkim_aligned < messages:
            self.unsigned_days.add(day)
        whole = row.grade is not Grade.RECOVERED
        for counts in (cell, self.totals):
            _count_failing(counts, row, failing)
            if whole:
                _count_whole(counts, row, messages, failing)
            else:
                counts.messages += failing
        if whole and messages:
            self._seen(day, row.span_days, messages)

    def _seen(self, day: int, span_days: int, messages: int) -> None:
        self.first = day if self.first is None else min(self.first, day)
        self.last = day if self.last is None else max(self.last, day)
        if span_days > 1:  # one cluster for the statistics, but every day of it is covered
            span = min(span_days, _MAX_SPAN_DAYS)
            each = messages / span
            self.spread[day] = self.spread.get(day, 0.0) + each - messages
            for later in range(day + 1, day + span):
                self.spread[later] = self.spread.get(later, 0.0) + each


def _count_failing(counts: DayCell, row: StreamDay, failing: int) -> None:
    state = row.state
    if failing:
        counts.failing += failing
        counts.doubtful += failing
        counts.states[state] = counts.states.get(state, 0) + failing
        counts.failed_by[row.reporter] = counts.failed_by.get(row.reporter, 0) + failing
        counts.spared += min(row.spared, failing)
        if state in SIGNED_FAILING:
            counts.signed += failing


def _count_whole(counts: DayCell, row: StreamDay, messages: int, failing: int) -> None:
    counts.messages += messages
    counts.evidence += messages
    counts.undecided += row.indeterminate + row.unknown
    doubts = row.unverified + row.indeterminate + row.unknown
    if doubts:
        counts.doubtful += doubts
        counts.doubted_by[row.reporter] = counts.doubted_by.get(row.reporter, 0) + doubts
    counts.passed += row.dmarc_pass
    counts.dkim += row.dkim_aligned
    counts.spf += row.spf_aligned
    counts.reporters[row.reporter] = counts.reporters.get(row.reporter, 0) + messages


class PolicySeen(NamedTuple):
    """The policy as one report published it."""

    p: str | None
    sp: str | None
    np: str | None
    pct: int | None
    t: bool | None
    adkim: str | None
    aspf: str | None


class DomainCell:
    """The domain on one day: its trusted reports, whatever they hold."""

    __slots__ = ("messages", "policies", "recovered", "reporters", "reports", "unread")

    def __init__(self) -> None:
        self.reports = 0
        self.recovered = 0
        self.messages = 0
        self.unread = 0
        self.policies: dict[PolicySeen, int] = {}
        """Reports that showed each policy."""
        self.reporters: set[str] = set()

    def add(self, row: DomainDay) -> None:
        """Count a trusted row."""
        self.reports += row.reports
        self.messages += row.messages
        self.unread += row.unread_messages
        self.reporters.add(row.reporter)
        if row.grade is Grade.RECOVERED:
            self.recovered += row.reports
        policy = PolicySeen(row.p, row.sp, row.np, row.pct, row.t, row.adkim, row.aspf)
        self.policies[policy] = self.policies.get(policy, 0) + row.reports


class PlaceDay:
    """One pooled place on one day."""

    __slots__ = ("failing", "reporters")

    def __init__(self) -> None:
        self.failing = 0
        self.reporters: set[str] = set()


class Timeline:
    """All cells of a domain as received by `received`."""

    def __init__(self, history: History) -> None:
        self.history = history
        arrival = attrgetter("received_day")
        self._rows: list[StreamDay] = sorted(history.stream_days, key=arrival)
        self._domain_days: list[DomainDay] = sorted(history.domain_days, key=arrival)
        self._pool: list[PoolDay] = sorted(history.pool, key=arrival)
        self._reset()

    def _reset(self) -> None:
        self.received = 0
        """Ordinal of the last day whose arrivals are in."""
        self._next = {"rows": 0, "domain_days": 0, "pool": 0}
        self.tracks = {stream.id: Track(stream) for stream in self.history.streams}
        self.days: dict[int, DomainCell] = {}
        self.places: dict[Place, dict[int, PlaceDay]] = {}
        self.first: int | None = None
        """First day that a trusted report speaks of."""
        self.untrusted_reports = 0
        """Reports that could not be trusted, over all time."""
        self.future_reports = 0
        """Trusted reports of days after their arrival: the reporter's clock is wrong, so is their day."""

    def advance(self, as_of: date) -> None:
        """Take in everything received by `as_of`; going back in time starts anew."""
        if as_of.toordinal() < self.received:
            self._reset()
        self.received = as_of.toordinal()
        for row in self._due("rows", self._rows, as_of):
            track = self.tracks.get(row.stream)
            if row.tier in TRUSTED and track is not None and row.day <= row.received_day:
                self._begin(row.day)
                track.add(row)
        for domain_day in self._due("domain_days", self._domain_days, as_of):
            self._add_domain_day(domain_day)
        for place_day in self._due("pool", self._pool, as_of):
            if place_day.tier in TRUSTED:
                self._add_place_day(place_day)

    def _due(self, which: str, rows: list[_Row], as_of: date) -> list[_Row]:
        start = end = self._next[which]
        while end < len(rows) and rows[end].received_day <= as_of:
            end += 1
        self._next[which] = end
        return rows[start:end]

    def _begin(self, day: date) -> None:
        ordinal = day.toordinal()
        if self.first is None or ordinal < self.first:
            self.first = ordinal

    def _add_domain_day(self, row: DomainDay) -> None:
        if row.tier not in TRUSTED:
            self.untrusted_reports += row.reports
            return
        if row.day > row.received_day:
            self.future_reports += row.reports
            return
        self._begin(row.day)
        self.days.setdefault(row.day.toordinal(), DomainCell()).add(row)

    def _add_place_day(self, row: PoolDay) -> None:
        days = self.places.setdefault(row.place, {})
        day = days.setdefault(row.day.toordinal(), PlaceDay())
        day.failing += row.failing
        day.reporters.add(row.reporter)
