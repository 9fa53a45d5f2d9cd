"""Encodings, counts, addresses, names, cut and hostile documents: what is read of them and what is refused."""

from datetime import UTC, datetime

import pytest

from dmarcwatch.errors import ReportError
from dmarcwatch.report import (
    AuthResult,
    Dialect,
    Dkim,
    Grade,
    Policy,
    Problem,
    Spf,
)
from tests.reading import fixture, grade, head, problems, read_once, said, whole


@pytest.mark.parametrize(
    ("name", "org_name", "expected"),
    [
        ("aol-windows-1252", "AOL – café reports", Grade.CLEAN),
        ("netease-gb18030", "网易邮箱", Grade.CLEAN),
        ("anonymous-utf-16", "Zürich Mail", Grade.CLEAN),
        ("dotnet-declared-utf-16", "Zürich Mail", Grade.REPAIRED),
        ("anonymous-byte-order-mark", "reporter.example", Grade.CLEAN),
        ("anonymous-space-before-declaration", "reporter.example", Grade.REPAIRED),
        ("anonymous-declared-ascii", "Zürich Mail", Grade.CLEAN),
        ("anonymous-invalid-utf8", "caf� reports", Grade.REPAIRED),
    ],
)
def test_a_document_is_read_in_its_encoding_and_wrong_bytes_cost_one_character(name, org_name, expected):
    assert (head(name).org_name, grade(name)) == (org_name, expected)


def test_a_wrong_byte_in_a_domain_makes_it_unknown():
    assert said("anonymous-invalid-utf8").header_from is None
    assert problems("anonymous-invalid-utf8")[0].path == "feedback/record[1]/identifiers/header_from"


def test_ses_names_neither_selector_nor_scope_and_none_is_invented():
    record = said("amazon-ses-no-scope")
    assert record.dkim == (
        Dkim("example.com", None, AuthResult.PASS),
        Dkim("amazonses.com", None, AuthResult.PASS),
    )
    assert record.spf == (Spf("bounce.example.com", None, AuthResult.PASS),)


def test_google_says_np_beside_pct():
    policy = head("google-np-beside-pct").policy
    assert (policy.np, policy.pct, head("google-np-beside-pct").dialect) == (
        Policy.NONE,
        100,
        Dialect.RFC9990,
    )


def test_extensions_are_passed_over():
    found = whole("anonymous-rfc-9990-in-full")
    assert [record.messages for record in found.records] == [123]
    assert (found.reading.grade, found.reading.problems) == (Grade.CLEAN, ())


def test_comments_hide_and_cdata_shows():
    found = whole("anonymous-comments-and-cdata")
    assert found.reading.report.org_name == "Mail & <More>"
    assert [(record.messages, record.evidence.header_from) for record in found.records] == [
        (4, "example.com")
    ]


def test_a_record_that_cannot_be_counted_is_a_problem_with_its_place():
    found = whole("anonymous-odd-counts")
    assert [record.messages for record in found.records] == [3, 0, 8]
    assert [(problem.path, problem.found, problem.messages) for problem in found.reading.problems] == [
        ("feedback/record[3]/row/count", "-5", None),
        ("feedback/record[4]/row/count", "many", None),
        ("feedback/record[5]/row/count", "", None),
        ("feedback/record[6]/row/count", "10000000000000000000000000", None),
        ("feedback/record[7]/row/count", "2.5", None),
        ("feedback/record[9]/row/count", "", None),
    ]


def test_a_count_may_have_a_plus_sign():
    found = read_once(fixture("anonymous-stray-text").replace(b"<count>1<", b"<count>+4<"))
    assert [record.messages for record in found.records] == [4]
    assert (found.reading.problems, found.reading.grade) == ((), Grade.REPAIRED)


def test_a_second_row_is_counted_as_unread():
    found = whole("anonymous-two-rows").reading
    assert (found.messages, found.unread_messages) == (2, 5)
    assert Problem("feedback/record[1]/row/count", "5", 5) in found.problems


def test_an_address_is_told_one_way_and_a_wrong_one_costs_no_message():
    found = whole("anonymous-odd-addresses")
    assert [record.source_ip for record in found.records] == [
        "2001:db8::1",
        "192.0.2.9",
        None,
        None,
        None,
        None,
    ]
    assert found.reading.messages == 21
    assert problems("anonymous-odd-addresses")[0] == Problem(
        "feedback/record[3]/row/source_ip", "108r.166.27.220", 0
    )


def test_names_are_a_labels_without_mailbox_and_trailing_dot():
    record = said("anonymous-international-names")
    assert head("anonymous-international-names").policy.domain == "xn--bcher-kva.example"
    assert (record.header_from, record.envelope_from, record.envelope_to) == (
        "news.xn--bcher-kva.example",
        "",
        "xn--bcher-kva.example",
    )
    assert record.dkim == (Dkim("xn--bcher-kva.example", "s1", AuthResult.PASS),)
    assert record.spf[0].domain is None


def test_without_a_policy_the_report_is_on_the_organization_of_its_mail():
    policy = head("anonymous-no-policy").policy
    assert (policy.domain, policy.p) == ("example.com", None)
    assert problems("anonymous-no-policy") == (Problem("feedback/policy_published/domain", "", 0),)


@pytest.mark.parametrize("name", ["anonymous-wrapped-records", "anonymous-second-report-after-end"])
def test_records_in_strange_places_are_not_lost_silently(name):
    assert grade(name) is Grade.RECOVERED
    assert [problem.messages for problem in problems(name)] == [None]


@pytest.mark.parametrize(
    "tag", ["record>", "x:record a='1'>", "n:feedback xmlns:n='urn:n'>", "feedback/>", "record\n>"]
)
@pytest.mark.parametrize("space", [0, (1 << 18) - 4, (1 << 18) - 1])
def test_what_may_be_records_behind_the_report_is_noted_once(tag, space):
    sound = fixture("anonymous-prefixed-everywhere").rstrip()
    found = read_once(sound + b" " * (space - len(sound) % (1 << 18)) + f"<{tag}".encode()).reading
    assert (found.grade, found.records) == (Grade.RECOVERED, 2)
    assert [(problem.path, problem.messages) for problem in found.problems] == [("feedback", None)]


def test_junk_behind_the_report_costs_nothing():
    assert (grade("anonymous-junk-after-end"), problems("anonymous-junk-after-end")) == (Grade.REPAIRED, ())


def test_junk_in_one_piece_with_records_costs_none_of_them():
    found = read_once(fixture("anonymous-prefixed-everywhere") + b"\x00")
    assert (found.reading.grade, found.reading.records) == (Grade.REPAIRED, 2)


@pytest.mark.parametrize(("name", "known"), [("truncated", 9), ("truncated-in-count", None)])
def test_a_cut_record_is_a_problem_with_its_count_where_that_is_whole(name, known):
    found = whole(f"anonymous-{name}")
    assert (found.reading.grade, found.reading.messages) == (Grade.RECOVERED, 10)
    assert found.reading.problems == (Problem("feedback/record[3]", "cut off", known),)


def test_a_lost_end_tag_joins_no_two_records():
    assert [record.messages for record in whole("anonymous-lost-record-end").records] == [4, 6]


def test_control_and_direction_characters_are_not_told():
    assert head("anonymous-control-characters").org_name == "reporter[31m.example"
    assert head("hostile-names").org_email == "=cmd|' /C calc'!A0moc.elpmaxe"
    assert head("hostile-names").report_id == "-- 1"


def test_names_that_are_none_are_not_told_as_names():
    record = said("hostile-names")
    assert (record.header_from, record.dkim[0].selector) == (None, None)
    assert [problem.found for problem in problems("hostile-names")] == ["<img src=x>.example.com", "=cmd"]


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("+1794960000", datetime(2026, 11, 18, tzinfo=UTC)),
        ("1.79496E9", datetime(2026, 11, 18, tzinfo=UTC)),
        ("1794960000.", datetime(2026, 11, 18, tzinfo=UTC)),
        ("-86400", datetime(1969, 12, 31, tzinfo=UTC)),
        ("-0.5", datetime(1970, 1, 1, tzinfo=UTC)),
        ("253402300799", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("9999-12-31", datetime(9999, 12, 31, tzinfo=UTC)),
    ],
)
def test_a_number_is_an_instant_however_it_is_written(text, begin):
    data = fixture("anonymous-stray-text")
    for part in (b"1794960000", b"1795046399"):
        data = data.replace(part, text.encode())
    for _ in range(2):
        found = read_once(data)
        assert found.reading.report.begin == begin
        assert found.records


@pytest.mark.parametrize(
    "text", ["1794960000000", "1e99", "-1e12", "nan", "inf", "1_794_960_000", "1e", "0x1"]
)
def test_a_number_that_no_calendar_has_is_no_instant(text):
    with pytest.raises(ReportError, match=f"begin: no instant: '{text}'"):
        read_once(fixture("anonymous-stray-text").replace(b"1794960000", text.encode()))


@pytest.mark.parametrize(
    "name", ["anonymous-end-before-begin", "anonymous-counter-for-date", "anonymous-year-long"]
)
def test_a_period_that_cannot_be_is_a_problem_and_loses_no_record(name):
    assert [(problem.path, problem.messages) for problem in problems(name)] == [
        ("feedback/report_metadata/date_range", 0)
    ]
    assert said(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("anonymous-no-feedback", "no-feedback"),
        ("anonymous-no-date-range", "no-date-range"),
        ("anonymous-no-domain-at-all", "no-policy-domain"),
        ("hostile-doctype-entities", "doctype"),
        ("hostile-doctype-external", "doctype"),
        ("hostile-doctype-default-attributes", "doctype"),
        ("hostile-doctype-in-broken-xml", "doctype"),
    ],
)
def test_what_cannot_be_a_report_is_refused_with_its_reason(name, reason):
    data = fixture(name)
    for recover in (False, True):
        with pytest.raises(ReportError) as caught:
            read_once(data, recover=recover)
        assert caught.value.reason == reason
