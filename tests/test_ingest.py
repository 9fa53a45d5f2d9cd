"""Every item ends stored, duplicate, set aside or reject, and the accounts say so."""

import gzip
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from dmarcwatch.batches import BATCH_ITEMS
from dmarcwatch.compose import compose, compose_mail
from dmarcwatch.errors import CollectError, StoreError
from dmarcwatch.filing import Accounts
from dmarcwatch.ingest import Bounds, Ingest, Kind
from dmarcwatch.rebuild import rebuild_facts, rebuild_judgements, retry_rejects
from dmarcwatch.report import AuthResult, Dkim, DmarcResult
from dmarcwatch.store.raw import LARGE_BYTES, all_items
from tests.build import policy, record, report
from tests.database import NOW, Pile, feed, fresh, rows, rules

BROKEN = compose(report(report_id="broken"), [record(), record()])[:-80]

SETTLES = Kind(settles=True)


@pytest.fixture
def database(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as opened:
        yield opened


def day(number, **changes):
    """The report of another day."""
    begin = report().begin + timedelta(days=number)
    return report(begin=begin, end=begin + timedelta(seconds=86399), report_id=f"day {number}", **changes)


def test_a_report_is_stored_with_its_records(database):
    accounts = feed(database, compose(report(), [record(), record("192.0.2.7", 5)]))
    assert accounts == Accounts(items=1, reports=1, records=2, messages=8)
    assert rows(
        database, "SELECT org_name, policy_domain, p, tier, grade, records, messages FROM reports"
    ) == [("reporter.example", "example.com", "none", "local", "clean", 2, 8)]
    assert rows(database, "SELECT source_ip, messages, sender, state, dmarc FROM records ORDER BY n") == [
        ("54.240.8.11", 3, "amazon-ses", "both-aligned", "pass"),
        # Signed by SES and sent on from elsewhere: forwarded, its DKIM intact.
        ("192.0.2.7", 5, "amazon-ses", "dkim-only", "pass"),
    ]


def test_the_same_bytes_again_are_a_duplicate(database):
    document = compose(report(), [record()])
    assert feed(database, document, gzip.compress(document), compose_mail(report(), [record()])) == Accounts(
        items=3, reports=1, duplicates=2, records=1, messages=3
    )
    assert rows(database, "SELECT outcome FROM items") == [("stored",), ("duplicate",), ("duplicate",)]


def test_an_id_used_for_another_day_is_another_report(database):
    """Google and Mimecast reuse ids (dmarc-srg issue 81)."""
    first = report()
    second = day(1)
    accounts = feed(
        database, compose(first, [record()]), compose(second._replace(report_id=first.report_id), [record()])
    )
    assert accounts.reports == 2
    assert rows(database, "SELECT status FROM reports") == [("counted",), ("counted",)]


def test_a_longer_version_of_a_report_takes_its_place(database):
    feed(database, compose(report(), [record()]), compose(report(), [record(), record("192.0.2.7", 9)]))
    assert rows(database, "SELECT status FROM reports ORDER BY id") == [("superseded",), ("counted",)]
    assert rows(database, "SELECT sum(messages) FROM stream_days") == [(12,)]


def test_a_version_with_other_records_is_kept_beside_the_first_and_not_counted(database):
    feed(database, compose(report(), [record()]), compose(report(), [record("192.0.2.7", 9)]))
    assert rows(database, "SELECT status FROM reports ORDER BY id") == [("counted",), ("conflict",)]
    assert rows(database, "SELECT sum(messages) FROM stream_days") == [(3,)]


def test_the_same_records_under_another_id_count_once(database):
    feed(database, compose(report(), [record()]), compose(report(report_id="again"), [record()]))
    assert rows(database, "SELECT status FROM reports ORDER BY id") == [("counted",), ("suspect-duplicate",)]
    assert rows(database, "SELECT reports, messages FROM domain_days") == [(1, 3)]


def test_other_records_under_another_id_count_as_well(database):
    """A reporter with several nodes sends several reports for one day."""
    feed(database, compose(report(), [record()]), compose(report(report_id="node 2"), [record(messages=4)]))
    assert rows(database, "SELECT sum(messages) FROM stream_days") == [(7,)]


def test_what_takes_the_place_of_its_own_id_counts_no_other_ids_records_again(database):
    feed(
        database,
        compose(report(report_id="1"), [record()]),
        compose(report(report_id="2"), [record(messages=4)]),
    )
    feed(database, compose(report(report_id="2"), [record()]), source="again")
    # The second id is told anew, with the first one's records: what it said before is void.
    assert rows(database, "SELECT status FROM reports ORDER BY id") == [
        ("counted",),
        ("counted",),
        ("conflict",),
    ]
    grown = [record(messages=4), record()]
    feed(database, compose(report(report_id="1"), grown), source="grown")
    feed(database, compose(report(report_id="2"), grown), source="grown as well")
    assert rows(database, "SELECT status FROM reports ORDER BY id") == [
        ("superseded",), ("superseded",), ("conflict",), ("counted",), ("suspect-duplicate",)
    ]  # fmt: skip
    assert rows(database, "SELECT reports, messages FROM domain_days") == [(1, 7)]


def test_equal_records_of_one_report_add_up(database):
    """OpenDMARC writes one record for each message."""
    feed(database, compose(report(), [record(messages=1)] * 3))
    assert rows(database, "SELECT messages FROM stream_days") == [(3,)]


def test_a_report_without_records_covers_its_day(database):
    feed(database, compose(report(), []))
    assert rows(database, "SELECT reports, messages FROM domain_days") == [(1, 0)]


@pytest.mark.parametrize("shape", ["compressed", "plain", "random"])
def test_large_items_are_kept_as_they_came(database, shape):
    plain = compose(report(), [record(f"198.51.{n % 99}.{n % 251}", n) for n in range(4000)])
    data = {
        "compressed": gzip.compress(plain, 0),
        "plain": plain,
        "random": b"PK\x03\x04" + Random(1).randbytes(2 * LARGE_BYTES + 17),
    }[shape]
    assert len(data) > LARGE_BYTES
    feed(database, b"nothing", data, b"nothing else")
    assert dict(all_items(database.conn)) == {1: b"nothing", 2: data, 3: b"nothing else"}


def test_what_is_no_report_is_kept_with_its_reason(database):
    accounts = feed(database, b"Dear Sir or Madam", compose(report(), [record()]))
    assert accounts == Accounts(items=2, reports=1, rejects=1, records=1, messages=3)
    assert rows(database, "SELECT reason, origin FROM rejects") == [("no-report", "pile/0")]
    assert rows(database, "SELECT bytes FROM _raw WHERE item = 1") == [(b"Dear Sir or Madam",)]


def test_broken_xml_is_recovered_and_says_so(database):
    accounts = feed(database, BROKEN)
    assert (accounts.reports, accounts.records) == (1, 1)
    assert rows(database, "SELECT grade FROM reports") == [("recovered",)]
    assert rows(database, "SELECT grade, messages FROM stream_days") == [("recovered", 3)]


def test_reports_on_other_domains_are_set_aside(database):
    ours = rules(is_ours=lambda domain: domain == "example.com")
    accounts = feed(
        database,
        compose(report(policy=policy(domain="example.net")), [record()]),
        compose(report(), [record()]),
        rules=ours,
    )
    assert accounts == Accounts(items=2, reports=1, set_aside=1, records=1, messages=3)
    assert rows(database, "SELECT kind FROM set_aside") == [("foreign-domain",)]


def test_reading_again_finds_nothing_new(database):
    documents = [compose(day(number), [record()]) for number in range(5)]
    feed(database, *documents)
    assert feed(database, *documents) == Accounts()


def test_batches_are_settled_after_their_commit(database):
    class Watching(Pile):
        def settle(self, items):
            stored = {token for (token,) in rows(database, "SELECT token FROM items")}
            assert not database.conn.in_transaction
            assert {item.token for item in items} <= stored
            super().settle(items)

    pile = Watching([compose(day(number), [record()]) for number in range(BATCH_ITEMS + 5)])
    Ingest(database, rules(), NOW).begin("pile", SETTLES).read(pile)
    assert len(pile.settled) == BATCH_ITEMS + 5
    assert rows(database, "SELECT DISTINCT settled FROM items") == [(1,)]


def test_what_could_not_be_settled_is_settled_by_the_next_run(database):
    class Failing(Pile):
        def settle(self, items):
            raise CollectError("the server hung up")

    documents = [compose(report(), [record()])]
    with pytest.raises(CollectError):
        Ingest(database, rules(), NOW).begin("pile", SETTLES).read(Failing(documents))
    assert rows(database, "SELECT outcome, settled FROM items") == [("stored", 0)]
    later = Pile(documents)
    Ingest(database, rules(), NOW).begin("pile", SETTLES).read(later)
    assert later.settled == ["0"]
    assert rows(database, "SELECT settled FROM items") == [(1,)]


def test_a_source_that_is_only_read_is_never_settled(database):
    pile = Pile([compose(report(), [record()])])
    Ingest(database, rules(), NOW).begin("pile").read(pile)
    assert pile.settled == []


def test_a_bounded_run_leaves_the_rest_to_the_next(database):
    documents = [compose(day(number), [record()]) for number in range(9)]
    ingest = Ingest(database, rules(), NOW, bounds=Bounds(items=4))
    found = []
    for _ in range(4):
        run = ingest.begin("pile")
        run.read(Pile(documents))
        found.append(run.accounts.reports)
    assert found == [4, 4, 1, 0]


def test_a_run_stops_when_its_time_is_over(database):
    ticks = iter(range(100))
    bounds = Bounds(deadline=3, clock=lambda: next(ticks))
    run = Ingest(database, rules(), NOW, bounds=bounds).begin("pile")
    run.read(Pile([compose(day(number), [record()]) for number in range(9)]))
    assert run.accounts.items == 3


def test_what_a_bound_passes_over_is_seen_again_without_it(database):
    class Dated(Pile):
        def items(self, memory):
            for item in super().items(memory):
                yield replace(item, received_at=NOW - timedelta(days=int(item.token)))

    documents = [compose(day(number), [record()]) for number in range(4)]
    bounded = Ingest(database, rules(), NOW, bounds=Bounds(since=NOW - timedelta(days=1, hours=1)))
    for ingest, new in ((bounded, 2), (Ingest(database, rules(), NOW), 2)):
        run = ingest.begin("pile")
        run.read(Dated(documents))
        assert run.accounts.reports == new


def test_a_source_that_fails_midway_keeps_what_came(database):
    pile = Pile([compose(report(), [record()])], broken=CollectError("the server hung up"))
    run = Ingest(database, rules(), NOW).begin("pile")
    with pytest.raises(CollectError):
        run.read(pile)
    run.failed(pile.broken)
    assert run.accounts.reports == 1
    assert rows(database, "SELECT reports, error FROM runs") == [(1, "the server hung up")]


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(database):
    documents = [compose(day(number), [record(f"192.0.2.{number}")]) for number in range(40)]
    pages = rows(database, "PRAGMA page_count")[0][0]
    database.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StoreError, match="full"):
        feed(database, *documents)
    assert rows(database, "SELECT count(*) FROM items") == [(0,)]
    database.execute("PRAGMA max_page_count = 100000")
    assert feed(database, *documents).reports == 40


def test_a_fault_of_ours_costs_one_item(database):
    def stumbles(item, head):
        if item.source_ip == "192.0.2.66":
            raise ZeroDivisionError("by accident")
        return rules().classify(item, head)

    good, bad = compose(day(1), [record()]), compose(day(2), [record(), record("192.0.2.66")])
    accounts = feed(
        database, good, bad, compose(day(3), [record()]), rules=replace(rules(), classify=stumbles)
    )
    assert (accounts.reports, accounts.rejects) == (2, 1)
    assert rows(database, "SELECT reason FROM rejects") == [("internal",)]
    assert rows(database, "SELECT sum(messages) FROM stream_days") == [(6,)]


def test_what_recovery_does_not_find_in_broken_xml_is_not_said_to_be_missing(database):
    data = compose(report(), [record()])
    feed(
        database,
        data.replace(b"<date_range>", b"<date_range/><!--"),
        data.replace(b"<version>", b"<version><!--"),
        data.replace(b"<date_range>", b"<date_range>&nothing;</date_range>"),
        data.replace(b"date_range", b"range"),
    )
    assert rows(database, "SELECT reason FROM rejects ORDER BY reason") == [
        *[("malformed",)] * 3,
        ("no-date-range",),
    ]
    assert rows(
        database, "SELECT DISTINCT message LIKE '%: line _, column %' FROM rejects WHERE reason = 'malformed'"
    ) == [(1,)]


def test_rejects_can_be_read_again_after_an_upgrade(database):
    def stumbles(item, head):
        raise ZeroDivisionError("by accident")

    feed(database, compose(report(), [record()]), rules=replace(rules(), classify=stumbles))
    accounts, touched = retry_rejects(database, rules())
    assert (accounts.reports, accounts.rejects, touched) == (1, 0, {"example.com"})
    assert rows(database, "SELECT count(*) FROM rejects") == [(0,)]


def test_a_mails_date_in_the_future_counts_as_now(database):
    late = compose_mail(day(3650), [record()])
    feed(database, late, local=False)
    assert rows(database, "SELECT received_at FROM items") == [("2026-11-20T12:00:00Z",)]


def test_reports_in_mail_are_verified_by_the_mailbox_hosts_word(database):
    def mailed(number, results):
        head = day(number, org_name="google.com", org_email="noreply-dmarc-support@google.com")
        return (f"Authentication-Results: {results}\n").encode() + compose_mail(head, [record()])

    feed(
        database,
        mailed(1, "mx.example.com; dmarc=pass header.from=google.com"),
        mailed(2, "mx.example.com; dmarc=fail header.from=google.com"),
        mailed(3, "mx.example.com; dmarc=pass header.from=example.org"),
        local=False,
    )
    assert [tier for (tier,) in rows(database, "SELECT tier FROM reports ORDER BY day")] == [
        "verified",
        "unverified",
        "unverified",
    ]


def test_a_better_delivery_of_the_same_bytes_lifts_the_report(database):
    document = compose(report(), [record()])
    feed(database, document, local=False, source="mail")
    assert rows(database, "SELECT tier FROM stream_days") == [("unverified",)]
    feed(database, document, source="file")
    assert rows(database, "SELECT tier, messages FROM stream_days") == [("local", 3)]
    assert rows(database, "SELECT tier, reports FROM domain_days") == [("local", 1)]


def test_a_forged_report_does_not_keep_the_genuine_one_out(database):
    forged = compose(
        report(), [record(dkim_evaluated=DmarcResult.FAIL, dkim=(Dkim("example.com", "x", AuthResult.FAIL),))]
    )
    feed(database, forged, local=False, source="mail")
    feed(database, compose(report(), [record(messages=8)]), source="file")
    assert rows(database, "SELECT status, tier FROM reports ORDER BY id") == [
        ("superseded", "unverified"),
        ("counted", "local"),
    ]
    assert rows(database, "SELECT sum(messages) FROM stream_days") == [(8,)]


def facts_and_judgements(database):
    """All that is derived, without the ids of the moment."""
    return {
        name: sorted(rows(database, f"SELECT * FROM {name}"), key=repr)
        for name in ("records", "stream_days", "domain_days", "problems")
    }


def mixed_documents():
    return [
        *(compose(day(number), [record(), record(f"192.0.2.{number}", number + 1)]) for number in range(12)),
        compose(report(), [record()]),
        compose(report(), [record(), record("192.0.2.7")]),
        BROKEN,
        b"no report",
        compose(day(3, policy=policy(domain="example.net")), [record(header_from="example.net")]),
    ]


def test_judgements_made_anew_are_the_same(database):
    feed(database, *mixed_documents())
    before = facts_and_judgements(database)
    rebuild_judgements(database, rules())
    assert facts_and_judgements(database) == before


def test_facts_read_anew_are_the_same(database):
    feed(database, *mixed_documents())
    before = facts_and_judgements(database)
    accounts = rebuild_facts(database, rules())
    assert accounts.items == len(mixed_documents())
    assert facts_and_judgements(database) == before


def test_a_reader_sees_whole_batches_while_another_program_writes(database, tmp_path):
    feed(database, compose(report(), [record()]))
    reader = sqlite3.connect(f"file:{tmp_path / 'dmarcwatch.db'}?mode=ro", uri=True)
    database.execute("BEGIN IMMEDIATE")
    database.execute("DELETE FROM _records")
    assert reader.execute("SELECT count(*) FROM records").fetchone() == (1,)
    database.execute("ROLLBACK")
    reader.close()


@pytest.mark.parametrize(("begin", "days"), [("1979-08-07", 1), ("2026-01-01", 300), ("2026-11-18", -1)])
def test_a_report_on_a_period_that_cannot_be_is_held_and_not_counted(database, begin, days):
    """RFC 9990's own example lies in 1979; what spans years speaks of no day (dmarc.md 1.4)."""
    start = datetime.fromisoformat(f"{begin}T00:00:00+00:00")
    accounts = feed(database, compose(report(begin=start, end=start + timedelta(days=days)), [record()]))
    assert (accounts.reports, accounts.messages, accounts.rejects, accounts.dropped) == (1, 3, 0, 0)
    assert rows(database, "SELECT status FROM reports") == [("held",)]
    assert rows(database, "SELECT count(*) FROM stream_days") == [(0,)]
    assert rows(database, "SELECT path, messages FROM problems") == [
        ("held/period", 0),
        ("feedback/report_metadata/date_range", 0),
    ]
