"""A world as a program would have known it, day by day: only what was received, in order."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TypeVar

from bench.worlds import DOMAIN, World
from bench.worlds_signatures import SignatureDay
from dmarcwatch.history import Declared, History, PoolDay
from dmarcwatch.streams import DomainDay, Label, SelectorUse, Stream, StreamDay

_Received = TypeVar("_Received", StreamDay, DomainDay, PoolDay)


class Known:
    """What has been received of a world's streams so far."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._days: dict[str, tuple[date, date]] = {}
        self._uses: dict[tuple[str, str], list[int]] = {}

    def add(self, row: StreamDay) -> None:
        """Take in a row of a stream."""
        first, last = self._days.get(row.stream, (row.day, row.day))
        self._days[row.stream] = (min(first, row.day), max(last, row.day))

    def sign(self, seen: SignatureDay) -> None:
        """Take in a selector's day; the four numbers are passed, failed, first and last day."""
        use = self._uses.setdefault((seen.stream, seen.selector), [0, 0, seen.day, seen.day])
        use[0] += seen.passed
        use[1] += seen.failed
        use[2] = min(use[2], seen.day)
        use[3] = max(use[3], seen.day)

    def streams(self, labels: Mapping[str, Label]) -> tuple[Stream, ...]:
        """The streams as the store would describe them now."""
        uses: dict[str, list[SelectorUse]] = {}
        for (identity, selector), (passed, failed, first, last) in self._uses.items():
            days = (self._world.start + timedelta(first), self._world.start + timedelta(last))
            uses.setdefault(identity, []).append(SelectorUse(selector, DOMAIN, passed, failed, *days))
        return tuple(
            Stream(
                id=identity,
                place=self._world.origins[identity].place,
                name=self._world.origins[identity].name,
                sender_type=self._world.origins[identity].sender_type,
                first_seen=first,
                last_seen=last,
                selectors=tuple(uses.get(identity, ())),
                label=labels.get(identity),
            )
            for identity, (first, last) in self._days.items()
        )


def replay(world: World) -> Iterator[tuple[int, History]]:
    """Each day's number and what was known on it."""
    rows, reports, pool = _arriving(world.stream_days), _arriving(world.domain_days), _arriving(world.pool)
    known, arrived, signed = Known(world), 0, 0
    for day in range(world.days):
        today = world.start + timedelta(day)
        until = bisect_right(rows, today, key=lambda row: row.received_day)
        for row in rows[arrived:until]:
            known.add(row)
        arrived = until
        while signed < len(world.signatures) and world.signatures[signed].received <= day:
            known.sign(world.signatures[signed])
            signed += 1
        yield (
            day,
            History(DOMAIN, known.streams({}), rows[:arrived], _by(reports, today), _by(pool, today)),
        )


def whole(world: World, labels: Mapping[str, Label]) -> History:
    """All that was ever reported, as the database holds it; a judge asked as of a day must not look ahead."""
    known = Known(world)
    for row in world.stream_days:
        known.add(row)
    for seen in world.signatures:
        known.sign(seen)
    return History(DOMAIN, known.streams(labels), world.stream_days, world.domain_days, world.pool)


def declared(world: World) -> Declared:
    """What the owner of the world has answered: at most that nothing is sent."""
    return Declared(no_mail=world.no_mail_declared)


def _arriving(rows: tuple[_Received, ...]) -> list[_Received]:
    return sorted(rows, key=lambda row: (row.received_day, row.day))


def _by(rows: list[_Received], today: date) -> list[_Received]:
    return rows[: bisect_right(rows, today, key=lambda row: row.received_day)]
