"""TLS and failure reports in the mailbox of aggregate ones: kept once, shown, and no evidence for a verdict."""

import json
import os
from datetime import date
from pathlib import Path

import pytest

from dmarcwatch.compose import compose
from dmarcwatch.rebuild import rebuild_facts
from dmarcwatch.store import retention
from tests.aside_build import failure, tls
from tests.build import record, report
from tests.database import feed, fresh, rows, rules


@pytest.fixture
def database(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as opened:
        yield opened


def test_a_tls_report_is_kept_by_day_and_by_reason(database):
    assert feed(database, tls()).set_aside == 1
    assert rows(database, "SELECT policy_domain, day, reporter, policy_type, successful_sessions, failed_sessions FROM tls_days") == [
        ("example.com", "2026-11-18", "Reporter", "sts", 812, 3)
    ]  # fmt: skip
    assert rows(database, "SELECT result_type, failed_sessions, receiving_mx FROM tls_problems") == [
        ("certificate-expired", 3, "mx1.mail.example.com")
    ]
    assert rows(database, "SELECT kind, problem FROM set_aside") == [("tls-report", None)]


def test_a_failure_report_is_kept_without_names_and_without_its_bytes(database):
    assert feed(database, failure()).set_aside == 1
    assert rows(database, "SELECT reported_domain, day, source_ip, incidents, reports FROM failure_days") == [
        ("example.com", "2026-11-18", "192.0.2.99", 1, 1)
    ]
    assert rows(database, "SELECT * FROM _raw") == []
    everything = b"".join(
        path.read_bytes()
        for path in Path(database.execute("PRAGMA database_list").fetchone()[2]).parent.iterdir()
    )
    assert not any(word in everything for word in (b"Maria", b"paul@", b"secret-42", b"private", b"invoice"))


def test_the_user_may_ask_for_all_of_it(database):
    feed(database, failure(), rules=rules(redact=False))
    assert rows(database, "SELECT subject, redacted FROM failure_reports") == [("Your invoice", 0)]
    assert rows(database, "SELECT count(*) FROM _raw") == [(1,)]


@pytest.mark.parametrize("document", [tls(), failure()], ids=["tls", "failure"])
def test_what_is_delivered_twice_counts_once(database, document):
    feed(database, document)
    feed(database, document, source="again")
    assert rows(database, "SELECT (SELECT count(*) FROM tls_days) + (SELECT sum(reports) FROM failure_days)") in ([(1,)], [(None,)])  # fmt: skip
    assert rows(database, "SELECT count(*) FROM tls_reports UNION ALL SELECT count(*) FROM failure_reports ORDER BY 1") == [(0,), (1,)]  # fmt: skip


def test_a_tls_report_in_other_bytes_is_known_by_its_identity(database):
    feed(database, tls(), tls().replace(b": ", b":  "))
    assert rows(database, "SELECT count(*) FROM tls_reports") == [(1,)]


def test_what_cannot_be_read_is_no_reject_says_why_and_keeps_its_bytes(database):
    broken = tls(policy={"policy-type": "none"})
    accounts = feed(database, broken, rules=rules(keep_raw=False))
    assert (accounts.set_aside, accounts.rejects, accounts.problems) == (1, 0, 1)
    [(kind, problem)] = rows(database, "SELECT kind, problem FROM set_aside")
    assert (kind, "policy type" in problem) == ("tls-report", True)
    assert retention.prune_raw(database.conn, date(2030, 1, 1)) == 0
    assert rows(database, "SELECT count(*) FROM _raw") == [(1,)]


def test_a_broken_failure_report_beside_an_aggregate_one_costs_nothing(database):
    mail = failure().replace(b"Source-IP: 192.0.2.99\r\n", b"")
    accounts = feed(database, mail, compose(report(), [record()]))
    assert (accounts.reports, accounts.set_aside, accounts.problems) == (1, 1, 1)


@pytest.mark.parametrize("redact", [True, False])
def test_reading_anew_neither_doubles_nor_loses_them(database, redact):
    how = rules(redact=redact)
    feed(database, tls(), failure(), compose(report(), [record()]), rules=how)
    tables = ("tls_days", "tls_problems", "failure_days", "set_aside", "stream_days")
    before = [rows(database, f"SELECT count(*) FROM {table}") for table in tables]
    assert before == [[(1,)], [(1,)], [(1,)], [(2,)], [(1,)]]
    for _ in range(2):
        rebuild_facts(database, how)
        assert [rows(database, f"SELECT count(*) FROM {table}") for table in tables] == before


def test_bytes_of_reports_that_were_read_need_not_be_kept(database):
    feed(database, compose(report(), [record()]), tls(), b"nothing", rules=rules(keep_raw=False))
    assert rows(database, "SELECT i.outcome FROM _raw r JOIN items i ON i.id = r.item") == [("reject",)]


CORPUS = os.environ.get("DMARCWATCH_CORPUS")


@pytest.mark.corpus
def test_the_samples_of_the_corpus(database):
    index = [json.loads(line) for line in (Path(CORPUS) / "index.jsonl").read_text("utf-8").splitlines()]
    found = {}
    for kind in ("smtp-tls", "failure"):
        files = [row["file"] for row in index if row["kind"] == kind]
        found[kind] = feed(database, *((Path(CORPUS) / "files" / name).read_bytes() for name in files), source=kind)  # fmt: skip
    # Two hold no `policy-domain` and no `contact-info`, which RFC 8460 section 4.4 wants of every report.
    assert (found["smtp-tls"].items, found["smtp-tls"].set_aside, found["smtp-tls"].problems) == (24, 24, 2)
    # Four are complaints of people about mail (`Feedback-Type: abuse`); the head of one never ends.
    assert (found["failure"].items, found["failure"].set_aside, found["failure"].rejects) == (15, 10, 5)
    assert found["failure"].problems == 0
    # RFC 8460's own example is among them six times.
    assert rows(database, "SELECT count(*), count(DISTINCT org_name) FROM tls_reports")[0][0] == 17
    assert rows(database, "SELECT count(*) FROM failure_reports") == [(10,)]
    assert rows(database, "SELECT count(*) FROM failure_reports WHERE reported_domain IS NULL OR source_ip IS NULL") == [(0,)]  # fmt: skip
