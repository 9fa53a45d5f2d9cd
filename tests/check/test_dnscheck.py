"""DNS of today for the names that reports showed."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dmarcwatch.check.dns_join import dns_joined, policy_joined
from dmarcwatch.check.dnscheck import MAX_SELECTORS, check_dns
from dmarcwatch.check.remarks import Weight
from dmarcwatch.sightings import (
    NOTHING_SEEN,
    FindingSeen,
    ReturnPathSeen,
    SelectorSeen,
    Sightings,
    StateSeen,
)
from tests.check.dns_server import Fault, asking, txt
from tests.check.test_selectors import KEY, TOKEN

IRELAND = "eu-west-1"
FIRST, LAST = date(2026, 10, 1), date(2026, 11, 20)
LONG_AGO = LAST - timedelta(days=15)
SOUND = {
    "_dmarc.example.com TXT": txt("v=DMARC1; p=none; rua=mailto:d@example.com"),
    "example.com MX": "10 mail.example.com.",
    "amazonses.com TXT": txt("v=spf1 ip4:54.240.0.0/18 -all"),
    f"{TOKEN}._domainkey.example.com CNAME": f"{TOKEN}.dkim.amazonses.com.",
    f"{TOKEN}.dkim.amazonses.com TXT": KEY,
    "bounce.example.com MX": "10 feedback-smtp.eu-west-1.amazonses.com.",
    "bounce.example.com TXT": txt("v=spf1 include:amazonses.com ~all"),
}


def use(selector=TOKEN, *, sender="amazon-ses", passed=9, failed=0, last=LAST, domain="example.com"):
    return SelectorSeen(domain, selector, sender, IRELAND, passed, failed, FIRST, last)


def path(domain="bounce.example.com", *, sender="amazon-ses", messages=9, passed=9, last=LAST):
    return ReturnPathSeen(domain, sender, IRELAND, messages, passed, FIRST, last)


USED, TAKEN = (use(),), (path(),)


def seen(*, selectors=USED, paths=TAKEN, findings=(), states=()):
    return Sightings(FIRST, LAST, tuple(selectors), tuple(paths), tuple(states), tuple(findings))


def check(zone, sightings, **settings):
    with asking(SOUND | zone, **settings) as dns:
        return check_dns(dns, "example.com", sightings)


def weights(found):
    return {remark.weight for remark in found.remarks}


def abouts(found, weight):
    return [remark.about for remark in found.remarks if remark.weight is weight]


def without(*names):
    return {key: value for key, value in SOUND.items() if key.split()[0] not in names}


def test_a_domain_that_is_set_up_well_has_nothing_to_mend():
    found = check({}, seen())
    assert weights(found) == {Weight.WELL}
    assert (found.keys[0].present, found.mail_from[0].sound, found.spf) == (True, True, ())


def test_without_reports_only_the_record_is_asked_about():
    found = check({}, NOTHING_SEEN)
    assert (found.keys, found.mail_from, found.spf) == ((), (), ())
    assert found.discovery.at == "example.com"


@pytest.mark.parametrize(
    ("last", "weight"),
    [(LAST, Weight.FIX), (LONG_AGO + timedelta(days=1), Weight.FIX), (LONG_AGO, Weight.NOTE)],
)
def test_a_missing_key_is_a_fault_only_while_reports_show_it(last, weight):
    found = check({}, seen(selectors=[use("gone", last=last)]))
    assert abouts(found, weight) == ["gone._domainkey.example.com"]


def test_the_mail_from_that_ses_fell_back_from_is_a_fault_though_reports_stopped_showing_it():
    old = seen(paths=[path("mf.example.com", last=LONG_AGO)])
    fallback = FindingSeen("example.com", IRELAND, "mail-from-fallback", "2026-11-05", "it fell back")
    assert "mf.example.com" in abouts(check({}, old), Weight.NOTE)
    found = check({}, seen(paths=[path("mf.example.com", last=LONG_AGO)], findings=[fallback]))
    assert "mf.example.com" in abouts(found, Weight.FIX)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({}, "The MX of bounce.example.com is right today; SES stops looking"),
        ({"bounce.example.com MX": []}, "The MX of bounce.example.com is wrong today."),
        ({"bounce.example.com MX": Fault.SERVFAIL}, "DNS does not answer for it"),
    ],
)
def test_a_fallback_that_reports_show_is_explained_by_the_exchange_of_today(zone, words):
    fallback = FindingSeen("example.com", IRELAND, "mail-from-fallback", "2026-11-05", "it fell back")
    sightings = seen(findings=[fallback])
    found = check(zone, sightings)
    (remark,) = dns_joined(sightings, found, asked=())
    assert remark.message.startswith("Reports show: it fell back. ")
    assert words in remark.message
    assert dns_joined(sightings, found, asked=(IRELAND,)) == []


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({}, "published today; SES has stopped looking"),
        ({f"{TOKEN}.dkim.amazonses.com TXT": []}, f"No key is published today for {TOKEN}"),
        ({f"{TOKEN}._domainkey.example.com TXT": Fault.SERVFAIL}, "not known"),
    ],
)
def test_a_signature_that_vanished_is_explained_by_the_keys_of_today(zone, words):
    vanished = FindingSeen("example.com", IRELAND, "own-dkim-vanished", "2026-11-05", "it is missing")
    sightings = seen(findings=[vanished])
    (remark,) = dns_joined(sightings, check(zone, sightings), asked=())
    assert words in remark.message


@pytest.mark.parametrize(
    ("policy", "record", "told"),
    [
        ("none", "v=DMARC1; p=none; rua=mailto:d@example.com", False),
        ("none", "v=DMARC1; p=reject; rua=mailto:d@example.com", True),
        ("none", "v=DMARC1; p=oops; rua=mailto:d@example.com", False),
        (None, "v=DMARC1; p=reject; rua=mailto:d@example.com", False),
    ],
)
def test_a_policy_that_reports_did_not_find_is_told(policy, record, told):
    sightings = replace(seen(), policy=policy)
    found = check({"_dmarc.example.com TXT": txt(record)}, sightings)
    messages = [remark.message for remark in policy_joined(sightings, found.discovery)]
    assert [f"found p={policy}" in message for message in messages] == ([True] if told else [])


@pytest.mark.parametrize(
    ("seen_path", "asked"),
    [
        (path("bounce.example.com"), True),
        (path("example.com", sender="google-workspace"), True),
        (path("example.com", sender="unknown", passed=0), False),
        (path("example.com", sender="unknown", passed=1), True),
        (path("eu-west-1.amazonses.com"), False),
        (path("lists.example", sender="unknown"), False),
    ],
)
def test_only_return_paths_of_ones_own_are_asked_about_and_no_forged_ones(seen_path, asked):
    zone = {"example.com TXT": txt("v=spf1 -all")}
    found = check(zone, seen(selectors=(), paths=[seen_path]))
    assert [each.domain for each in (*found.mail_from, *found.spf)] == ([seen_path.domain] if asked else [])


@pytest.mark.parametrize(
    ("seen_use", "asked"),
    [
        (use("s1", sender="unknown", passed=0, failed=5), False),
        (use("s1", sender="unknown", passed=1), True),
        (use("s1", passed=0, failed=5), True),
    ],
)
def test_selectors_that_strangers_invent_are_not_asked_about(seen_use, asked):
    assert [key.selector for key in check({}, seen(selectors=[seen_use])).keys] == (["s1"] if asked else [])


def test_a_vendors_mail_from_at_ses_is_checked_as_one():
    zone = {"send.example.com MX": "10 feedback-smtp.us-east-1.amazonses.com."}
    found = check(zone, seen(paths=[path("send.example.com", sender="resend")]))
    assert [each.domain for each in found.mail_from] == ["send.example.com"]


@pytest.mark.parametrize(
    ("zone", "about", "words"),
    [
        (
            {"example.com TXT": txt("v=spf1 include:amazonses.com -all")},
            "example.com",
            "does nothing for DMARC",
        ),
        ({"_amazonses.example.com TXT": txt("abc=")}, "_amazonses.example.com", "way before DKIM"),
        (
            {"amazonses.com TXT": txt("v=spf1 ip4:54.240.0.0/18 ip4:203.0.113.0/24 -all")},
            "amazonses.com",
            "sends from 203.0.113.0/24 too",
        ),
    ],
)
def test_what_is_worth_knowing_is_noted(zone, about, words):
    found = check(zone, seen(states=[StateSeen("example.com", IRELAND, "dkim-only", 9, FIRST, LAST)]))
    assert [remark.about for remark in found.remarks if words in remark.message] == [about]
    assert Weight.FIX not in weights(found)


def test_no_more_names_are_asked_about_than_allowed_and_that_is_said():
    many = [use(f"s{number}", passed=100 - number) for number in range(MAX_SELECTORS + 2)]
    found = check({}, seen(selectors=many))
    assert [key.selector for key in found.keys] == [f"s{number}" for number in range(MAX_SELECTORS)]
    assert any("2 more selectors were seen" in remark.message for remark in found.remarks)


def test_a_dead_resolver_leaves_everything_unknown():
    with asking({}, otherwise=Fault.SILENT, timeout_seconds=0.3) as dns:
        dead = check_dns(dns, "example.org", seen(selectors=[use(domain="example.org")]))
    assert dead.nothing_known
    assert weights(dead) == {Weight.UNKNOWN}


def test_a_resolver_that_lies_leaves_everything_unknown():
    with asking(SOUND, otherwise="hello") as dns:
        dns.test()
        lied = check_dns(dns, "example.com", seen())
    assert lied.nothing_known
    assert "a name that cannot exist" in lied.remarks[0].message


def test_one_dead_zone_leaves_the_rest_answered():
    zone = without("bounce.example.com") | {
        "bounce.example.com MX": Fault.SERVFAIL,
        "bounce.example.com TXT": Fault.SERVFAIL,
    }
    found = check(zone, seen())
    assert set(abouts(found, Weight.UNKNOWN)) == {"bounce.example.com"}
    assert found.keys[0].present
    assert not found.nothing_known
