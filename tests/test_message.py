import pytest

from dmarcwatch.classify import Classifier
from dmarcwatch.errors import ReportError
from dmarcwatch.message import as_dict, examine, lines
from dmarcwatch.report import AlignmentMode, AuthResult, PolicyPublished, Spf, SpfScope
from tests.records import IRELAND, SENDERS, TOKEN

SIGNATURES = f"""DKIM-Signature: v=1; a=rsa-sha256; q=dns/txt; c=relaxed/simple; s={TOKEN};
\td=example.com; t=1700000000; h=From:To:Subject; bh=aGFzaA==; b=b3duK3Nv
\tIG9u
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; s={IRELAND}; d=amazonses.com;
\tb=c2VzIQ==
From: Shop <orders@example.com>
Subject: Your order

Hello
"""
GOOGLE = f"""Return-Path: <0102-000000@eu-west-1.amazonses.com>
Received: from a8-31.smtp-out.eu-west-1.amazonses.com (a8-31.smtp-out.eu-west-1.amazonses.com. [54.240.8.31])
        by mx.google.com with ESMTPS id 1
Authentication-Results: mx.google.com;
       dkim=pass header.i=@example.com header.s={TOKEN} header.b=b3duK3Nv;
       dkim=pass header.i=@amazonses.com header.s={IRELAND} header.b=c2VzIQ;
       spf=pass (google.com: domain of 0102@eu-west-1.amazonses.com designates 54.240.8.31 as permitted sender)
       smtp.mailfrom=0102@eu-west-1.amazonses.com;
       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.com
{SIGNATURES}"""
MICROSOFT = f"""Authentication-Results: spf=pass (sender IP is 54.240.8.31)
 smtp.mailfrom=bounce.example.com; dkim=pass (signature was verified)
 header.d=example.com;dkim=pass (signature was verified)
 header.d=amazonses.com;dmarc=pass action=none header.from=example.com;compauth=pass reason=100
Received-SPF: Pass (protection.outlook.com: domain of bounce.example.com
 designates 54.240.8.31 as permitted sender)
Return-Path: 0102@bounce.example.com
{SIGNATURES}"""
SES_INBOUND = f"""Return-Path: <>
Authentication-Results: amazonses.com;
 spf=none (spfCheck: no record) client-ip=54.240.27.5; envelope-from=;
 helo=a27-5.smtp-out.us-west-2.amazonses.com;
 dkim=pass header.i=@amazonses.com;
 dkim=pass header.i=@example.com;
 dmarc=pass header.from=example.com;
{SIGNATURES}"""


def examined(text, **settings):
    return examine(text.encode(), classifier=Classifier(SENDERS), senders=SENDERS, **settings)


def test_a_mail_at_google_with_the_default_return_path():
    found = examined(GOOGLE)
    assert (found.classification.state, found.classification.region) == ("dkim-only", "eu-west-1")
    assert (found.authserv_id, found.dmarc, found.passes, found.source_ip) == (
        "mx.google.com", "pass", True, "54.240.8.31",
    )  # fmt: skip
    assert [(each.domain, each.selector, each.result) for each in found.dkim] == [
        ("example.com", TOKEN, AuthResult.PASS),
        ("amazonses.com", IRELAND, AuthResult.PASS),
    ]
    assert found.spf == Spf("eu-west-1.amazonses.com", SpfScope.MFROM, AuthResult.PASS)
    assert any("put-email-identity-mail-from-attributes" in line for line in found.fix)


def test_a_mail_at_microsoft_names_no_selectors_and_no_host():
    found = examined(MICROSOFT)
    assert (found.classification.state, found.authserv_id) == ("both-aligned", None)
    assert [each.selector for each in found.dkim] == [TOKEN, IRELAND]
    assert (found.source_ip, found.fix) == ("54.240.8.31", ())


def test_a_bounce_at_ses_has_an_empty_return_path():
    found = examined(SES_INBOUND)
    assert found.null_return_path
    assert (found.source_ip, found.dmarc) == ("54.240.27.5", "pass")
    assert (found.classification.dkim_aligned, found.classification.place.sender) == (True, "amazon-ses")


def test_an_empty_return_path_is_named_by_the_greeting():
    greeting = "smtp.helo=a27-5.smtp-out.us-west-2.amazonses.com"
    mail = GOOGLE.replace("<0102-000000@eu-west-1.amazonses.com>", "<>")
    mail = mail.replace("smtp.mailfrom=0102@eu-west-1.amazonses.com", greeting)
    found = examined(mail)
    assert (found.classification.state, found.fix) == ("null-return-path", ())


def test_a_signature_that_does_not_verify_is_found_by_its_selector():
    mail = GOOGLE.replace("dkim=pass header.i=@example.com", "dkim=fail header.i=@example.com")
    found = examined(mail.replace("dmarc=pass", "dmarc=fail"))
    assert (found.classification.state, found.passes, found.dmarc) == ("own-dkim-broken", False, "fail")
    assert f"DNS: {TOKEN}._domainkey.example.com CNAME" in found.fix


def test_a_key_of_the_parent_domain_is_looked_up_there():
    mail = GOOGLE.replace("dkim=pass header.i=@example.com", "dkim=fail header.i=@example.com")
    found = examined(mail.replace("orders@example.com", "orders@news.example.com"))
    assert f"DNS: {TOKEN}._domainkey.example.com CNAME" in found.fix


def test_of_two_signatures_of_one_domain_the_result_goes_to_the_one_it_is_about():
    second = "DKIM-Signature: v=1; s=mail; d=example.com; b=b3RoZXI=\n"
    mail = GOOGLE.replace(
        "       spf=pass", "       dkim=fail header.i=@example.com header.b=b3RoZXI;\n       spf=pass"
    )
    found = examined(
        mail.replace(
            "DKIM-Signature: v=1; a=rsa-sha256; q=dns", second + "DKIM-Signature: v=1; a=rsa-sha256; q=dns"
        )
    )
    assert {each.selector: each.result for each in found.dkim if each.domain == "example.com"} == {
        "mail": AuthResult.FAIL,
        TOKEN: AuthResult.PASS,
    }
    assert found.classification.flags[0] == "extra-failing-signature"


def test_results_that_the_sender_wrote_below_the_hosts_own_are_not_believed():
    forged = "Authentication-Results: mx.google.com; dkim=pass header.d=example.com\n"
    own = "Authentication-Results: mx.google.com; dkim=none; spf=fail smtp.mailfrom=example.com\n"
    found = examined(own + forged + "From: a@example.com\n\n")
    assert (found.passes, found.classification.state) == (False, "unaligned")


def test_without_results_of_a_mail_host_nothing_is_said_to_pass_or_to_be_mended():
    found = examined(SIGNATURES)
    assert (found.checked, found.passes, found.fix) == (False, False, ())
    assert [each.result for each in found.dkim] == [None, None]
    assert lines(found)[-1].startswith("No mail host's Authentication-Results")


def test_a_strict_policy_is_asked_for_alignment_where_it_is_known():
    strict = PolicyPublished("example.com", aspf=AlignmentMode.STRICT)
    assert examined(MICROSOFT, policy=strict).classification.state == "strict-aspf"


def test_the_first_public_address_of_received_is_the_source_where_spf_names_none():
    received = "Received: from x ([10.0.0.1]) by y\nReceived: from z (z [54.240.8.31]) by x\n"
    assert examined(f"{received}From: a@example.com\n\n").source_ip == "54.240.8.31"


def test_what_is_read_says_who_sent_it_what_aligns_and_what_to_do():
    text = lines(examined(GOOGLE))
    assert text[0] == (
        "From example.com, sent by amazon-ses eu-west-1 (d=amazonses.com passes) from 54.240.8.31"
    )
    assert text[1] == f"  DKIM pass: d=example.com s={TOKEN}"
    assert text[3] == "  SPF pass: eu-west-1.amazonses.com"
    assert text[4].startswith("State dkim-only: ")
    assert text[5] == "DMARC passes; mx.google.com says pass."


def test_the_same_as_values():
    values = as_dict(examined(GOOGLE))
    assert (values["state"], values["sender"], values["passes"], values["flags"]) == (
        "dkim-only", "amazon-ses", True, [],
    )  # fmt: skip
    assert values["dkim"][0] == {"domain": "example.com", "selector": TOKEN, "result": "pass"}


@pytest.mark.parametrize(
    "data", ["", "no mail at all", "Subject: x\n\n", "From: a@x.example, b@y.example\n\n"]
)
def test_what_names_no_one_from_domain_is_refused(data):
    with pytest.raises(ReportError, match="no mail with one From domain"):
        examined(data)
