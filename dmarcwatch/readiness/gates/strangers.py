"""Mail of unknown senders: the forgotten server, the vendor's monthly run, and the spoofer."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dmarcwatch.readiness.gates.measured import Measured, at_most, none_open, percent
from dmarcwatch.readiness.gates.recurring import comes_back, has_rhythm, is_regular, messages, runs
from dmarcwatch.readiness.gates.unclaimed import Stranger, label_steps, strangers_of
from dmarcwatch.readiness.legitimacy import ActiveDay, is_daily
from dmarcwatch.readiness.view import View
from dmarcwatch.streams import PlaceKind
from dmarcwatch.text import count
from dmarcwatch.verdict import Blocker, Kind

_LARGEST = 3
"""Streams that are named where unknown mail is too much."""


class Rule(NamedTuple):
    """How many failing messages in how many days ask for an answer."""

    window: int
    above: float
    below: int = 0
    """Fewer than this close the question again."""


def unknown_persistent(view: View) -> Measured:
    """Unknown senders that keep at it: only the user can say whose they are."""
    limits = view.limits
    by_day = Rule(limits.persistent_window, limits.persistent_messages, limits.closed_messages)
    by_month = Rule(2 * limits.long_days, limits.monthly_messages)
    # Of a single day nothing can be said.
    strangers = tuple(strangers_of(view, least_days=2))
    found = [(stranger, _persistence(view, stranger.days, by_day)) for stranger in strangers]
    steady = [(stranger, rule) for stranger, rule in found if rule is not None]
    rest = [stranger for stranger, rule in found if rule is None]
    forwarding = [one for one, rule in steady if _may_be_forwarded(view, one.days, rule.window)]
    steady = [(one, rule) for one, rule in steady if one not in forwarding]
    asked = steady
    if len(steady) > limits.steady_many:
        weekdays = view.snapshot.expected_weekdays
        asked = [(one, rule) for one, rule in steady if is_regular(_recent(view, one), weekdays, limits)]
    monthly, by_chance = _rhythmic(view, rest)
    asked = asked + [(one, by_month) for one in monthly]
    names = {one.id for one, _ in asked}
    excused = by_chance + [one for one, _ in steady if one.id not in names]
    blockers = tuple(_blocker(view, *one) for one in asked)
    ranked = tuple(sorted(blockers, key=lambda one: (-(one.messages or 0), one.stream or "")))
    count_words = count(len(blockers), "unknown sender")
    verbs = ("keeps", "it is") if len(blockers) == 1 else ("keep", "they are")
    words = f"{count_words} {verbs[0]} failing and nobody has said whose {verbs[1]}"
    measured = none_open(ranked, words if blockers else "no unknown sender keeps failing")
    return measured._replace(notices=_reused(view, excused) + _forwarding(view, forwarding))


def _persistence(view: View, days: Sequence[ActiveDay], by_day: Rule) -> Rule | None:
    """The rule by which a place keeps at it day after day; None where it does not.

    Many days of a month; or, of a domain that mails little, fewer days over a longer time, as a server
    that sends little does, where what comes is much beside the domain's own mail.
    """
    if _is_daily(days, view, by_day):
        return by_day
    limits = view.limits
    recent = [day for day in days if view.last - limits.long_days < day.day <= view.last]
    if len(recent) < limits.lasting_days or recent[-1].day - recent[0].day < limits.lasting_span:
        return None
    if not is_regular(recent, view.snapshot.expected_weekdays, limits):
        return None
    own = view.own_mail(limits.long_days).messages
    above = max(limits.monthly_messages, limits.lasting_share.at(view.target) * own)
    enough = sum(day.failing for day in recent) > above
    return Rule(limits.long_days, above) if enough else None


def _may_be_forwarded(view: View, days: Sequence[ActiveDay], window: int) -> bool:
    """Whether forwarders of own mail that carries no signature explain so little.

    Unsigned mail shows no sign of the domain once it is forwarded, and every domain's mail is
    forwarded somewhere; nobody has to answer for that before lists and forwarders are known.
    """
    unsigned = view.own_mail(window).unsigned
    return messages(days, view.last, window) <= view.limits.passed_on_share * unsigned


def _recent(view: View, stranger: Stranger) -> tuple[ActiveDay, ...]:
    return tuple(day for day in stranger.days if view.last - view.limits.long_days < day.day)


def _rhythmic(view: View, strangers: Sequence[Stranger]) -> tuple[list[Stranger], list[Stranger]]:
    """Places that come back by the calendar, and those that may do so by chance.

    Where several places of a kind come back at odd intervals, some come back after a month too: of runs
    no larger than theirs only three and more of some size are believed. Else two are, if they are of
    some size, or three of any.
    """
    limits, target = view.limits, view.target
    calendar: list[tuple[Stranger, list[ActiveDay]]] = []
    odd: list[Stranger] = []
    sizes: dict[PlaceKind, list[int]] = {}
    for stranger in strangers:
        found = runs(stranger.days)
        if has_rhythm(found, limits) and _is_enough(view, found):
            calendar.append((stranger, found))
        elif comes_back(found, last=view.last, limits=limits):
            odd.append(stranger)
            sizes.setdefault(stranger.kind, []).append(max(run.failing for run in found))
    least, surely = limits.monthly_share.at(target), limits.monthly_sure_share.at(target)
    asked: list[Stranger] = []
    excused = odd
    for stranger, found in calendar:
        often, others = len(found) > limits.monthly_runs, sizes.get(stranger.kind, ())
        by_chance = len(others) >= limits.odd_many and min(run.failing for run in found) <= max(others)
        share = _share_of_own(view, stranger.days)
        believed = (often and share > surely) if by_chance else (often or share > least)
        (asked if believed else excused).append(stranger)
    return asked, excused


def _is_enough(view: View, found: Sequence[ActiveDay]) -> bool:
    """Whether runs amount to something, and have not ended."""
    limits = view.limits
    if not found or view.last - found[-1].day >= limits.long_days:
        return False
    amount = sum(run.failing for run in found)
    much = _share_of_own(view, found) > limits.monthly_sure_share.at(view.target)
    return amount > (limits.stream_messages if much else limits.monthly_messages)


def _share_of_own(view: View, days: Sequence[ActiveDay]) -> float:
    """Failing messages beside the domain's own of the same time."""
    window = 2 * view.limits.long_days
    return messages(days, view.last, window) / max(1, view.own_mail(window).messages)


def _is_daily(days: Sequence[ActiveDay], view: View, rule: Rule) -> bool:
    limits, reporters = view.limits, len(view.snapshot.reporting)
    if len(days) < limits.persistent_days:
        return False
    return any(
        is_daily(days, last=last, reporters=reporters, thresholds=limits)
        for last in _openings(days, view.last, rule)
    )


def _openings(days: Sequence[ActiveDay], last: int, rule: Rule) -> Iterator[int]:
    """The days, latest first, on which there were enough messages to ask, up to where too few closed it."""
    now = messages(days, last, rule.window)
    if now > rule.above:
        yield last
    if now < rule.below:
        return
    for active in reversed(days):
        amount = messages(days, active.day, rule.window)
        if amount > rule.above:
            yield active.day
        # Between active days the amount only falls, so the lowest stands right before this one.
        if messages(days, active.day - 1, rule.window) < rule.below:
            return


def _blocker(view: View, stranger: Stranger, rule: Rule) -> Blocker:
    window = rule.window
    recent = [day for day in stranger.days if view.last - window < day.day <= view.last]
    amount = sum(day.failing for day in recent)
    found = f"{count(amount, 'message')} failed on {count(len(recent), 'day')} of the last {window}"
    message = (
        f"{stranger.name}: {found}. A forgotten server of yours, a vendor's run, "
        "or a stranger who keeps at it: only you can say"
    )
    fix = label_steps(stranger)
    return Blocker("unknown-persistent", Kind.RISK, message, stranger.id, amount, rule.above, amount, fix)


def _reused(view: View, strangers: Sequence[Stranger]) -> tuple[Blocker, ...]:
    if not strangers:
        return ()
    amount = sum(messages(stranger.days, view.last, view.limits.long_days) for stranger in strangers)
    places = count(len(strangers), "unknown network or domain", "unknown networks and domains")
    message = (
        f"{places} came back with {count(amount, 'message')} that fail, "
        "not as a server or by the calendar: spoofers reuse networks"
    )
    return (Blocker("unknown-persistent", Kind.WARNING, message, None, len(strangers), None, amount),)


def _forwarding(view: View, strangers: Sequence[Stranger]) -> tuple[Blocker, ...]:
    if not strangers:
        return ()
    amount = sum(messages(stranger.days, view.last, view.limits.long_days) for stranger in strangers)
    names = ", ".join(sorted(stranger.name for stranger in strangers)[:5])
    message = (
        f"{count(amount, 'message')} from {names} fail, as forwarded mail does that you do not sign: "
        "a forgotten server would look the same"
    )
    return (Blocker("unknown-persistent", Kind.WARNING, message, None, len(strangers), None, amount),)


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
    measured = at_most(value, limit, found)._replace(messages=toll.questionable, notices=notices)
    return measured if measured.ok else measured._replace(blockers=(_questionable(view, measured),))


def _questionable(view: View, measured: Measured) -> Blocker:
    """What is too much, with the way to say whose the largest parts are."""
    tracks = view.snapshot.timeline.tracks
    standings = view.snapshot.standings
    # Those that persist are asked about by name.
    parts = [name for name, toll in view.tolls.items() if toll.questionable and not standings[name].asked]
    largest = sorted(parts, key=lambda name: (-view.tolls[name].questionable, name))[:_LARGEST]
    fix = tuple(
        f"dmarcwatch label {name} owned|forwarder|spoof    ({tracks[name].stream.name})" for name in largest
    )
    value, limit, messages = measured.value, measured.threshold, measured.messages
    return Blocker("unknown-failing", Kind.RISK, measured.found, None, value, limit, messages, fix)
