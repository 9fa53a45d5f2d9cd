"""What is composed reads as it was, from XML and from the mail around it."""

import email
import gzip
import io
import zipfile
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.compose import Packing, Wrapping, compose, compose_mail, file_name
from dmarcwatch.parse import read
from dmarcwatch.report import Dialect, Grade, Policy
from dmarcwatch.unpack import unpack
from tests.build import policy, record, report
from tests.strategies import records, reports


def read_all(data):
    reading = read(lambda: [data])
    return reading, [each for batch in reading.batches() for each in batch]


@given(reports(), st.lists(records, max_size=4))
def test_a_composed_report_reads_as_it_was(composed, its_records):
    reading, found = read_all(compose(composed, its_records))
    assert (reading.report, found) == (composed, its_records)
    gaps = any(each.source_ip is None for each in its_records)
    assert (reading.grade, reading.problems) == (Grade.REPAIRED if gaps else Grade.CLEAN, ())
    assert reading.messages == sum(each.messages for each in its_records)


def test_the_namespace_is_rfc_9990s_and_the_version_alone_makes_no_new_report():
    new = compose(report(dialect=Dialect.RFC9990), [record()])
    old = compose(report(), [record()])
    assert b'<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">' in new
    assert b"xmlns" not in old
    assert b"<version>1.0</version>" in old
    assert b"<version>1.0</version>" in new
    assert b"<version>" not in compose(report(dialect=Dialect.DRAFT), [])


def test_a_tag_of_rfc_9990_in_an_older_report_makes_it_a_new_one():
    reading, _ = read_all(compose(report(policy=policy(np=Policy.REJECT)), []))
    assert reading.report.dialect is Dialect.RFC9990


@pytest.mark.parametrize("packing", Packing)
@pytest.mark.parametrize("multipart", [True, False])
def test_a_mail_holds_the_report_in_any_packing(packing, multipart):
    mail = compose_mail(report(), [record()], Wrapping(packing, multipart=multipart))
    (document,) = unpack(mail).documents
    reading, found = read_all(b"".join(document.chunks()))
    assert (reading.report, found) == (report(), [record()])


def test_a_mail_looks_as_rfc_9990_wants_it():
    mail = email.message_from_bytes(compose_mail(report(), [record()]), policy=default)
    (part,) = mail.iter_attachments()
    assert mail["subject"] == (
        "Report Domain: example.com Submitter: reporter.example Report-ID: <20261118.example.com>"
    )
    assert part.get_content_type() == "application/gzip"
    assert part.get_filename() == "reporter.example!example.com!1794960000!1795046399.xml.gz"
    assert gzip.decompress(part.get_content()) == compose(report(), [record()])
    assert mail["authentication-results"] is None


def test_a_zip_holds_the_document_under_its_own_name():
    mail = email.message_from_bytes(
        compose_mail(report(), [], Wrapping(Packing.ZIP, multipart=False)), policy=default
    )
    archive = zipfile.ZipFile(io.BytesIO(mail.get_content()))
    assert archive.namelist() == [file_name(report())]
    assert mail.get_filename() == "reporter.example!example.com!1794960000!1795046399.zip"


def test_the_mail_hosts_results_stand_on_top():
    results = "mx.example.com;\n dmarc=pass header.from=reporter.example"
    mail = compose_mail(report(), [], Wrapping(authentication_results=results))
    assert mail.startswith(b"Authentication-Results: mx.example.com;\r\n dmarc=pass")


def test_the_same_values_give_the_same_bytes():
    assert compose_mail(report(), [record()]) == compose_mail(report(), [record()])
