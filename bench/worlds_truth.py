"""What is true of a world, counted from the mail itself: what a policy would lose, and what could be known.

Nothing here reads a judge. A fault is **there** once it has made mail fail on a day that reports can
tell of (two days before `as_of`); it has **begun** as soon as it is in the world. What a policy loses
is counted over the 30 days after `as_of`, as though nobody repaired what is there by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bench.worlds_calendar import LOOK_AHEAD_DAYS, Days, Draw
from bench.worlds_flows import Flow, Sender, Whose

REPORT_DELAY_DAYS = 2
"""The last day that a verdict may read is `as_of` - 2 (JUDGEMENT 6)."""
LOSS_LIMIT = {"quarantine": 0.01, "reject": 0.005}
"""Loss of own mail above which "ready" was wrong."""
SAFE_DAYS = {"quarantine": 31, "reject": 61}
"""How long a domain must have been safe before the rules let it move."""
RULES_DKIM_SHARE = 0.98
"""p=reject must not rely on SPF alone (RFC 9989 7.4), whatever it would lose."""
RULES_FORWARDED_SHARE = 0.01
"""Broken forwarded mail above this share keeps a domain at quarantine (JUDGEMENT 6)."""


class State(StrEnum):
    """What is true of a day for one target."""

    SAFE = "safe"
    """Nothing of the domain's own is at fault."""
    GREY = "grey"
    """A fault is there that loses less than the limit, or a rule forbids the step: either answer is fair."""
    UNSAFE = "unsafe"
    """A fault that reports can tell of loses more than the limit."""
    UNSEEN = "unsafe-unseen"
    """As unsafe, but the fault is too new for any report."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The facts of each replayed day (index: days after the start)."""

    own: Days
    """Own messages of each day of the horizon, all receivers."""
    lost: Days
    """Share of own mail that fails in the next 30 days from faults that are there and from breakage."""
    lost_begun: Days
    """The same, with faults that have begun but not yet shown."""
    lost_messages: Days
    """Messages behind `lost`."""
    at_fault: NDArray[np.bool_]
    """Whether there is something to repair: a fault that fails mail or takes the signatures away."""
    no_reject: NDArray[np.bool_]
    """Whether a rule keeps the domain from reject, whatever it would lose."""
    worst: tuple[str, ...]
    """The fault that loses most from each day on; empty where there is none."""

    def state(self, day: int, target: str) -> State:
        """What a verdict for `target` on that day should know."""
        limit = LOSS_LIMIT[target]
        if self.lost[day] > limit:
            return State.UNSAFE
        if self.lost_begun[day] > limit:
            return State.UNSEEN
        if self.at_fault[day] or (target == "reject" and self.no_reject[day]):
            return State.GREY
        return State.SAFE

    def safe_long_enough(self, day: int, target: str) -> bool:
        """Whether every day of the time that the rules ask for was safe, up to this one."""
        first = day - SAFE_DAYS[target] + 1
        return first >= 0 and all(self.state(each, target) is State.SAFE for each in range(first, day + 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Trouble:
    """One cause at one sender: the share of its mail that fails, and since when."""

    name: str
    sender: int
    share: Days
    begun: int
    shown: int
    """First day by which it had failed at least one message."""
    fixed: int


def find_truth(draw: Draw, senders: Sequence[Sender], indirect: Sequence[Flow]) -> Truth:
    """Count what each day's policy would lose."""
    sent = [sender.sent for sender in senders]
    own = np.sum(sent, axis=0) if senders else draw.nothing()
    troubles = [
        trouble
        for number, sender in enumerate(senders)
        for trouble in _troubles(sender, number, draw.horizon)
    ]
    breakage = sum((_breakage(sender) for sender in senders), draw.nothing())
    ahead = _ahead(own, draw.days)
    background = _ahead(breakage, draw.days)
    there = np.zeros(draw.days)
    begun = np.zeros(draw.days)
    worst = []
    for day in range(draw.days):
        present = [each for each in troubles if each.begun <= day < each.fixed]
        shown = [each for each in present if each.shown <= day - REPORT_DELAY_DAYS]
        there[day] = background[day] + _losses(shown, sent, day)
        begun[day] = background[day] + _losses(present, sent, day)
        worst.append(max(present, key=lambda each: _losses([each], sent, day)).name if present else "")
    return Truth(
        own=own,
        lost=_share(there, ahead),
        lost_begun=_share(begun, ahead),
        lost_messages=there,
        at_fault=_at_fault(draw, senders),
        no_reject=_no_reject(draw, senders, indirect, own),
        worst=tuple(worst),
    )


def _troubles(sender: Sender, number: int, horizon: int) -> list[_Trouble]:
    """A sender's faults that fail mail, the phases of one cause together."""
    by_cause: dict[str, list[int]] = {}
    for index, fault in enumerate(sender.faults):
        if not fault.becomes.passes:
            by_cause.setdefault(fault.cause, []).append(index)
    troubles = []
    for cause, indices in by_cause.items():
        faults = [sender.faults[index] for index in indices]
        share = np.minimum(1.0, np.sum([fault.share for fault in faults], axis=0))
        failed = np.cumsum(sender.sent * share)
        shown = int(np.searchsorted(failed, 1.0))
        fixed = horizon if faults[0].fixed is None else faults[0].fixed
        troubles.append(_Trouble(f"{sender.key}: {cause}", number, share, faults[0].begun, shown, fixed))
    return troubles


def _at_fault(draw: Draw, senders: Sequence[Sender]) -> NDArray[np.bool_]:
    """Days with something to repair; SPF alignment lost while DKIM holds is not: nothing rests on it."""
    found = np.zeros(draw.days, bool)
    for sender in senders:
        for fault in sender.faults:
            if not fault.becomes.passes or (sender.signs and not fault.becomes.dkim):
                found[fault.begun : fault.fixed] = True
    return found


def _breakage(sender: Sender) -> Days:
    """Signatures that break at random: always there, and part of every loss."""
    return sender.sent * sum(share for auth, share in sender.normal if not auth.passes)


def _losses(troubles: Sequence[_Trouble], sent: Sequence[Days], day: int) -> float:
    """Messages lost after `day` to these faults; two faults of a sender do not lose a message twice."""
    window = slice(day + 1, day + 1 + LOOK_AHEAD_DAYS)
    kept: dict[int, Days] = {}
    for each in troubles:
        kept[each.sender] = kept.get(each.sender, 1.0) * (1.0 - each.share[window])
    return float(sum(np.sum(sent[sender][window] * (1.0 - left)) for sender, left in kept.items()))


def _ahead(daily: Days, days: int) -> Days:
    """Sum of the 30 days after each day."""
    total: Days = np.concatenate([[0.0], np.cumsum(daily)])
    first = np.arange(days) + 1
    return total[first + LOOK_AHEAD_DAYS] - total[first]


def _share(part: Days, whole: Days) -> Days:
    share: Days = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return share


def _no_reject(
    draw: Draw, senders: Sequence[Sender], indirect: Sequence[Flow], own: Days
) -> NDArray[np.bool_]:
    """Senders that rest on SPF alone, people on lists, or too much broken forwarded mail."""
    forbidden = np.zeros(draw.days, bool)
    for sender in senders:
        signed = sum(share for auth, share in sender.normal if auth.dkim)
        unsigned = sum((fault.actual() for fault in sender.faults if not fault.becomes.dkim), draw.nothing())
        forbidden |= (signed < RULES_DKIM_SHARE) | (unsigned[: draw.days] > 1 - RULES_DKIM_SHARE)
    if any(flow.source == "lists" for flow in indirect):
        forbidden[:] = True
    broken = sum((flow.sent for flow in indirect if not flow.auth.passes), draw.nothing())
    if own.sum() and broken.sum() / own.sum() > RULES_FORWARDED_SHARE:
        forbidden[:] = True
    return forbidden


def total_by_class(flows: Sequence[Flow]) -> dict[Whose, float]:
    """Expected messages by whose they are."""
    return {whose: float(sum(flow.sent.sum() for flow in flows if flow.whose is whose)) for whose in Whose}
