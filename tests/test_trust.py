"""Whose word counts: the mail host's results, known reporters, and the name a reporter goes by."""

from datetime import UTC, date, datetime
from pathlib import Path
from tomllib import loads

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.domains import is_public_suffix
from dmarcwatch.mail.headers import MailHeaders
from dmarcwatch.report import Dialect, PolicyPublished, Report, Tier
from dmarcwatch.trust import (
    Authentication,
    MailHost,
    Reporter,
    Reporters,
    assess,
    authenticate,
    known_reporters,
    parse_results,
    reporter_key,
)
from dmarcwatch.unpack import unpack

MAILS = Path(__file__).parent.parent / "fixtures" / "mails"
KNOWN = known_reporters()
MICROSOFT, SES, ANY = MailHost(microsoft=True), MailHost(ses=True), MailHost()


def headers(*results: str, sender: str | None = "google.com", above_received: int = 0) -> MailHeaders:
    return MailHeaders(sender, None, results, above_received)


def report(org: str | None = "google.com", email: str | None = "noreply-dmarc-support@google.com") -> Report:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    return Report(org, email, "1", day, day, PolicyPublished("example.com"), Dialect.RFC7489)


def fixture(name: str) -> MailHeaders:
    found = unpack((MAILS / f"{name}.eml").read_bytes()).headers
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "host", "passed"),
    [
        ("google-top-level-zip", ANY, "google.com"),
        ("google-ses-inbound", SES, "google.com"),
        ("fastmail-hosted-mailbox", ANY, None),
        ("mimecast-top-level-gzip", MICROSOFT, "eu-2.mimecastreport.com"),
        ("mimecast-top-level-gzip", ANY, None),
        ("google-top-level-zip", SES, None),
        ("yahoo-x-zip-compressed", ANY, None),
    ],
)
def test_mails_pass_by_the_word_of_the_host_that_received_them(name, host, passed):
    assert authenticate(fixture(name), host).passed == passed


PASSING = [
    "mx.example.com; dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=google.com",
    "mx.example.com 1; spf=fail smtp.mailfrom=x.example; dmarc=pass header.from=google.com",
    'mx.example.com; dmarc=pass reason="a; dmarc=fail" header.from="google.com"',
    "mx.example.com (a (nested; dmarc=fail) comment); dmarc=pass(p=none) header.from=google.com",
    "mx.example.com; DMARC=Pass header.from=GOOGLE.COM",
    "mx.example.com; dmarc = pass header.from = google.com",
    "mx.example.com; dmarc/1=pass header.from=google.com",
    "mx.example.com; dmarc=pass",
    "mx.example.com; dkim=pass (2048-bit key) header.d=google.com header.i=@google.com",
    "mx.example.com; dkim=fail header.d=other.example; dkim=pass header.i=reports@mail.google.com",
    "mx.example.com; dkim=pass header.d=google.com; dmarc=none header.from=google.com",
    "mx.example.com; dkim=pass header.d=google.com; dmarc=temperror header.from=google.com",
]


@pytest.mark.parametrize("result", PASSING)
def test_a_result_that_says_pass_passes(result):
    assert authenticate(headers(result), ANY) == Authentication("google.com", authserv_id="mx.example.com")


FAILING = [
    "mx.example.com; dmarc=fail header.from=google.com",
    "mx.example.com; dmarc=pass header.from=forger.example",
    "mx.example.com; dmarc=quarantine header.from=google.com; dkim=pass header.d=google.com",
    "mx.example.com; dkim=pass header.d=forger.example",
    "mx.example.com; dkim=fail header.d=google.com",
    "mx.example.com; dkim=none",
    "mx.example.com; dkim=pass",
    "mx.example.com; dmarc=pass header.from=google.com; dmarc=fail header.from=google.com",
]


@pytest.mark.parametrize("result", FAILING)
def test_a_result_that_does_not_say_pass_fails(result):
    found = authenticate(headers(result), ANY)
    assert (found.passed, found.silent) == (None, False)


SILENT = [
    (),
    ("mx.example.com; none",),
    ("mx.example.com",),
    ("mx.example.com; spf=pass smtp.mailfrom=google.com",),
    ("dmarc=pass header.from=google.com",),
    ("spf=pass smtp.mailfrom=google.com; dmarc=pass header.from=google.com",),
    ("; dmarc=pass header.from=google.com",),
    ("mx.example.com; spf=pass smtp.mailfrom=a(b; dmarc=pass header.from=google.com",),
    ("",),
]


@pytest.mark.parametrize("results", SILENT)
def test_where_the_host_says_nothing_the_signature_may_be_asked(results):
    found = authenticate(headers(*results), ANY)
    assert (found.passed, found.silent) == (None, True)
    signed = authenticate(headers(*results), ANY, verified_dkim=("other.example", "mail.google.com"))
    assert signed.passed == "google.com"
    assert authenticate(headers(*results), ANY, verified_dkim=("forger.example",)).passed is None


def test_results_below_the_topmost_are_the_senders_own_writing():
    forged = "mx.example.com; dmarc=pass header.from=google.com"
    assert (
        authenticate(headers("mx.example.com; dmarc=fail header.from=google.com", forged), ANY).passed is None
    )
    silent = authenticate(headers("mx.example.com; spf=none", forged), ANY)
    assert (silent.passed, silent.silent) == (None, True)
    assert authenticate(headers("other.example; dkim=none", forged), ANY).passed is None


def test_results_of_the_same_host_above_the_first_received_field_are_its_own():
    both = ("mx.example.com; spf=none", "dmarc.example.com; dmarc=pass header.from=google.com")
    assert authenticate(headers(*both, above_received=2), ANY).passed == "google.com"
    assert authenticate(headers(*both, above_received=1), ANY).passed is None
    elsewhere = ("mx.example.com; spf=none", "mx.forger.example; dmarc=pass header.from=google.com")
    assert authenticate(headers(*elsewhere, above_received=2), ANY).passed is None


@pytest.mark.parametrize(
    "mail_from", ["a; dmarc=pass header.from=google.com", "a) ; dmarc=pass header.from=google.com ("]
)
def test_a_local_part_cannot_smuggle_in_a_pass(mail_from):
    for spf in (
        f'spf=pass smtp.mailfrom="{mail_from}"@forger.example',
        f"spf=pass (domain of {mail_from}) x=y",
    ):
        result = f"mx.example.com; {spf}; dmarc=fail header.from=google.com"
        assert authenticate(headers(result), ANY).passed is None


def test_a_host_that_calls_itself_otherwise_is_reported_and_not_believed():
    result = "mx.forger.example; dmarc=pass header.from=google.com"
    found = authenticate(headers(result), MailHost(authserv_ids=("mx.example.com",)))
    assert found == Authentication(authserv_id="mx.forger.example", changed=True, silent=True)


@pytest.mark.parametrize("recorded", ["mx.example.com", "MX2.Example.COM", "example.com"])
def test_machines_of_one_organization_are_one_host(recorded):
    found = authenticate(headers(PASSING[0]), MailHost(authserv_ids=("mx.other.example", recorded)))
    assert (found.passed, found.changed) == ("google.com", False)


def test_a_host_named_without_dots_is_only_itself():
    host = MailHost(authserv_ids=("mailhost",))
    assert authenticate(headers("mailhost; dmarc=pass"), host).passed == "google.com"
    assert authenticate(headers("otherhost; dmarc=pass"), host).changed


def test_microsoft_stamps_no_name_and_is_believed_where_the_mailbox_is_its():
    result = (
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=google.com; example.onmicrosoft.com; dkim=pass (signature "
        "was verified) header.d=google.com;example.onmicrosoft.com; dmarc=pass action=none header.from=google.com;"
    )
    found = authenticate(headers(result), MICROSOFT)
    assert (found.passed, found.authserv_id) == ("google.com", None)
    assert authenticate(headers(result), ANY).passed is None


def test_ses_inbound_calls_itself_amazonses_and_writes_one_field():
    result = (
        "amazonses.com; spf=pass (spfCheck: domain of google.com) client-ip=192.0.2.1; envelope-from=x@google.com;"
        " helo=mail.google.com; dkim=pass header.i=@google.com; dmarc=pass header.from=google.com;"
    )
    assert authenticate(headers(result), SES).passed == "google.com"
    below = authenticate(headers("amazonses.com; spf=none", result, above_received=2), SES)
    assert below.passed is None
    assert authenticate(headers("mx.example.com; dmarc=pass header.from=google.com"), SES).changed


def test_a_mail_without_one_from_domain_passes_for_nobody():
    found = authenticate(headers(PASSING[0], sender=None), ANY, verified_dkim=("google.com",))
    assert found.passed is None


def test_a_file_the_user_named_is_believed_and_no_host_asked():
    for found in (authenticate(None, ANY, local=True), authenticate(headers(FAILING[0]), ANY, local=True)):
        assert assess(found, report(), KNOWN) is Tier.LOCAL
        assert not found.silent
    assert authenticate(None, ANY) == Authentication(silent=True)


@pytest.mark.parametrize(
    ("passed", "org", "email", "tier"),
    [
        ("google.com", "google.com", "noreply-dmarc-support@google.com", Tier.VERIFIED),
        ("google.com", "Google Inc.", None, Tier.VERIFIED),
        ("microsoft.com", "Enterprise Outlook", "dmarcreport@microsoft.com", Tier.VERIFIED),
        ("dmarc.yahoo.com", "Yahoo", "dmarchelp@yahooinc.com", Tier.VERIFIED),
        ("au-1.mimecastreport.com", "Mimecast", "no-reply@uk-1.mimecastreport.com", Tier.VERIFIED),
        ("amazonses.com", "AMAZON-SES", "postmaster@amazonses.com", Tier.VERIFIED),
        ("yahoo.com", "Yahoo", "dmarchelp@yahooinc.com", Tier.UNVERIFIED),
        ("forger.example", "google.com", "noreply-dmarc-support@google.com", Tier.UNVERIFIED),
        ("notgoogle.com", "google.com", "noreply-dmarc-support@google.com", Tier.UNVERIFIED),
        ("reporter.example", "Reporter", "dmarc@reporter.example", Tier.CONSISTENT),
        ("google.com", "Reporter", "dmarc@reporter.example", Tier.CONSISTENT),
        (None, "google.com", "noreply-dmarc-support@google.com", Tier.UNVERIFIED),
        (None, "Reporter", "dmarc@reporter.example", Tier.UNVERIFIED),
    ],
)
def test_tiers(passed, org, email, tier):
    assert assess(Authentication(passed), report(org, email), KNOWN) is tier


def test_a_report_that_only_bears_a_known_name_is_not_that_reporters():
    forged = report("google.com", "dmarc@forger.example")
    assert assess(Authentication("forger.example"), forged, KNOWN) is Tier.CONSISTENT
    assert reporter_key(forged) == "forger.example"


@pytest.mark.parametrize(
    ("org", "email", "key"),
    [
        ("google.com", "noreply-dmarc-support@google.com", "google.com"),
        ("Outlook.com", "dmarcreport@microsoft.com", "microsoft.com"),
        ("Enterprise Outlook", "dmarcreport@microsoft.com", "microsoft.com"),
        ("Mimecast", "no-reply@us-1.mimecastreport.com", "mimecastreport.com"),
        ("Acme  GmbH", None, "acme  gmbh"),
        ("Acme GmbH", "no address", "acme gmbh"),
        (None, "<dmarc@Mail.Reporter.Example>", "reporter.example"),
        (None, None, "unnamed"),
        (" ", "", "unnamed"),
    ],
)
def test_a_reporter_goes_by_its_addresss_organization_or_its_name(org, email, key):
    assert reporter_key(report(org, email)) == key


def test_no_known_reporter_is_vouched_for_by_a_domain_of_strangers():
    mailboxes = {
        "gmail.com", "yahoo.com", "aol.com", "outlook.com", "hotmail.com", "gmx.net", "web.de", "mail.ru",
        "fastmail.com", "comcast.net", "icloud.com", "163.com", "zoho.com", "seznam.cz",
    }  # fmt: skip
    for entry in KNOWN.entries:
        for domain in entry.domains:
            assert domain not in mailboxes and not is_public_suffix(domain)
            assert not any(mailbox.endswith(f".{domain}") for mailbox in mailboxes)


def test_every_known_reporter_is_dated_sourced_and_found_by_its_own_words():
    table = loads((Path(__file__).parent.parent / "dmarcwatch" / "reporters.toml").read_text("utf-8"))
    assert len({entry["id"] for entry in table["reporter"]}) == len(table["reporter"]) == len(KNOWN.entries)
    for entry, known in zip(table["reporter"], KNOWN.entries, strict=True):
        assert isinstance(entry["as_of"], date) and len(entry["source"]) > 40
        for org in entry["org_names"]:
            assert KNOWN.of(report(org.upper(), None)) is known
        for email in entry["emails"]:
            assert KNOWN.of(report(None, f"dmarc@{email}")) is known


def test_a_reporter_of_the_users_own_can_be_known():
    own = Reporter("own", "Own", frozenset(), ("reporter.example",), ("reporter.example",))
    found = assess(
        Authentication("mail.reporter.example"), report("R", "d@reporter.example"), Reporters((own,))
    )
    assert found is Tier.VERIFIED


def test_results_are_read_with_their_properties():
    text = 'Mx.Example.com 1 (c); auth=pass smtp.auth="a b" smtp.auth=second; (c) iprev=fail policy.iprev=192.0.2.1'
    authserv_id, results = parse_results(text)
    assert authserv_id == "mx.example.com"
    assert [(each.method, each.result, dict(each.properties)) for each in results] == [
        ("auth", "pass", {"smtp.auth": "a b"}),
        ("iprev", "fail", {"policy.iprev": "192.0.2.1"}),
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "dmarc",
                "dkim",
                "=",
                "pass",
                ";",
                " ",
                '"',
                "(",
                ")",
                "\\",
                "header.from",
                "google.com",
                "@",
                "mx",
            ]
        )
    )
)
def test_any_results_read(words):
    found = authenticate(headers("".join(words)), ANY)
    assert found.passed in (None, "google.com")
    assert authenticate(headers("".join(words)), MICROSOFT).changed is False
