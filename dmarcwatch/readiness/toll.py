"""Whose failing mail a policy would touch, stream by stream (JUDGEMENT 3 at the level of rows)."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import NamedTuple

from dmarcwatch.readiness.legitimacy import Standing
from dmarcwatch.readiness.timeline import WHOLE_FAILING, PlaceDay, Track
from dmarcwatch.streams import Legitimacy, PlaceKind


@dataclass(frozen=True, slots=True)
class Toll:
    """Failing messages by whose they are, and what forwarding did to the rest."""

    legitimate: int = 0
    unknown: int = 0
    forwarded: int = 0
    spoof: int = 0
    questionable: int = 0
    """Of the unknown: with a signature of the domain, or authenticated as a domain that comes back."""
    passed_on: int = 0
    """All messages that came by forwarders and lists, failing or not."""
    spared: int = 0
    """Of the forwarded: failing messages that the reporter says it would spare."""
    listed: int = 0
    """Messages with a mailing-list or arc=pass reason."""

    def __add__(self, other: "Toll") -> "Toll":
        return Toll(*(a + b for a, b in zip(_COUNTS(self), _COUNTS(other), strict=True)))


_COUNTS = attrgetter(*(field.name for field in fields(Toll)))


def total(tolls: Iterable[Toll]) -> Toll:
    """The sum of all."""
    return Toll(*map(sum, zip(*map(_COUNTS, tolls), strict=True)))


def toll(track: Track, standing: Standing, *, window: tuple[int, int], apart: int) -> Toll:
    """What a stream's days of the window (first and last ordinal) hold.

    A foreign domain comes back when days on which its mail fails are `apart` or more.
    """
    first, last = window
    failing = signed = 0
    days = []
    for day in track.failing_days:
        if first <= day <= last:
            cell = track.cells[day]
            failing += cell.failing
            signed += cell.signed
            days.append(day)
    way = _indirect(track, first, last)
    if standing.legitimacy is Legitimacy.FORWARDED:
        direct = sum(cell.messages for day, cell in track.cells.items() if first <= day <= last)
        listed = way.listed + way.hinted
        return Toll(0, 0, way.failing + failing, 0, 0, way.messages + direct, way.spared, listed)
    legitimate = failing if standing.own else 0
    back = len(days) > 1 and max(days) - min(days) >= apart
    if track.stream.place.kind is PlaceKind.SCATTERED:
        signed = min(signed, _passing(track, way, first, last))
    unknown, questionable = (0, 0) if standing.own else _unknown(track, standing, (failing, signed), back)
    spoof = failing - legitimate - unknown
    passed_on = (way.messages, way.spared, way.listed)
    return Toll(legitimate, unknown, way.failing, spoof, questionable, *passed_on)


class _Indirect(NamedTuple):
    messages: int
    failing: int
    spared: int
    listed: int
    hinted: int


def _indirect(track: Track, first: int, last: int) -> _Indirect:
    messages = failing = spared = listed = hinted = 0
    for day, cell in track.indirect.items():
        if first <= day <= last:
            messages += cell.messages
            failing += cell.failing
            spared += cell.spared
            listed += cell.listed
            hinted += cell.hinted
    return _Indirect(messages, failing, spared, listed, hinted)


def _passing(track: Track, way: _Indirect, first: int, last: int) -> int:
    """Messages whose own signature still passes where mail of anybody is pooled.

    Forwarders break fewer signatures than they leave whole (dmarc.md 6); who pastes an old one into
    forged mail leaves none whole. So no more broken ones can be the domain's own than whole ones are.
    """
    cells = [cell for day, cell in track.cells.items() if first <= day <= last]
    direct = sum(cell.dkim + sum(cell.states.get(state, 0) for state in WHOLE_FAILING) for cell in cells)
    return direct + way.messages - way.failing


def _unknown(track: Track, standing: Standing, counts: tuple[int, int], back: bool) -> tuple[int, int]:
    """Unknown and questionable messages of a stream that is not the domain's own."""
    failing, signed = counts
    kind = track.stream.place.kind
    if standing.legitimacy is Legitimacy.SPOOF and standing.confidence == 1.0:
        return 0, 0  # a person said so, signatures or not
    if kind is PlaceKind.TENANT and standing.legitimacy is Legitimacy.UNKNOWN:
        return failing, failing
    if kind is PlaceKind.DOMAIN and back:
        return failing, failing
    if kind is PlaceKind.SCATTERED or standing.legitimacy is Legitimacy.SPOOF:
        return signed, signed
    return failing, signed


def comes_back(days: dict[int, PlaceDay], *, first: int, last: int, apart: int) -> int:
    """Failing messages in the window of a pooled domain that came back after `apart` days or more."""
    seen = [day for day, cell in days.items() if first <= day <= last and cell.failing]
    if len(seen) < 2 or max(seen) - min(seen) < apart:
        return 0
    return sum(days[day].failing for day in seen)
