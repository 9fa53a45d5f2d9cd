"""The record that speaks for a domain, found in real DNS messages."""

import pytest

from dmarcwatch.check.discovery import discover, walk_names
from dmarcwatch.check.remarks import Weight
from tests.check.dns_server import Fault, asking, txt

RECORD = "v=DMARC1; p=none; rua=mailto:dmarc@example.com"
MAIL = {"example.com MX": "10 mail.example.com."}


def found(zone, domain="example.com", **settings):
    with asking(MAIL | zone, **settings) as dns:
        return discover(dns, domain)


def said(discovery, weight):
    return [remark.message for remark in discovery.remarks if remark.weight is weight]


def test_a_walk_asks_every_name_up_to_the_top():
    assert walk_names("a.mail.example.com") == [
        "a.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]


def test_a_long_name_is_asked_itself_and_then_by_its_last_seven_labels():
    names = walk_names("a.b.c.d.e.f.g.h.i.example.com")
    assert (names[:2], len(names)) == (["a.b.c.d.e.f.g.h.i.example.com", "e.f.g.h.i.example.com"], 8)
    assert len(walk_names("a.b.c.d.e.f.example.com")) == 8


def test_a_sound_record_of_the_domain_itself():
    discovery = found({"_dmarc.example.com TXT": txt(RECORD)})
    assert (discovery.known, discovery.at, discovery.record.text) == (True, "example.com", RECORD)
    assert {remark.weight for remark in discovery.remarks} == {Weight.WELL}


def test_a_record_in_several_strings_is_one_record():
    assert found({"_dmarc.example.com TXT": txt(RECORD[:20], RECORD[20:])}).record.text == RECORD


def test_a_record_behind_a_cname_counts():
    zone = {"_dmarc.example.com CNAME": "dmarc.vendor.example.", "dmarc.vendor.example TXT": txt(RECORD)}
    assert found(zone).at == "example.com"


@pytest.mark.parametrize(
    ("records", "domain", "at"),
    [
        ({"example.com": ""}, "news.example.com", "example.com"),
        ({"example.com": "", "news.example.com": ""}, "news.example.com", "news.example.com"),
        ({"example.com": "", "mail.example.com": ""}, "a.mail.example.com", "example.com"),
        ({"example.com": "", "mail.example.com": "; psd=n"}, "a.mail.example.com", "mail.example.com"),
        ({"bank": "; psd=y"}, "shop.bank", "bank"),
        ({"bank": "; psd=y", "shop.bank": ""}, "a.shop.bank", "shop.bank"),
    ],
)
def test_the_tree_names_the_record_that_speaks_for_a_name(records, domain, at):
    zone = {f"_dmarc.{name} TXT": txt(RECORD + more) for name, more in records.items()}
    discovery = found(zone, domain)
    assert (discovery.known, discovery.at) == (True, at)


def test_old_and_new_receivers_that_find_different_records_are_told_apart():
    zone = {
        "_dmarc.example.com TXT": txt(RECORD),
        "_dmarc.mail.example.com TXT": txt(f"{RECORD}; psd=n"),
    }
    (message,) = said(found(zone, "a.mail.example.com"), Weight.WARN)
    assert "RFC 7489 find that of example.com, those of RFC 9989 that of mail.example.com" in message


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({}, "There is no DMARC record"),
        ({"_dmarc.example.com TXT": txt("hello")}, "There is no DMARC record"),
        ({"_dmarc.example.com TXT": [txt(RECORD), txt(RECORD + "; sp=none")]}, "Several DMARC records"),
        ({"_dmarc.example.com TXT": txt("v=dmarc1; p=none")}, "does not begin with v=DMARC1"),
        ({"example.com TXT": txt(RECORD)}, "where nobody looks"),
        ({"_dmarc.example.com.example.com TXT": txt(RECORD)}, "where nobody looks"),
    ],
)
def test_without_a_record_that_counts_the_reason_is_said(zone, words):
    discovery = found(zone)
    assert (discovery.known, discovery.at, discovery.record) == (True, None, None)
    assert any(words in message for message in said(discovery, Weight.FIX))


@pytest.mark.parametrize(
    ("zone", "domain"),
    [
        ({"_dmarc.example.com TXT": Fault.SERVFAIL}, "example.com"),
        ({"_dmarc.example.com TXT": Fault.SILENT}, "example.com"),
        ({"_dmarc.example.com TXT": Fault.SERVFAIL}, "news.example.com"),
        (
            {"_dmarc.example.com TXT": txt(RECORD), "_dmarc.a.example.com TXT": Fault.SERVFAIL},
            "a.example.com",
        ),
    ],
)
def test_an_answer_that_is_not_known_is_no_missing_record(zone, domain):
    discovery = found(zone, domain, timeout_seconds=0.3)
    assert (discovery.known, discovery.at) == (False, None)
    assert {remark.weight for remark in discovery.remarks} == {Weight.UNKNOWN}


def test_above_a_record_of_its_own_nothing_decides():
    zone = {"_dmarc.a.example.com TXT": txt(RECORD), "_dmarc.example.com TXT": Fault.SERVFAIL}
    assert found(zone, "a.example.com").at == "a.example.com"


@pytest.mark.parametrize(
    ("zone", "weight", "words"),
    [
        ({}, Weight.FIX, "does not say that it takes reports on example.com"),
        ({"example.com._report._dmarc.r.example TXT": txt("v=DMARC1")}, Weight.WELL, "takes reports on"),
        ({"example.com._report._dmarc.r.example TXT": txt("v=DMARC1;")}, Weight.WELL, "takes reports on"),
        ({"example.com._report._dmarc.r.example TXT": txt("hello")}, Weight.FIX, "does not say"),
        ({"example.com._report._dmarc.r.example TXT": Fault.SERVFAIL}, Weight.UNKNOWN, "SERVFAIL"),
    ],
)
def test_another_organisation_must_say_that_it_takes_the_reports(zone, weight, words):
    zone = {
        "_dmarc.example.com TXT": txt("v=DMARC1; p=none; rua=mailto:d@r.example"),
        "r.example MX": "10 m.r.example.",
    } | zone
    assert any(words in message for message in said(found(zone), weight))


def test_a_mailbox_of_the_same_organisation_needs_nobodys_word():
    discovery = found(
        {
            "_dmarc.example.com TXT": txt("v=DMARC1; p=none; rua=mailto:d@reports.example.com"),
            "reports.example.com A": "192.0.2.1",
        }
    )
    assert {remark.weight for remark in discovery.remarks} == {Weight.WELL}


@pytest.mark.parametrize(
    ("zone", "weight", "words"),
    [
        ({"in.example.com MX": "0 ."}, Weight.FIX, "says that it takes none"),
        ({"in.example.com TXT": txt("x")}, Weight.FIX, "no host takes mail"),
        ({"in.example.com MX": Fault.SERVFAIL}, Weight.UNKNOWN, "SERVFAIL"),
    ],
)
def test_a_mailbox_that_nobody_can_send_to_gets_no_reports(zone, weight, words):
    record = txt("v=DMARC1; p=none; rua=mailto:d@in.example.com")
    assert any(words in each for each in said(found({"_dmarc.example.com TXT": record} | zone), weight))
