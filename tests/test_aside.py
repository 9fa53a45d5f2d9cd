"""TLS and failure reports become values or a sentence that says why not; people are not named by default."""

import json
from dataclasses import astuple
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.aside import TlsFailure, read_failure, read_tls
from dmarcwatch.errors import ReportError
from tests.aside_build import failure, tls


def test_a_tls_report_says_who_saw_which_sessions_fail():
    report = read_tls(tls())
    assert (report.org_name, report.report_id) == ("Reporter", "2026-11-18-example.com")
    assert (report.begin, report.end) == (
        datetime(2026, 11, 18, tzinfo=UTC),
        datetime(2026, 11, 18, 23, 59, 59, tzinfo=UTC),
    )
    [policy] = report.policies
    assert (policy.domain, policy.type, policy.policy) == (
        "example.com",
        "sts",
        ("version: STSv1", "mode: enforce"),
    )
    assert (policy.successful_sessions, policy.failed_sessions) == (812, 3)
    assert policy.failures == (
        TlsFailure(
            "certificate-expired", 3, "192.0.2.7", "198.51.100.4", "mx1.mail.example.com", "X509", None
        ),
    )


def test_the_time_of_a_tls_report_is_that_of_its_zone():
    period = {"start-datetime": "2026-11-18T01:00:00+01:00", "end-datetime": "2026-11-19T00:59:59"}
    report = read_tls(tls(date_range=period))
    assert report.begin == datetime(2026, 11, 18, tzinfo=UTC)
    assert report.end == datetime(2026, 11, 19, 0, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("count", [-1, 1.5, "3", None, True, 2**63, [1], {"a": 1}])
def test_what_is_no_count_of_sessions_is_refused_and_named(count):
    with pytest.raises(ReportError, match="number of sessions"):
        read_tls(tls(summary={"total-failure-session-count": count}))


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        tls(policies={}),
        tls(policies=[{}] * 1001),
        tls(policies=[None]),
        tls(policies=[[]]),
        tls(date_range={"start-datetime": "yesterday", "end-datetime": ""}),
        tls(date_range=None),
        tls(policy={"policy-type": "none"}),
        b" " * (8 * 1024 * 1024) + tls(),
    ],
)
def test_what_is_no_tls_report_is_refused(data):
    with pytest.raises(ReportError) as caught:
        read_tls(data)
    assert caught.value.message
    assert len(caught.value.message) < 1100


def test_control_characters_do_not_pass():
    report = read_tls(tls(organization_name="Rep\x1b[31morter\u202e", contact_info={"a": ["b"]}))
    assert report.org_name == "Rep[31morter"
    assert report.contact_info == "{'a': ['b']}"


PERSONAL = ("maria", "Maria", "paul", "secret", "invoice", "private", "Dear")


def test_a_failure_report_says_what_failed_where():
    report = read_failure(failure())
    assert report.arrived_at == datetime(2026, 11, 18, 8, 12, 36, tzinfo=UTC)
    assert (report.reported_domain, report.source_ip) == ("example.com", "192.0.2.99")
    assert (report.auth_failure, report.aligned, report.delivery_result) == (("dmarc",), (), "delivered")
    assert (report.header_from, report.user_agent, report.incidents) == ("example.com", "Reporter/1.0", 1)
    assert (report.original_mail_from, report.original_rcpt_to) == ("@sender.example", "@reporter.example")


def test_nobody_is_named_by_default():
    text = repr(astuple(read_failure(failure())))
    assert [word for word in PERSONAL if word in text] == []
    assert "dmarc=fail" in text


def test_a_field_over_two_lines_is_read_whole():
    results = read_failure(failure()).authentication_results
    assert results.endswith("header.from=example.com; spf=pass smtp.mailfrom=@sender.example")


def test_addresses_and_subject_stay_where_the_user_asks_for_them():
    report = read_failure(failure(), redact=False)
    assert (report.subject, report.message_id) == ("Your invoice", "<secret-42@example.com>")
    assert "bounce+maria@sender.example" in report.original_mail_from
    assert "paul@reporter.example" in report.original_rcpt_to


def test_the_message_itself_is_never_kept():
    assert "private" not in repr(read_failure(failure(), redact=False))


@pytest.mark.parametrize("text", ["0", "-3", "many", "12345678901", "", "²"])
def test_a_number_of_incidents_that_makes_no_sense_is_one(text):
    assert read_failure(failure(f"Incidents: {text}\n")).incidents == 1


def test_a_failure_report_may_stand_for_several_messages():
    assert read_failure(failure("Incidents: 12\n")).incidents == 12


def test_without_an_arrival_date_none_is_made_up():
    data = failure(date=False).replace(b"Arrival-Date: Wed, 18 Nov 2026 09:12:36 +0100\r\n", b"")
    assert read_failure(data).arrived_at is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"From: a\r\n\r\nnothing",
        failure().replace(b"Source-IP: 192.0.2.99\r\n", b""),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"Content-Type: application/tlsrpt+json\r\n\r\n" + tls(),
    ],
)
def test_what_is_no_failure_report_is_refused(data):
    with pytest.raises(ReportError) as caught:
        read_failure(data)
    assert caught.value.message


def test_a_message_of_many_megabytes_is_read_by_its_beginning():
    assert read_failure(failure() + b"x" * 5_000_000).reported_domain == "example.com"


@settings(max_examples=40)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)), st.sampled_from(sorted(["organization_name", "contact_info", "report_id", "date_range", "policies"])))  # fmt: skip
def test_any_json_in_any_place_is_read_or_refused(value, key):
    try:
        report = read_tls(tls(**{key: value}))
    except ReportError:
        return
    json.dumps(astuple(report), default=str)


@settings(max_examples=40)
@given(st.integers(0, 1500), st.binary(max_size=40))
def test_any_bytes_in_a_failure_report_are_read_or_refused(place, data):
    whole = failure()
    try:
        read_failure(whole[:place] + data + whole[place:])
    except ReportError as error:
        assert error.message
