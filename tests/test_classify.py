import pytest

from dmarcwatch.classify import Classifier, network_of
from dmarcwatch.report import AuthResult, Dkim, Spf, SpfScope
from dmarcwatch.streams import Outcome, PlaceKind, stream_id
from tests.records import (
    CUSTOM,
    DEFAULT,
    FAIL,
    IRELAND,
    OWN,
    OWN_BROKEN,
    PASS,
    SENDERS,
    SES,
    SES_IP,
    STRANGER,
    TOKEN,
    VIRGINIA,
    classify,
    reason,
    record,
    report,
)

SES_FAILED = Dkim("amazonses.com", IRELAND, FAIL)
HELO = Spf("a27-5.smtp-out.us-west-2.amazonses.com", None, AuthResult.NONE)
HELO_PASS = HELO._replace(result=PASS)
SUBDOMAIN_SIGNED = Dkim("mail.example.com", TOKEN, PASS)
FORWARDER = Spf("forwarder.example.net", SpfScope.MFROM, PASS)
VENDOR = Dkim("vendor.example.org", "s", PASS)
CUSTOM_FAILED = CUSTOM._replace(result=AuthResult.NONE)
BOTH, DKIM_ONLY, SPF_ONLY, NEITHER = ("pass", "pass"), ("pass", "fail"), ("fail", "pass"), ("fail", "fail")


def signs(ip=SES_IP, *, dkim, spf=(), evaluated=NEITHER, **modes):
    return classify(record(ip, dkim=dkim, spf=spf, evaluated=evaluated), report(**modes))


@pytest.mark.parametrize(
    ("line", "found", "state", "outcome"),
    [
        (1, signs(STRANGER, dkim=(OWN, SES), spf=(FORWARDER,), evaluated=DKIM_ONLY), "dkim-only", "pass"),
        (2, signs(STRANGER, dkim=(OWN_BROKEN, SES), spf=(FORWARDER,)), "altered", "fail"),
        (3, signs(STRANGER, dkim=(SES,), spf=(FORWARDER,)), "amazonses-only", "fail"),
        (4, signs(dkim=(OWN, SES), spf=(CUSTOM,), evaluated=BOTH), "both-aligned", "pass"),
        (5, signs(dkim=(OWN, SES), spf=(CUSTOM,), evaluated=DKIM_ONLY, aspf="s"), "strict-aspf", "pass"),
        (6, signs(dkim=(OWN, SES), spf=(CUSTOM_FAILED,), evaluated=DKIM_ONLY), "mail-from-spf-broken", "pass"),
        (7, signs(dkim=(OWN, SES), spf=(HELO,), evaluated=DKIM_ONLY), "null-return-path", "pass"),
        (8, signs(dkim=(OWN, SES), spf=(FORWARDER,), evaluated=DKIM_ONLY), "foreign-return-path", "pass"),
        (9, signs(dkim=(OWN, SES), spf=(DEFAULT,), evaluated=DKIM_ONLY), "dkim-only", "pass"),
        (10, signs(dkim=(SES,), spf=(CUSTOM,), evaluated=SPF_ONLY), "spf-only", "pass"),
        (10, signs(dkim=(SUBDOMAIN_SIGNED, SES), spf=(CUSTOM,), evaluated=SPF_ONLY, adkim="s"), "spf-only", "pass"),
        (11, signs(dkim=(OWN_BROKEN, SES), spf=(CUSTOM,), evaluated=SPF_ONLY), "spf-only-dkim-broken", "pass"),
        (12, signs(dkim=(SUBDOMAIN_SIGNED, SES), spf=(DEFAULT,), adkim="s"), "strict-adkim", "fail"),
        (13, signs(dkim=(OWN_BROKEN, SES), spf=(DEFAULT,)), "own-dkim-broken", "fail"),
        (13, signs(dkim=(OWN_BROKEN,), spf=(DEFAULT,)), "own-dkim-broken", "fail"),
        (14, signs(dkim=(OWN_BROKEN, SES_FAILED), spf=(DEFAULT,)), "altered", "fail"),
        (14, signs(STRANGER, dkim=(OWN_BROKEN,), spf=(HELO_PASS,)), "altered", "fail"),
        (15, signs(dkim=(SES,), spf=(CUSTOM,), aspf="s"), "strict-aspf", "fail"),
        (16, signs(dkim=(SES,), spf=(CUSTOM_FAILED,)), "mail-from-spf-broken", "fail"),
        (17, signs(dkim=(VENDOR, SES), spf=(DEFAULT,)), "vendor-unaligned", "fail"),
        (18, signs(dkim=(SES,), spf=(DEFAULT,)), "amazonses-only", "fail"),
        (18, signs(dkim=(), spf=()), "amazonses-only", "fail"),
    ],
)  # fmt: skip
def test_each_state_of_ses_mail_and_what_dmarc_makes_of_it(line, found, state, outcome):
    assert (found.state, found.outcome) == (state, outcome)
    assert found.place.sender == "amazon-ses"
    assert found.forwarded is (line <= 3)


def test_what_only_claims_to_be_ses_is_forged_and_not_ses():
    found = signs(STRANGER, dkim=(), spf=(DEFAULT._replace(result=AuthResult.SOFTFAIL),))
    assert (found.state, found.place.sender, found.place.name) == (
        "forged-return-path",
        "unknown",
        "203.0.113.0/24",
    )


def test_a_reporter_that_lists_only_the_aligned_signature_hides_no_ses_mail():
    found = signs(dkim=(OWN,), spf=(CUSTOM,), evaluated=BOTH)
    assert (found.state, found.place.sender, found.region) == ("both-aligned", "amazon-ses", None)


def test_ses_as_a_reporter_names_no_selectors_and_is_understood_all_the_same():
    dkim = (Dkim("example.com", None, PASS), Dkim("amazonses.com", None, PASS))
    found = signs(dkim=dkim, spf=(Spf("eu-west-1.amazonses.com", None, PASS),), evaluated=DKIM_ONLY)
    assert (found.state, found.region) == ("dkim-only", "eu-west-1")
    assert found.own_signatures == (("", "example.com", True),)


def test_mail_of_ses_from_an_unknown_address_is_not_called_forwarded():
    found = signs(None, dkim=(OWN, SES), spf=(FORWARDER,), evaluated=DKIM_ONLY)
    assert (found.state, found.forwarded) == ("foreign-return-path", False)


def test_an_address_outside_the_list_is_ses_s_where_its_confirmed_host_name_says_so():
    host = "f0-7.smtp-out.eu-north-1.amazonses.com"
    found = classify(
        record("203.0.0.7", dkim=(OWN_BROKEN,), spf=(), evaluated=NEITHER), ptr={"203.0.0.7": host}.get
    )
    assert (found.state, found.region, found.forwarded) == ("own-dkim-broken", "eu-north-1", False)


def test_an_address_that_spf_of_amazonses_lists_is_ses_s_though_the_packaged_list_is_older():
    found = signs(STRANGER, dkim=(OWN, SES), spf=(DEFAULT,), evaluated=DKIM_ONLY)
    assert (found.state, found.forwarded) == ("dkim-only", False)
    forwarded = signs(STRANGER, dkim=(OWN, SES), spf=(DEFAULT._replace(result=FAIL),), evaluated=DKIM_ONLY)
    assert (forwarded.state, forwarded.forwarded) == ("dkim-only", True)


def test_a_host_name_that_carries_another_address_is_not_believed():
    host = "a27-5.smtp-out.us-west-2.amazonses.com"
    found = classify(record(STRANGER, dkim=(), spf=(), evaluated=NEITHER), ptr={STRANGER: host}.get)
    assert found.place.sender == "unknown"


def test_ec2_is_not_ses():
    host = "ec2-203-0-113-7.compute-1.amazonaws.com"
    found = classify(record(STRANGER, dkim=(), spf=(), evaluated=NEITHER), ptr={STRANGER: host}.get)
    assert (found.place.sender, found.state) == ("unknown", "unaligned")


def test_of_two_spf_results_the_one_for_mail_from_is_the_return_path():
    greeting = Spf("a27-5.smtp-out.us-west-2.amazonses.com", SpfScope.HELO, PASS)
    assert signs(dkim=(OWN, SES), spf=(greeting, CUSTOM), evaluated=BOTH).state == "both-aligned"
    unscoped = greeting._replace(scope=None)
    assert signs(dkim=(OWN, SES), spf=(unscoped, DEFAULT._replace(scope=None))).state == "dkim-only"


def test_spf_of_a_greeting_says_nothing_of_a_return_path_that_is_not_empty():
    greeting = Spf("mail.example.com", SpfScope.HELO, PASS)
    stated = record(STRANGER, dkim=(), spf=(greeting,), evaluated=NEITHER, envelope_from="bounce.example.net")
    assert (classify(stated).spf_aligned, classify(stated).state) == (None, "unaligned")
    empty = record(STRANGER, dkim=(), spf=(greeting,), evaluated=SPF_ONLY, envelope_from="")
    assert (classify(empty).spf_aligned, classify(empty).state) == (True, "spf-only")


def test_the_region_comes_from_the_return_path_then_the_service_selector_then_the_host():
    assert signs(dkim=(OWN, SES), spf=(DEFAULT,)).region == "eu-west-1"
    assert signs(dkim=(OWN, SES), spf=(CUSTOM,)).region == "eu-west-1"
    assert signs(dkim=(OWN,), spf=(HELO,)).region == "us-west-2"
    host = "a8-31.smtp-out.eu-north-1.amazonses.com"
    assert classify(record(dkim=(OWN,)), ptr={SES_IP: host}.get).region == "eu-north-1"


def test_signs_that_name_two_regions_are_flagged_and_the_signature_counts():
    found = signs(dkim=(OWN, SES._replace(selector=VIRGINIA)), spf=(DEFAULT,))
    assert (found.region, found.flags) == ("us-east-1", ("pe_fail_but_aligned", "region-disagrees"))


def test_an_unknown_service_selector_is_still_ses_in_an_unknown_region():
    found = signs(dkim=(OWN, SES._replace(selector="z" * 32)), spf=(CUSTOM,), evaluated=BOTH)
    assert stream_id(found.place) == "example.com/amazon-ses/unknown-region"
    assert found.region is None


def test_a_second_own_signature_that_fails_is_harmless_and_flagged():
    found = signs(dkim=(OWN, Dkim("example.com", "dkim", FAIL), SES), spf=(DEFAULT,), evaluated=DKIM_ONLY)
    assert (found.state, found.flags) == ("dkim-only", ("extra-failing-signature",))


@pytest.mark.parametrize(
    ("dkim", "spf", "sender"),
    [
        ((OWN._replace(selector="resend"), SES), Spf("send.example.com", None, PASS), "resend"),
        ((OWN._replace(selector="unosend"), SES), Spf("send.example.com", None, PASS), "unosend"),
        ((OWN._replace(selector="atlassian-0a1b2c"), SES), CUSTOM, "atlassian"),
        ((SES,), Spf("atlassian-bounces.atlassian.net", None, PASS), "atlassian"),
        ((Dkim("zendesk.com", "zendesk1", PASS), SES), DEFAULT, "zendesk"),
    ],
)
def test_vendors_on_ses_are_named_as_themselves_with_the_states_of_ses(dkim, spf, sender):
    found = signs(dkim=dkim, spf=(spf,))
    assert (found.place.sender, found.via, found.place.kind) == (sender, "amazon-ses", PlaceKind.NONE)
    assert found.state in ("both-aligned", "amazonses-only", "vendor-unaligned")


def test_a_forwarders_signature_does_not_rename_mail_of_ses():
    tenant = Dkim("other-org.20230601.gappssmtp.com", "20230601", PASS)
    found = signs("209.85.220.41", dkim=(OWN, SES, tenant), spf=(Spf("other.org", None, PASS),))
    assert (found.place.sender, found.state, found.forwarded) == ("amazon-ses", "dkim-only", True)


def test_tokens_of_the_form_of_easy_dkim_are_not_ses_from_anywhere_else():
    stripe = signs(STRANGER, dkim=(OWN,), spf=(Spf("bounce.example.com", None, PASS),), evaluated=BOTH)
    assert (stripe.place.sender, stripe.authenticated) == ("stripe", False)
    nobody = signs(STRANGER, dkim=(OWN,), spf=(Spf("example.com", None, PASS),), evaluated=BOTH)
    assert nobody.place.sender == "unknown"


FOREIGN_SIGNS = [
    (sender.id, key, getattr(sender, key)[0])
    for sender in SENDERS
    for key in ("dkim_d", "return_path", "ptr")
    if getattr(sender, key) and sender.id != "amazon-ses" and not sender.shared_operator
]


def foreign(key, name):
    """A record that carries one sign of a sender, and its settings."""
    if key == "dkim_d":
        return record(STRANGER, dkim=(Dkim(name, "x", PASS),), spf=(), evaluated=NEITHER), {}
    if key == "return_path":
        path = Spf(f"bounces.{name}", None, PASS)
        return record(STRANGER, dkim=(), spf=(path,), evaluated=NEITHER), {}
    return record(STRANGER, dkim=(), spf=(), evaluated=NEITHER), {"ptr": {STRANGER: f"o1.{name}."}.get}


@pytest.mark.parametrize(("sender", "key", "name"), FOREIGN_SIGNS)
def test_each_sender_claims_what_its_own_names_authenticate(sender, key, name):
    of, settings = foreign(key, name)
    found = classify(of, **settings)
    assert (found.place.sender, found.place.kind, found.state) == (sender, PlaceKind.NONE, "unaligned")
    assert found.authenticated is (key != "ptr")


@pytest.mark.parametrize(("sender", "key", "name"), FOREIGN_SIGNS)
def test_no_sender_claims_names_that_only_look_like_its_own_or_do_not_pass(sender, key, name):
    of, settings = foreign(key, f"not{name}")
    assert classify(of, **settings).place.sender != sender
    if key != "ptr":
        of, _ = foreign(key, name)
        failed = of.evidence.dkim and (Dkim(name, "x", FAIL),), of.evidence.spf and (Spf(name, None, FAIL),)
        assert (
            classify(record(STRANGER, dkim=failed[0], spf=failed[1], evaluated=NEITHER)).place.sender
            == "unknown"
        )


@pytest.mark.parametrize(
    "sender", [sender for sender in SENDERS if sender.shared_operator], ids=lambda sender: sender.id
)
def test_a_mailbox_operator_or_gateway_claims_mail_from_its_hosts_only_where_that_authenticates(sender):
    hosts = {"ptr": {STRANGER: f"mx1.{sender.ptr[0]}"}.get}
    path = Spf("example.com", None, PASS)
    ours = classify(record(STRANGER, dkim=(), spf=(path,), evaluated=SPF_ONLY), **hosts)
    assert (ours.place.sender, ours.place.kind) == (sender.id, PlaceKind.NONE)
    theirs = record(STRANGER, dkim=(), spf=(Spf("other.org", None, PASS),), evaluated=NEITHER)
    assert classify(theirs, **hosts).place[2:] == (sender.id, PlaceKind.TENANT, "other.org")
    nobodys = record(STRANGER, dkim=(), spf=(path._replace(result=FAIL),), evaluated=NEITHER)
    assert classify(nobodys, **hosts).place.sender == "unknown"


@pytest.mark.parametrize(
    ("selector", "path", "sender"),
    [
        ("eo", "eom.example.com", "emailoctopus"),
        ("cka", "ckespa.example.com", "kit"),
        ("resend", "send.example.com", "resend"),
        ("unosend", "send.example.com", "unosend"),
        ("protonmail", "example.com", "proton"),
        ("sig1", "example.com", "icloud"),
        ("fm1", "example.com", "fastmail"),
        ("12345678", "bounce-zem.example.com", "zeptomail"),
        ("20210101120000pm", "pm-bounces.example.com", "postmark"),
        ("s1", "em1234.example.com", "sendgrid"),
        ("mg", "mg.example.com", "mailgun"),
        ("google", "example.com", "google-workspace"),
    ],
)
def test_a_selector_names_the_sender_beside_an_own_return_path_that_passes(selector, path, sender):
    own = OWN._replace(selector=selector)
    found = signs(STRANGER, dkim=(own,), spf=(Spf(path, None, PASS),), evaluated=BOTH)
    assert (found.place.sender, found.state, found.authenticated) == (sender, "both-aligned", False)
    forwarded = signs(STRANGER, dkim=(own,), spf=(Spf(path, None, FAIL),), evaluated=DKIM_ONLY)
    assert forwarded.place.sender == "unknown"
    pasted = signs(
        STRANGER, dkim=(own._replace(result=FAIL),), spf=(Spf(path, None, PASS),), evaluated=SPF_ONLY
    )
    assert pasted.place.sender == "unknown"


def test_microsoft_365_is_named_by_its_ranges_because_everybody_has_its_selectors():
    own = OWN._replace(selector="selector1")
    found = signs("40.107.107.116", dkim=(own,), spf=(Spf("example.com", None, PASS),), evaluated=BOTH)
    assert stream_id(found.place) == "example.com/microsoft-365"
    assert signs("40.107.107.116", dkim=(own,), spf=(), evaluated=DKIM_ONLY).place.sender == "microsoft-365"
    assert signs(STRANGER, dkim=(own,), spf=(), evaluated=DKIM_ONLY).place.sender == "unknown"


@pytest.mark.parametrize(
    ("signer", "selector", "tenant"),
    [
        ("other-org.20230601.gappssmtp.com", "20230601", "other-org.gappssmtp.com"),
        ("other-org.20150623.gappssmtp.com", "20150623", "other-org.gappssmtp.com"),
        ("contoso.onmicrosoft.com", "selector1-contoso-onmicrosoft-com", "contoso.onmicrosoft.com"),
        ("contoso.mail.onmicrosoft.com", "selector1", "contoso.onmicrosoft.com"),
    ],
)
def test_a_tenants_signature_names_the_tenant_and_not_the_year_of_its_key(signer, selector, tenant):
    found = signs(STRANGER, dkim=(Dkim(signer, selector, PASS),))
    assert (found.place.kind, found.place.name, found.authenticated) == (PlaceKind.TENANT, tenant, True)


@pytest.mark.parametrize("mine", ["contoso.onmicrosoft.com", "contoso"])
def test_the_users_own_tenant_is_one_stream_with_its_aligned_mail(mine):
    unaligned = record(
        "40.107.1.1", dkim=(Dkim("contoso.onmicrosoft.com", "s", PASS),), spf=(), evaluated=NEITHER
    )
    found = classify(unaligned, own_tenants=frozenset({mine}))
    assert (stream_id(found.place), found.authenticated) == ("example.com/microsoft-365", True)


def test_googles_default_signature_names_its_customer_so_the_users_own_needs_no_declaration():
    own = Dkim("example-com.20230601.gappssmtp.com", "20230601", PASS)
    assert stream_id(signs(STRANGER, dkim=(own,)).place) == "example.com/google-workspace"


def test_a_mailbox_operators_address_names_it_only_for_mail_that_authenticates_as_somebody():
    google = "209.85.220.41"
    theirs = signs(google, dkim=(OWN,), spf=(Spf("caf.other.org", None, PASS),), evaluated=DKIM_ONLY)
    assert theirs.place[2:] == ("google-workspace", PlaceKind.TENANT, "other.org")
    ours = signs(google, dkim=(), spf=(Spf("example.com", None, PASS),), evaluated=SPF_ONLY)
    assert stream_id(ours.place) == "example.com/google-workspace"
    nobodys = signs(google, dkim=(OWN_BROKEN,), spf=(Spf("example.com", None, FAIL),))
    assert nobodys.place[2:] == ("unknown", PlaceKind.NETWORK, "209.85.220.0/24")


def test_mail_signed_by_a_mailbox_operator_for_nobody_named_is_not_ones_own():
    found = signs(STRANGER, dkim=(Dkim("zohomail.com", "zmail", PASS),))
    assert found.place[2:] == ("zoho", PlaceKind.TENANT, "unnamed-tenant")


@pytest.mark.parametrize(
    ("evidence", "state"),
    [
        ({"dkim": (SUBDOMAIN_SIGNED,), "adkim": "s"}, "strict-adkim"),
        ({"dkim": (), "spf": (CUSTOM,), "aspf": "s"}, "strict-aspf"),
        ({"dkim": (), "spf": (Spf("vendor.example.net", None, PASS),), "aspf": "s"}, "unaligned"),
    ],
)
def test_what_strict_alignment_refuses_is_named_for_other_senders_as_well(evidence, state):
    assert signs(STRANGER, **evidence).state == state


def test_a_mailbox_operators_application_is_a_sender_of_its_own():
    found = signs(STRANGER, dkim=(Dkim("sender.zohocrm.com", "282322", PASS),))
    assert found.place.sender == "zoho-apps"


def test_an_esps_signature_names_mail_that_a_mailbox_operator_signed_on_its_way():
    dkim = (Dkim("other-org.20230601.gappssmtp.com", "20230601", PASS), Dkim("sendgrid.net", "s1", PASS))
    assert signs(STRANGER, dkim=dkim).place.sender == "sendgrid"


def test_unknown_mail_is_keyed_by_its_network_or_by_the_organization_it_authenticates_as():
    assert signs(STRANGER, dkim=()).place[3:] == (PlaceKind.NETWORK, "203.0.113.0/24")
    assert signs("2001:db8:1:2::3", dkim=()).place[3:] == (PlaceKind.NETWORK, "2001:db8:1::/48")
    path = Spf("bounce-17.news.other.co.uk", None, PASS)
    assert signs(STRANGER, dkim=(), spf=(path,)).place[3:] == (PlaceKind.DOMAIN, "other.co.uk")
    assert signs(STRANGER, dkim=(VENDOR,), spf=(path,)).place[3:] == (PlaceKind.DOMAIN, "example.org")
    assert signs(None, dkim=()).place[3:] == (PlaceKind.NONE, "")


@pytest.mark.parametrize(
    ("dkim", "spf", "state"),
    [
        (OWN, "pass", "both-aligned"),
        (OWN, "fail", "dkim-only"),
        (None, "pass", "spf-only"),
        (OWN_BROKEN, "pass", "spf-only"),
        (OWN_BROKEN, "fail", "own-dkim-broken"),
        (None, "fail", "unaligned"),
    ],
)
def test_states_of_other_senders(dkim, spf, state):
    path = Spf("example.com", None, AuthResult(spf))
    assert signs(STRANGER, dkim=(dkim,) if dkim else (), spf=(path,)).state == state


@pytest.mark.parametrize(
    ("reasons", "forwarded", "listed"),
    [
        ((reason("forwarded"),), True, False),
        ((reason("trusted_forwarder"),), True, False),
        ((reason("mailing_list"),), True, True),
        ((reason("local_policy", "arc=pass as[1].d=google.com"),), True, True),
        ((reason("local_policy", "Policy overriden using trusted ARC chain"),), True, True),
        ((reason("local_policy", "arc=fail"),), False, False),
        ((reason("local_policy", "marc=pass"),), False, False),
        ((reason("sampled_out"),), False, False),
        ((), False, False),
    ],
)
def test_a_reporters_reason_says_forwarded_where_an_own_signature_is_present(reasons, forwarded, listed):
    signed = classify(record(STRANGER, dkim=(OWN_BROKEN,), spf=(), evaluated=NEITHER, reasons=reasons))
    assert (signed.forwarded, signed.listed, signed.spared) == (forwarded, listed, forwarded)
    unsigned = classify(record(STRANGER, dkim=(), spf=(), evaluated=NEITHER, reasons=reasons))
    assert (unsigned.forwarded, unsigned.listed) == (False, listed)


def test_arc_reasons_of_opendmarc_mean_nothing():
    of = record(
        STRANGER, dkim=(OWN_BROKEN,), spf=(), evaluated=NEITHER, reasons=(reason("local_policy", "arc=pass"),)
    )
    found = classify(of, report(report_id="example.com:1538463741"))
    assert (found.forwarded, found.listed, found.spared) == (False, False, False)


def test_only_mail_that_fails_is_spared():
    of = record(reasons=(reason("mailing_list"),))
    assert (classify(of).outcome, classify(of).spared) == (Outcome.PASS, False)


def test_a_record_without_a_from_domain_is_about_the_policy_domain():
    found = classify(record(header_from=None))
    assert (found.place.header_from, found.flags) == ("example.com", ("header-from-missing",))


def test_a_from_domain_below_the_policy_domain_has_its_own_stream():
    found = classify(record(header_from="shop.example.com"))
    assert stream_id(found.place) == "example.com:shop.example.com/amazon-ses/eu-west-1"
    assert found.state == "both-aligned"


def test_names_in_capitals_and_with_dots_at_the_end_are_normal_before_they_get_here():
    """parse.py lowers domains; a host name from DNS is the only one that comes from elsewhere."""
    found = classify(
        record(STRANGER, dkim=(), spf=(), evaluated=NEITHER), ptr={STRANGER: "O1.SendGrid.NET."}.get
    )
    assert found.place.sender == "sendgrid"


def test_a_hundred_signatures_hide_neither_the_own_one_nor_ses():
    noise = tuple(Dkim(f"d{number}.example.net", "s", FAIL) for number in range(98))
    found = signs(dkim=(*noise, OWN, SES), spf=(CUSTOM,), evaluated=BOTH)
    assert (found.state, found.region) == ("both-aligned", "eu-west-1")


def test_the_same_evidence_under_a_strict_policy_is_another_state():
    classifier = Classifier(SENDERS)
    of = record(evaluated=DKIM_ONLY)
    states = [classifier.classify(of, report(aspf=mode)).state for mode in ("r", "s", "r")]
    assert states == ["both-aligned", "strict-aspf", "both-aligned"]


def test_equal_records_get_one_object_because_the_store_keeps_it_once():
    classifier, about = Classifier(SENDERS), report()
    here = [record(f"203.0.113.{host}", dkim=(), spf=(), evaluated=NEITHER) for host in (1, 2)]
    first, second = (classifier.classify(of, about) for of in here)
    assert first is second
    elsewhere = classifier.classify(record("198.51.100.1", dkim=(), spf=(), evaluated=NEITHER), report())
    assert elsewhere.place.name == "198.51.100.0/24"
    assert classifier.classify(here[0], report()) is first


def test_a_network_is_a_24_or_a_48():
    assert network_of("192.0.2.200") == "192.0.2.0/24"
    assert network_of("2001:db8:abcd:12::1") == "2001:db8:abcd::/48"
