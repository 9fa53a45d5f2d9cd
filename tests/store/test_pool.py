"""A place leaves the pool when it persists, whatever the order in which its days come in."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmarcwatch.compose import compose
from dmarcwatch.rebuild import rebuild_judgements
from tests.build import record
from tests.database import feed, fresh, rows, rules
from tests.store.test_rollup import STRANGER, one, recount, rolled_up, stranger_on, streams

SCATTERED = "example.com/unknown/scattered"
OWN = "example.com/unknown/198.51.100.0-24"

days_of_runs = st.lists(
    st.lists(st.tuples(st.integers(0, 150), st.integers(0, 1)), min_size=1, max_size=12, unique=True),
    min_size=2,
    max_size=5,
)


def sums(database):
    return rows(database, "SELECT stream, day, sum(messages) FROM stream_days GROUP BY 1, 2 ORDER BY 1, 2")


def far_away(*, year: int) -> bytes:
    begin = datetime(year, 1, 1, tzinfo=UTC)
    head = one(0, "b.example", "9")._replace(begin=begin, end=begin.replace(hour=23))
    return compose(head, [record("203.0.113.9", 1, **STRANGER)])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days_of_runs)
def test_the_order_of_runs_changes_nothing(tmp_path_factory, runs):
    with fresh(tmp_path_factory.mktemp("db") / "dmarcwatch.db") as database:
        for number, days in enumerate(runs):
            documents = [
                compose(one(day, "a.example", f"{host}"), [record(f"198.51.{host}.9", 2, **STRANGER)])
                for day, host in days
            ]
            feed(database, *documents, source=f"run {number}")
        assert rolled_up(database) == recount(database)
        before = sums(database)
        rebuild_judgements(database, rules())
        assert sums(database) == before


def test_an_archive_that_is_read_in_parts_after_the_newest_report_shows_who_persists(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *stranger_on([0]), source="this year")
        feed(database, *stranger_on(range(100, 105)), source="first part")
        assert streams(database) == {SCATTERED}
        feed(database, *stranger_on(range(105, 110)), source="second part")
        assert streams(database) == {OWN}
        assert rolled_up(database) == recount(database)


def test_a_late_report_that_counts_after_all_is_held_against_what_was_forgotten(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *stranger_on([0]), *stranger_on(range(100, 109)))
        feed(database, *stranger_on([109]), local=False, source="anybody")
        assert streams(database) == {SCATTERED}
        feed(database, *stranger_on([109]), source="the user")
        assert streams(database) == {OWN}


def test_a_report_on_the_future_that_nobody_vouches_for_makes_nothing_forgotten(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, far_away(year=2030), local=False)
        for day in range(11, -1, -1):
            feed(database, *stranger_on([day]), source=f"{day} days ago")
        assert OWN in streams(database)


def test_what_nobody_vouches_for_makes_nothing_forgotten_that_somebody_does(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *stranger_on(range(120, 125)))
        feed(database, *stranger_on([0]), local=False)
        assert rows(database, "SELECT count(DISTINCT day) FROM _pool_days") == [(6,)]


def test_days_that_are_two_months_and_a_week_old_are_forgotten(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *stranger_on([0, 68, 69], messages=1))
        assert rows(database, "SELECT count(DISTINCT day) FROM _pool_days") == [(2,)]
        assert rolled_up(database) == recount(database)
