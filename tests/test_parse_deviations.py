"""What reporters really send: one fixture and one fact each, in the order the deviations are listed in.

The golden files beside the fixtures hold everything that is read; here stands what matters of it.
"""

from datetime import UTC, datetime, timedelta

import pytest

from dmarcwatch.errors import MalformedXml, ReportError
from dmarcwatch.parse import read
from dmarcwatch.report import (
    AlignmentMode,
    AuthResult,
    Dialect,
    Disposition,
    Dkim,
    DmarcResult,
    Grade,
    Policy,
    Problem,
    Reason,
    ReasonType,
    Spf,
    SpfScope,
)
from tests.reading import first, fixture, grade, head, problems, read_once, said, whole


def test_a_schema_element_that_is_never_closed_hides_nothing():
    assert (grade("ikea-schema-tag"), len(whole("ikea-schema-tag").records)) == (Grade.REPAIRED, 1)


def test_text_beside_elements_is_no_value():
    assert (head("anonymous-stray-text").policy.sp, head("anonymous-stray-text").policy.pct) == (
        Policy.NONE,
        100,
    )


def test_unescaped_markup_costs_the_text_it_stands_in_and_nothing_else():
    found = whole("anonymous-unescaped-markup")
    assert found.reading.grade is Grade.RECOVERED
    assert found.reading.report.org_email is None
    assert found.reading.report.report_id == "20261118.example.com"
    assert [record.evidence.header_from for record in found.records] == [None, "example.com"]
    assert found.reading.messages == 3


def test_a_less_than_sign_in_text_does_not_end_the_recovery():
    assert head("anonymous-stray-less-than").org_name == "reports < 10 MB"
    assert whole("anonymous-stray-less-than").reading.messages == 2


def test_a_placeholder_is_malformed_and_then_no_report():
    data = fixture("yahoo-unused")
    with pytest.raises(MalformedXml):
        read_once(data)
    with pytest.raises(ReportError) as caught:
        read_once(data, recover=True)
    assert caught.value.reason == "no-feedback"


def test_a_broken_end_tag_shifts_no_element():
    found = whole("kddi-broken-end-tag")
    assert found.reading.grade is Grade.RECOVERED
    assert found.reading.report.report_id == "202611180000000"
    assert found.reading.report.policy.domain == "example.com"
    assert [record.messages for record in found.records] == [4, 2]


def test_empty_names_are_absent_and_an_empty_period_is_kept():
    report = head("anonymous-empty-names")
    assert (report.org_name, report.end - report.begin) == (None, timedelta(0))
    assert said("anonymous-empty-names").spf == (Spf(None, SpfScope.MFROM, AuthResult.NONE),)


def test_a_report_without_records_covers_its_day():
    found = whole("wp-no-records")
    assert (found.records, found.reading.messages, found.reading.problems) == ([], 0, ())
    assert found.reading.report.report_id == "wp-20261118"


def test_a_head_behind_the_records_is_complete_from_the_beginning():
    data = fixture("anonymous-head-after-records")
    assert read(lambda: [data]).report == head("anonymous-stray-text")
    assert [record.messages for record in whole("anonymous-head-after-records").records] == [1, 2]


def test_a_record_without_address_counts():
    assert first("godaddy-no-source-ip")[:2] == (None, 7)
    assert (grade("godaddy-no-source-ip"), problems("godaddy-no-source-ip")) == (Grade.REPAIRED, ())


def test_empty_auth_results_are_kept_as_nothing_known():
    record = said("addisonfoods-empty-auth-results")
    assert (record.dkim, record.spf, record.dkim_evaluated) == ((), (), DmarcResult.PASS)


def test_identities_are_identifiers():
    assert said("junc-identities").header_from == "example.com"
    assert grade("junc-identities") is Grade.REPAIRED


def test_hardfail_is_fail():
    assert said("kddi-hardfail").spf[0].result is AuthResult.FAIL


def test_opendmarcs_unknown_and_error_are_dns_errors():
    record = said("opendmarc-unknown-and-error")
    assert (record.dkim[0].result, record.spf[0].result) == (AuthResult.PERMERROR, AuthResult.TEMPERROR)


def test_words_are_read_in_any_case():
    record, policy = said("anonymous-mixed-case"), head("anonymous-mixed-case").policy
    assert (policy.adkim, policy.aspf, policy.p, policy.sp) == (
        AlignmentMode.RELAXED,
        AlignmentMode.RELAXED,
        Policy.NONE,
        Policy.QUARANTINE,
    )
    assert (record.disposition, record.dkim_evaluated, record.spf_evaluated) == (
        Disposition.NONE,
        DmarcResult.PASS,
        DmarcResult.FAIL,
    )
    assert record.spf == (Spf("example.com", SpfScope.MFROM, AuthResult.SOFTFAIL),)
    assert record.header_from == "example.com"
    assert grade("anonymous-mixed-case") is Grade.REPAIRED


def test_an_unknown_word_is_neither_a_pass_nor_silence():
    record = said("facebook-invalid-words")
    assert (record.disposition, record.dkim_evaluated, record.spf_evaluated) == (None, None, None)
    assert (record.dkim[0].result, record.spf[0].result) == (None, None)
    assert first("facebook-invalid-words").messages == 9
    assert Problem("feedback/record[1]/row/policy_evaluated/dkim", "yes", 0) in problems(
        "facebook-invalid-words"
    )
    assert len(problems("facebook-invalid-words")) == 6


def test_pass_is_a_disposition_in_reports_of_either_rfc():
    assert said("anonymous-disposition-pass").disposition is Disposition.PASS
    assert head("anonymous-disposition-pass").dialect is Dialect.RFC7489


def test_an_empty_reason_is_a_reason_nobody_knows():
    assert said("kddi-empty-reason").reasons == (Reason(None, None),)


def test_a_reason_is_told_as_it_was_given():
    (reason,) = said("opendmarc-arc-fail").reasons
    assert reason.type is ReasonType.LOCAL_POLICY
    assert reason.comment.startswith("arc=fail")


def test_equal_records_are_messages_and_no_duplicates():
    found = whole("opendmarc-record-per-message")
    assert (found.reading.records, found.reading.messages) == (3, 3)
    assert len({id(record.evidence) for record in found.records}) == 1


def test_a_signature_told_twice_is_one():
    assert said("outlook-repeated-signature").dkim == (Dkim("example.com", "s1", AuthResult.PASS),)


def test_a_signature_of_no_domain_is_an_unsigned_message():
    assert (said("outlook-nameless-signature").dkim, problems("outlook-nameless-signature")) == ((), ())


def test_a_contradiction_is_told_on_both_sides():
    record = said("ikea-contradiction")
    assert (record.dkim_evaluated, record.dkim[0].result) == (DmarcResult.FAIL, AuthResult.PASS)


def test_helo_is_a_scope_and_an_empty_return_path_is_not_an_absent_one():
    record = said("ikea-helo-scope")
    assert (record.spf[0].scope, record.envelope_from) == (SpfScope.HELO, "")


def test_an_end_may_be_the_next_beginning():
    assert head("outlook-shared-boundary").end == datetime(2026, 11, 19, tzinfo=UTC)


def test_a_period_of_weeks_stays_one_period():
    report = head("trustwave-24-days")
    assert report.end - report.begin == timedelta(days=24.6)
    assert [record.messages for record in whole("trustwave-24-days").records] == [31]


def test_fractions_of_seconds_are_cut_off():
    assert head("anonymous-fractional-epoch").begin == datetime(2026, 11, 18, tzinfo=UTC)
    assert grade("anonymous-fractional-epoch") is Grade.REPAIRED


def test_iso_dates_are_instants_in_utc():
    report = head("anonymous-iso-dates")
    assert (report.begin, report.end) == (
        datetime(2026, 11, 18, tzinfo=UTC),
        datetime(2026, 11, 18, 23, 59, 59, tzinfo=UTC),
    )


def test_an_id_used_for_two_days_or_by_two_reporters_is_told_as_it_is():
    days = [head(f"mimecast-same-id-{day}-day") for day in ("first", "second")]
    other = head("opendmarc-same-id-other-reporter")
    assert {report.report_id for report in (*days, other)} == {"a1b2c3d4"}
    assert days[0].begin != days[1].begin
    assert days[0].org_email != other.org_email


def test_what_a_reporter_does_not_state_is_not_stated():
    policy = head("fastmail-unstated-policy").policy
    assert (policy.p, policy.sp, policy.adkim, policy.aspf, policy.pct) == (
        Policy.NONE,
        None,
        None,
        None,
        None,
    )


def test_a_namespace_changes_the_dialect_and_no_value():
    report = head("gmx-dmarc-2-namespace")
    assert (report.dialect, report.policy.testing, report.policy.discovery_method) == (
        Dialect.RFC9990,
        False,
        "psl",
    )
    assert first("gmx-dmarc-2-namespace") == first("anonymous-stray-text")


def test_any_prefix_is_read():
    assert whole("anonymous-prefixed-everywhere").records[0] == first("anonymous-stray-text")
    assert head("anonymous-prefixed-everywhere").dialect is Dialect.RFC9990
    assert first("aol-prefixed-root") == first("anonymous-stray-text")


def test_a_comment_about_test_mode_is_test_mode():
    assert said("mail-dmarc-test-mode").reasons[0].type is ReasonType.POLICY_TEST_MODE
    assert head("mail-dmarc-test-mode").policy.testing is True


def test_of_two_policies_the_first_counts_and_the_second_is_noted():
    policy = head("anonymous-two-policies").policy
    assert (policy.p, policy.pct, policy.fo) == (Policy.NONE, 100, None)
    assert Problem("feedback/policy_published/p", "quarantine", 0) in problems("anonymous-two-policies")


def test_tabs_and_line_ends_are_no_part_of_a_word():
    assert said("yahoo-trailing-tabs").spf == (Spf("example.com", None, AuthResult.PASS),)
