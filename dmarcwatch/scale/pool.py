"""Which networks and foreign domains become streams of their own, and `stream_days` (JUDGEMENT 2).

The days of a place in the pool stand in `pool_days` and, as one line for all of them, in the stream
`scattered`. A place that persists takes its days along: they leave the line and the pool below zero and
enter a stream of its own.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.scale.schemas import PLACE, POOL_DAYS, PROMOTED, STREAM_DAYS, table
from dmarcwatch.scale.sums import add_up
from dmarcwatch.store.pool import persists
from dmarcwatch.store.tables import MEASURES
from dmarcwatch.streams import Place, PlaceKind, stream_id

POOLED = pa.array([PlaceKind.NETWORK, PlaceKind.DOMAIN], pa.string())
"""Kinds of places that begin in the pool."""
_TRUSTED = pa.array(["local", "verified"])
_Key = tuple[str, ...]


class Streams(NamedTuple):
    """What one increment changes of one shard."""

    stream_days: pa.Table
    pool_days: pa.Table
    promoted: pa.Table
    """Places that became streams of their own in this increment."""


def form_streams(place_days: pa.Table, pool: pa.Table, promoted: pa.Table) -> Streams:
    """The streams' days from those of places.

    `pool` is `pool_days` of earlier increments as far as it speaks of the same places, `promoted` the places
    that became streams in them.
    """
    in_pool = pc.is_in(place_days["place_kind"], value_set=POOLED)
    pooled, plain = place_days.filter(in_pool), place_days.filter(pc.invert(in_pool))
    before = set(_keys(promoted))
    waiting = _without(pooled, before)
    lasting = _lasting(pa.concat_tables([pool, waiting]))
    moved = _of(pool, lasting)
    stays = pa.concat_tables([_without(waiting, lasting), _negative(moved)])
    own = pa.concat_tables([plain, _of(pooled, before | lasting), moved])
    streams = pa.concat_tables([_named(own), _named(_scattered(stays))])
    return Streams(add_up(streams, MEASURES), add_up(stays, MEASURES), table(sorted(lasting), PROMOTED))


def places_of(pooled: pa.Table) -> pa.Table:
    """The distinct places of a table."""
    return pooled.select(list(PLACE)).group_by(list(PLACE), use_threads=False).aggregate([])


def _lasting(pool: pa.Table) -> set[_Key]:
    """The places that persist, by trusted reports."""
    trusted = pool.filter(pc.is_in(pool["tier"], value_set=_TRUSTED))
    by_day = trusted.group_by([*PLACE, "day"], use_threads=False).aggregate([("messages", "sum")])
    by_day = by_day.filter(pc.greater(by_day["messages_sum"], 0))
    # Most places were seen on one day and never again: only the others are worth a closer look.
    often = by_day.group_by(list(PLACE), use_threads=False).aggregate([("day", "count")])
    often = often.filter(pc.greater(often["day_count"], 1))
    days: defaultdict[_Key, list[tuple[date, int]]] = defaultdict(list)
    for row in _of(by_day, set(_keys(often))).to_pylist():
        days[tuple(row[name] for name in PLACE)].append((row["day"], row["messages_sum"]))
    return {place for place, seen in days.items() if persists(sorted(seen))}


def _named(days: pa.Table) -> pa.Table:
    """The same rows with the id of their stream in front."""
    distinct = places_of(days)
    names = [stream_id(_place(key)) for key in _keys(distinct)]
    at = _positions(days, list(_keys(distinct)))
    ids = pa.array(names, pa.string()).take(at)
    return days.add_column(0, "stream", ids).select(STREAM_DAYS.names).cast(STREAM_DAYS)


def _scattered(days: pa.Table) -> pa.Table:
    """The days of places as those of the pool they are in."""
    kind = pa.array([str(PlaceKind.SCATTERED)] * days.num_rows, pa.string())
    name = pa.array([""] * days.num_rows, pa.string())
    at = days.column_names.index
    columns = days.set_column(at("place_kind"), "place_kind", kind).set_column(at("place"), "place", name)
    return add_up(columns, MEASURES)


def _negative(days: pa.Table) -> pa.Table:
    columns = [pc.multiply(days[name], -1) if name in MEASURES else days[name] for name in POOL_DAYS.names]
    return pa.table(columns, POOL_DAYS)


def _of(days: pa.Table, places: Iterable[_Key]) -> pa.Table:
    return days.filter(pc.is_valid(_positions(days, list(places))))


def _without(days: pa.Table, places: Iterable[_Key]) -> pa.Table:
    return days.filter(pc.is_null(_positions(days, list(places))))


def _positions(days: pa.Table, places: list[_Key]) -> pa.Array:
    """For each row the position of its place in the list, null where it is not there."""
    joined = pa.array(["\0".join(place) for place in places], pa.string())
    if not days.num_rows:
        return pa.array([], pa.int32())
    words = pc.binary_join_element_wise(*(days[name] for name in PLACE), "\0")
    return pc.index_in(words, value_set=joined)


def _keys(places: pa.Table) -> Iterable[_Key]:
    return zip(*(places[name].to_pylist() for name in PLACE), strict=True)


def _place(key: _Key) -> Place:
    policy_domain, header_from, sender, kind, name = key
    return Place(policy_domain, header_from, sender, PlaceKind(kind), name)
