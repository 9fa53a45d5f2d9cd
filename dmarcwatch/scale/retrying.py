"""What is read again because something of it could not be read (`scale --retry`), and what that replaces."""

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from dmarcwatch.collect.sources import storable
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.listing import digest_of
from dmarcwatch.scale.mboxes import MBOX

_Mark = tuple[str, str]
"""Source and token of an item."""


def to_retry(dataset: Dataset, targets: pa.Table) -> pa.Array:
    """The digests of objects that have rejects: of an mbox that has some, that of the file as it is now."""
    marks = set[_Mark]()
    for increment in dataset.committed:
        if dataset.manifest(increment).get("retry"):
            marks.difference_update(_marks(dataset, increment, rejected=False))
        marks.update(_marks(dataset, increment, rejected=True))
    digests = [digest_of(source, token) for source, token in marks]
    mboxes = {token[len(MBOX) :].rsplit(" ", 2)[0] for _, token in marks if token.startswith(MBOX)}
    if mboxes:
        places = zip(targets["place"].to_pylist(), targets["digest"].to_pylist(), strict=True)
        digests += [digest for place, digest in places if storable(os.fsdecode(place)) in mboxes]
    return pa.array(digests, pa.binary(16))


def replaced(dataset: Dataset) -> dict[_Mark, int]:
    """The last increment that read an item again: rejects that earlier ones found in it are of no account."""
    return {
        mark: increment
        for increment in dataset.committed
        if dataset.manifest(increment).get("retry")
        for mark in _marks(dataset, increment, rejected=False)
    }


def _marks(dataset: Dataset, increment: int, *, rejected: bool) -> Iterator[_Mark]:
    for name, size in dataset.manifest(increment)["items"].items():
        rows = dataset.shelf.read_table(name, size=size, columns=["source", "token", "rejects"])
        if rejected:
            rows = rows.filter(pc.greater(pc.list_value_length(rows["rejects"]), 0))
        yield from zip(rows["source"].to_pylist(), rows["token"].to_pylist(), strict=True)
