"""Who keeps at it: places that fail on many days of a month, or on days of several months."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from dmarcwatch.readiness.timeline import Track
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds


class ActiveDay(NamedTuple):
    """A day on which mail of a place failed."""

    day: int
    """Ordinal."""
    failing: int
    reporters: frozenset[str]


def persists(
    days: Sequence[ActiveDay], *, last: int, reporters: int, thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> bool:
    """Whether a place keeps at it (JUDGEMENT 3, line 5): many days of a month, or days of two months."""
    return is_daily(days, last=last, reporters=reporters, thresholds=thresholds) or is_monthly(
        days, last=last, thresholds=thresholds
    )


def is_daily(days: Iterable[ActiveDay], *, last: int, reporters: int, thresholds: Thresholds) -> bool:
    """Active on many of the last days, as several organisations saw."""
    recent = [day for day in days if last - thresholds.persistent_window < day.day <= last]
    if len(recent) < thresholds.persistent_days:
        return False
    seen = frozenset[str]().union(*(day.reporters for day in recent))
    return len(seen) >= min(thresholds.persistent_reporters, max(1, reporters))


def is_monthly(days: Iterable[ActiveDay], *, last: int, thresholds: Thresholds) -> bool:
    """Active on days of several calendar months, with more than a handful of messages."""
    recent = [day for day in days if last - thresholds.long_days < day.day <= last]
    if sum(day.failing for day in recent) <= thresholds.monthly_messages:
        return False
    months = {date.fromordinal(day.day).strftime("%Y-%m") for day in recent}
    return len(months) >= thresholds.monthly_months


def failing_days(track: Track, *, since: int, until: int) -> tuple[ActiveDay, ...]:
    """The days of a stream on which direct mail failed, in order."""
    days = sorted(day for day in track.failing_days if since <= day <= until)
    cells = track.cells
    return tuple(ActiveDay(day, cells[day].failing, frozenset(cells[day].reporters)) for day in days)
