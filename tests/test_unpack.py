"""What an item holds: mails of every shape reporters send, archives, bare documents, and what is no report."""

import base64
import hashlib
import json
import os
import zipfile
import zlib
from pathlib import Path

import pytest

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import NotAReport, TooLarge, UnpackError
from dmarcwatch.reasons import Reason
from dmarcwatch.unpack import SetAsideKind, Unpacked, unpack
from dmarcwatch.unpack.inflate import CHUNK_BYTES
from tests.mail_build import gz, mail, multipart, part, report, zipped

MAILS = Path(__file__).parent.parent / "fixtures" / "mails"

REPORTS = {
    "amazon-ses-octet-stream": ("amazonses.com!example.com!1767225600!1767312000.xml.gz",),
    "collector-several-reports": (
        "one.example!example.com!1767225600!1767311999.xml.gz",
        "two.example!example.com!1767225600!1767311999.xml.gz",
    ),
    "enterprise-outlook-preview-subject": (
        "enterprise.protection.outlook.com!example.com!1767225600!1767312000.xml.gz",
    ),
    "fastmail-hosted-mailbox": ("google.com!example.com!1767225600!1767311999.xml",),
    "gateway-signed-smime": ("reporter.example!example.com!1767225600!1767311999.xml.gz",),
    "google-cut-in-transport": ("google.com!example.com!1767225600!1767311999.xml.gz",),
    "google-forwarded-rfc822": ("google.com!example.com!1767225600!1767311999.xml",),
    "google-ses-inbound": ("google.com!example.com!1767225600!1767311999.xml",),
    "google-top-level-zip": ("google.com!example.com!1767225600!1767311999.xml",),
    "mail-ru-semicolons-in-subject": ("mail.ru!example.com!1767225600!1767312000.xml.gz",),
    "mimecast-top-level-gzip": (
        f"mimecast.org!example.com!1767225600!1767311999!{'0123456789abcdef' * 4}.xml.gz",
    ),
    "outlook-nested-multiparts": ("protection.outlook.com!example.com!1767225600!1767312000.xml.gz",),
    "rspamd-inside-alternative": ("mx.reporter.example!example.com!1767225600!1767311999.xml.gz",),
    "rspamd-plain-xml-in-base64": ("mx.reporter.example!example.com!1767225600!1767311999.xml",),
    "seznam-x-gzip": ("seznam.cz!example.com!1767225600!1767311999.xml.gz",),
    "trustwave-misspelt-content-type": ("seg.reporter.example!example.com!1767225600!1767311999.xml.gz",),
    "yahoo-x-zip-compressed": ("yahoo.com!example.com!1767225600!1767311999.xml",),
}
SET_ASIDE = {
    "google-tls-report": SetAsideKind.TLS_REPORT,
    "linkedin-failure-report": SetAsideKind.FAILURE_REPORT,
    "netease-failure-report-in-base64": SetAsideKind.FAILURE_REPORT,
}
REFUSED = {
    "abuse-complaint": Reason.NO_REPORT,
    "bounce-returning-own-report": Reason.BOUNCE,
    "exchange-winmail-dat": Reason.UNSUPPORTED,
    "gateway-encrypted-smime": Reason.UNSUPPORTED,
    "person-asks-about-reports": Reason.NO_REPORT,
    "yahoo-unused": Reason.REPORTER_OUTAGE,
}


def fixture(name: str) -> bytes:
    return (MAILS / f"{name}.eml").read_bytes()


def contents(unpacked: Unpacked) -> list[bytes]:
    return [b"".join(document.chunks()) for document in unpacked.documents]


def reason_of(data: bytes, budgets: Budgets = Budgets()) -> str:
    with pytest.raises(UnpackError) as caught:
        unpack(data, budgets)
    assert isinstance(caught.value, TooLarge if caught.value.reason in TOO_LARGE else NotAReport)
    return caught.value.reason


TOO_LARGE = {
    "message-bytes",
    "header-bytes",
    "part-bytes",
    "inflated-bytes",
    "ratio",
    "members",
    "parts",
    "mime-depth",
}


def test_every_mail_fixture_is_expected_somewhere():
    assert {path.stem for path in MAILS.glob("*.eml")} == REPORTS.keys() | SET_ASIDE.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", REPORTS)
def test_reports_are_found_in_mails_as_reporters_shape_them(name):
    unpacked = unpack(fixture(name))
    assert tuple(document.name for document in unpacked.documents) == REPORTS[name]
    assert all(b"<feedback" in content for content in contents(unpacked))
    assert unpacked.set_aside == ()


@pytest.mark.parametrize("name", SET_ASIDE)
def test_other_kinds_of_reports_are_set_aside_by_name(name):
    unpacked = unpack(fixture(name))
    assert [part.kind for part in unpacked.set_aside] == [SET_ASIDE[name]]
    assert unpacked.documents == ()


@pytest.mark.parametrize("name", REFUSED)
def test_mails_without_a_report_say_what_they_are(name):
    assert reason_of(fixture(name)) == REFUSED[name]


def test_a_failure_report_is_kept_whole_and_a_tls_report_unpacked():
    failure = unpack(fixture("linkedin-failure-report")).set_aside[0].data
    assert failure == fixture("linkedin-failure-report")
    tls = unpack(fixture("google-tls-report")).set_aside[0].data
    assert json.loads(tls)["organization-name"] == "Google Inc."


def test_a_damaged_part_beside_good_ones_is_a_fault_and_costs_only_itself():
    unpacked = unpack(fixture("collector-several-reports"))
    assert len(unpacked.documents) == 2
    (fault,) = unpacked.faults
    assert (fault.name, fault.reason) == (
        "three.example!example.com!1767225600!1767311999.zip",
        Reason.DAMAGED,
    )


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: data,
        gz,
        lambda data: zipped({"r.xml": data}),
        lambda data: zipped({"r.xml": data}, method=zipfile.ZIP_STORED),
        lambda data: mail(part(gz(data), name="r.xml.gz")),
        lambda data: base64.encodebytes(gz(data)),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b" \r\n\t" + data,
    ],
    ids=["bare", "gzip", "zip", "stored-zip", "mail", "base64", "byte-order-mark", "leading-space"],
)
def test_a_document_is_told_by_its_bytes_alone(wrap):
    (document,) = unpack(wrap(report())).documents
    content = b"".join(document.chunks())
    assert content.endswith(report())
    assert (document.sha256, document.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert not document.truncated


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_documents_are_documents(encoding):
    assert len(unpack(report().decode().encode(encoding)).documents) == 1


@pytest.mark.parametrize("media", ["application/gzip", "text/plain", "image/png", "text/html", "nonsense"])
def test_declared_types_are_not_believed(media):
    assert contents(unpack(mail(part(gz(report()), media, "r.xml.gz")))) == [report()]


@pytest.mark.parametrize("name", ["report.pdf", "report.zip", "", "report"])
def test_names_are_not_believed(name):
    assert contents(unpack(mail(part(gz(report()), name=name)))) == [report()]


def test_all_members_of_a_zip_that_are_reports_are_found():
    archive = zipped({"readme.txt": b"hi", "a.xml": report("1"), "dir/": b"", "dir/b.xml": report("2")})
    unpacked = unpack(archive)
    assert contents(unpacked) == [report("1"), report("2")]
    assert [document.name for document in unpacked.documents] == ["a.xml", "b.xml"]
    assert unpacked.faults == ()


def test_what_macos_packs_beside_each_file_is_no_fault():
    archive = zipped({"a.xml": report(), "__MACOSX/._a.xml": b"\x00\x05\x16\x07\x00attributes"})
    assert unpack(archive).faults == ()


def test_a_name_that_leaves_its_directory_is_only_a_name():
    (document,) = unpack(zipped({"../../etc/cron.d/\u202egnp.xml\x1b[2J": report()})).documents
    assert document.name == "gnp.xml[2J"


@pytest.mark.parametrize("padding", [0, CHUNK_BYTES, 3 * CHUNK_BYTES + 5])
def test_members_of_gzip_data_are_one_document(padding):
    half = len(report()) // 2
    first, second = report()[:half] + b" " * padding, report()[half:] + b"\n" * padding
    (document,) = unpack(gz(first) + gz(second)).documents
    assert b"".join(document.chunks()) == first + second
    assert not document.truncated


def test_reports_in_gzip_members_of_their_own_are_several_documents():
    packed = gz(report("1")) + gz(b"") + gz(report("2"))
    assert contents(unpack(packed)) == [report("1"), report("2")]


@pytest.mark.parametrize("garbage", [b"\r\n", b"\0" * 512, b"-- \r\nlist footer", b"\x1f\x8b\x08garbage"])
def test_garbage_behind_gzip_data_is_ignored(garbage):
    (document,) = unpack(gz(report()) + garbage).documents
    assert b"".join(document.chunks()) == report()
    assert not document.truncated


@pytest.mark.parametrize("cut", [8, 20, 100])
def test_cut_gzip_data_gives_what_it_holds_and_says_that_it_was_cut(cut):
    (document,) = unpack(gz(report())[:-cut]).documents
    content = b"".join(document.chunks())
    assert document.truncated
    assert report().startswith(content)
    assert len(content) > 200


def test_gzip_data_with_a_wrong_checksum_is_marked():
    packed = bytearray(gz(report()))
    packed[-8] ^= 1
    (document,) = unpack(bytes(packed)).documents
    assert document.truncated
    assert b"".join(document.chunks()) == report()


def test_a_zip_member_with_a_wrong_checksum_is_marked():
    packed = zipped({"a.xml": report()})
    wrong = packed.replace(zlib.crc32(report()).to_bytes(4, "little"), b"\0\0\0\0")
    assert [document.truncated for document in unpack(wrong).documents] == [True]


def test_an_archive_inside_an_archive_is_not_opened():
    assert reason_of(gz(gz(report()))) == Reason.NESTED_ARCHIVE
    assert reason_of(zipped({"r.xml.gz": gz(report())})) == Reason.NESTED_ARCHIVE
    assert reason_of(gz(zipped({"r.xml": report()}))) == Reason.NESTED_ARCHIVE


def test_a_large_document_is_inflated_again_each_time_it_is_read():
    padded = report() + b"\n" + os.urandom(1 << 20).hex().encode() * 3
    (document,) = unpack(gz(padded)).documents
    for _ in range(2):
        pieces = list(document.chunks())
        assert b"".join(pieces) == padded
        assert max(map(len, pieces)) <= CHUNK_BYTES
    assert len(repr(document)) < 1000


@pytest.mark.parametrize("content", [b"", b"  \r\n"])
def test_nothing_is_called_empty(content):
    assert reason_of(content) == Reason.EMPTY
    assert reason_of(mail(part(gz(content), name="r.xml.gz"))) == Reason.EMPTY


@pytest.mark.parametrize(
    "data",
    [
        b"this is not xml\n",
        b"<html><body>a page</body></html>",
        b'<?xml version="1.0"?><invoice><total>3</total></invoice>',
        b'{"any": "json"}',
        gz(b"notes"),
        zipped({"readme.txt": b"hi", "data.xml": b"<data/>"}),
        mail(part(b"Hello\r\n", "text/plain", encoding="7bit")),
        mail(part(b"", "text/plain", encoding="7bit")),
        mail(part(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "image/png", "logo.png")),
    ],
    ids=["text", "page", "other-xml", "json", "gzip", "zip", "mail", "empty-mail", "picture"],
)
def test_what_is_readable_and_no_report_is_called_so(data):
    assert reason_of(data) == Reason.NO_REPORT


@pytest.mark.parametrize("name", ["r.xml.gz", "r.zip", "r.xml", "R.XML.GZ;"])
def test_what_is_named_like_a_report_and_is_nothing_is_damaged(name):
    assert (
        reason_of(mail(part(b"\x86\xf5\x1a\x11\x14nothing", "application/octet-stream", name)))
        == Reason.DAMAGED
    )


@pytest.mark.parametrize(
    ("magic", "name"),
    [
        (b"Rar!\x1a\x07\x00", "r.rar"),
        (b"7z\xbc\xaf\x27\x1c", "r.7z"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "report.msg"),
        (b"\x78\x9f\x3e\x22", "winmail.dat"),
        (b"BZh91AY", "r.xml.bz2"),
    ],
)
def test_containers_that_cannot_be_opened_are_named(magic, name):
    assert reason_of(mail(part(magic + b"\0" * 100, "application/octet-stream", name))) == Reason.UNSUPPORTED


def test_an_old_word_document_is_no_container_of_mail():
    data = mail(part(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "application/msword", "letter.doc"))
    assert reason_of(data) == Reason.NO_REPORT


def test_a_page_beside_the_report_is_not_read_as_a_report():
    page = part(b"<html><body>A report is attached.</body></html>", "text/html", encoding="7bit")
    unpacked = unpack(mail(multipart([page, part(gz(report()), name="r.xml.gz")])))
    assert contents(unpacked) == [report()]
    assert unpacked.faults == ()


@pytest.mark.parametrize("media", ["text/calendar", "application/ics", "text/plain", "application/json"])
@pytest.mark.parametrize(
    "lead", [b"BEGIN:VCALENDAR\r\nDESCRIPTION:", b"Hello ", b'{"text": "', b"\x89PNG\r\n"]
)
def test_a_report_quoted_in_an_invitation_is_not_its_senders(media, lead):
    assert reason_of(mail(part(lead + report(), media))) == Reason.NO_REPORT


def test_a_mailbox_line_before_the_header_is_skipped():
    data = b"From dmarc@reporter.example Fri Jan  2 03:04:05 2026\n" + mail(part(gz(report())))
    unpacked = unpack(data)
    assert contents(unpacked) == [report()]
    assert unpacked.headers is not None
    assert unpacked.headers.from_domain == "reporter.example"


def test_files_have_no_headers_and_mails_have():
    assert unpack(report()).headers is None
    assert unpack(mail(part(gz(report())))).headers is not None


def test_a_zip_behind_other_bytes_is_read_where_it_lies():
    stub = zipped({"a.xml": report()})
    assert reason_of(b"#!/bin/sh\n" + stub) == Reason.NO_REPORT
    assert contents(unpack(b"PK\x03\x04" + b"\0" * 26 + stub)) == [report()]


def test_a_report_written_into_the_text_of_a_mail_is_found():
    assert contents(unpack(mail(part(report(), "text/plain", encoding="quoted-printable")))) != []
    assert contents(unpack(mail(part(report(), "text/plain", encoding="7bit")))) == [report()]


def test_exim_words_a_failure_report_without_its_machine_readable_part():
    text = b"A message claiming to be from you has failed the published DMARC policy for your domain.\r\n"
    unpacked = unpack(mail(part(text, "text/plain", encoding="7bit")))
    assert [part.kind for part in unpacked.set_aside] == [SetAsideKind.FAILURE_REPORT]
