"""What a policy would have done to the messages of the last days, stream by stream (dmarc.md 4)."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from dmarcwatch.history import NOTHING_DECLARED, Declared, History
from dmarcwatch.policy import DmarcRecord, Population, requested, shares
from dmarcwatch.readiness.legitimacy import Standing
from dmarcwatch.readiness.snapshot import Asked, Snapshot
from dmarcwatch.readiness.timeline import Timeline, Track
from dmarcwatch.report import Policy
from dmarcwatch.streams import Legitimacy
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds


@dataclass(frozen=True, slots=True)
class Fate:
    """What receivers of one kind would have done with a stream's failing messages, all of them obeying."""

    population: Population
    quarantined: int
    rejected: int


@dataclass(frozen=True, slots=True)
class StreamFate:
    """One stream under the policy."""

    stream: str
    name: str
    header_from: str
    legitimacy: Legitimacy
    policy: Policy
    """What the record asks for mail from this From domain."""
    messages: int
    failing: int
    """What the policy may touch, whatever receivers make of it: the upper bound of the harm."""
    spared: int
    """Of the failing: a receiver gave a reason for which it lets such mail pass."""
    undecided: int
    """DNS errors and words nobody knows: may be affected or not."""
    fates: tuple[Fate, ...]
    """New receivers, old ones, and ones that soften nothing."""

    @property
    def expected(self) -> int:
        """Failing messages without those a receiver spares."""
        return self.failing - self.spared

    def as_dict(self) -> dict[str, Any]:
        """The stream's object in the JSON of `simulate`."""
        values = asdict(self) | {"expected": self.expected}
        values["fates"] = {
            str(fate.population): {"quarantined": fate.quarantined, "rejected": fate.rejected}
            for fate in self.fates
        }
        return values


@dataclass(frozen=True, slots=True)
class Projection:
    """A policy and what it would have done to each stream, most touched first."""

    domain: str
    policy: str
    window: tuple[date, date]
    streams: tuple[StreamFate, ...]

    def touched(self, legitimacy: Legitimacy) -> int:
        """Failing messages of one class that the policy asks to quarantine or reject."""
        asked = (fate for fate in self.streams if fate.policy is not Policy.NONE)
        return sum(fate.failing for fate in asked if fate.legitimacy is legitimacy)

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `simulate`."""
        first, last = self.window
        return {
            "domain": self.domain,
            "policy": self.policy,
            "first_day": first.isoformat(),
            "last_day": last.isoformat(),
            "touched": {str(word): self.touched(word) for word in Legitimacy},
            "streams": [fate.as_dict() for fate in self.streams],
        }


def project(
    history: History,
    policy: str,
    *,
    as_of: date,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    declared: Declared = NOTHING_DECLARED,
) -> Projection:
    """Lay a record, or tags like `p=reject; sp=quarantine`, over the messages of the window.

    Raises ConfigError when the policy cannot be read.
    """
    record = DmarcRecord.parse(policy)
    asked = Asked(as_of, thresholds, declared)
    snapshot = Snapshot(Timeline(history), asked)
    first = snapshot.last - thresholds.window_days.quarantine + 1
    fates = (
        _fate(track, snapshot.standings[name], record, (first, snapshot.last))
        for name, track in snapshot.timeline.tracks.items()
    )
    seen = (fate for fate in fates if fate.messages)
    return Projection(
        history.domain,
        str(record),
        (date.fromordinal(first), date.fromordinal(snapshot.last)),
        tuple(sorted(seen, key=lambda fate: (-fate.failing, -fate.messages, fate.stream))),
    )


def _fate(track: Track, standing: Standing, record: DmarcRecord, window: tuple[int, int]) -> StreamFate:
    first, last = window
    direct = [cell for day, cell in track.cells.items() if first <= day <= last]
    way = [cell for day, cell in track.indirect.items() if first <= day <= last]
    failing = sum(cell.failing for cell in direct) + sum(cell.failing for cell in way)
    place = track.stream.place
    asked = requested(record, subdomain=place.header_from != place.policy_domain)
    return StreamFate(
        stream=track.stream.id,
        name=track.stream.name,
        header_from=place.header_from,
        legitimacy=standing.legitimacy,
        policy=asked,
        messages=sum(cell.messages for cell in direct) + sum(cell.messages for cell in way),
        failing=failing,
        spared=sum(cell.spared for cell in direct) + sum(cell.spared for cell in way),
        undecided=sum(cell.undecided for cell in direct),
        fates=tuple(_done(record, asked, population, failing) for population in Population),
    )


def _done(record: DmarcRecord, asked: Policy, population: Population, failing: int) -> Fate:
    quarantined, rejected = shares(record, asked, population)
    touched, most = round(failing * (quarantined + rejected)), round(failing * rejected)
    return Fate(population, touched - most, most)  # Rounded apart they could be more than there are.
