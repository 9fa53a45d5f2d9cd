"""When a stream broke, how often, and whether it is mended: bad days, gaps and what counts since.

Days are ordinals, as in `timeline`.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from dmarcwatch.thresholds import Thresholds
from dmarcwatch.timeline import DayCell, Track


class Fault(NamedTuple):
    """Days on which something was wrong, in order, and how long ago the last was."""

    days: tuple[int, ...]
    away: int
    """Days since the last of them."""

    @property
    def largest_gap(self) -> int:
        """Most days between one and the next; 0 for a single day."""
        return max((later - day for day, later in pairwise(self.days)), default=0)


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
    active = [cells[day].messages for day in range(last - limits.long_days + 1, last + 1) if day in cells]
    average = sum(active) / len(active) if active else 0.0
    return 1 if average < limits.small_stream_daily else limits.bad_day_failures


def away_enough(fault: Fault, *, least_days: int, limits: Thresholds) -> bool:
    """Away for a while, and for longer than the fault has ever paused before."""
    return fault.away >= max(least_days, min(limits.gap_factor * fault.largest_gap, limits.long_days))


def mended_since(track: Track, fault: Fault, *, last: int, least_days: int, limits: Thresholds) -> int | None:
    """The first day after a fault that was shown to be mended, None while it was not.

    Shown means active days without a bad one; nothing more of history is asked for.
    """
    if not away_enough(fault, least_days=least_days, limits=limits):
        return None
    since = fault.days[-1] + 1
    active = sum(1 for day in range(since, last + 1) if day in track.cells)
    return since if active >= limits.fixed_active_days else None


def lapsed_since(track: Track, fault: Fault, *, least_days: int, limits: Thresholds) -> int | None:
    """The first day after a sender that was never set up fell silent, None while it may come back.

    A fault seen on one day only may come back in a month (a newsletter), as for failing states.
    """
    if max(track.cells) > fault.days[-1]:
        return None
    gap = fault.largest_gap or limits.lone_day_gap
    enough = max(least_days, min(limits.gap_factor * gap, limits.long_days))
    return fault.days[-1] + 1 if fault.away >= enough else None


def total_losses(cells: Sequence[tuple[int, DayCell]], *, last: int, limits: Thresholds) -> Fault | None:
    """Days on which most of the stream's mail failed, where they come back after a week or more."""
    share, least = limits.total_day_share, limits.bad_day_failures
    days = tuple(day for day, cell in cells if cell.failing >= max(least, share * cell.messages))
    if len(days) < limits.stream_days or days[-1] - days[0] < limits.total_day_apart:
        return None
    return Fault(days, last - days[-1])


def state_fault(days: Iterable[int], *, last: int, limits: Thresholds) -> Fault | None:
    """The days a failing state was seen, while it is not away for long enough; None once it is."""
    seen = tuple(sorted(days))
    if not seen:
        return None
    fault = Fault(seen, last - seen[-1])
    gap = fault.largest_gap or limits.lone_day_gap
    enough = max(limits.state_away_days, min(limits.gap_factor * gap, limits.long_days))
    return fault if fault.away < enough else None
