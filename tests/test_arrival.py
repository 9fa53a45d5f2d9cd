"""Signatures of a mail as it arrives: real keys, real signatures, DNS as a function."""

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from dmarcwatch.check.arrival import verify
from tests.mail_build import gz, mail, part, report

MAIL = mail(part(gz(report()), name="r.xml.gz"), sender="dmarc@reporter.example")
FIELDS = [b"from", b"to", b"subject", b"date", b"content-type"]


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem() -> bytes:
    return key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def record(private: rsa.RSAPrivateKey | None = None) -> bytes:
    public = (private or key()).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def signed(
    message: bytes = MAIL, *, domain: str = "reporter.example", fields: list[bytes] = FIELDS, **more
) -> bytes:
    return dkim.sign(message, b"s1", domain.encode(), pem(), include_headers=fields, **more) + message


class Dns:
    """TXT records by name, and which were asked for."""

    def __init__(self, *domains: str, text: bytes | None = None) -> None:
        self.records = {f"s1._domainkey.{domain}": text or record() for domain in domains}
        self.asked: list[str] = []

    def __call__(self, name: str) -> bytes | None:
        self.asked.append(name)
        return self.records.get(name)


REPORTER = "reporter.example"


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("canonical", [(b"relaxed", b"relaxed"), (b"simple", b"simple")])
def test_a_true_signature_verifies(line_end, canonical):
    data = signed(MAIL.replace(b"\r\n", line_end), canonicalize=canonical)
    dns = Dns(REPORTER)
    assert verify(data, lookup=dns) == (REPORTER,)
    assert dns.asked == [f"s1._domainkey.{REPORTER}"]


def test_a_mailbox_line_and_fields_on_top_break_nothing():
    data = b"From x Fri Jan  2 03:04:05 2026\r\nReceived: by mx.example.com\r\n" + signed()
    assert verify(data, lookup=Dns(REPORTER)) == (REPORTER,)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"H4sI", b"H4sJ"),
        lambda data: data.replace(b"Subject: Report", b"Subject: Another report"),
        lambda data: data + b"more\r\n",
        lambda data: data.replace(b"d=reporter.example", b"d=mail.reporter.example"),
        lambda data: b"From: dmarc@google.com\r\n" + data,
        lambda data: re.sub(rb"\bb=[\w+/]{4}", b"b=AAAA", data),
        lambda data: data.replace(b"DKIM-Signature", b"X-Signature"),
    ],
    ids=["body", "subject", "appended", "domain", "second-from", "signature", "none"],
)
def test_a_changed_mail_does_not_verify(change):
    dns = Dns(REPORTER, "mail.reporter.example", "google.com")
    data = signed()
    assert verify(data, lookup=dns)
    assert change(data) != data
    assert verify(change(data), lookup=dns) == ()


def handmade(*covered: bytes) -> bytes:
    """A true signature over these fields only, as dkimpy refuses to make it."""
    head, body = MAIL.split(b"\r\n\r\n", 1)
    lines = {line.partition(b":")[0].lower(): line for line in head.split(b"\r\n")}
    body_hash = base64.b64encode(hashlib.sha256(body.rstrip(b"\r\n") + b"\r\n").digest())
    field = b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=reporter.example; s=s1; h=%b; bh=%b; b="
    field %= (b":".join(covered), body_hash)
    text = b"".join(lines[name] + b"\r\n" for name in covered) + field
    return field + base64.b64encode(key().sign(text, PKCS1v15(), SHA256())) + b"\r\n" + MAIL


def test_a_signature_that_leaves_from_out_counts_for_nothing():
    assert verify(handmade(b"to", b"from"), lookup=Dns(REPORTER)) == (REPORTER,)
    assert dkim.verify(handmade(b"to"), dnsfunc=lambda name, timeout=5: record())
    assert verify(handmade(b"to"), lookup=Dns(REPORTER)) == ()


def test_a_signature_over_a_part_of_the_body_counts_for_nothing():
    data = signed(length=True)
    assert b"; l=" in data
    assert dkim.verify(data, dnsfunc=lambda name, timeout=5: record())
    assert verify(data, lookup=Dns(REPORTER)) == ()


def test_sha_1_counts_for_nothing():
    data = signed(signature_algorithm=b"rsa-sha1")
    assert verify(data, lookup=Dns(REPORTER)) == ()


def test_only_the_from_domains_organization_is_looked_up():
    data = signed(domain="forger.example")
    dns = Dns("forger.example")
    assert verify(data, lookup=dns) == ()
    assert dns.asked == []
    twice = signed(signed(domain="mail.reporter.example"))
    assert verify(twice, lookup=Dns(REPORTER, "mail.reporter.example")) == (REPORTER, "mail.reporter.example")


def test_a_key_that_is_gone_wrong_or_weak_verifies_nothing():
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    data = signed()
    for text in (record(weak), b"v=DKIM1; p=", b"v=DKIM1; k=rsa; p=!!!!", b"nonsense", b"\xff"):
        assert verify(data, lookup=Dns(REPORTER, text=text)) == ()
    assert verify(data, lookup=Dns()) == ()


def test_a_look_up_that_fails_verifies_nothing():
    def broken(name: str) -> bytes | None:
        raise TimeoutError(name)

    assert verify(signed(), lookup=broken) == ()


def test_few_signatures_are_tried():
    signature = signed()[: -len(MAIL)]
    false = re.sub(rb"\bb=[\w+/]{4}", b"b=AAAA", signature)
    dns = Dns(REPORTER)
    assert verify(false * 20 + signed(), lookup=dns) == ()
    assert len(dns.asked) == 3


OVERSIZED: list[Callable[[bytes], bytes]] = [
    lambda data: b"X-A: " + b"b" * 70_000 + b"\r\n" + data,
    lambda data: b"X-A: b\r\n" * 600 + data,
    lambda data: b"X-A: b" + b" " * 5000 + b"c\r\n" + data,
    lambda data: data.replace(b"DKIM-Signature: v=1;", b"DKIM-Signature: v=1; z=" + b"z" * 5000 + b";"),
    lambda data: data + b" " * 500_000 + b"x\r\n",
    lambda data: data + b"\r\n" * 1_100_000,
    lambda data: b"no mail at all",
    lambda data: b"",
]


@pytest.mark.parametrize("change", OVERSIZED)
def test_what_would_take_long_is_not_asked(change):
    dns = Dns(REPORTER)
    assert verify(change(signed()), lookup=dns) == ()
    assert dns.asked == []
