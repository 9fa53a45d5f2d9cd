"""From mail to roll-ups: what each receiver reports, in the streams the store would form.

Places are given streams with hindsight: one that ever qualifies has its own stream from its first
day. Rows carry the day they were received, so a judge asked as of a day must decide for itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.worlds_calendar import Days, Draw
from bench.worlds_faults import Auth
from bench.worlds_flows import UNKNOWN, Flow, Origin, Sightings, Whose, unknown_origin
from bench.worlds_receivers import Bug, Receiver
from dmarcwatch.report import Grade, Tier
from dmarcwatch.streams import DomainDay, Place, PlaceKind, StreamDay, stream_id

POOL_DAYS = 62
PERSISTENT_DAYS = 10
RECURRING_MESSAGES = 5
"""A place has a stream of its own from 10 days on, or 2 calendar months with more messages than this."""
REMEMBERED_MESSAGES = 20
"""A place seen on one day only is named among the pool's from so many messages on."""
_BATCH_MESSAGES = 10

TRUSTED = (Tier.LOCAL, Tier.VERIFIED)


class Tally(NamedTuple):
    """Messages of one sort that one receiver saw on one day."""

    whose: Whose
    source: str
    origin: Origin
    auth: Auth
    selector: str | None
    forwarded: bool
    listed: bool
    day: int
    receiver: int
    messages: int


class Counts(NamedTuple):
    """What a receiver made of the messages of a tally: the parts that differ by chance."""

    indeterminate: int
    excused: int
    """Passed by a lenient evaluator although nothing aligns."""
    listed: int


class Published(NamedTuple):
    """The policy as reports show it."""

    p: str
    pct: int | None
    t: bool | None
    adkim: str
    aspf: str


def take_down(draw: Draw, mail: Iterable[Flow | Sightings], receivers: Sequence[Receiver]) -> list[Tally]:
    """Draw what each receiver saw of each flow on the days it reports on."""
    active = np.array([receiver.active for receiver in receivers]).T
    shares = np.array([receiver.share for receiver in receivers])
    tallies: list[Tally] = []
    for each in mail:
        if isinstance(each, Flow):
            tallies += _of_flow(draw, each, shares, active)
        else:
            tallies += _of_sightings(draw, each, shares, active)
    return tallies


def _of_flow(draw: Draw, flow: Flow, shares: Days, active: NDArray[np.bool_]) -> Iterator[Tally]:
    weights = shares
    if flow.audience is not None:
        weights = np.zeros_like(shares)
        weights[flow.audience] = 1.0
    seen = draw.rng.poisson(np.outer(flow.sent[: draw.days], weights) * active)
    for day, receiver in zip(*np.nonzero(seen), strict=True):
        yield Tally(
            whose=flow.whose,
            source=flow.source,
            origin=flow.origin,
            auth=flow.auth,
            selector=flow.selector,
            forwarded=flow.forwarded,
            listed=flow.listed,
            day=int(day),
            receiver=int(receiver),
            messages=int(seen[day, receiver]),
        )


def _of_sightings(draw: Draw, seen: Sightings, shares: Days, active: NDArray[np.bool_]) -> Iterator[Tally]:
    """A probe goes to one receiver, a batch to all in the proportion of their users."""
    cumulated = np.cumsum(shares)
    for entry in np.flatnonzero(seen.day_of < draw.days):
        day, messages = int(seen.day_of[entry]), max(1, int(seen.messages[entry]))
        to_each = np.zeros(len(shares), np.int64)
        if messages >= _BATCH_MESSAGES:
            to_each[:] = draw.rng.multinomial(messages, [*shares, 1 - shares.sum()])[:-1]
        elif (receiver := int(np.searchsorted(cumulated, draw.rng.random()))) < len(shares):
            to_each[receiver] = messages
        for reached in np.flatnonzero(to_each * active[day]):
            yield Tally(
                whose=Whose.STRANGER,
                source=seen.source,
                origin=seen.origins[seen.origin_of[entry]],
                auth=seen.auth,
                selector=None,
                forwarded=False,
                listed=False,
                day=day,
                receiver=int(reached),
                messages=int(to_each[reached]),
            )


def is_pooled(place: Place) -> bool:
    """Whether a place shares the pool until it persists (JUDGEMENT 2)."""
    return place.sender == UNKNOWN and place.kind in (PlaceKind.NETWORK, PlaceKind.DOMAIN)


def persists(days: Mapping[int, int], dates: Sequence[date]) -> bool:
    """Whether messages by day ever qualify for a stream within 62 days."""
    ordered = sorted(days)
    start = 0
    for end, day in enumerate(ordered):
        while day - ordered[start] >= POOL_DAYS:
            start += 1
        window = ordered[start : end + 1]
        months = {(dates[each].year, dates[each].month) for each in window}
        total = sum(days[each] for each in window)
        if len(window) >= PERSISTENT_DAYS or (len(months) > 1 and total > RECURRING_MESSAGES):
            return True
    return False


def _can_matter(days: Mapping[int, int]) -> bool:
    return len(days) > 1 or sum(days.values()) >= REMEMBERED_MESSAGES


class Streams:
    """Which stream each place belongs to, and which places the pool remembers."""

    def __init__(self, draw: Draw, tallies: Iterable[Tally], receivers: Sequence[Receiver]) -> None:
        self._pool = unknown_origin(draw, PlaceKind.SCATTERED, "")
        trusted: dict[Place, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for tally in tallies:
            if is_pooled(tally.origin.place) and receivers[tally.receiver].tier in TRUSTED:
                trusted[tally.origin.place][tally.day] += tally.messages
        self.promoted = {place for place, days in trusted.items() if persists(days, draw.dates)}
        self.remembered = {place for place, days in trusted.items() if _can_matter(days)} - self.promoted

    def origin(self, origin: Origin) -> Origin:
        """The place itself, or the pool of its From domain."""
        pooled = is_pooled(origin.place) and origin.place not in self.promoted
        return self._pool if pooled else origin


def count(draw: Draw, tally: Tally, receiver: Receiver, trouble: Days) -> Counts:
    """What this receiver could not decide, let pass or gave a reason for."""
    unsure = max(float(trouble[tally.day]), receiver.unsure(tally.day))
    indeterminate = int(draw.rng.binomial(tally.messages, unsure)) if unsure else 0
    excused = 0
    if receiver.bug is Bug.LENIENT and tally.day >= receiver.bug_from and not tally.auth.passes:
        excused = tally.messages - indeterminate
    # A reason explains why a policy was not applied, so mail that passes has none.
    explained = tally.listed and receiver.reasons and not tally.auth.passes
    listed = int(draw.rng.binomial(tally.messages, receiver.reasons)) if explained else 0
    return Counts(indeterminate, excused, listed)


class _Key(NamedTuple):
    stream: str
    day: int
    receiver: int
    state: str
    forwarded: bool


_MEASURES = 12


def stream_rows(
    draw: Draw,
    counted: Iterable[tuple[Tally, Counts]],
    receivers: Sequence[Receiver],
    streams: Streams,
    policy: Published,
) -> tuple[StreamDay, ...]:
    """The rows of `stream_days`, one for each key."""
    sums: dict[_Key, list[int]] = {}
    for tally, counts in counted:
        identity = stream_id(streams.origin(tally.origin).place)
        first = tally.day // receivers[tally.receiver].span_days * receivers[tally.receiver].span_days
        for part, forwarded in _parts(tally, counts):
            key = _Key(identity, first, tally.receiver, tally.auth.state, forwarded)
            row = sums.setdefault(key, [0] * _MEASURES)
            for index, value in enumerate(_measures(tally.auth, *part, policy)):
                row[index] += value
    return tuple(_row(draw, key, receivers[key.receiver], values) for key, values in sums.items())


def _parts(tally: Tally, counts: Counts) -> Iterator[tuple[tuple[int, Counts], bool]]:
    """Mail with a reason and an own signature is known as forwarded (JUDGEMENT 3.2), the rest is not."""
    known = counts.listed if tally.selector is not None else 0
    if known:
        yield (known, Counts(0, min(counts.excused, known), known)), True
    if tally.messages > known:
        rest = Counts(
            min(counts.indeterminate, tally.messages - known),
            max(0, counts.excused - known),
            counts.listed - known,
        )
        yield (tally.messages - known, rest), tally.forwarded


def _measures(auth: Auth, messages: int, counts: Counts, policy: Published) -> tuple[int, ...]:
    decided = messages - counts.indeterminate
    excused = min(counts.excused, decided)
    passed = decided if auth.passes else excused
    failing = decided - passed
    spared = min(counts.listed, failing)
    touched = failing - spared
    return (
        messages,
        passed,
        decided * auth.dkim,
        decided * auth.spf,
        decided * (auth.dkim and auth.spf),
        excused,
        counts.indeterminate,
        0,
        counts.listed,
        spared,
        touched * (policy.p == "quarantine" and policy.pct is None),
        touched * (policy.p == "reject"),
    )


def _row(draw: Draw, key: _Key, receiver: Receiver, values: list[int]) -> StreamDay:
    return StreamDay(
        key.stream,
        draw.dates[key.day],
        receiver.span_days,
        draw.start + timedelta(int(receiver.received[key.day])),
        receiver.name,
        receiver.tier,
        receiver.grade(key.day),
        key.state,
        key.forwarded,
        *values,
    )


def domain_rows(
    draw: Draw, tallies: Iterable[Tally], receivers: Sequence[Receiver], policy: Published
) -> tuple[DomainDay, ...]:
    """The rows of `domain_days`: one report a receiver and period that had any mail."""
    messages: dict[tuple[int, int], int] = defaultdict(int)
    for tally in tallies:
        span = receivers[tally.receiver].span_days
        messages[tally.day // span * span, tally.receiver] += tally.messages
    return tuple(
        _domain_row(draw, day, receivers[number], sent, policy) for (day, number), sent in messages.items()
    )


def _domain_row(draw: Draw, day: int, receiver: Receiver, messages: int, policy: Published) -> DomainDay:
    grade = receiver.grade(day)
    return DomainDay(
        draw.domain,
        draw.dates[day],
        receiver.span_days,
        draw.start + timedelta(int(receiver.received[day])),
        receiver.name,
        receiver.tier,
        grade,
        policy.p,
        None,
        None,
        policy.pct,
        policy.t,
        policy.adkim,
        policy.aspf,
        1,
        messages,
        # A cut report ends somewhere: what was lost is only an estimate, a tenth of what is left.
        messages // 10 if grade is Grade.RECOVERED else 0,
    )
