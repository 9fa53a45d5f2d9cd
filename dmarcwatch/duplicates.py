"""Which of two reports counts when both claim to be the same (dmarc.md 1.5, JUDGEMENT 5).

The rule alone: the database and a cluster find the rivals of a report each in their own way and ask here.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from dmarcwatch.report import Report, Tier, is_plausible

RANK = {Tier.UNVERIFIED: 0, Tier.CONSISTENT: 1, Tier.VERIFIED: 2, Tier.LOCAL: 3}
"""How tiers compare when two deliveries of one report meet."""
COUNTED = "counted"
SUPERSEDED = "superseded"
"""The status of a report whose place a later one took."""


class Claim(NamedTuple):
    """A report as far as it competes with others of its reporter, domain and period."""

    id: int
    report_id: str | None
    """As sent."""
    tier: Tier
    fingerprint: int
    """Of the multiset of its records."""
    records: int
    final: bool = False
    """Its messages cannot be taken back any more (its records were pruned): it stays, whatever comes."""


class Twin(NamedTuple):
    """What a new report means for those before it."""

    status: str
    supersedes: int | None
    """The report that stops counting because of this one."""


def decide(new: Claim, rivals: Iterable[Claim], *, holds_all: Callable[[int], bool]) -> Twin:
    """Whether a report counts beside `rivals`: those that count, of the same reporter, domain and period.

    The same id: a better tier wins; of equals the one that holds all of the other's records (RFC 9990
    section 3.5.2 lets a re-sent report replace the first; `holds_all` says so of the rival with that id),
    else the first stays and this one is a `conflict`. Another id with the very same records:
    `suspect-duplicate`, counted once, also where it takes the place of one with its own id.
    """
    named = sorted(rivals, key=lambda rival: rival.report_id != new.report_id)
    alike = next((old for old in named if old.report_id != new.report_id and _says_the_same(old, new)), None)
    for old in named:
        better = -1 if old.final else RANK[new.tier] - RANK[old.tier]
        if old.report_id == new.report_id:
            if better < 0 or (better == 0 and not holds_all(old.id)):
                return Twin("conflict", None)
            told = alike is not None and RANK[alike.tier] >= RANK[new.tier]
            return Twin("suspect-duplicate" if told else COUNTED, old.id)
        if old is alike:
            return Twin(COUNTED, old.id) if better > 0 else Twin("suspect-duplicate", None)
    return Twin(COUNTED, None)


def _says_the_same(old: Claim, new: Claim) -> bool:
    """Whether both have the very same records; none are no evidence of it."""
    return new.records > 0 and (old.fingerprint, old.records) == (new.fingerprint, new.records)


def is_held(report: Report) -> bool:
    """Whether a report's period cannot be: it is kept as `held`, competes with none and never counts."""
    return not is_plausible(report.begin, report.end)
