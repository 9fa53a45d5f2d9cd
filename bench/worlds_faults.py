"""Faults: what makes a sender's own mail fail, since when, how, and until when.

A fault's `share` is its pattern as it would go on if nobody repaired it; `fixed` cuts it. So what a
policy would lose to a fault that is there can be counted without the luck of a repair next week.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.worlds_calendar import Days, Draw


class Auth(NamedTuple):
    """A state and what it means for DMARC (JUDGEMENT 1; DESIGN 3.3 for other senders)."""

    state: str
    dkim: bool
    """Aligned DKIM passes."""
    spf: bool
    """Aligned SPF passes."""

    @property
    def passes(self) -> bool:
        return self.dkim or self.spf


BOTH = Auth("both-aligned", True, True)
DKIM_ONLY = Auth("dkim-only", True, False)
SPF_ONLY = Auth("spf-only", False, True)
SPF_DKIM_BROKEN = Auth("spf-only-dkim-broken", False, True)
MAIL_FROM_SPF_BROKEN = Auth("mail-from-spf-broken", True, False)
NULL_RETURN_PATH = Auth("null-return-path", True, False)
STRICT_ASPF = Auth("strict-aspf", True, False)
STRICT_ADKIM = Auth("strict-adkim", False, False)
OWN_DKIM_BROKEN = Auth("own-dkim-broken", False, False)
AMAZONSES_ONLY = Auth("amazonses-only", False, False)
ALTERED = Auth("altered", False, False)
UNALIGNED = Auth("unaligned", False, False)
FORGED_RETURN_PATH = Auth("forged-return-path", False, False)


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A part of one sender's mail that authenticates differently from `begun` on."""

    cause: str
    """Faults of one sender with one cause are phases of the same thing."""
    becomes: Auth
    share: Days
    """Share of the sender's mail on each day, as if never repaired; 0 before `begun`."""
    begun: int
    fixed: int | None
    """First day without it; None: not repaired within the horizon."""
    audience: int | None = None
    """The only receiver that sees it; None for all."""

    def actual(self) -> Days:
        """The share of each day as it came about, repair included."""
        cut = self.share.copy()
        if self.fixed is not None:
            cut[self.fixed :] = 0.0
        return cut


def repair_day(draw: Draw, begun: int) -> int | None:
    """When the owner repairs a fault that began on `begun`; None where he never does."""
    if not draw.chance(draw.rates.repaired):
        return None
    day = begun + 5 + int(draw.rng.exponential(draw.rates.repair_days))
    return day if day < draw.horizon else None


def from_day(draw: Draw, begun: int, share: float = 1.0, *, until: int | None = None) -> Days:
    """A constant share from one day on."""
    pattern = draw.nothing()
    pattern[begun:until] = share
    return pattern


def never_set_up(draw: Draw, becomes: Auth, share: float = 1.0) -> Fault:
    """Wrong since before the reports began."""
    return Fault("never-set-up", becomes, from_day(draw, 0, share), 0, repair_day(draw, 0))


def lasting(draw: Draw, phases: tuple[tuple[int, Auth], ...]) -> tuple[Fault, ...]:
    """A key, record or MX is lost on one day: phases of (days it lasts, what the mail becomes)."""
    begun = draw.whole(1, draw.horizon - 1)
    fixed = repair_day(draw, begun)
    cause = f"lost-{phases[-1][1].state}-{begun}"
    faults, day = [], begun
    for length, becomes in phases:
        faults.append(Fault(cause, becomes, from_day(draw, day, until=day + length), begun, fixed))
        day += length
    return tuple(faults)


def incident(draw: Draw, becomes: Auth) -> Fault:
    """One to three days of failures that end by themselves."""
    begun = draw.whole(1, draw.horizon - 1)
    share = draw.between(0.2, 1.0)
    return Fault(f"incident-{begun}", becomes, from_day(draw, begun, share), begun, begun + draw.whole(1, 3))


def flapping(draw: Draw, becomes: Auth) -> Fault:
    """Fails for one to three days, again and again, until somebody finds out why."""
    begun = draw.whole(0, 60)
    pattern = draw.nothing()
    day, rest = begun, draw.between(6, 40)
    while day < draw.horizon:
        length = draw.whole(1, 3)
        pattern[day : day + length] = draw.between(0.3, 1.0)
        day += length + max(2, int(draw.rng.gamma(6.0, rest / 6)))
    return Fault("flapping", becomes, pattern, begun, repair_day(draw, begun + 30))


def whole_days(draw: Draw, becomes: Auth) -> Fault:
    """A whole day fails now and then, at random."""
    mean_gap = draw.between(25, 60)
    pattern = (draw.rng.random(draw.horizon) < 1 / mean_gap).astype(float)
    days = np.flatnonzero(pattern)
    begun = int(days[0]) if len(days) else draw.horizon - 1
    return Fault("whole-days", becomes, pattern, begun, None)


def partial(draw: Draw, becomes: Auth) -> Fault:
    """One of several keys or servers is broken: a small share of a busy sender, every day."""
    begun = draw.whole(0, 80)
    share = draw.between(0.004, 0.015)
    return Fault("partial", becomes, from_day(draw, begun, share), begun, repair_day(draw, begun))
