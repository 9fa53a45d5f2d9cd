"""DKIM keys as DNS has them (RFC 6376 section 3.6.1)."""

import base64

import pytest

from dmarcwatch.check.remarks import Weight
from dmarcwatch.check.selectors import PROBE, key_of, wildcard
from tests.check.dns_server import Fault, asking, txt

TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
OTHER = "765432zyxwvutsrqponmlkjihgfedcba"
NAME = f"{TOKEN}._domainkey.example.com"
AT_SES = f"{TOKEN}.dkim.amazonses.com"


def rsa(bits):
    """A public key of that size, as in `p=`: its numbers are made up, their lengths are not."""
    modulus = (1 << (bits - 1) | 1).to_bytes(bits // 8 + 1, "big")
    numbers = _tlv(2, modulus) + _tlv(2, (65537).to_bytes(3, "big"))
    algorithm = _tlv(48, bytes.fromhex("06092a864886f70d0101010500"))
    return base64.b64encode(_tlv(48, algorithm + _tlv(3, bytes(1) + _tlv(48, numbers)))).decode()


def _tlv(tag, value):
    length = len(value)
    head = bytes([length]) if length < 128 else bytes([130]) + length.to_bytes(2, "big")
    return bytes([tag]) + head + value


KEY = txt(f"v=DKIM1; k=rsa; p={rsa(2048)}")


def key(zone, selector=TOKEN):
    with asking(zone) as dns:
        return key_of(dns, "example.com", selector)


def said(of):
    return [(remark.weight, remark.message) for remark in of.remarks]


def test_a_key_behind_ses_cname_is_well():
    found = key({f"{NAME} CNAME": f"{AT_SES}.", f"{AT_SES} TXT": txt(f"p={rsa(2048)}")})
    assert (found.target, found.at_ses, found.present, found.bits) == (AT_SES, True, True, 2048)
    assert said(found) == [(Weight.WELL, f"An RSA key of 2048 bits, by way of {AT_SES}.")]


@pytest.mark.parametrize(
    ("record", "present", "bits", "weight"),
    [
        (f"v=DKIM1; k=rsa; p={rsa(2048)}", True, 2048, Weight.WELL),
        (f"p={rsa(4096)}", True, 4096, Weight.WELL),
        (f"p={rsa(2048)[:40]} {rsa(2048)[40:]}", True, 2048, Weight.WELL),
        (f"p={rsa(1024)}", True, 1024, Weight.NOTE),
        (f"p={rsa(512)}", False, 512, Weight.FIX),
        (f"k=ed25519; p={base64.b64encode(bytes(32)).decode()}", True, None, Weight.NOTE),
        (f"k=ed25519; p={base64.b64encode(bytes(30)).decode()}", False, None, Weight.FIX),
        ("v=DKIM1; p=", False, None, Weight.FIX),
        ("v=DKIM1; k=rsa", False, None, Weight.FIX),
        (f"v=DKIM1; p={rsa(2048)[:100]}", False, None, Weight.FIX),
        ("v=DKIM1; p=not base64!", False, None, Weight.FIX),
        ("v=DKIM1; p=MIIAojANBgkqhkiG9w0BAQEFbwM=", False, None, Weight.FIX),  # trips an assertion of dkimpy
        (f"v=DKIM2; p={rsa(2048)}", False, None, Weight.FIX),
        (f"k=dsa; p={rsa(2048)}", False, None, Weight.FIX),
        (f"t=y; p={rsa(2048)}", True, 2048, Weight.WARN),
        (f"h=sha1; p={rsa(2048)}", True, 2048, Weight.FIX),
        (f"h=sha1:sha256; t=s; p={rsa(2048)}", True, 2048, Weight.WELL),
    ],
)
def test_what_the_record_holds(record, present, bits, weight):
    found = key({"mail._domainkey.example.com TXT": txt(record)}, "mail")
    assert (found.present, found.bits, found.target) == (present, bits, None)
    assert weight in [each for each, _ in said(found)]


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({}, "No key is published"),
        ({f"x.{NAME} TXT": KEY}, "The name exists"),
        ({f"{NAME} CNAME": f"{AT_SES}."}, f"points to {AT_SES}, where no key is: Amazon SES has withdrawn"),
        ({f"{NAME} CNAME": "gone.vendor.example."}, "gone.vendor.example has withdrawn"),
        ({f"{NAME}.example.com CNAME": f"{AT_SES}."}, "without the domain"),
        ({f"{NAME}.example.com TXT": KEY}, "without the domain"),
    ],
)
def test_a_missing_key_is_said_to_be_missing_with_the_likely_mistake(zone, words):
    found = key(zone)
    assert found.present is False
    assert [weight for weight, _ in said(found)] == [Weight.FIX]
    assert words in said(found)[0][1]


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({f"{NAME} TXT": Fault.SERVFAIL}, "SERVFAIL"),
        ({f"{NAME} CNAME": f"{AT_SES}.", f"{NAME} TXT": Fault.SERVFAIL}, "though its CNAME"),
    ],
)
def test_a_key_that_nobody_knows_is_not_missing(zone, words):
    found = key(zone)
    assert found.present is None
    assert [weight for weight, _ in said(found)] == [Weight.UNKNOWN]
    assert words in said(found)[0][1]


def test_two_records_at_one_selector_are_to_be_mended():
    found = key({f"{NAME} TXT": [KEY, txt("hello")]})
    assert (found.present, said(found)[0][0]) == (None, Weight.FIX)


def test_a_token_that_points_to_another_tokens_key_was_mixed_up():
    target = f"{OTHER}.dkim.amazonses.com"
    found = key({f"{NAME} CNAME": f"{target}.", f"{target} TXT": KEY})
    assert (
        Weight.FIX,
        f"Its CNAME points to the key of another token, {OTHER}: targets are mixed up.",
    ) in said(found)


def test_a_token_form_that_points_to_another_vendor_is_no_mistake():
    """Stripe's custom domains use tokens of the same form."""
    target = f"{OTHER}.dkim.custom-email-domain.stripe.com"
    found = key({f"{NAME} CNAME": f"{target}.", f"{target} TXT": KEY})
    assert [weight for weight, _ in said(found)] == [Weight.WELL]


def test_a_wildcard_hides_missing_keys():
    with asking({f"{PROBE}._domainkey.example.com CNAME": "x.example."}) as dns:
        assert wildcard(dns, "example.com").weight is Weight.WARN
        assert wildcard(dns, "example.net") is None
