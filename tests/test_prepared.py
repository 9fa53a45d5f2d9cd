"""Records on their way to the writer: packed, given once, and the same afterwards."""

from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.parse.words import MAX_COUNT
from dmarcwatch.prepared import Rows

numbers = st.integers(0, 2**31)
rows = st.lists(
    st.tuples(st.one_of(st.none(), st.ip_addresses().map(str)), st.integers(0, MAX_COUNT), numbers, numbers),
    max_size=20,
)


@given(rows, st.sampled_from([1, 300]))
def test_records_are_given_as_they_were_added(found, times):
    packed = Rows()
    for _ in range(times):
        packed.extend(list(found))
    assert list(packed.drain()) == found * times


def test_records_are_given_once_so_that_their_memory_is_free():
    packed = Rows()
    packed.extend([("192.0.2.1", 1, 0, 0)] * 10_000)
    assert sum(1 for _ in packed.drain()) == 10_000
    assert list(packed.drain()) == []
