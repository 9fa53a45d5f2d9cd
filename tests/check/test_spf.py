"""SPF records as receivers evaluate them (RFC 7208)."""

import pytest

from dmarcwatch.check.remarks import Weight
from dmarcwatch.check.spf import spf_of
from tests.check.dns_server import Fault, asking, txt

SES = {"amazonses.com TXT": txt("v=spf1 ip4:54.240.0.0/18 -all")}
HOSTS = {"example.com A": "192.0.2.1", "example.com MX": "10 mail.example.com."}


def found(record, zone=(), **settings):
    records = [txt(each) for each in ([record] if isinstance(record, str) else record)]
    with asking(SES | HOSTS | {"example.com TXT": records} | dict(zone), **settings) as dns:
        return spf_of(dns, "example.com")


def weights(spf):
    return {remark.weight for remark in spf.remarks}


@pytest.mark.parametrize(
    ("record", "lookups"),
    [
        ("v=spf1 -all", 0),
        ("v=spf1 include:amazonses.com ~all", 1),
        ("V=SPF1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a mx -ALL", 2),
        ("v=spf1 a/24 a:example.com/24//64 mx:example.com ~all", 3),
        ("v=spf1 redirect=amazonses.com", 1),
        ("v=spf1 exp=explain.example.com -all", 0),
    ],
)
def test_a_sound_record_is_well(record, lookups):
    spf = found(record)
    assert (spf.record, spf.lookups, weights(spf)) == (record, lookups, {Weight.WELL})


def test_other_txt_records_beside_it_do_not_count():
    assert found(["v=spf1 -all", "google-site-verification=x", "v=spf10 -all"]).record == "v=spf1 -all"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (["v=spf1 -all", "v=spf1 ~all"], "2 SPF records"),
        (["hello"], "no SPF record"),
        ("v=spf1 include:nothing.example -all", "no SPF record"),
        ("v=spf1 include:example.com -all", "includes itself"),
        ("v=spf1 ip4:192.0.2.300 -all", "is no address"),
        ("v=spf1 ip6:192.0.2.3 -all", "of the other kind"),
        ("v=spf1 include: -all", "names no domain"),
        ("v=spf1 192.0.2.1 -all", "is no mechanism"),
        ("v=spf1 +all", "whole world"),
        ("v=spf1 all", "whole world"),
    ],
)
def test_what_makes_spf_fail_or_useless_is_to_be_mended(record, words):
    spf = found(record)
    assert any(remark.weight is Weight.FIX and words in remark.message for remark in spf.remarks)
    assert Weight.WELL not in weights(spf) or "all" in words or "world" in words


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("v=spf1 ip4:192.0.2.1", "without all"),
        ("v=spf1 ip4:192.0.2.1 ?all", "?all"),
        ("v=spf1 ptr -all", "ptr is slow"),
    ],
)
def test_what_weakens_it_is_a_warning(record, words):
    assert any(remark.weight is Weight.WARN and words in remark.message for remark in found(record).remarks)


def chain(length):
    """`s0` includes `s1` and so on: `length` look-ups in all."""
    zone = {f"s{n}.example.com TXT": txt(f"v=spf1 include:s{n + 1}.example.com -all") for n in range(length)}
    return zone | {f"s{length - 1}.example.com TXT": txt("v=spf1 -all")}


@pytest.mark.parametrize(("length", "allowed"), [(10, True), (11, False)])
def test_ten_lookups_are_allowed_nested_ones_counted(length, allowed):
    spf = found("v=spf1 include:s0.example.com -all", chain(length))
    assert spf.lookups == length
    assert (weights(spf) == {Weight.WELL}) is allowed


def test_an_endless_record_ends():
    wide = " ".join(f"include:s{n}.example.com" for n in range(60))
    zone = {f"s{n}.example.com TXT": txt("v=spf1 -all") for n in range(60)}
    assert found(f"v=spf1 {wide} -all", zone).lookups == 30


@pytest.mark.parametrize(("names", "allowed"), [(2, True), (3, False)])
def test_two_lookups_may_find_nothing(names, allowed):
    terms = " ".join(f"a:gone{n}.example.com" for n in range(names))
    assert (weights(found(f"v=spf1 {terms} -all")) == {Weight.WELL}) is allowed


def test_what_stands_after_all_is_never_reached():
    assert found("v=spf1 -all include:nothing.example redirect=nothing.example").lookups == 0


def test_a_macro_is_counted_and_not_asked():
    spf = found("v=spf1 exists:%{i}.spf.example.com -all")
    assert (spf.lookups, weights(spf)) == (1, {Weight.NOTE, Weight.WELL})


@pytest.mark.parametrize(
    ("record", "zone"),
    [
        ("v=spf1 include:down.example -all", {"down.example TXT": Fault.SERVFAIL}),
        (
            "v=spf1 a:down.example -all",
            {"down.example A": Fault.SERVFAIL, "down.example AAAA": Fault.SERVFAIL},
        ),
    ],
)
def test_a_part_that_nobody_knows_leaves_the_whole_unknown(record, zone):
    spf = found(record, zone)
    assert not spf.known
    assert weights(spf) == {Weight.UNKNOWN}


def test_a_record_that_nobody_knows_is_not_a_missing_one():
    spf = found("x", {"example.com TXT": Fault.SERVFAIL})
    assert (spf.known, spf.record, weights(spf)) == (False, None, {Weight.UNKNOWN})


@pytest.mark.parametrize(
    ("record", "includes"),
    [
        ("v=spf1 include:amazonses.com ~all", True),
        ("v=spf1 include:eu-west-1.amazonses.com ~all", True),
        ("v=spf1 include:nested.example.com ~all", True),
        ("v=spf1 ip4:54.240.0.0/18 ~all", False),
        ("v=spf1 include:amazonses.com.example.com ~all", False),
    ],
)
def test_amazon_ses_is_included_directly_or_by_another(record, includes):
    zone = {
        "nested.example.com TXT": txt("v=spf1 include:amazonses.com ~all"),
        "eu-west-1.amazonses.com TXT": txt("v=spf1 include:amazonses.com -all"),
    }
    assert found(record, zone).includes_ses() is includes
