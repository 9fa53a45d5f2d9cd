"""Mails, archives and small reports made by code, for the tests of unpacking and of trust."""

import base64
import gzip
import io
import zipfile
from collections.abc import Iterable, Mapping

SHORT_REPORT = (
    b'<?xml version="1.0"?><feedback><report_metadata><org_name>%b</org_name><email>dmarc@reporter.example'
    b"</email><report_id>%b</report_id><date_range><begin>1767225600</begin><end>1767311999</end></date_range>"
    b"</report_metadata><policy_published><domain>example.com</domain><p>none</p></policy_published><record>"
    b"<row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated><disposition>none</disposition>"
    b"<dkim>pass</dkim><spf>pass</spf></policy_evaluated></row><identifiers><header_from>example.com"
    b"</header_from></identifiers><auth_results><spf><domain>example.com</domain><result>pass</result></spf>"
    b"</auth_results></record></feedback>"
)


def report(report_id: str = "1", *, org: str = "Reporter") -> bytes:
    """A whole aggregate report of one record."""
    return SHORT_REPORT % (org.encode(), report_id.encode())


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zipped(members: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive as `zipfile` writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            # Without the moment, so that the same members make the same bytes.
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return buffer.getvalue()


def part(data: bytes, media: str = "application/gzip", name: str = "", *, encoding: str = "base64") -> bytes:
    """One MIME part, header and body."""
    lines = [f"Content-Type: {media}"]
    if name:
        lines.append(f'Content-Disposition: attachment; filename="{name}"')
    if encoding:
        lines.append(f"Content-Transfer-Encoding: {encoding}")
    body = base64.encodebytes(data).replace(b"\n", b"\r\n") if encoding == "base64" else data
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def multipart(
    parts: Iterable[bytes], *, boundary: str = "limit", subtype: str = "mixed", after: str = ""
) -> bytes:
    """A multipart part; `after` is appended to its Content-Type."""
    mark = f"--{boundary}".encode()
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"{after}\r\n\r\n'.encode()
    return head + b"".join(mark + b"\r\n" + each + b"\r\n" for each in parts) + mark + b"--\r\n"


def mail(body_part: bytes, *above: str, sender: str = "Reports <dmarc@reporter.example>") -> bytes:
    """A message around a part; `above` are header fields put on top of it."""
    fields = [*above, f"From: {sender}", "To: dmarc@example.com", "Date: Fri, 02 Jan 2026 03:04:05 +0000"]
    fields += [
        "Subject: Report Domain: example.com Submitter: reporter.example Report-ID: <1>",
        "MIME-Version: 1.0",
    ]
    return "\r\n".join(fields).encode() + b"\r\n" + body_part
