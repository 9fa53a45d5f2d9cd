"""Records -> the roll-ups of JUDGEMENT 4, as Arrow sums them; `store.rollup` says the same in SQL.

Every sum can be signed: what an earlier increment counted and a later one takes back is a row below zero,
and the tables say the truth when all increments are added up.
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.duplicates import COUNTED
from dmarcwatch.scale.schemas import (
    CELL,
    DOMAIN_DAYS,
    OF_REPORT,
    PLACE,
    PLACE_ADDRESSES,
    POLICY,
    POOL_DAYS,
    SELECTOR_DAYS,
)
from dmarcwatch.store.tables import MEASURES

_PASSES = pa.array(["pass", "pass_unverified"])
_TRUSTED = pa.array(["local", "verified"])
Sums = Mapping[str, pa.Table]
"""`place_days`, `selector_days`, `place_addresses` and `domain_days`."""
SUMMED = {
    "place_days": (POOL_DAYS, MEASURES),
    "selector_days": (SELECTOR_DAYS, ("passed", "failed")),
    "place_addresses": (PLACE_ADDRESSES, ("messages",)),
    "domain_days": (DOMAIN_DAYS, ("reports", "messages", "unread_messages")),
}
"""The columns of each, and which of them are added up; the others are its key."""


def sum_up(reports: pa.Table, records: pa.Table, *, sign: int = 1) -> Sums:
    """The sums over those of `reports` that count and over their `records`, times `sign`."""
    counted = reports.filter(pc.equal(reports["status"], COUNTED))
    joined = _with_reports(records, counted)
    return {
        "place_days": _place_days(joined, sign),
        "selector_days": _selector_days(joined.filter(pc.is_in(joined["tier"], value_set=_TRUSTED)), sign),
        "place_addresses": _place_addresses(joined, sign),
        "domain_days": _domain_days(counted, sign),
    }


def added(several: Iterable[Sums]) -> Sums:
    """Several sums in one, without what came to nothing."""
    all_of_them = list(several)
    return {
        name: add_up(pa.concat_tables([sums[name] for sums in all_of_them]), measures)
        for name, (_, measures) in SUMMED.items()
    }


def add_up(table: pa.Table, measures: Sequence[str]) -> pa.Table:
    """One row for each key, the columns that are not `measures`, without those that are zero throughout."""
    keys = [name for name in table.column_names if name not in measures]
    # One thread, so that the order of rows is the same each time.
    grouped = table.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in measures])
    names = [*keys, *(f"{name}_sum" for name in measures)]
    summed = (
        grouped.select(names).rename_columns([*keys, *measures]).cast(table.select([*keys, *measures]).schema)
    )
    some = pc.not_equal(summed[measures[0]], 0)
    for name in measures[1:]:
        some = pc.or_(some, pc.not_equal(summed[name], 0))
    return summed.filter(some).select(table.column_names)


def _with_reports(records: pa.Table, counted: pa.Table) -> pa.Table:
    """The records of these reports, with what cells take from their report."""
    at = pc.index_in(records["report"], value_set=counted["id"].combine_chunks())
    records, at = records.filter(pc.is_valid(at)), pc.drop_null(at)
    for name in OF_REPORT:
        records = records.append_column(name, counted[name].combine_chunks().take(at))
    return records


def _place_days(joined: pa.Table, sign: int) -> pa.Table:
    messages = pc.multiply(joined["messages"], sign)
    dkim, spf = pc.fill_null(joined["dkim_aligned"], False), pc.fill_null(joined["spf_aligned"], False)
    masks = {
        "dmarc_pass": pc.is_in(joined["dmarc"], value_set=_PASSES),
        "dkim_aligned": dkim,
        "spf_aligned": spf,
        "both_aligned": pc.and_(dkim, spf),
        "unverified": pc.equal(joined["dmarc"], "pass_unverified"),
        "indeterminate": pc.equal(joined["dmarc"], "indeterminate"),
        "unknown": pc.equal(joined["dmarc"], "unknown"),
        "listed": joined["listed"],
        "spared": joined["spared"],
        "quarantined": pc.fill_null(pc.equal(joined["disposition"], "quarantine"), False),
        "rejected": pc.fill_null(pc.equal(joined["disposition"], "reject"), False),
    }
    keys = (*PLACE, *CELL)
    columns = {name: joined[name] for name in keys} | {"messages": messages}
    columns |= {name: pc.if_else(mask, messages, 0) for name, mask in masks.items()}
    return add_up(pa.table(columns).select(POOL_DAYS.names).cast(POOL_DAYS), MEASURES)


def _selector_days(joined: pa.Table, sign: int) -> pa.Table:
    signatures = joined["own_signatures"].combine_chunks()
    parents, flat = pc.list_parent_indices(signatures), signatures.flatten()
    signed = joined.select([*PLACE, "day", "messages"]).take(parents)
    messages = pc.multiply(signed["messages"], sign)
    passed = pc.struct_field(flat, "passed")
    columns = {name: signed[name] for name in (*PLACE, "day")} | {
        "domain": pc.struct_field(flat, "domain"),
        "selector": pc.struct_field(flat, "selector"),
        "passed": pc.if_else(passed, messages, 0),
        "failed": pc.if_else(passed, 0, messages),
    }
    return add_up(pa.table(columns).select(SELECTOR_DAYS.names).cast(SELECTOR_DAYS), ("passed", "failed"))


def _place_addresses(joined: pa.Table, sign: int) -> pa.Table:
    known = joined.select([*PLACE, "source_ip", "messages"]).filter(pc.is_valid(joined["source_ip"]))
    signed = known.set_column(
        known.column_names.index("messages"), "messages", pc.multiply(known["messages"], sign)
    )
    return add_up(signed.cast(PLACE_ADDRESSES), ("messages",))


def _domain_days(counted: pa.Table, sign: int) -> pa.Table:
    columns = {name: counted[name] for name in ("policy_domain", *OF_REPORT, *POLICY)} | {
        "reports": pa.array([sign] * counted.num_rows, pa.int64()),
        "messages": pc.multiply(counted["messages"], sign),
        "unread_messages": pc.multiply(counted["unread_messages"], sign),
    }
    return add_up(pa.table(columns).cast(DOMAIN_DAYS), ("reports", "messages", "unread_messages"))
