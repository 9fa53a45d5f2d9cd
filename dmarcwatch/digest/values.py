"""What a digest says, before it is text or HTML."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from dmarcwatch.verdict import Verdict


class Period(NamedTuple):
    """The days told of, the last included, and as many before them to compare with."""

    first: date
    last: date
    word: str
    """`week` or `month`."""

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days right before it."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1), self.word)

    def holds(self, day: date) -> bool:
        """Whether `day` is one of its days."""
        return self.first <= day <= self.last


class Volume(NamedTuple):
    """Messages in one period and in the one before."""

    messages: int = 0
    before: int = 0


class SenderLine(NamedTuple):
    """One sender of the period."""

    name: str
    header_from: str | None
    """None where it is the domain itself."""
    whose: str
    """`owned`, `shadow` or `unknown`."""
    volume: Volume
    passed: int
    """Of the period's messages, those that pass DMARC."""
    new: bool
    """First seen in the period."""

    @property
    def failing(self) -> int:
        """Messages of the period that do not pass."""
        return self.volume.messages - self.passed


class Spoofing(NamedTuple):
    """Mail of strangers in the domain's name that fails DMARC."""

    volume: Volume
    quarantined: int
    """Of the period's messages, those that receivers put aside ..."""
    rejected: int
    """... and those that they refused."""


class Step(NamedTuple):
    """One thing to do next."""

    text: str
    notes: tuple[str, ...] = ()
    """What to know before."""
    lines: tuple[str, ...] = ()
    """To copy; empty where there is nothing to, or more than a digest has room for."""
    stream: str | None = None
    """Whose page has all of it; None where `lines` are all, or it is about no sender."""


@dataclass(frozen=True, slots=True)
class DomainDigest:
    """One domain in one period."""

    domain: str
    verdict: Verdict
    headline: str
    changed: tuple[str, ...]
    """What is otherwise than at the end of the period before; empty where nothing is."""
    steps: tuple[Step, ...]
    """What to do next, the first first; empty where there is nothing to."""
    own: Volume
    own_passed: int
    senders: tuple[SenderLine, ...]
    """Those of the domain's own and unknown ones, most messages first."""
    forwarded: Volume
    spoofing: Spoofing


@dataclass(frozen=True, slots=True)
class Digest:
    """All domains, those that need attention first."""

    period: Period
    as_of: date
    domains: tuple[DomainDigest, ...]
