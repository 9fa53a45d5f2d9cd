"""Places whose mail fails and that nobody has labelled: whose they are only the user can say."""

from collections.abc import Iterator
from typing import NamedTuple

from dmarcwatch.readiness.legitimacy import NEVER_ASKED, ActiveDay, Standing, failing_days
from dmarcwatch.readiness.timeline import PlaceDay
from dmarcwatch.readiness.view import View
from dmarcwatch.streams import Legitimacy, PlaceKind, stream_id


class Stranger(NamedTuple):
    """A place that nobody has labelled, and the days its mail failed."""

    id: str
    name: str
    kind: PlaceKind
    days: tuple[ActiveDay, ...]
    """In order; of two long windows."""


def strangers_of(view: View, *, least_days: int) -> Iterator[Stranger]:
    """Places that failed on so many days and more, and within the last long window."""
    snapshot, since = view.snapshot, view.last - 2 * view.limits.long_days + 1
    lately = view.last - view.limits.long_days
    for name, standing in snapshot.standings.items():
        track = snapshot.timeline.tracks[name]
        if name in snapshot.labels or not _may_ask(standing) or len(track.failing_days) < least_days:
            continue
        if track.stream.place.kind not in NEVER_ASKED and view.reaches(track.stream.place):
            failed = failing_days(track, since=since, until=view.last)
            if len(failed) >= least_days and failed[-1].day > lately:
                yield Stranger(name, track.stream.name, track.stream.place.kind, failed)
    for place, days in snapshot.timeline.places.items():
        if len(days) >= least_days and view.reaches(place):
            seen = _place_days(days, since, view.last)
            if len(seen) >= least_days and seen[-1].day > lately:
                yield Stranger(stream_id(place), place.name, place.kind, seen)


def label_steps(stranger: Stranger) -> tuple[str, ...]:
    """How to say whose it is."""
    return (
        f"dmarcwatch label {stranger.id} owned    (if it is yours)",
        f"dmarcwatch label {stranger.id} spoof    (if not)",
    )


def _may_ask(standing: Standing) -> bool:
    """Persistent now, or guessed to be spoof: it may have persisted before and not be closed yet."""
    return standing.asked or (standing.legitimacy is Legitimacy.SPOOF and standing.confidence < 1.0)


def _place_days(days: dict[int, PlaceDay], since: int, until: int) -> tuple[ActiveDay, ...]:
    active = sorted(day for day, cell in days.items() if since <= day <= until and cell.failing)
    return tuple(ActiveDay(day, days[day].failing, frozenset(days[day].reporters)) for day in active)
