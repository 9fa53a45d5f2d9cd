"""How unknown mail comes back: by the calendar, day after day like a server, or whenever a spoofer likes."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp

from dmarcwatch.readiness.legitimacy import ActiveDay
from dmarcwatch.thresholds import Thresholds

_TWO_SIGMA = 2.0


def messages(days: Sequence[ActiveDay], last: int, window: int) -> int:
    """Failing messages of the last days of a window."""
    return sum(day.failing for day in days if last - window < day.day <= last)


def runs(days: Sequence[ActiveDay]) -> list[ActiveDay]:
    """Each run of days next to each other as its first day with all of its messages."""
    found: list[ActiveDay] = []
    before: int | None = None
    for day in days:
        if before is not None and day.day - before <= 1:
            found[-1] = found[-1]._replace(failing=found[-1].failing + day.failing)
        else:
            found.append(day)
        before = day.day
    return found


def has_rhythm(found: Sequence[ActiveDay], limits: Thresholds) -> bool:
    """Whether runs come back by the calendar: every month, or weeks apart again and again.

    A network with many runs has some of them weeks apart by chance, so most of them must be.
    """
    gaps = [later.day - run.day for run, later in pairwise(found)]
    if not gaps:
        return False
    weeks = sum(gap % 7 == 0 for gap in gaps)
    if weeks >= limits.weekly_gaps and weeks >= limits.weekly_share * len(gaps):
        return True
    low, high = limits.monthly_rhythm
    return all(low <= gap <= high for gap in gaps) and (
        len(found) > limits.monthly_runs or _are_alike([run.failing for run in found], limits)
    )


def _are_alike(sizes: Sequence[int], limits: Thresholds) -> bool:
    """Whether two runs are of one size, as those of one sender are: within a ratio, or within chance.

    Of five messages a run, reports show two of the one and eight of the other.
    """
    least, most = min(sizes), max(sizes)
    return most <= limits.run_ratio * least or (most - least) ** 2 <= _TWO_SIGMA**2 * (most + least)


def comes_back(found: Sequence[ActiveDay], *, last: int, limits: Thresholds) -> bool:
    """Whether runs of the last two months lie days apart, at whatever intervals."""
    recent = [run.day for run in found if last - limits.long_days < run.day <= last]
    return bool(recent) and recent[-1] - recent[0] >= limits.come_back_days


def is_regular(days: Sequence[ActiveDay], weekdays: frozenset[int], limits: Thresholds) -> bool:
    """Whether it was active on as many days as a server that sends so much every day.

    A spoofer sends much on few days; a server that sends one message in four days is active on
    nearly as many days as it sends messages. Only `weekdays` (0 is Monday) count, where there are any.
    """
    if not days:
        return False
    working = weekdays or frozenset(range(7))
    span = sum((day - 1) % 7 in working for day in range(days[0].day, days[-1].day + 1))
    if not span:
        return False
    active = sum((day.day - 1) % 7 in working for day in days)
    mean = sum(day.failing for day in days) / span
    return active >= limits.regular_share * span * (1.0 - exp(-mean))
