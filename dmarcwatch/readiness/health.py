"""How a stream changed: fell, or fell silent (dmarc.md 5.5, JUDGEMENT 6 `regressed` and `silent`).

Days are ordinals, as in `timeline`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from dmarcwatch import bounds
from dmarcwatch.history import Cadence
from dmarcwatch.readiness.timeline import DayCell, Track
from dmarcwatch.thresholds import Thresholds


class Mechanism(StrEnum):
    """What is watched: the DMARC result, or one of the two that make it."""

    DMARC = "dmarc"
    DKIM = "dkim"
    SPF = "spf"


class Condition(StrEnum):
    """What can be said of a stream's health; the words of `findings` (DESIGN 3.3)."""

    REGRESSED = "regressed"
    """It passed DMARC and no longer does."""
    DEGRADED = "degraded"
    """It lost DKIM or SPF alignment, and the other one still carries it."""
    BROKEN = "broken"
    """At least half of the last week fails."""
    LEAKING = "leaking"
    """Some of the last week fails, more than chance breaks."""
    SILENT = "silent"
    THIN = "thin"
    """Too rarely seen to prove anything."""


class Passed(NamedTuple):
    """One active day: its messages, and those that passed."""

    day: int
    messages: int
    passed: int


class Fall(NamedTuple):
    """A mechanism that passed and no longer does."""

    mechanism: Mechanism
    seen: int
    """The day on which it was first certain."""


_CADENCE_DAYS = {Cadence.WEEK: 7, Cadence.MONTH: 31, Cadence.QUARTER: 92}


def fallen(track: Track, mechanism: Mechanism, *, today: int, limits: Thresholds) -> Fall | None:
    """The fall of DKIM or of the DMARC result that has not been made good, as of `today`.

    A fall opens on a day and closes after active days that all pass, whatever happens to the
    baseline meanwhile; so the days are gone through in order.
    """
    if not _passes(track.totals, mechanism):
        return None
    since = today - 2 * limits.long_days
    low = _low_days(track, mechanism, limits)
    checks = {seen for day in low if day >= since for seen in range(day + 1, day + limits.recent_days + 1)}
    if not checks:
        return None
    checks = {seen for seen in checks if seen <= today and _week_is_low(track, mechanism, seen, limits)}
    if not checks:
        return None
    days = _series(track, mechanism, since - limits.baseline_days - limits.recent_days, today)
    closed = since
    for seen in sorted(checks):
        if seen <= closed:
            continue
        if has_fallen(days, seen, limits):
            end = _recovery(days, seen, limits)
            if end is None:
                return Fall(mechanism, seen)
            closed = end
    return None


def _low_days(track: Track, mechanism: Mechanism, limits: Thresholds) -> Iterator[int]:
    """Days without which no week can pass as little as a fall asks for."""
    cells = track.cells
    for day in track.failing_days if mechanism is Mechanism.DMARC else track.unsigned_days:
        cell = cells[day]
        if _passes(cell, mechanism) < limits.recent_pass * cell.decided:
            yield day


def _week_is_low(track: Track, mechanism: Mechanism, seen: int, limits: Thresholds) -> bool:
    """Whether the days before `seen` pass as little as a fall asks for; asked of many, so it is quick."""
    messages = passed = 0
    for day in range(seen - limits.recent_days, seen):
        cell = track.cells.get(day)
        if cell is not None:
            messages += cell.decided
            passed += _passes(cell, mechanism)
    return messages > 0 and passed <= limits.recent_pass * messages


def lost_spf(track: Track, *, today: int, limits: Thresholds) -> bool:
    """Whether SPF alignment fell, now; no more than a warning while DKIM holds."""
    if not track.totals.spf or not _week_is_low(track, Mechanism.SPF, today, limits):
        return False
    first = today - limits.baseline_days - limits.recent_days
    return has_fallen(_series(track, Mechanism.SPF, first, today), today, limits)


def _series(track: Track, mechanism: Mechanism, first: int, today: int) -> list[Passed]:
    found = ((day, track.cells.get(day)) for day in range(first, today))
    return [
        Passed(day, cell.decided, _passes(cell, mechanism)) for day, cell in found if cell and cell.decided
    ]


def _passes(cell: DayCell, mechanism: Mechanism) -> int:
    if mechanism is Mechanism.DKIM:
        return cell.dkim
    return cell.spf if mechanism is Mechanism.SPF else cell.passed


def has_fallen(days: Sequence[Passed], today: int, limits: Thresholds) -> bool:
    """Whether the days before `today` are worse than the month before them, beyond chance."""
    middle = bisect_left(days, (today - limits.recent_days,))
    recent = days[middle : bisect_left(days, (today,))]
    now = _share(recent)
    if now is None or now > limits.recent_pass:
        return False
    baseline = days[bisect_left(days, (today - limits.recent_days - limits.baseline_days,)) : middle]
    before = _share(baseline)
    if before is None or before < limits.baseline_pass:
        return False
    return _fell_fast(recent, limits) or _fell_surely(baseline, recent, limits)


def _share(days: Sequence[Passed]) -> float | None:
    messages = passed = 0
    for day in days:
        messages += day.messages
        passed += day.passed
    return passed / messages if messages else None


def _fell_fast(recent: Sequence[Passed], limits: Thresholds) -> bool:
    lost = [day.messages if day.passed < limits.fall_pass * day.messages else 0 for day in recent]
    in_a_row = lost[-limits.fall_days :]
    fell = len(in_a_row) == limits.fall_days and min(in_a_row) >= limits.fall_messages
    return fell or sum(messages >= limits.steep_messages for messages in lost) >= limits.steep_days


def _fell_surely(baseline: Sequence[Passed], recent: Sequence[Passed], limits: Thresholds) -> bool:
    before, now = _failing(baseline, limits), _failing(recent, limits)
    return (
        before.sample >= limits.baseline_sample
        and now.sample >= limits.recent_sample
        and 1.0 - before.upper >= limits.baseline_pass
        and 1.0 - now.lower <= limits.recent_pass
    )


def _failing(days: Sequence[Passed], limits: Thresholds) -> bounds.Share:
    cells = (bounds.Cell(day.messages, day.messages - day.passed) for day in days)
    return bounds.share(cells, rho=limits.rho)


def _recovery(days: Sequence[Passed], seen: int, limits: Thresholds) -> int | None:
    """The day on which enough active days in a row had passed after a fall; None while they have not.

    Fewer will do of a sender that mails rarely, over four weeks.
    """
    good, begun = 0, seen
    for day in days[bisect_right(days, (seen,)) :]:
        if day.passed < limits.recovered_pass * day.messages:
            good, begun = 0, day.day
            continue
        good += 1
        rarely = good >= limits.total_fixed_days and day.day - begun >= limits.passing_days.quarantine
        if good >= limits.recovered_days or rarely:
            return day.day
    return None


def silent_days(track: Track, cadence: Cadence | None, *, last: int, limits: Thresholds) -> int | None:
    """For how long a regular sender has been gone, while that is news; None where it is not."""
    if track.last is None or last - track.last < limits.silent_days:
        return None
    active = sorted(day for day, cell in track.cells.items() if cell.evidence and day <= last)
    if cadence is not None:
        patience = round(1.5 * _CADENCE_DAYS[cadence])
    elif len(active) >= limits.silent_regular_days:
        usual = median(later - day for day, later in pairwise(active))
        patience = max(limits.silent_days, round(limits.silent_gaps * usual))
    else:
        return None
    away = last - active[-1]
    return away if patience < away <= patience + limits.silent_closed_days else None


def conditions(
    track: Track, cadence: Cadence | None, *, last: int, limits: Thresholds
) -> tuple[Condition, ...]:
    """The health of a stream, gravest first; empty where all is well."""
    today = last + limits.underway_days
    dmarc = fallen(track, Mechanism.DMARC, today=today, limits=limits) is not None
    dkim = fallen(track, Mechanism.DKIM, today=today, limits=limits) is not None
    week, month = (_sampled(track, last - days + 1, last, limits) for days in (limits.recent_days, 30))
    broken = week.sample >= limits.broken_sample and week.point >= limits.total_day_share
    found = {
        Condition.REGRESSED: dmarc,
        Condition.BROKEN: broken,
        Condition.DEGRADED: not dmarc and (dkim or lost_spf(track, today=today, limits=limits)),
        Condition.LEAKING: not broken and week.point > limits.stream_share.quarantine,
        Condition.SILENT: silent_days(track, cadence, last=last, limits=limits) is not None,
        Condition.THIN: month.sample < limits.thin_sample,
    }
    return tuple(condition for condition, holds in found.items() if holds)


def _sampled(track: Track, first: int, last: int, limits: Thresholds) -> bounds.Share:
    cells = (track.cells.get(day) for day in range(first, last + 1))
    return bounds.share((bounds.Cell(cell.messages, cell.failing) for cell in cells if cell), rho=limits.rho)
