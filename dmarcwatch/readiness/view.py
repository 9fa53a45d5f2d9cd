"""A domain as it is judged for one policy: the window, the domain's own streams, the pools."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from dmarcwatch import bounds
from dmarcwatch.readiness.faults import Fault, Least, bad_days, lapsed_since, mended_since
from dmarcwatch.readiness.legitimacy import Standing
from dmarcwatch.readiness.snapshot import Snapshot
from dmarcwatch.readiness.timeline import DayCell, DomainCell, Track
from dmarcwatch.readiness.toll import Toll, comes_back, toll, total
from dmarcwatch.readiness.window import Window, add_to
from dmarcwatch.streams import Label, Legitimacy, Place, PlaceKind, Stream
from dmarcwatch.verdict import Target

Days = list[tuple[int, DayCell]]
"""A stream's active days in order."""


class Judged(NamedTuple):
    """One stream of the domain's own as it is judged for one policy."""

    track: Track
    standing: Standing
    label: Label | None
    critical: bool
    cells: Days
    """The days that its own gates judge: the window or, for a rare sender, the long one; since it
    was mended, where it was."""
    since: int | None
    """First day after a mended or lapsed fault; earlier failures are left out everywhere."""
    fault: Fault | None
    """Its bad days."""

    @property
    def stream(self) -> Stream:
        """The stream itself."""
        return self.track.stream


class Pooled(NamedTuple):
    """The domain's own mail of the window in one pot, without failures that are mended."""

    failing: bounds.Share
    doubtful: bounds.Share
    """Failing, unverified and indeterminate together."""
    days: dict[int, tuple[int, int]]
    """Messages and failing ones by day."""


class OwnMail(NamedTuple):
    """The domain's own mail of some days."""

    messages: int
    unsigned: int
    """Of these without an aligned DKIM pass."""


class View:
    """What the gates of one policy look at."""

    def __init__(self, snapshot: Snapshot, target: Target) -> None:
        self.snapshot = snapshot
        self.target = target
        self.limits = snapshot.limits
        self.last = snapshot.last
        self._days: dict[tuple[str, int], Days] = {}
        self._own_mail: dict[int, OwnMail] = {}

    @cached_property
    def plain_first(self) -> int:
        """First day of the window without reaching back."""
        return self.last - self.limits.window_days.at(self.target) + 1

    @cached_property
    def expected_days(self) -> int:
        """Days of a plain window that are expected to bring own mail."""
        weekdays = self.snapshot.expected_weekdays
        return sum((day - 1) % 7 in weekdays for day in range(self.plain_first, self.last + 1))

    @cached_property
    def first(self) -> int:
        """First day of the window, reaching back over a time without reports as far as is allowed."""
        enough = self.limits.covered_share * self.expected_days
        furthest = self.last - self.limits.reach_days.at(self.target) + 1
        first = self.plain_first
        covered = self.covered_expected(first)
        while covered < enough and first > furthest:
            first -= 1
            covered += self._covers(first)
        return first

    def covered_expected(self, first: int) -> int:
        """Expected days from `first` on with at least one own message."""
        return sum(self._covers(day) for day in range(first, self.last + 1))

    def _covers(self, day: int) -> bool:
        expected = (day - 1) % 7 in self.snapshot.expected_weekdays
        return expected and self.snapshot.coverage.get(day, 0.0) > 0

    @cached_property
    def covered_days(self) -> list[int]:
        """Days of the window with own mail, in order."""
        coverage = self.snapshot.coverage
        return [day for day in range(self.first, self.last + 1) if coverage.get(day, 0.0) > 0]

    def reaches(self, place: Place) -> bool:
        """Whether the policy under question applies to the place's mail: `sp=none` leaves subdomains out."""
        return place.header_from == place.policy_domain or self.snapshot.sp != "none"

    @cached_property
    def own(self) -> tuple[Judged, ...]:
        """The domain's own streams that the policy applies to and that mailed within the long window."""
        tracks = (track for track in self.snapshot.own if self.reaches(track.stream.place))
        judged = (self._judged(track) for track in tracks)
        return tuple(one for one in judged if one is not None)

    def days_of(self, track: Track, first: int) -> Days:
        """The active days of a stream from `first` to the end of the window."""
        cells = track.cells
        known = self._days.get((track.stream.id, first))
        if known is None:
            known = [(day, cells[day]) for day in range(first, self.last + 1) if day in cells]
            self._days[track.stream.id, first] = known
        return known

    def _judged(self, track: Track) -> Judged | None:
        limits, snapshot, stream = self.limits, self.snapshot, track.stream
        cells = self.days_of(track, self.first)
        if len(cells) < limits.few_active_days:
            cells = self.days_of(track, self.last - limits.long_days + 1)
        if not cells:
            return None
        fault = bad_days(track, last=self.last, limits=limits)
        standing = snapshot.standings[stream.id]
        since = self._since(track, standing, fault)
        if since is not None:
            cells = [(day, cell) for day, cell in cells if day >= since]
        label = snapshot.labels.get(stream.id)
        critical = (label is not None and label.critical) or stream.id in snapshot.declared.critical
        return Judged(track, standing, label, critical, cells, since, fault)

    def _since(self, track: Track, standing: Standing, fault: Fault | None) -> int | None:
        if fault is None:
            return None
        limits = self.limits
        least = Least(limits.fixed_days.at(self.target), limits.passing_days.at(self.target))
        since = mended_since(track, fault, last=self.last, least=least, limits=limits)
        if since is None and standing.legitimacy is Legitimacy.SHADOW:
            since = lapsed_since(track, fault, least=least, limits=limits)
        return since

    @cached_property
    def _window(self) -> Window:
        """All own mail of the window, gone through once: most gates read a part of it."""
        found = Window()
        for judged in self.own:
            found.add(self.days_of(judged.track, self.first), since=judged.since or 0)
        return found

    @cached_property
    def pooled(self) -> Pooled:
        """All own mail of the window."""
        window, odd = self._window, self.odd_reporters
        share = bounds.share(window.cells, rho=self.limits.rho)
        if not window.doubts:
            return Pooled(share, share, window.days)
        cells = list(window.cells)
        for index, (day, cell) in window.doubts.items():
            more = sum(messages for reporter, messages in cell.doubted_by.items() if reporter not in odd)
            if day in self.dns_days:
                more = max(0, more - cell.undecided)
            cells[index] = bounds.Cell(cells[index].messages, cells[index].failing + more)
        return Pooled(share, bounds.share(cells, rho=self.limits.rho), window.days)

    @cached_property
    def odd_reporters(self) -> frozenset[str]:
        """Organisations that doubt much of the own mail where all others together hardly doubt any."""
        doubts: dict[str, int] = {}
        for _, cell in self._window.doubts.values():
            add_to(doubts, cell.doubted_by)
        return frozenset(reporter for reporter in doubts if self._is_odd(reporter, doubts))

    @cached_property
    def dns_days(self) -> frozenset[int]:
        """Days on which the domain's DNS failed, and that are over: two weeks ago, or one day only.

        What could not be decided then is neither pass nor fail (RFC 9989 section 5.3.6), and says
        nothing of the mail.
        """
        limits, window = self.limits, self._window
        undecided: dict[int, int] = {}
        for day, cell in window.doubts.values():
            undecided[day] = undecided.get(day, 0) + cell.undecided
        bad = [
            day
            for day, number in undecided.items()
            if number >= max(limits.bad_day_failures, limits.bad_day_share * window.days[day][0])
        ]
        recent = {day for day in bad if self.last - day < limits.fixed_days.quarantine}
        return frozenset(bad) - (recent if len(recent) > limits.bad_days else set())

    def _is_odd(self, reporter: str, doubts: Mapping[str, int]) -> bool:
        limits, seen = self.limits, self.reporters
        others = self.evidence - seen[reporter]
        doubted = sum(doubts.values()) - doubts[reporter]
        agreed = (
            others >= limits.dominant_others and doubted <= limits.doubtful_share.at(self.target) * others
        )
        return agreed and doubts[reporter] > limits.odd_share * seen[reporter]

    @cached_property
    def evidence(self) -> int:
        """Own messages of the window in reports that were read in full."""
        return sum(self.reporters.values())

    @property
    def failed_by(self) -> dict[str, int]:
        """Failing own messages of the window by organisation."""
        return self._window.failed_by

    @property
    def reporters(self) -> dict[str, int]:
        """Own messages of the window by organisation."""
        return self._window.reporters

    def own_mail(self, days: int) -> OwnMail:
        """Own messages of the last days, of reports read in full."""
        known = self._own_mail.get(days)
        if known is None:
            first, total, signed = self.last - days + 1, 0, 0
            for judged in self.own:
                for _, cell in self.days_of(judged.track, first):
                    total += cell.evidence
                    signed += cell.dkim
            known = self._own_mail[days] = OwnMail(total, total - signed)
        return known

    @cached_property
    def domain(self) -> DomainCell:
        """All trusted reports of the window together."""
        total = DomainCell()
        for _, cell in self.snapshot.domain_days(self.last - self.first + 1):
            total.reports += cell.reports
            total.recovered += cell.recovered
            total.messages += cell.messages
            total.unread += cell.unread
            total.reporters |= cell.reporters
        return total

    @cached_property
    def in_part(self) -> float:
        """Messages that recovered reports of the window would hold if they were as large as whole ones.

        A report cut short tells of few messages; what hides in the rest goes by what the same
        organisation usually reports.
        """
        if not self.domain.recovered:
            return 0.0
        whole: dict[str, tuple[int, int]] = {}
        broken: dict[str, tuple[int, int]] = {}
        for _, cell in self.snapshot.domain_days(self.last - self.first + 1):
            for sums, seen in ((whole, cell.whole), (broken, cell.broken)):
                for reporter, (reports, messages) in seen.items():
                    before = sums.get(reporter, (0, 0))
                    sums[reporter] = (before[0] + reports, before[1] + messages)
        found = 0.0
        for reporter, (reports, messages) in broken.items():
            usual_reports, usual_messages = whole.get(reporter, (0, 0))
            usual = usual_messages / usual_reports * reports if usual_reports else 0.0
            found += max(messages, usual)
        return found

    @cached_property
    def tolls(self) -> Mapping[str, Toll]:
        """What each stream brings into the window, those left out by a label excepted."""
        standings, ignored = self.snapshot.standings, self.snapshot.ignored
        window, apart = (self.first, self.last), self.limits.come_back_days
        return {
            name: toll(track, standings[name], window=window, apart=apart)
            for name, track in self.snapshot.timeline.tracks.items()
            if name not in ignored
        }

    @cached_property
    def toll(self) -> Toll:
        """The same of all streams that the policy applies to; pooled domains that come back are unknown."""
        tracks = self.snapshot.timeline.tracks
        touched = total(one for name, one in self.tolls.items() if self.reaches(tracks[name].stream.place))
        back = sum(
            comes_back(days, first=self.first, last=self.last, apart=self.limits.come_back_days)
            for place, days in self.snapshot.timeline.places.items()
            if place.kind is PlaceKind.DOMAIN
        )
        moved = min(back, touched.spoof)
        return touched + Toll(unknown=moved, spoof=-moved, questionable=moved)
