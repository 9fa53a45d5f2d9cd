"""Records and bytes go with age; roll-ups, verdicts and the identities of reports stay."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date, timedelta
from threading import Event
from time import monotonic

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmarcwatch.compose import compose
from dmarcwatch.rebuild import rebuild_facts, rebuild_judgements, retry_rejects
from dmarcwatch.store import raw, retention
from dmarcwatch.store.status import reject_reasons
from tests.build import record
from tests.database import feed, fresh, rows, rules
from tests.store.test_rollup import one, records, rolled_up, stranger_on, streams

LAST = date(2026, 11, 18)
"""The day of reports on day 0; day 1 is the one before."""


def before(day):
    """The day from which on records are kept, so that reports of `day` and older lose theirs."""
    return LAST - timedelta(days=day - 1)


def per_domain(database):
    columns = "policy_domain, day, reporter, tier, grade, p, pct, adkim, aspf"
    return rows(
        database,
        f"SELECT {columns}, sum(reports), sum(messages), sum(unread_messages) FROM domain_days "
        f"GROUP BY {columns} HAVING sum(reports) ORDER BY {columns}",
    )


def figures(database):
    return rolled_up(database), per_domain(database)


def statuses(database):
    return [status for (status,) in rows(database, "SELECT status FROM reports ORDER BY id")]


def prune(database, day):
    return retention.prune_records(database.conn, before(day))


def daily(days=3, messages=4):
    return [
        compose(one(day, "a.example", f"{day}"), [record(messages=messages + day), record("192.0.2.9")])
        for day in range(days)
    ]


reports = st.builds(
    lambda day, reporter, identity, held: compose(one(day, reporter, identity), held),
    st.integers(0, 2),
    st.sampled_from(["a.example", "b.example"]),
    st.sampled_from(["1", "2"]),
    st.lists(records, max_size=3),
)
AFTER = {
    "nothing": lambda database: None,
    "judgements": lambda database: rebuild_judgements(database, rules()),
    "facts": lambda database: rebuild_facts(database, rules()),
    "bytes": lambda database: retention.prune_raw(database.conn, before(1)),
    "shrink": lambda database: retention.shrink(database.conn),
}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(reports, min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(sorted(AFTER))), min_size=1, max_size=4),
)
def test_whatever_is_pruned_and_rebuilt_the_roll_ups_say_what_they_said(tmp_path_factory, documents, steps):
    with fresh(tmp_path_factory.mktemp("db") / "dmarcwatch.db") as database:
        feed(database, *documents)
        expected = figures(database)
        for number, (day, then) in enumerate(steps):
            prune(database, day)
            AFTER[then](database)
            assert figures(database) == expected
            assert feed(database, *documents, source=f"again {number}").reports == 0
            assert figures(database) == expected


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(reports, min_size=1, max_size=4), st.lists(reports, min_size=1, max_size=4))
def test_reports_of_other_days_count_as_if_nothing_had_been_pruned(tmp_path_factory, early, late):
    """Day 2 is pruned in one of two databases; then reports of any other day come."""
    late = [document for document in late if f"<begin>{begin(2)}</begin>" not in document.decode()]
    found = []
    for pruned in (False, True):
        with fresh(tmp_path_factory.mktemp("db") / "dmarcwatch.db") as database:
            feed(database, *early)
            if pruned:
                prune(database, 2)
            feed(database, *late, source="late")
            rebuild_judgements(database, rules())
            found.append(figures(database))
    assert found[0] == found[1]


def begin(day):
    return int(one(day, "a.example", "1").begin.timestamp())


def test_records_of_old_reports_are_gone_and_their_messages_still_counted(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *daily())
        expected = figures(database)
        assert prune(database, 1) == retention.Pruned(reports=2, records=4)
        assert statuses(database) == ["counted", "pruned", "pruned"]
        assert rows(database, "SELECT count(*) FROM records") == [(2,)]
        assert figures(database) == expected
        assert prune(database, 1) == retention.Pruned(0, 0)


def test_what_would_be_pruned_is_said_and_stays(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *daily())
        assert retention.old_records(database.conn, before(1)) == retention.Pruned(2, 4)
        assert rows(database, "SELECT count(*) FROM records") == [(6,)]


def test_a_report_sent_again_under_its_id_does_not_replace_a_pruned_one(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, compose(one(2, "a.example", "1"), [record(messages=5)]))
        expected = figures(database)
        prune(database, 2)
        feed(
            database,
            compose(one(2, "a.example", "1"), [record(messages=5), record(messages=90)]),
            source="later",
        )
        assert statuses(database) == ["pruned", "conflict"]
        assert figures(database) == expected


def test_the_same_records_under_another_id_are_known_after_pruning(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        held = [record("192.0.2.1", 5), record("192.0.2.2", 7)]
        feed(database, compose(one(2, "a.example", "1"), held))
        prune(database, 2)
        rebuild_facts(database, rules())
        feed(database, compose(one(2, "a.example", "2"), held), source="later")
        assert statuses(database) == ["pruned", "suspect-duplicate"]
        assert sum(count for (_, name), count in rolled_up(database).items() if name == "messages") == 12


def test_a_better_delivery_of_a_pruned_report_does_not_move_half_of_it(tmp_path):
    document = compose(one(2, "a.example", "1"), [record()])
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, document, local=False)
        prune(database, 2)
        feed(database, document, local=True, source="later")
        assert rows(database, "SELECT DISTINCT tier FROM stream_days") == [("unverified",)]
        assert rows(database, "SELECT DISTINCT tier FROM domain_days") == [("unverified",)]


def test_facts_of_items_without_bytes_outlive_reading_anew(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *daily())
        expected = figures(database)
        assert retention.prune_raw(database.conn, date(2030, 1, 1)) == 3
        feed(database, compose(one(5, "a.example", "new"), [record()]), source="new")
        more = figures(database)
        rebuild_facts(database, rules())
        assert figures(database) == more != expected
        assert rows(database, "SELECT count(*) FROM records") == [(7,)]


def test_reading_anew_says_of_an_item_what_it_brought(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *daily())
        prune(database, 2)
        rebuild_facts(database, rules())
        assert rows(database, "SELECT DISTINCT outcome FROM items") == [("stored",)]


def test_the_bytes_of_rejects_stay_until_they_can_be_read(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, b"<feedback>no report</feedback>", *daily(1))
        assert retention.prune_raw(database.conn, date(2030, 1, 1)) == 1
        [(item,)] = rows(database, "SELECT item FROM rejects")
        assert raw.item_bytes(database.conn, item) == b"<feedback>no report</feedback>"
        assert retry_rejects(database, rules())[0].rejects == 1
        assert len(reject_reasons(database.conn)) == 1


def test_a_network_that_persists_after_pruning_keeps_all_its_messages(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *stranger_on(range(9, 0, -1)))
        prune(database, 5)
        feed(database, *stranger_on([0]), source="later")
        assert streams(database) == {
            "example.com/unknown/scattered",
            "example.com/unknown/198.51.100.0-24",
        }
        total = rows(database, "SELECT sum(messages) FROM stream_days")
        rebuild_judgements(database, rules())
        assert rows(database, "SELECT sum(messages) FROM stream_days") == total == [(40,)]
        assert rows(database, "SELECT min(messages) FROM _pool_days") != [(-4,)]


def test_space_is_given_back_only_where_there_is_some(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    with fresh(path) as database:
        assert retention.shrink(database.conn) == (0, 0)
        feed(database, compose(one(2, "a.example", "1"), [record(f"10.0.{n // 256}.{n % 256}", n) for n in range(9000)]))  # fmt: skip
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        size = path.stat().st_size
        prune(database, 2)
        freed, waiting = retention.shrink(database.conn)
        assert freed > 100_000
        assert waiting == 0
        assert path.stat().st_size == size - freed
        assert rows(database, "PRAGMA integrity_check") == [("ok",)]


@contextmanager
def reading(path):
    """A connection that never waits: whatever blocks it is an error at once."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)) as reader:
        yield reader


def large(database, reports, records):
    for day in range(reports):
        held = [record(f"10.{day}.{number // 250}.{number % 250}", 1) for number in range(records)]
        feed(database, compose(one(day, "a.example", f"{day}"), held), source=f"{day}")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def test_whoever_reads_is_never_blocked_by_a_prune(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    within, over = [], Event()

    def read_on(reader):
        found = []
        while not over.is_set():
            found.append(reader.execute(_READ).fetchone())
        return found

    with (
        fresh(path) as database,
        reading(path) as inside,
        reading(path) as beside,
        ThreadPoolExecutor() as pool,
    ):
        large(database, reports=30, records=4000)
        assert path.stat().st_size > 10_000_000
        everything = inside.execute(_READ).fetchone()
        reads = pool.submit(read_on, beside)
        try:
            prune(database, 5)
            left = inside.execute(_READ).fetchone()
            database.conn.set_progress_handler(
                lambda: within.append(inside.execute(_READ).fetchone()), 50_000
            )
            freed = retention.shrink(database.conn).freed
        finally:
            over.set()
        database.conn.set_progress_handler(None, 0)
        assert freed > 1_000_000
        assert len(within) > 2
        assert set(within) == {left}
        assert set(reads.result()) >= {left} != {everything}


_READ = "SELECT count(*), sum(messages), max(report) FROM _records"


def test_who_reads_an_old_state_for_long_is_not_waited_for(tmp_path):
    path = tmp_path / "dmarcwatch.db"
    with fresh(path) as database:
        large(database, reports=6, records=2000)
        size = path.stat().st_size
        with reading(path) as reader:
            reader.execute("BEGIN")
            old = reader.execute(_READ).fetchone()
            began = monotonic()
            assert retention.prune_records(database.conn, before(0), batch_records=2000).reports == 6
            freed, waiting = retention.shrink(database.conn)
            # It was ten seconds for each of seven transactions.
            assert monotonic() - began < 30
            assert reader.execute(_READ).fetchone() == old
            assert freed == size - path.stat().st_size
            assert waiting > 100_000
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert path.stat().st_size == size - freed - waiting


def test_small_transactions_remove_the_same(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *daily(5))
        expected = figures(database)
        found = retention.prune_records(database.conn, before(1), batch_records=1)
        assert found == retention.Pruned(4, 8)
        assert figures(database) == expected
