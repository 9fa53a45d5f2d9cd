"""Custom MAIL FROM domains of Amazon SES: exactly one MX, SES's own, and SPF."""

import pytest

from dmarcwatch.check.mail_from import is_mail_from, mail_from_of
from dmarcwatch.check.remarks import Weight
from tests.check.dns_server import Fault, asking, txt

SES = {"amazonses.com TXT": txt("v=spf1 ip4:54.240.0.0/18 -all")}
SPF = {"bounce.example.com TXT": txt("v=spf1 include:amazonses.com ~all")}
MX = {"bounce.example.com MX": "10 feedback-smtp.eu-west-1.amazonses.com."}


def found(*zones):
    zone = {key: value for each in (SES, *zones) for key, value in each.items()}
    with asking(zone) as dns:
        return mail_from_of(dns, "bounce.example.com", region="eu-west-1")


def messages(of, weight):
    return [remark.message for remark in of.remarks if remark.weight is weight]


def test_as_ses_wants_it():
    path = found(SPF, MX)
    assert (path.sound, path.region, path.spf.includes_ses()) == (True, "eu-west-1", True)
    assert {remark.weight for remark in path.remarks} == {Weight.WELL}


def test_bounces_may_go_to_another_region():
    path = found(SPF, {"bounce.example.com MX": "10 feedback-smtp.us-east-1.amazonses.com."})
    assert (path.sound, path.region) == (True, "us-east-1")


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "has no MX"),
        (["10 feedback-smtp.eu-west-1.amazonses.com.", "20 mail.example.com."], "2 MX records"),
        (
            ["10 feedback-smtp.eu-west-1.amazonses.com.", "10 feedback-smtp.us-east-1.amazonses.com."],
            "exactly one",
        ),
        (["10 inbound-smtp.eu-west-1.amazonaws.com."], "is not SES's"),
        (["10 feedback-smtp.eu-west-1.amazonses.com.example.com."], "is not SES's"),
    ],
)
def test_any_other_exchange_makes_ses_fall_back(records, words):
    path = found(SPF, {"bounce.example.com MX": records})
    (message,) = messages(path, Weight.FIX)
    assert path.sound is False
    assert words in message
    assert "falls back" in message
    lines = next(remark.fix for remark in path.remarks if remark.weight is Weight.FIX)
    assert lines[-1] == "DNS: bounce.example.com MX 10 feedback-smtp.eu-west-1.amazonses.com"


@pytest.mark.parametrize(
    ("zone", "weight", "words"),
    [
        (
            {"bounce.example.com TXT": txt("v=spf1 include:other.example -all")},
            Weight.FIX,
            "does not include",
        ),
        ({"bounce.example.com TXT": txt("v=spf1 ip4:54.240.0.0/18 -all")}, Weight.WARN, "lists addresses"),
        ({}, Weight.FIX, "There is no SPF record"),
        ({"bounce.example.com TXT": Fault.SERVFAIL}, Weight.UNKNOWN, "SERVFAIL"),
    ],
)
def test_spf_must_include_ses(zone, weight, words):
    other = {"other.example TXT": txt("v=spf1 -all")}
    assert any(words in message for message in messages(found(MX, other, zone), weight))


def test_a_missing_spf_record_is_printed_to_be_published():
    (remark,) = [each for each in found(MX).remarks if each.weight is Weight.FIX]
    assert remark.fix == ('DNS: bounce.example.com TXT "v=spf1 include:amazonses.com ~all"',)


@pytest.mark.parametrize(
    ("record", "merged"),
    [
        ("v=spf1 include:other.example -all", "v=spf1 include:amazonses.com include:other.example -all"),
        ("v=spf1 ip4:192.0.2.1 ~all", "v=spf1 include:amazonses.com ip4:192.0.2.1 ~all"),
        ("v=spf1 redirect=other.example", "v=spf1 include:amazonses.com redirect=other.example"),
        ("v=spf1 -all", "v=spf1 include:amazonses.com -all"),
    ],
)
def test_somebody_elses_spf_record_is_merged_into_one(record, merged):
    other = {"other.example TXT": txt("v=spf1 ip4:192.0.2.9 -all"), "bounce.example.com TXT": txt(record)}
    lines = next(each.fix for each in found(MX, other).remarks if "does not include" in each.message)
    assert lines == (f'DNS: bounce.example.com TXT "{merged}"', f'  instead of "{record}"')


def test_an_exchange_that_nobody_knows_is_not_missing():
    path = found(SPF, {"bounce.example.com MX": Fault.SERVFAIL})
    assert path.sound is None
    assert messages(path, Weight.FIX) == []
    assert len(messages(path, Weight.UNKNOWN)) == 1


def test_a_vendors_mail_from_is_known_by_its_exchange():
    with asking({"send.example.com MX": "10 feedback-smtp.us-east-1.amazonses.com.", **MX}) as dns:
        assert is_mail_from(dns, "send.example.com")
        assert not is_mail_from(dns, "example.com")
