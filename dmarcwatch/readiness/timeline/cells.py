"""What one day holds: of a stream, of what came to it by a second way, of the domain, of a pooled place.

Plain mutable counters: a judge adds a row to them as it arrives, and reads them a thousand times.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from dmarcwatch.report import Grade
from dmarcwatch.streams import DomainDay, StreamDay

WHOLE_FAILING = frozenset({"strict-adkim", "strict-aspf"})
"""Failing states in which another name of the domain's organisation is proved, which nobody can paste."""
SIGNED_FAILING = WHOLE_FAILING | {"own-dkim-broken"}
"""Failing states in which there is a sign of the domain: a signature, whole or broken, or its return path."""


@dataclass(slots=True)
class DayCell:
    """One stream on one day: trusted messages that came directly, of all reporters."""

    messages: int = 0
    """What rates divide by; of recovered reports only what fails."""
    evidence: int = 0
    """Messages of reports that were read in full."""
    failing: int = 0
    doubtful: int = 0
    """Failing, unverified, indeterminate or unknown."""
    passed: int = 0
    dkim: int = 0
    spf: int = 0
    signed: int = 0
    """Failing with a signature of the domain present."""
    spared: int = 0
    """Failing, with a reason for which the reporter would let them pass."""
    undecided: int = 0
    """Neither pass nor fail: DNS errors, and words nobody knows."""
    reporters: dict[str, int] = field(default_factory=dict)
    """Messages of `evidence` by organisation."""
    doubted_by: dict[str, int] = field(default_factory=dict)
    """Messages that are doubtful and do not fail, by organisation."""
    failed_by: dict[str, int] = field(default_factory=dict)
    """Failing messages by organisation."""
    states: dict[str, int] = field(default_factory=dict)
    """Failing messages by state."""

    @property
    def decided(self) -> int:
        """Messages of `evidence` that passed or failed: a DNS error is neither (RFC 9989 section 5.3.6)."""
        return self.evidence - self.undecided

    def add_failing(self, row: StreamDay, failing: int) -> None:
        """Count failing messages of a row, however well its report was read."""
        if not failing:
            return
        self.failing += failing
        self.doubtful += failing
        self.states[row.state] = self.states.get(row.state, 0) + failing
        self.failed_by[row.reporter] = self.failed_by.get(row.reporter, 0) + failing
        self.spared += min(row.spared, failing)
        if row.state in SIGNED_FAILING:
            self.signed += failing

    def add_whole(self, row: StreamDay, messages: int) -> None:
        """Count the rest of a row whose report was read in full."""
        self.messages += messages
        self.evidence += messages
        self.passed += row.dmarc_pass
        self.dkim += row.dkim_aligned
        self.spf += row.spf_aligned
        self.undecided += row.indeterminate + row.unknown
        self.reporters[row.reporter] = self.reporters.get(row.reporter, 0) + messages
        doubts = row.unverified + row.indeterminate + row.unknown
        if doubts:
            self.doubtful += doubts
            self.doubted_by[row.reporter] = self.doubted_by.get(row.reporter, 0) + doubts


@dataclass(slots=True)
class Indirect:
    """One stream on one day: trusted messages that came by a forwarder or a list."""

    messages: int = 0
    failing: int = 0
    spared: int = 0
    listed: int = 0
    """Messages with a mailing-list or arc=pass reason that carry a signature of the domain, or pass."""
    hinted: int = 0
    """The same of messages that show no sign of the domain; they are among the direct ones."""


class PolicySeen(NamedTuple):
    """The policy as one report published it."""

    p: str | None
    sp: str | None
    np: str | None
    pct: int | None
    t: bool | None
    adkim: str | None
    aspf: str | None


@dataclass(slots=True)
class DomainCell:
    """The domain on one day: its trusted reports, whatever they hold."""

    reports: int = 0
    recovered: int = 0
    messages: int = 0
    unread: int = 0
    policies: dict[PolicySeen, int] = field(default_factory=dict)
    """Reports that showed each policy."""
    reporters: set[str] = field(default_factory=set)
    whole: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Reports that were read in full and their messages, by organisation."""
    broken: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The same of recovered ones."""

    def add(self, row: DomainDay) -> None:
        """Count a trusted row."""
        self.reports += row.reports
        self.messages += row.messages
        self.unread += row.unread_messages
        self.reporters.add(row.reporter)
        kept = self.whole
        if row.grade is Grade.RECOVERED:
            self.recovered += row.reports
            kept = self.broken
        before = kept.get(row.reporter, (0, 0))
        kept[row.reporter] = (before[0] + row.reports, before[1] + row.messages)
        policy = PolicySeen(row.p, row.sp, row.np, row.pct, row.t, row.adkim, row.aspf)
        self.policies[policy] = self.policies.get(policy, 0) + row.reports


@dataclass(slots=True)
class PlaceDay:
    """One pooled place on one day."""

    failing: int = 0
    reporters: set[str] = field(default_factory=set)
