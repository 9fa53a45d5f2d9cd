"""Mail of unknown senders: the forgotten server, the vendor's monthly run, and the spoofer."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from dmarcwatch.readiness.gates.measured import Measured, at_most, count, none_open, percent
from dmarcwatch.readiness.legitimacy import (
    NEVER_ASKED,
    ActiveDay,
    Standing,
    failing_days,
    is_daily,
    is_monthly,
)
from dmarcwatch.readiness.timeline import PlaceDay
from dmarcwatch.readiness.view import View
from dmarcwatch.streams import Legitimacy, stream_id
from dmarcwatch.thresholds import Thresholds
from dmarcwatch.verdict import Blocker, Kind


class Stranger(NamedTuple):
    """A place that nobody has labelled, and the days its mail failed."""

    id: str
    name: str
    days: tuple[ActiveDay, ...]


class Rule(NamedTuple):
    """How many failing messages in how many days ask for an answer."""

    window: int
    above: int
    below: int
    """Fewer than this close the question again."""


def unknown_persistent(view: View) -> Measured:
    """Unknown senders that keep at it: only the user can say whose they are."""
    limits = view.limits
    daily, monthly = [], []
    for stranger in _strangers(view):
        if _is_daily(stranger.days, view):
            daily.append(stranger)
        elif _is_monthly(stranger.days, view):
            monthly.append(stranger)
    rhythmic = [stranger for stranger in monthly if has_rhythm(stranger.days, limits)]
    asked, excused = (monthly, []) if len(monthly) <= limits.monthly_many else (rhythmic, monthly)
    by_day = (limits.persistent_window, limits.persistent_messages)
    by_month = (limits.long_days, limits.monthly_messages)
    blockers = tuple(_blocker(view, stranger, *by_day) for stranger in daily)
    blockers += tuple(_blocker(view, stranger, *by_month) for stranger in asked)
    notices = _reused(view, [stranger for stranger in excused if stranger not in asked])
    found = f"{count(len(blockers), 'unknown sender')} keep failing and nobody has said whose they are"
    ranked = tuple(sorted(blockers, key=lambda one: -(one.messages or 0)))
    words = found if blockers else "no unknown sender keeps failing"
    return none_open(ranked, words)._replace(notices=notices)


def _strangers(view: View) -> Iterator[Stranger]:
    snapshot, since = view.snapshot, view.last - 2 * view.limits.long_days + 1
    for name, standing in snapshot.standings.items():
        track = snapshot.timeline.tracks[name]
        if name in snapshot.labels or not _may_ask(standing) or not track.failing_days:
            continue
        if track.stream.place.kind not in NEVER_ASKED and view.reaches(track.stream.place):
            yield Stranger(name, track.stream.name, failing_days(track, since=since, until=view.last))
    for place, days in snapshot.timeline.places.items():
        if view.reaches(place):
            yield Stranger(stream_id(place), place.name, _place_days(days, since, view.last))


def _may_ask(standing: Standing) -> bool:
    """Persistent now, or guessed to be spoof: it may have persisted before and not be closed yet."""
    return standing.asked or (standing.legitimacy is Legitimacy.SPOOF and standing.confidence < 1.0)


def _place_days(days: dict[int, PlaceDay], since: int, until: int) -> tuple[ActiveDay, ...]:
    active = sorted(day for day, cell in days.items() if since <= day <= until and cell.failing)
    return tuple(ActiveDay(day, days[day].failing, frozenset(days[day].reporters)) for day in active)


def _is_daily(days: Sequence[ActiveDay], view: View) -> bool:
    limits, reporters = view.limits, len(view.snapshot.reporting)
    rule = Rule(limits.persistent_window, limits.persistent_messages, limits.closed_messages)
    return any(
        is_daily(days, last=last, reporters=reporters, thresholds=limits)
        for last in _openings(days, view.last, rule)
    )


def _is_monthly(days: Sequence[ActiveDay], view: View) -> bool:
    limits = view.limits
    rule = Rule(limits.long_days, limits.monthly_messages, limits.closed_messages)
    return any(is_monthly(days, last=last, thresholds=limits) for last in _openings(days, view.last, rule))


def _openings(days: Sequence[ActiveDay], last: int, rule: Rule) -> Iterator[int]:
    """The days, latest first, on which there were enough messages to ask, up to where too few closed it."""
    now = _messages(days, last, rule.window)
    if now > rule.above:
        yield last
    if now < rule.below:
        return
    for active in reversed(days):
        amount = _messages(days, active.day, rule.window)
        if amount > rule.above:
            yield active.day
        # Between active days the amount only falls, so the lowest stands right before this one.
        if _messages(days, active.day - 1, rule.window) < rule.below:
            return


def _messages(days: Sequence[ActiveDay], last: int, window: int) -> int:
    return sum(day.failing for day in days if last - window < day.day <= last)


def has_rhythm(days: Sequence[ActiveDay], limits: Thresholds) -> bool:
    """Whether it comes back by the calendar: every month, or weeks apart again and again.

    Days next to each other are one run, and runs of one sender are of much the same size.
    """
    runs = _runs(days)
    gaps = [later.day - run.day for run, later in pairwise(runs)]
    low, high = limits.monthly_rhythm
    monthly = bool(gaps) and all(low <= gap <= high for gap in gaps)
    weekly = sum(gap % 7 == 0 for gap in gaps) >= limits.weekly_gaps
    sizes = [run.failing for run in runs] or [0]
    return weekly or (monthly and max(sizes) <= limits.run_ratio * min(sizes))


def _runs(days: Sequence[ActiveDay]) -> list[ActiveDay]:
    """Each run as its first day with all of its messages."""
    runs: list[ActiveDay] = []
    before: int | None = None
    for day in days:
        if before is not None and day.day - before <= 1:
            runs[-1] = runs[-1]._replace(failing=runs[-1].failing + day.failing)
        else:
            runs.append(day)
        before = day.day
    return runs


def _blocker(view: View, stranger: Stranger, window: int, limit: int) -> Blocker:
    recent = [day for day in stranger.days if view.last - window < day.day <= view.last]
    messages = sum(day.failing for day in recent)
    found = f"{count(messages, 'message')} failed on {count(len(recent), 'day')} of the last {window}"
    message = (
        f"{stranger.name}: {found}. A forgotten server of yours, a vendor's run, "
        "or a stranger who keeps at it: only you can say"
    )
    fix = (
        f"dmarcwatch label {stranger.id} owned    (if it is yours)",
        f"dmarcwatch label {stranger.id} spoof    (if not)",
    )
    return Blocker("unknown-persistent", Kind.RISK, message, stranger.id, messages, limit, messages, fix)


def _reused(view: View, strangers: Sequence[Stranger]) -> tuple[Blocker, ...]:
    if not strangers:
        return ()
    messages = sum(_messages(stranger.days, view.last, view.limits.long_days) for stranger in strangers)
    places = count(len(strangers), "unknown network")
    message = (
        f"{places} came back in another month with {count(messages, 'message')}, "
        "without a calendar's rhythm: spoofers reuse networks"
    )
    return (Blocker("unknown-persistent", Kind.WARNING, message, None, len(strangers), None, messages),)


def unknown_failing(view: View) -> Measured:
    """Failing mail that might be the domain's own though nothing proves it."""
    toll, limit = view.toll, view.limits.unknown_share.at(view.target)
    value = toll.questionable / max(1.0, view.pooled.failing.messages + toll.questionable)
    found = (
        f"{count(toll.questionable, 'failing message')} carry your signature or authenticate as another "
        f"domain that comes back, {percent(value)} of your mail and these; {percent(limit)} is allowed"
    )
    other = toll.unknown - toll.questionable
    notices: tuple[Blocker, ...] = ()
    if other > 0:
        message = f"{count(other, 'message')} of unknown senders fail without any sign that they are yours"
        notices = (Blocker("unknown-failing", Kind.WARNING, message, None, None, None, other),)
    return at_most(value, limit, found)._replace(messages=toll.questionable, notices=notices)
