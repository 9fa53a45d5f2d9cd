"""All that was received about a domain by some day, as cells that grow from day to day."""

from collections import Counter
from datetime import date
from operator import attrgetter
from typing import TypeVar

from dmarcwatch.history import History, PoolDay
from dmarcwatch.policy import Step
from dmarcwatch.readiness.timeline.cells import DomainCell, PlaceDay
from dmarcwatch.readiness.timeline.track import Track
from dmarcwatch.report import Grade, Tier
from dmarcwatch.streams import DomainDay, Place, StreamDay

TRUSTED = frozenset({Tier.LOCAL, Tier.VERIFIED})
"""Reports that count (JUDGEMENT 5); all others are shown beside them."""

_Row = TypeVar("_Row", StreamDay, DomainDay, PoolDay)


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
        self.steps: dict[int, Step] = {}
        """The rung of the ladder on days that somebody asked about; forgotten where a report is added."""
        self.places: dict[Place, dict[int, PlaceDay]] = {}
        self.first: int | None = None
        """First day that a trusted report speaks of."""
        self.untrusted_reports = 0
        """Reports that could not be trusted, over all time."""
        self.reports: Counter[Tier] = Counter()
        """All reports by how far they are trusted, over all time."""
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
                self._begin(row.day, row.grade)
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

    def _begin(self, day: date, grade: Grade) -> None:
        """Reach back to a day; what was recovered from broken XML lengthens no history."""
        ordinal = day.toordinal()
        if grade is Grade.RECOVERED:
            return
        if self.first is None or ordinal < self.first:
            self.first = ordinal

    def _add_domain_day(self, row: DomainDay) -> None:
        self.reports[row.tier] += row.reports
        if row.tier not in TRUSTED:
            self.untrusted_reports += row.reports
            return
        if row.day > row.received_day:
            self.future_reports += row.reports
            return
        self._begin(row.day, row.grade)
        ordinal = row.day.toordinal()
        self.steps.pop(ordinal, None)
        self.days.setdefault(ordinal, DomainCell()).add(row)

    def _add_place_day(self, row: PoolDay) -> None:
        days = self.places.setdefault(row.place, {})
        day = days.setdefault(row.day.toordinal(), PlaceDay())
        day.failing += row.failing
        day.reporters.add(row.reporter)
