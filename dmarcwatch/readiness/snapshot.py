"""A domain as of one day, before any policy is asked about: whose mail, which policy, what coverage."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from dmarcwatch.errors import ConfigError
from dmarcwatch.history import Cadence, Declared
from dmarcwatch.policy import DmarcRecord
from dmarcwatch.readiness.legitimacy import Context, Standing, assess, signers
from dmarcwatch.readiness.published import Rung, published_as_of, rung_of
from dmarcwatch.readiness.timeline import DomainCell, Timeline, Track
from dmarcwatch.streams import Label, Stream
from dmarcwatch.thresholds import Thresholds
from dmarcwatch.verdict import Published

Fix = Callable[[Stream, str], tuple[str, ...]]
"""Lines that say how to mend a stream in a state; the edge hands over the real one."""


def no_fix(stream: Stream, state: str) -> tuple[str, ...]:
    """No advice: for replays that nobody reads."""
    return ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is judged and how: everything that is not the domain's history."""

    as_of: date
    limits: Thresholds
    declared: Declared
    fix: Fix = no_fix
    labels: Mapping[str, Label] = field(default_factory=dict)
    """Labels given after the history was read, by stream id."""


class Snapshot:
    """A domain as of one day, before any policy is asked about."""

    def __init__(self, timeline: Timeline, asked: Asked) -> None:
        timeline.advance(asked.as_of)
        self.timeline = timeline
        self.as_of = asked.as_of
        self.limits = asked.limits
        self.declared = asked.declared
        self.fix = asked.fix
        self.last = asked.as_of.toordinal() - asked.limits.underway_days
        """Ordinal of the last day judged."""
        self.labels: dict[str, Label] = {}
        for track in timeline.tracks.values():
            label = asked.labels.get(track.stream.id, track.stream.label)
            if label is not None and label.given <= asked.as_of < label.expires:
                self.labels[track.stream.id] = label

    @cached_property
    def standings(self) -> Mapping[str, Standing]:
        """Whose mail each stream is."""
        today = self.as_of.toordinal()
        operators, homes = signers(self.timeline.tracks.values(), today)
        context = Context(
            today, self.last, len(self.reporting), operators, homes, self.labels, self.declared, self.limits
        )
        return {name: assess(track, context) for name, track in self.timeline.tracks.items()}

    @cached_property
    def ignored(self) -> frozenset[str]:
        """Streams that a label leaves out of every rate."""
        return frozenset(name for name, label in self.labels.items() if label.word == "ignore")

    @cached_property
    def reporting(self) -> frozenset[str]:
        """Organisations that report on the domain, whatever they saw."""
        seen = (cell.reporters for _, cell in self.domain_days(self.limits.long_days))
        return frozenset[str]().union(*seen)

    def cadence(self, stream: str) -> Cadence | None:
        """How rarely a stream sends, where a label or the configuration says so."""
        label = self.labels.get(stream)
        word = label.every if label is not None and label.every else dict(self.declared.every).get(stream)
        return None if word is None else Cadence(word)

    @cached_property
    def own(self) -> tuple[Track, ...]:
        """The domain's own streams, those left out by a label excepted."""
        tracks = self.timeline.tracks
        return tuple(tracks[name] for name, standing in self.standings.items() if standing.own)

    @cached_property
    def coverage(self) -> Mapping[int, float]:
        """Own messages by day, up to the last day judged, over all time that any rule asks for."""
        first = self.last - max(self.limits.patient_days.reject, 2 * self.limits.long_days) + 1
        last, covered = self.last, dict[int, float]()
        for track in self.own:
            for day, messages in track.covered.items():
                if first <= day <= last:
                    covered[day] = covered.get(day, 0.0) + messages
        return covered

    @cached_property
    def expected_weekdays(self) -> frozenset[int]:
        """Weekdays (0 is Monday) that are expected to bring own mail."""
        limits = self.limits
        first = max(self.last - 7 * limits.expected_weeks + 1, self.timeline.first or self.last)
        sums, counts = [0.0] * 7, [0] * 7
        for day in range(first, self.last + 1):
            weekday = (day - 1) % 7  # day 1 of the calendar was a Monday
            sums[weekday] += self.coverage.get(day, 0.0)
            counts[weekday] += 1
        enough = limits.expected_messages
        return frozenset(day for day in range(7) if counts[day] and sums[day] / counts[day] >= enough)

    @cached_property
    def published(self) -> Published:
        """The policy as reports last showed it."""
        return published_as_of(self.timeline, self.last)

    @cached_property
    def sp(self) -> str | None:
        """What the record says for subdomains; None where it says nothing, or nobody knows whether it does.

        Reporters write `sp` as `p` is where a record has none, because the schema of RFC 7489 (appendix C)
        asks for the element. So only a record that is known, or a value that differs, shows one.
        """
        record = self.timeline.history.record
        if record is not None:
            with suppress(ConfigError):
                sp = DmarcRecord.parse(record).policy("sp")
                return None if sp is None else str(sp)
        return None if self.published.sp == self.published.p else self.published.sp

    @cached_property
    def rung(self) -> Rung:
        """Where on the ladder the domain stands."""
        return rung_of(self.timeline, self.published, self.last)

    @property
    def history_days(self) -> int:
        """Days since the first trusted report; 0 without any."""
        first = self.timeline.first
        return 0 if first is None else max(0, self.as_of.toordinal() - first)

    def domain_days(self, days: int) -> Iterator[tuple[int, DomainCell]]:
        """The last so many days with reports, in order."""
        for day in range(self.last - days + 1, self.last + 1):
            cell = self.timeline.days.get(day)
            if cell is not None:
                yield day, cell
