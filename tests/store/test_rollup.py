"""The roll-ups hold what the records say, after any history of inserts, duplicates and replacements."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmarcwatch.compose import compose
from dmarcwatch.report import AuthResult, Dkim, DmarcResult, Reason, ReasonType, Spf, SpfScope
from dmarcwatch.store import rollup
from dmarcwatch.store.pool import persists
from tests.build import policy, record, report
from tests.database import feed, fresh, rows

STRANGER = {
    "dkim_evaluated": DmarcResult.FAIL,
    "spf_evaluated": DmarcResult.FAIL,
    "dkim": (),
    "spf": (Spf("example.com", SpfScope.MFROM, AuthResult.FAIL),),
}
KINDS = (
    {},
    {"dkim": (Dkim("amazonses.com", None, AuthResult.PASS),), "dkim_evaluated": DmarcResult.FAIL},
    STRANGER,
    STRANGER | {"reasons": (Reason(ReasonType.MAILING_LIST, None),)},
    {"spf_evaluated": None, "dkim_evaluated": None, "dkim": ()},
)

records = st.builds(
    lambda host, messages, kind: record(f"192.0.{host}.5", messages, **KINDS[kind]),
    st.integers(0, 3),
    st.integers(0, 9),
    st.integers(0, len(KINDS) - 1),
)


def one(day, reporter, identity, *, domain="example.com"):
    begin = report().begin - timedelta(days=day)
    return report(
        org_name=reporter,
        org_email=f"dmarc@{reporter}",
        report_id=identity,
        begin=begin,
        end=begin + timedelta(seconds=86399),
        policy=policy(domain=domain),
    )


reports = st.builds(
    lambda day, reporter, identity, held: compose(one(day, reporter, identity), held),
    st.integers(0, 2),
    st.sampled_from(["a.example", "b.example"]),
    st.sampled_from(["1", "2"]),
    st.lists(records, max_size=3),
)
runs = st.lists(st.tuples(st.lists(reports, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=4)


def recount(database):
    """`stream_days` from the records, without any of the store's own arithmetic."""
    cells = Counter()
    for row in rows(
        database,
        "SELECT c.stream, r.day, o.name, r.tier, c.state, c.forwarded, c.messages, c.dmarc, c.dkim_aligned, "
        "c.spf_aligned, c.disposition FROM records c JOIN reports r ON r.id = c.report "
        "JOIN _reporters o ON o.id = r.reporter WHERE r.status = 'counted'",
    ):
        key, messages, dmarc, dkim, spf = row[:6], row[6], row[7], row[8] or 0, row[9] or 0
        measures = {
            "messages": 1,
            "dmarc_pass": dmarc in ("pass", "pass_unverified"),
            "dkim_aligned": dkim,
            "spf_aligned": spf,
            "both_aligned": dkim and spf,
            "unknown": dmarc == "unknown",
        }
        for name, applies in measures.items():
            cells[key, name] += messages * int(applies)
    return +cells


def rolled_up(database):
    cells = Counter()
    names = ("messages", "dmarc_pass", "dkim_aligned", "spf_aligned", "both_aligned", "unknown")
    for row in rows(
        database, f"SELECT stream, day, reporter, tier, state, forwarded, {', '.join(names)} FROM stream_days"
    ):
        for name, count in zip(names, row[6:], strict=True):
            cells[row[:6], name] += count
    assert min(cells.values(), default=0) >= 0
    return +cells


ROLL_UPS = ("_stream_days", "_pool_days", "_selector_days", "_place_addresses", "_domain_days")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs)
def test_large_reports_are_rolled_up_as_small_ones_are(tmp_path_factory, history):
    found = []
    for large in (0, rollup.LARGE_RECORDS):
        with (
            pytest.MonkeyPatch.context() as patch,
            fresh(tmp_path_factory.mktemp("db") / "dmarcwatch.db") as database,
        ):
            patch.setattr(rollup, "LARGE_RECORDS", large)
            for number, (documents, local) in enumerate(history):
                feed(database, *documents, local=local, source=f"run {number}")
            found.append([sorted(rows(database, f"SELECT * FROM {table}")) for table in ROLL_UPS])
    assert found[0] == found[1]


def test_a_large_report_counts_each_of_its_records(tmp_path):
    hosts = range(2 * rollup.LARGE_RECORDS)
    held = [record(f"198.51.{host}.9", host % 7, **KINDS[host % len(KINDS)]) for host in hosts]
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, compose(one(0, "a.example", "1"), held), compose(one(1, "a.example", "2"), held))
        assert rolled_up(database) == recount(database)
        messages = 2 * sum(host % 7 for host in hosts)
        assert rows(database, "SELECT sum(messages) FROM stream_days") == [(messages,)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs)
def test_stream_days_equal_a_recount_after_any_history(tmp_path_factory, history):
    with fresh(tmp_path_factory.mktemp("db") / "dmarcwatch.db") as database:
        for number, (documents, local) in enumerate(history):
            feed(database, *documents, local=local, source=f"run {number}")
        assert rolled_up(database) == recount(database)
        counted = rows(database, "SELECT count(*), sum(messages) FROM reports WHERE status = 'counted'")
        assert rows(database, "SELECT ifnull(sum(reports), 0), sum(messages) FROM domain_days") == counted


def test_the_order_of_reports_does_not_matter(tmp_path):
    documents = [compose(one(day, name, "1"), [record(messages=day + 1)]) for day in range(9) for name in ("a.example", "b.example")]  # fmt: skip
    found = []
    for number, order in enumerate((documents, documents[::-1])):
        with fresh(tmp_path / f"{number}.db") as database:
            feed(database, *order)
            found.append(rolled_up(database))
    assert found[0] == found[1]


def stranger_on(days, messages=4):
    return [
        compose(one(day, "a.example", "1"), [record("198.51.100.9", messages, **STRANGER)]) for day in days
    ]


def streams(database):
    return {stream for (stream,) in rows(database, "SELECT DISTINCT stream FROM stream_days")}


def test_networks_seen_on_few_days_are_one_stream(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(
            database,
            compose(one(0, "a.example", "1"), [record(f"198.51.{n}.9", **STRANGER) for n in range(99)]),
        )
        assert rows(database, "SELECT stream, messages FROM stream_days") == [
            ("example.com/unknown/scattered", 297)
        ]


def test_a_network_that_persists_becomes_a_stream_with_its_whole_past(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *stranger_on(range(9, 0, -1)))
        assert streams(database) == {"example.com/unknown/scattered"}
        feed(database, *stranger_on([0]))
        assert streams(database) == {"example.com/unknown/198.51.100.0-24"}
        assert rolled_up(database) == recount(database)


def test_reports_nobody_vouches_for_make_no_stream(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        feed(database, *stranger_on(range(20)), local=False)
        assert streams(database) == {"example.com/unknown/scattered"}


FIRST = date(2026, 9, 1)


@pytest.mark.parametrize(
    ("days", "messages", "kept"),
    [
        (range(10), 1, True),
        (range(9), 1, False),
        (range(0, 62, 7), 1, True),  # nine weekly runs fall into more than one month
        ([0, 31], 3, True),
        ([0, 31], 2, False),  # five messages or fewer in two months are chance
        ([0, 62], 90, False),  # two months apart: never in one window
        ([0, 29], 90, False),  # one month
    ],
)
def test_what_persists_is_seen_often_or_in_two_months(days, messages, kept):
    assert persists([(FIRST + timedelta(days=day), messages) for day in days]) is kept
