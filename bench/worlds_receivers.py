"""The receivers that report on a domain: their shares, outages, delays and mistakes."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bench.worlds_calendar import Days, Draw
from dmarcwatch.report import Grade, Tier

_LARGE = (
    ("google.com", 0.42, 0.6),
    ("microsoft.com", 0.2, 0.05),
    ("yahoo.com", 0.1, 0.1),
)
_SMALL = (
    ("gmx.net", 0.04, 0.0),
    ("comcast.net", 0.03, 0.1),
    ("mail.ru", 0.02, 0.1),
    ("fastmail.com", 0.015, 0.6),
    ("mimecast.com", 0.03, 0.1),
    ("amazonses.com", 0.01, 0.0),
    ("zoho.com", 0.01, 0.1),
    ("web.de", 0.03, 0.0),
    ("seznam.cz", 0.01, 0.1),
    ("proofpoint.com", 0.02, 0.1),
)
"""Name, usual share of a domain's mail, and how often it gives a reason for mail of lists and forwarders."""
_LAST_DAY_LATE = 9


class Bug(StrEnum):
    """How one reporter's evaluator goes wrong."""

    LENIENT = "lenient"
    """Says pass for mail that does not align, and its own results do not show why."""
    HARSH = "harsh"
    """Breaks signatures on the way to its check: what it says is what it would do."""
    UNSURE = "unsure"
    """Its resolver fails: temperror for a part of the mail."""


@dataclass(frozen=True, slots=True, eq=False)
class Receiver:
    """An organisation that gets the domain's mail and reports on it."""

    name: str
    share: float
    """Of all the domain's mail."""
    tier: Tier
    reasons: float
    """How often it says why, for mail of lists and of forwarders that seal it."""
    active: NDArray[np.bool_]
    """Days it reports on (and the report reached us)."""
    received: NDArray[np.int64]
    """Day on which the report of each day reached us."""
    span_days: int = 1
    unreadable: float = 0.0
    """Share of its reports that had to be recovered from broken XML."""
    bug: Bug | None = None
    bug_from: int = 0
    bug_share: float = 0.0

    def unsure(self, day: int) -> float:
        """Share of the mail of that day with a DNS error instead of a result."""
        return self.bug_share if self.bug is Bug.UNSURE and day >= self.bug_from else 0.0

    def grade(self, day: int) -> Grade:
        """How its report of that day can be read; fixed by the day, not by chance, so that rows agree."""
        if self.unreadable and (day * 7919) % 100 < self.unreadable * 100:
            return Grade.RECOVERED
        return Grade.CLEAN


def draw_receivers(draw: Draw) -> tuple[Receiver, ...]:
    """Who reports on the domain, largest first; together they see 35-95 % of its mail."""
    chosen = _choose(draw)
    shares = np.array([share for _, share, _ in chosen]) * draw.rng.gamma(4.0, 1 / 4, len(chosen))
    seen = draw.between(0.55, 0.95) if len(chosen) > 2 else draw.between(0.35, 0.75)
    shares = shares / shares.sum() * seen
    trouble = draw.whole(0, len(chosen) - 1)
    lost, delayed = _mailbox_outage(draw)
    late, weekly, buggy, broken = (
        draw.chance(rate)
        for rate in (
            draw.rates.late_reporter,
            draw.rates.weekly_reporter,
            draw.rates.evaluator_bug,
            draw.rates.unreadable,
        )
    )
    bug = list(Bug)[draw.whole(0, 2)] if buggy else None
    receivers = []
    for index, (name, _, reasons) in enumerate(chosen):
        hit = index == trouble
        small = index >= len(_LARGE)
        span = draw.whole(2, 7) if weekly and small and index == len(chosen) - 1 else 1
        receivers.append(
            Receiver(
                name=name,
                share=float(shares[index]),
                tier=Tier.CONSISTENT if small and draw.chance(draw.rates.unknown_reporter) else Tier.VERIFIED,
                reasons=reasons,
                active=_active(draw) & ~lost,
                received=_received(draw, delayed, late=late and hit, span_days=span),
                span_days=span,
                unreadable=draw.between(0.05, 0.5) if broken and hit else 0.0,
                bug=bug if hit else None,
                bug_from=draw.whole(0, draw.days - 1),
                bug_share=draw.log_between(0.02, 0.5),
            )
        )
    return tuple(receivers)


def _choose(draw: Draw) -> tuple[tuple[str, float, float], ...]:
    if draw.chance(draw.rates.google_only):
        return _LARGE[:1]
    if draw.chance(draw.rates.few_reporters):
        return _LARGE[:2]
    number = draw.whole(0, 6)
    picked = sorted(draw.rng.choice(len(_SMALL), size=number, replace=False))
    return (*_LARGE, *(_SMALL[index] for index in picked))


def _active(draw: Draw) -> NDArray[np.bool_]:
    """Outages of a reporter: what it did not write is lost."""
    active = draw.rng.random(draw.days) > 0.005
    for first in np.flatnonzero(draw.rng.random(draw.days) < draw.rates.outage_hazard):
        active[first : first + draw.whole(2, 10)] = False
    return active


def _mailbox_outage(draw: Draw) -> tuple[NDArray[np.bool_], Days]:
    """Days lost and extra days of delay while our own mailbox did not work."""
    lost, delay = np.zeros(draw.days, bool), np.zeros(draw.days)
    if draw.chance(draw.rates.mailbox_outage):
        first, length = draw.whole(5, draw.days - 1), draw.whole(3, 20)
        affected = np.arange(first, min(first + length, draw.days))
        delay[affected] = first + length - affected
        lost[affected] = draw.chance(1 / 3)
    return lost, delay


def _received(draw: Draw, delay: Days, *, late: bool, span_days: int) -> NDArray[np.int64]:
    """Most reports come the day after; a few percent some days later; a late reporter's always do."""
    lag = (
        1
        + (draw.rng.random(draw.days) < 0.08)
        + (draw.rng.random(draw.days) < 0.02) * draw.rng.integers(1, 6, draw.days)
    )
    if late:
        lag = lag + draw.rng.integers(2, _LAST_DAY_LATE, draw.days)
    days = np.arange(draw.days)
    last_of_span = np.minimum(days // span_days * span_days + span_days - 1, draw.days - 1)
    received: NDArray[np.int64] = (last_of_span + np.maximum(lag, delay)[last_of_span]).astype(np.int64)
    return received
