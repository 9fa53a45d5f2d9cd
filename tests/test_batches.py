"""Transactions grow with a run, within items and bytes, and nothing is held back."""

import pytest

from dmarcwatch.batches import BATCH_BYTES, BATCH_ITEMS, MAX_BATCH_ITEMS, batches
from dmarcwatch.collect import Item
from dmarcwatch.errors import CollectError


def items(count, size=1):
    return (Item(f"pile/{number}", f"{number}", b"x" * size) for number in range(count))


def sizes(found):
    return [len(batch.items) for batch in batches(found, lambda: None)]


def test_a_small_run_writes_small_transactions():
    assert sizes(items(BATCH_ITEMS * 3 + 7)) == [BATCH_ITEMS] * 3 + [7]


def test_a_large_run_writes_larger_ones_up_to_a_bound():
    found = sizes(items(30_000))
    assert sum(found) == 30_000
    assert found[:-1] == sorted(found[:-1])
    assert found[0] == BATCH_ITEMS
    assert found[-2] == MAX_BATCH_ITEMS


def test_no_transaction_is_more_than_a_few_hundredths_of_what_was_read():
    read = 0
    for size in sizes(items(30_000)):
        assert size <= max(BATCH_ITEMS, read // 25)
        read += size


def test_bytes_bound_a_transaction_however_many_items_it_could_have():
    assert sizes(items(7, size=BATCH_BYTES // 2)) == [2, 2, 2, 1]


def test_what_came_before_a_source_failed_is_a_batch():
    def broken():
        yield from items(3)
        raise CollectError("it hung up", hint="Try again.")

    failing = batches(broken(), lambda: None)
    assert len(next(failing).items) == 3
    with pytest.raises(CollectError):
        next(failing)
