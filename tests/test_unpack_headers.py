"""Header fields, addresses, dates, encoded words and parameters."""

import email.message
import email.utils
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import TooLarge
from dmarcwatch.mail.headers import MailHeaders, mail_headers, read_fields
from dmarcwatch.mail.rfc5322 import address_domain, decode_words, parameters, read_date, without_comments
from dmarcwatch.unpack.mime import read_mail


def headers(*lines: str) -> MailHeaders:
    data = "\r\n".join(lines).encode() + b"\r\n\r\nbody"
    return mail_headers(read_mail(data, Budgets()).fields)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("dmarc@reporter.example", "reporter.example"),
        ("Reports <dmarc@Reporter.Example.>", "reporter.example"),
        ('"DMARC, Reports" <dmarc@reporter.example>', "reporter.example"),
        ('"dmarc@google.com" <x@forger.example>', "forger.example"),
        ("dmarc@reporter.example (dmarc@google.com)", "reporter.example"),
        ('"a@google.com"@forger.example', "forger.example"),
        ("a@reporter(nested (comment))example", "reporterexample"),
        ("postmaster@amazonses.com <postmaster@amazonses.com>", "amazonses.com"),
        ("=?utf-8?q?dmarc=40google=2Ecom?= <x@forger.example>", "forger.example"),
        ("dmarc@bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_domain_of_an_address_is_the_one_it_is_sent_from(address, domain):
    assert address_domain(address) == domain


@pytest.mark.parametrize(
    "address",
    [
        "dmarc@google.com <x@forger.example>",
        "<dmarc@google.com> <x@forger.example>",
        "a@google.com, b@forger.example",
        "<@google.com:x@forger.example>",
        "undisclosed-recipients:;",
        "nobody",
        "",
        "x@",
        "x@!",
        '"unclosed <dmarc@google.com>',
        "(unclosed <dmarc@google.com>",
    ],
)
def test_an_address_field_that_names_several_domains_or_none_names_none(address):
    assert address_domain(address) is None


def test_two_from_fields_are_nobodys():
    assert headers("From: a@google.com", "From: b@forger.example").from_domain is None
    assert headers("From: a@google.com").from_domain == "google.com"


def test_fields_are_unfolded_and_the_topmost_read():
    read = headers(
        "Date:\r\n Fri, 02 Jan 2026 03:04:05 +0100",
        "Date: Fri, 02 Jan 1976 03:04:05 +0100",
        "FROM:\r\n\tReports\r\n\t<a@reporter.example>",
        "DKIM-Signature: v=1",
        "Authentication-Results: mx.example.com;\r\n dmarc=pass\x1b[31m",
    )
    assert read == MailHeaders(
        from_domain="reporter.example",
        date=datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC),
        authentication_results=("mx.example.com; dmarc=pass[31m",),
        has_dkim_signature=True,
    )


def test_absent_fields_are_none():
    assert headers("X-Nothing: here") == MailHeaders(None, None)


def test_results_are_topmost_first_and_counted_above_the_first_received():
    read = headers(
        "Authentication-Results: mx.example.com;\r\n\tdmarc=pass",
        "Received: by mx.example.com",
        "authentication-results: forged.example; dmarc=pass",
    )
    assert read.authentication_results == ("mx.example.com; dmarc=pass", "forged.example; dmarc=pass")
    assert read.results_above_received == 1


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Thu, 01 Jan 2026 15:59:59 -0800", (2026, 1, 1, 23, 59, 59)),
        ("02 Jan 2026 10:06:12 +0000", (2026, 1, 2, 10, 6, 12)),
        ("Fri, 2 Jan 2026 02:40:00 +0000 (UTC)", (2026, 1, 2, 2, 40, 0)),
        ("Fri, 2 Jan 2026 02:40 GMT", (2026, 1, 2, 2, 40, 0)),
        ("Fri, 02 Jan 2026 02:40:00 EST", (2026, 1, 2, 7, 40, 0)),
        ("2 January 26 02:40:00", (2026, 1, 2, 2, 40, 0)),
        ("31 Dec 2016 23:59:60 +0000", (2016, 12, 31, 23, 59, 59)),
    ],
)
def test_dates_are_read_as_mail_programs_write_them(text, instant):
    assert read_date(text) == datetime(*instant, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "32 Jan 2026 00:00:00 +0000", "1 Foo 2026 00:00:00 +0000", "1 Jan 0000 00:00:00 +0000"],
)
def test_what_is_no_date_is_none(text):
    assert read_date(text) is None


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), st.integers(-12 * 60, 14 * 60))
def test_dates_are_read_as_email_reads_them(local, offset):
    sign = "-" if offset < 0 else "+"
    zone = f"{sign}{abs(offset) // 60:02}{abs(offset) % 60:02}"
    text = f"{local:%a, %d %b %Y %H:%M:%S} {zone}"
    assert read_date(text) == email.utils.parsedate_to_datetime(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("=?utf-8?B?aGVsbG8=?=", "hello"),
        ("=?UTF-8?b?aGVs?=\t=?utf-8?b?bG8=?= you", "hello you"),
        ("=?iso-8859-1?Q?f=FCr_dich?=", "für dich"),
        ("=?utf-8*en?q?word?=", "word"),
        ("=?utf-8?B?aGVsbG8?=", "hello"),
        ("=?idna?q?word?=", "=?idna?q?word?="),
        ("=?unknown-8bit?q?word?=", "=?unknown-8bit?q?word?="),
        ("plain =? text", "plain =? text"),
    ],
)
def test_encoded_words_are_decoded_where_their_characters_are_known(text, decoded):
    assert decode_words(text) == decoded


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('attachment; filename="a b.xml"', "a b.xml"),
        ("attachment; filename=a.xml.gz;", "a.xml.gz"),
        (r'attachment; filename="a\"b.xml"', 'a"b.xml'),
        ("attachment; FileName = a.xml ; size=3", "a.xml"),
        ("attachment; filename*=UTF-8''b%C3%BCcher%21.xml", "bücher!.xml"),
        ("attachment; filename*0*=UTF-8''b%C3%BC; filename*1=cher; filename*2*=%21.xml", "bücher!.xml"),
        ('attachment; filename="=?utf-8?q?b=C3=BCcher=2Exml?="', "bücher.xml"),
        ('attachment; filename="unclosed.xml', "unclosed.xml"),
        ('attachment; comment="; filename=no.xml"; filename=yes.xml', "yes.xml"),
        ("attachment", None),
    ],
)
def test_file_names_are_read_in_every_notation(value, name):
    assert parameters(value)[1].get("filename") == name


@settings(max_examples=200, deadline=None)
@given(st.text("abc=;\"\\' \t*0%-", max_size=60))
def test_any_parameters_read(text):
    main, found = parameters(text)
    assert main == main.lower()
    assert all(isinstance(value, str) for value in found.values())


@settings(max_examples=200, deadline=None)
@given(st.text('ab"()\\ @<>.,', max_size=60), st.booleans())
def test_text_without_comments_has_none(text, quotes):
    bare = without_comments(text, quotes=quotes)
    assert quotes or "\\" in text or ("(" not in bare and '"' not in bare)


def test_a_header_ends_where_a_line_is_no_field():
    data = b"From: a@b.example\r\nno field\r\nSubject: body\r\n\r\n"
    fields, body = read_fields(data, 0, len(data), limit=1000)
    assert (fields, body) == ([(b"from", b" a@b.example\r")], data.index(b"no field"))
    assert email.message_from_bytes(data).get("Subject") is None


@pytest.mark.parametrize("flood", [b"A: b\r\n" * 1000, b"A: " + b"b" * 6000, b"A:" + b"\n b" * 2000])
def test_a_header_block_has_a_budget(flood):
    with pytest.raises(TooLarge) as caught:
        read_fields(flood, 0, len(flood), limit=5000)
    assert caught.value.reason == "header-bytes"
