"""The policy as trusted reports showed it, day by day: where on the ladder, and since when."""

from datetime import date
from typing import NamedTuple

from dmarcwatch.errors import ConfigError
from dmarcwatch.policy import DmarcRecord, Step, step_of
from dmarcwatch.readiness.timeline import DomainCell, PolicySeen, Timeline
from dmarcwatch.verdict import Published

_CACHED_DAYS = 2
"""Reports cover a day, and a record's TTL is seldom longer than another."""


class Rung(NamedTuple):
    """Where the domain stands and since which day (ordinal); None where no report tells."""

    step: Step
    since: int | None
    enforcing_since: int | None
    """First day of the present time at full quarantine or more."""


def policy_of_day(cell: DomainCell) -> PolicySeen:
    """What most reports of a day showed; the weaker policy where they are even.

    Receivers cache DNS, so on a day of change they disagree; and one may misread the record.
    """
    if len(cell.policies) == 1:
        return next(iter(cell.policies))
    return max(cell.policies, key=lambda seen: (cell.policies[seen], -step_of_seen(seen), str(seen)))


def step_of_seen(seen: PolicySeen) -> Step:
    """The rung of a policy as a report showed it."""
    return step_of(seen.p, pct=seen.pct, testing=seen.t)


def step_of_day(timeline: Timeline, day: int) -> Step:
    """The rung that reports of a day showed; asked of every day again and again, so it is remembered."""
    step = timeline.steps.get(day)
    if step is None:
        step = timeline.steps[day] = step_of_seen(policy_of_day(timeline.days[day]))
    return step


def published_as_of(timeline: Timeline, last: int) -> Published:
    """The policy of the last day with reports; all None without any."""
    day = max((day for day in timeline.days if day <= last), default=None)
    if day is None:
        return Published()
    seen = policy_of_day(timeline.days[day])
    return Published(*seen, last_seen=date.fromordinal(day))


def rung_of(timeline: Timeline, published: Published, last: int) -> Rung:
    """The present rung. Without any report it is that of the record, where somebody looked."""
    if published.last_seen is None:
        return Rung(_recorded_step(timeline.history.record), None, None)
    steps = [(day, step_of_day(timeline, day)) for day in sorted(timeline.days, reverse=True) if day <= last]
    present = steps[0][1]
    since = enforcing_since = None
    for day, step in steps:
        if step is not present:
            break
        since = day
    for day, step in steps:
        if not step.enforcing:
            break
        enforcing_since = day
    return Rung(present, since, enforcing_since)


def dissent(timeline: Timeline, last: int, days: int) -> tuple[int, int]:
    """How many reports of the last days showed another rung than the last day's majority, and all of them.

    Days before a change are no dissent, nor are the two after it: resolvers may cache the old record.
    """
    seen = [(day, timeline.days[day]) for day in range(last - days + 1, last + 1) if day in timeline.days]
    if not seen:
        return 0, 0
    present = step_of_seen(policy_of_day(seen[-1][1]))
    changed = max((day for day, cell in seen if step_of_seen(policy_of_day(cell)) is not present), default=0)
    settled = [cell for day, cell in seen if day > changed + _CACHED_DAYS or not changed]
    reports = sum(count for cell in settled for count in cell.policies.values())
    others = sum(
        count
        for cell in settled
        for policy, count in cell.policies.items()
        if step_of_seen(policy) is not present
    )
    return others, reports


def _recorded_step(record: str | None) -> Step:
    if record is None:
        return Step.MONITORING
    try:
        read = DmarcRecord.parse(record)
    except ConfigError:
        return Step.MONITORING
    return step_of(read.policy("p"), pct=read.pct, testing=read.testing)
