"""When a stream broke, how often, and whether it is mended: bad days, gaps and what counts since.

Days are ordinals, as in `timeline`.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from math import sqrt
from statistics import median
from typing import NamedTuple

from dmarcwatch import bounds
from dmarcwatch.readiness.timeline import DayCell, Track
from dmarcwatch.thresholds import Thresholds

_TURN = frozenset({28, 29, 30, 31, 1, 2, 3})

RANDOM_STATE = "own-dkim-broken"
"""Signatures break at random on their way, so this state alone proves a fault only in numbers."""


class Fault(NamedTuple):
    """Days on which something was wrong, in order, and how long ago the last was."""

    days: tuple[int, ...]
    away: int
    """Days since the last of them."""

    @property
    def largest_gap(self) -> int:
        """Most days between one and the next; 0 for a single day."""
        return max((later - day for day, later in pairwise(self.days)), default=0)

    def episodes(self, limits: Thresholds) -> int:
        """How often it came, counting days near each other once."""
        return 1 + sum(later - day >= limits.episode_days for day, later in pairwise(self.days))

    def is_one_run(self, limits: Thresholds) -> bool:
        """Whether all of it is one short run, as of a newsletter or payroll that will come again."""
        return self.days[-1] - self.days[0] < limits.run_days


def last_time(track: Track, fault: Fault, limits: Thresholds) -> Fault:
    """The days of the last time it came: close to each other, or with no mail in between."""
    days, begins = fault.days, len(fault.days) - 1
    while begins and _is_next(track, days[begins - 1], days[begins], limits):
        begins -= 1
    return Fault(days[begins:], fault.away)


def _is_next(track: Track, before: int, day: int, limits: Thresholds) -> bool:
    close = day - before <= limits.apart_days
    return close or not any(between in track.cells for between in range(before + 1, day))


def lasted(track: Track, fault: Fault, limits: Thresholds) -> bool:
    """Whether it last came to stay: such a fault ends when somebody mends it."""
    days = last_time(track, fault, limits).days
    return days[-1] - days[0] + 1 >= limits.lasting_fault_days


def bad_days(track: Track, *, last: int, limits: Thresholds) -> Fault | None:
    """The days on which the stream lost mail in earnest, two long windows back; None if there are none.

    Gaps longer than one long window count as one, so nothing older can matter.
    """
    failing = sorted(day for day in track.failing_days if last - 2 * limits.long_days < day <= last)
    if not failing:
        return None
    least = _least_failures(track, last=last, limits=limits)
    cells = track.cells
    bad = tuple(day for day in failing if is_bad(cells[day].messages, cells[day].failing, least, limits))
    return Fault(bad, last - bad[-1]) if bad else None


def is_bad(messages: int, failing: int, least: int, limits: Thresholds) -> bool:
    """Whether so many failures make a bad day."""
    return failing >= max(least, limits.bad_day_share * messages)


def _least_failures(track: Track, *, last: int, limits: Thresholds) -> int:
    cells = track.cells
    active = messages = 0
    for day in range(last - limits.long_days + 1, last + 1):
        cell = cells.get(day)
        if cell is not None:
            active += 1
            messages += cell.messages
    return 1 if messages < limits.small_stream_daily * max(1, active) else limits.bad_day_failures


class Least(NamedTuple):
    """Days away that are asked for at least."""

    mended: int
    """Of a fault that came to stay, and was mended."""
    passed: int
    """Of one that came for a few days and went by itself."""

    def of(self, track: Track, fault: Fault, limits: Thresholds) -> int:
        """The days for this fault."""
        return self.mended if lasted(track, fault, limits) else self.passed


def mended_since(track: Track, fault: Fault, *, last: int, least: Least, limits: Thresholds) -> int | None:
    """The first day after a fault that was shown to be mended, None while it was not.

    Shown means active days without a bad one; nothing more of history is asked for. A sender that
    failed on most days it mailed needs fewer of them: chance would have shown the fault again. One that
    failed on all of them for a week and more needs a few.
    """
    if fault.away < least.mended:
        return None
    total = took_every_day(track, fault, limits)
    # Where it did, its pauses were those of the mail and show no rhythm.
    enough = 0 if total else patience(track, fault, limits)
    if fault.away < max(enough, least.of(track, fault, limits)):
        return None
    since = fault.days[-1] + 1
    good = [track.cells[day] for day in range(since, last + 1) if day in track.cells]
    active = sum(1 for day in range(fault.days[0], since) if day in track.cells)
    by_chance = (1.0 - bounds.lower(len(fault.days), active)) ** len(good)
    shown = len(good) >= limits.fixed_active_days or by_chance <= 1.0 - bounds.CONFIDENCE
    return since if shown or (total and _is_enough_after_all(good, limits)) else None


def _is_enough_after_all(good: Sequence[DayCell], limits: Thresholds) -> bool:
    """Whether a few days or one large run pass: a fault that took all before would have taken these."""
    passed = sum(cell.passed for cell in good)
    return len(good) >= limits.total_fixed_days or passed >= limits.total_fixed_messages


def took_every_day(track: Track, fault: Fault, limits: Thresholds) -> bool:
    """Whether it left no day that the stream mailed on: from the first one on, or when it came to stay."""
    days = last_time(track, fault, limits).days
    if days != fault.days and not lasted(track, fault, limits):
        return False
    return len(days) == sum(day in track.cells for day in range(days[0], days[-1] + 1))


def lapsed_since(track: Track, fault: Fault, *, least: Least, limits: Thresholds) -> int | None:
    """The first day after a sender that was never set up fell silent, None while it may come back.

    A fault seen in one short run only may come back in a month (a newsletter), as for failing states.
    """
    if max(track.cells) > fault.days[-1]:
        return None
    alone = fault.is_one_run(limits)
    enough = max(least.of(track, fault, limits), patience(track, fault, limits, alone=alone))
    return fault.days[-1] + 1 if fault.away >= enough else None


def patience(track: Track, fault: Fault, limits: Thresholds, *, alone: bool = False) -> int:
    """Days without a fault that show it is over, by the rhythm it has shown.

    `alone`: a single run is taken for the first of a monthly sender's.
    """
    if fault.episodes(limits) >= limits.episodes:
        return limits.long_days
    gap = fault.largest_gap
    if not alone and lasted(track, fault, limits):
        # What came before it was something else, and says nothing of a rhythm.
        gap = last_time(track, fault, limits).largest_gap
    days = round(limits.gap_factor * gap)
    return min(max(days, limits.lone_run_days) if alone else days, limits.long_days)


def total_losses(cells: Sequence[tuple[int, DayCell]], *, last: int, limits: Thresholds) -> Fault | None:
    """Days on which most of the stream's mail failed, where they come back after a week or more.

    In the same state: that a key broke last month says nothing of when an identity is forgotten again.
    """
    share, least = limits.total_day_share, limits.bad_day_failures
    lost = [
        (day, _main_state(cell)) for day, cell in cells if cell.failing >= max(least, share * cell.messages)
    ]
    days = tuple(day for day, state in lost if state == lost[-1][1])
    if len(days) < limits.stream_days or days[-1] - days[0] < limits.total_day_apart:
        return None
    return Fault(days, last - days[-1])


def _main_state(cell: DayCell) -> str:
    """The state most failing messages are in."""
    return max(cell.states, key=lambda state: (cell.states[state], state), default="")


def state_fault(
    track: Track, state: str, days: Sequence[int], *, last: int, limits: Thresholds
) -> Fault | None:
    """The days (in order) a failing state was seen, until it is away for long enough; None once it is."""
    if not days:
        return None
    fault = Fault(tuple(days), last - days[-1])
    # SES signs for a whole region, so broken signatures of one run are an incident of that region.
    run = last_time(track, fault, limits)
    alone = state != RANDOM_STATE and run.is_one_run(limits) and _may_come_monthly(fault, run)
    alone = alone and _came_on_top(track, state, run, last - limits.long_days, limits)
    least = Least(limits.state_away_days, limits.passing_days.quarantine).of(track, fault, limits)
    enough = max(least, patience(track, fault, limits, alone=alone))
    return fault if fault.away < enough else None


def _may_come_monthly(fault: Fault, run: Fault) -> bool:
    """Whether a run is all there was, or came at the turn of a month (28th to 3rd) as invoices do."""
    at_turn = any(date.fromordinal(day).day in _TURN for day in run.days)
    return run.days == fault.days or at_turn


def _came_on_top(track: Track, state: str, run: Fault, since: int, limits: Thresholds) -> bool:
    """Whether the mail of a run came beside the stream's usual mail, and not in its place.

    A forgotten sender's monthly run leaves the stream's passing mail as it was; an incident turns
    passing mail into failing mail, and is over when that passes again.
    """
    cells, days = track.cells, range(run.days[0], run.days[-1] + 1)
    quiet = [(day, cell) for day, cell in cells.items() if day > since and day not in days]
    if len(quiet) < limits.few_active_days:
        return True
    usual = passed = failed = 0.0
    for day in days:
        # Compared with the same weekday: at weekends most senders rest.
        usual += median([cell.passed for other, cell in quiet if (other - day) % 7 == 0] or [0])
        if day in cells:
            passed += cells[day].passed
            failed += cells[day].states.get(state, 0)
    much = failed >= limits.incident_share * (passed + failed)
    fewer = passed + 2 * sqrt(usual) < usual
    return not (much and fewer)
