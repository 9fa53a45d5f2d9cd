"""The inverse of unpack and parse: a report and its records become XML, and the mail a reporter sends it in.

For tests, fixtures, the demo and measurements. The same values give the same bytes.
"""

import gzip
import io
import zipfile
from base64 import encodebytes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from enum import StrEnum
from html import escape

from dmarcwatch.report import Dialect, Dkim, Evidence, PolicyPublished, Reason, Record, Report, Spf

_NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"
_BOUNDARY = "=_report_0123456789"


class Packing(StrEnum):
    """What the report is packed in (RFC 9990 section 3.5.2 asks for gzip)."""

    GZIP = "gz"
    ZIP = "zip"
    PLAIN = "xml"


_TYPES = {Packing.GZIP: "application/gzip", Packing.ZIP: "application/zip", Packing.PLAIN: "text/xml"}


@dataclass(frozen=True, slots=True)
class Wrapping:
    """The mail around a report."""

    packing: Packing = Packing.GZIP
    recipient: str = "dmarc@example.com"
    sender: str | None = None
    """Address in From; None for the report's own `org_email`."""
    authentication_results: str | None = None
    """Value of the header of this name that the mail host wrote on top, folded or not."""
    multipart: bool = True
    """False for Google's way: the archive is the message's only content."""


def compose(report: Report, records: Iterable[Record]) -> bytes:
    """The XML document in the report's dialect.

    Reading it gives equal values. What a dialect does not have is written all the same, as Google does,
    and then it reads as the newer one.
    """
    return b"".join(compose_chunks(report, records))


def compose_chunks(report: Report, records: Iterable[Record]) -> Iterator[bytes]:
    """The document of `compose` in pieces of one record, for reports that do not fit in memory."""
    root = f'<feedback xmlns="{_NAMESPACE}">' if report.dialect is Dialect.RFC9990 else "<feedback>"
    version = "" if report.dialect is Dialect.DRAFT else "  <version>1.0</version>\n"
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n{version}'.encode()
    yield f"{_metadata(report)}{_policy(report.policy)}".encode()
    for record in records:
        yield _record(record).encode()
    yield b"</feedback>\n"


def compose_mail(report: Report, records: Iterable[Record], wrapping: Wrapping = Wrapping()) -> bytes:
    """The mail a reporter sends: headers, a sentence for people, the packed report (RFC 9990, 3.5.2)."""
    name = file_name(report)
    data = _packed(compose(report, records), name, wrapping.packing)
    part = (
        f'Content-Type: {_TYPES[wrapping.packing]}; name="{_packed_name(name, wrapping.packing)}"\n'
        "Content-Transfer-Encoding: base64\n"
        f'Content-Disposition: attachment; filename="{_packed_name(name, wrapping.packing)}"\n'
        f"\n{encodebytes(data).decode('ascii')}"
    )
    if wrapping.multipart:
        part = (
            f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"\n'
            f"\n--{_BOUNDARY}\nContent-Type: text/plain; charset=us-ascii\n"
            f"\nThis is a DMARC aggregate report on {report.policy.domain}.\n"
            f"\n--{_BOUNDARY}\n{part}--{_BOUNDARY}--\n"
        )
    return f"{_headers(report, wrapping)}{part}".replace("\n", "\r\n").encode()


def file_name(report: Report) -> str:
    """Receiver, policy domain, begin and end, joined by `!` (RFC 9990 section 3.5.2), ending in `.xml`."""
    begin, end = int(report.begin.timestamp()), int(report.end.timestamp())
    return f"{_submitter(report)}!{report.policy.domain}!{begin}!{end}.xml"


def _headers(report: Report, wrapping: Wrapping) -> str:
    sender = wrapping.sender or report.org_email or f"noreply@{_submitter(report)}"
    results = wrapping.authentication_results
    return "".join(
        f"{name}: {value}\n"
        for name, value in (
            ("Authentication-Results", results),
            ("From", sender),
            ("To", wrapping.recipient),
            ("Date", format_datetime(report.end + timedelta(hours=3))),
            ("Message-ID", f"<{int(report.end.timestamp())}.{report.policy.domain}@{_submitter(report)}>"),
            ("Subject", _subject(report)),
            ("MIME-Version", "1.0"),
        )
        if value is not None
    )


def _subject(report: Report) -> str:
    number = f"\n Report-ID: <{report.report_id}>" if report.report_id else ""
    return f"Report Domain: {report.policy.domain}\n Submitter: {_submitter(report)}{number}"


def _submitter(report: Report) -> str:
    """The reporter's domain, as far as the report tells it."""
    return (report.org_email or "").rpartition("@")[2] or "reporter.example"


def _packed_name(name: str, packing: Packing) -> str:
    if packing is Packing.ZIP:
        return f"{name.removesuffix('.xml')}.zip"
    return f"{name}.gz" if packing is Packing.GZIP else name


def _packed(data: bytes, name: str, packing: Packing) -> bytes:
    if packing is Packing.GZIP:
        return gzip.compress(data, mtime=0)
    if packing is Packing.PLAIN:
        return data
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _metadata(report: Report) -> str:
    period = (_line(3, "begin", int(report.begin.timestamp())), _line(3, "end", int(report.end.timestamp())))
    return _block(
        1,
        "report_metadata",
        _line(2, "org_name", report.org_name),
        _line(2, "email", report.org_email),
        _line(2, "extra_contact_info", report.extra_contact_info),
        _line(2, "report_id", report.report_id),
        _block(2, "date_range", *period),
        *(_line(2, "error", error) for error in report.errors),
        _line(2, "generator", report.generator),
    )


def _policy(policy: PolicyPublished) -> str:
    testing = None if policy.testing is None else "ny"[policy.testing]
    return _block(
        1,
        "policy_published",
        _line(2, "domain", policy.domain),
        _line(2, "adkim", policy.adkim),
        _line(2, "aspf", policy.aspf),
        _line(2, "p", policy.p),
        _line(2, "sp", policy.sp),
        _line(2, "np", policy.np),
        _line(2, "pct", policy.pct),
        _line(2, "fo", policy.fo),
        _line(2, "testing", testing),
        _line(2, "discovery_method", policy.discovery_method),
    )


def _record(record: Record) -> str:
    return _block(
        1,
        "record",
        _row(record),
        _identifiers(record.evidence),
        _block(
            2, "auth_results", *map(_signature, record.evidence.dkim), *map(_spf_result, record.evidence.spf)
        ),
    )


def _row(record: Record) -> str:
    evidence = record.evidence
    evaluated = _block(
        3,
        "policy_evaluated",
        _line(4, "disposition", evidence.disposition),
        _line(4, "dkim", evidence.dkim_evaluated),
        _line(4, "spf", evidence.spf_evaluated),
        *map(_reason, evidence.reasons),
    )
    return _block(
        2, "row", _line(3, "source_ip", record.source_ip), _line(3, "count", record.messages), evaluated
    )


def _reason(reason: Reason) -> str:
    return _block(4, "reason", _line(5, "type", reason.type), _line(5, "comment", reason.comment))


def _identifiers(evidence: Evidence) -> str:
    return _block(
        2,
        "identifiers",
        _line(3, "envelope_to", evidence.envelope_to),
        _line(3, "envelope_from", evidence.envelope_from),
        _line(3, "header_from", evidence.header_from),
    )


def _signature(dkim: Dkim) -> str:
    return _block(
        3,
        "dkim",
        _line(4, "domain", dkim.domain),
        _line(4, "selector", dkim.selector),
        _line(4, "result", dkim.result),
    )


def _spf_result(spf: Spf) -> str:
    return _block(
        3, "spf", _line(4, "domain", spf.domain), _line(4, "scope", spf.scope), _line(4, "result", spf.result)
    )


def _block(depth: int, name: str, *lines: str) -> str:
    indent = "  " * depth
    return f"{indent}<{name}>\n{''.join(lines)}{indent}</{name}>\n"


def _line(depth: int, name: str, value: str | int | None) -> str:
    """One element with text; nothing for None, which is how absence is written."""
    if value is None:
        return ""
    return f"{'  ' * depth}<{name}>{escape(str(value), quote=False)}</{name}>\n"
