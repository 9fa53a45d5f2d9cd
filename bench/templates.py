"""Aggregate reports and their mails as text templates: what reporters' files look like, made fast.

The benchmark's own writer, because a generator that builds values first would take longer than what is
measured. Shapes follow the reporters named (which elements they leave out, how their mails nest); names
are reserved ones (RFC 2606), addresses are Amazon SES's or private.
"""

import gzip
import io
import zipfile
from base64 import encodebytes
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import NamedTuple

MTIME = 0
"""Of every archive, so that one seed gives the same bytes each time."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who writes a report, and the peculiarities that decide what its files cost to read."""

    org_name: str
    email: str
    host: str
    """First part of the file's name."""
    weight: int
    scope: bool = True
    """Names the SPF scope."""
    selector: bool = True
    recipients: int = 0
    """Different values of `envelope_to`; 0 where the reporter names none."""
    last_second: int = 86_399
    """`end` is the day's begin and this."""
    mail: str = "mixed"
    """`zip`: the archive is the whole mail; `nested`: four multiparts deep; `mixed`: text and archive."""


class Kind(NamedTuple):
    """One way in which mail of the organisation, or of strangers, authenticates."""

    weight: int
    networks: tuple[str, ...]
    """First two octets of the addresses it comes from."""
    hosts: int
    """How many addresses it has in all; the last two octets come from these."""
    dkim: tuple[tuple[str, str, str], ...]
    """Domain, selector, result; `{d}` is the From domain, `{n}` a number below `variants`."""
    spf: tuple[str, str]
    evaluated: tuple[str, str]
    reason: str | None = None
    """Type of the override reason."""
    variants: int = 1
    """Forwarders, spoofers and bulk senders have many names: without this long tail every record would
    repeat another one's text, which flatters readers that remember."""


REPORTERS = (
    Reporter("google.com", "noreply-dmarc-support@google.com", "google.com", 30, scope=False, mail="zip"),
    Reporter("Enterprise Outlook", "dmarcreport@microsoft.com", "enterprise.protection.outlook.com", 22,
             recipients=150, last_second=86_400, mail="nested"),
    Reporter("Outlook.com", "dmarcreport@microsoft.com", "protection.outlook.com", 10,
             recipients=12, last_second=86_400, mail="nested"),
    Reporter("Yahoo", "dmarchelp@yahooinc.com", "yahoo.com", 12, scope=False),
    Reporter("AMAZON-SES", "postmaster@amazonses.com", "amazonses.com", 8, scope=False, selector=False,
             last_second=86_400),
    Reporter("Mail.Ru", "dmarc_support@corp.mail.ru", "mail.ru", 5, last_second=86_400),
    Reporter("Fastmail Pty Ltd", "reports@fastmaildmarc.com", "fastmail.com", 4, recipients=8),
    Reporter("GMX", "noreply-dmarc@sicher.gmx.net", "gmx.net", 5),
    Reporter("WEB.DE", "noreply-dmarc@sicher.web.de", "web.de", 4),
)  # fmt: skip

_EASY = "k7tq3vzw5nmy2hs4xbdr6ulcfa2pe3gj"
_WEST = (("{d}", _EASY, "pass"), ("amazonses.com", "ihchhvubuqgjsxyuhssfvqohv7z3u4hn", "pass"))
_EAST = (("amazonses.com", "224i4yxa5dv7c2xz3womw6peuasteono", "pass"),)
_BOTH, _DKIM, _NEITHER = ("pass", "pass"), ("pass", "fail"), ("fail", "fail")
KINDS = (
    # Own mail through SES: custom MAIL FROM, the default one, and a region nobody set up.
    Kind(38, ("54.240", "69.169", "76.223"), 400, _WEST, ("bounce.{d}", "pass"), _BOTH),
    Kind(10, ("54.240",), 200, _WEST, ("eu-west-1.amazonses.com", "pass"), _DKIM),
    Kind(3, ("54.240",), 60, _EAST, ("amazonses.com", "pass"), _NEITHER),
    # People's mail, a newsletter; receipts forwarded, a mailing list.
    Kind(16, ("10.85",), 250, (("{d}", "google", "pass"),), ("{d}", "pass"), _BOTH),
    Kind(7, ("10.2",), 120, (("{d}", "k2", "pass"), ("mcsv.net", "k2", "pass")),
         ("mail{n}.suw12.mcsv.net", "pass"), _DKIM, variants=120),
    Kind(6, ("10.66", "10.67"), 3000, _WEST, ("alumni{n}.example", "pass"), _DKIM, variants=600),
    Kind(3, ("10.68",), 900, (("{d}", "google", "fail"), ("lists{n}.example", "list", "pass")),
         ("lists{n}.example", "pass"), _NEITHER, reason="mailing_list", variants=150),
    # Strangers.
    Kind(11, ("10.100", "10.101", "10.102", "10.103"), 65_536, (), ("{d}", "softfail"), _NEITHER),
    Kind(6, ("10.110", "10.111"), 65_536, (), ("host{n}.invalid", "none"), _NEITHER, variants=20_000),
)  # fmt: skip


def document(reporter: Reporter, domain: str, day: int, number: int) -> tuple[str, str]:
    """What stands before the records and after them; `day` is the epoch second it begins at."""
    head = (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<feedback>\n  <version>1.0</version>\n  <report_metadata>\n'
        f"    <org_name>{reporter.org_name}</org_name>\n    <email>{reporter.email}</email>\n"
        f"    <report_id>{day // 86_400}{number:014d}</report_id>\n    <date_range>\n"
        f"      <begin>{day}</begin>\n      <end>{day + reporter.last_second}</end>\n    </date_range>\n"
        "  </report_metadata>\n  <policy_published>\n"
        f"    <domain>{domain}</domain>\n    <adkim>r</adkim>\n    <aspf>r</aspf>\n    <p>none</p>\n"
        "    <sp>none</sp>\n    <pct>100</pct>\n    <fo>0</fo>\n  </policy_published>\n"
    )
    return head, "</feedback>\n"


@cache
def body(reporter: Reporter, domain: str, kind: Kind) -> str:
    """A record's text from `policy_evaluated` on, with `{n}` and `{to}` left open."""
    reason = f"        <reason>\n          <type>{kind.reason}</type>\n        </reason>\n"
    envelope = kind.spf[0].replace("{d}", domain)
    recipient = f"      <envelope_to>{{to}}</envelope_to>\n      <envelope_from>{envelope}</envelope_from>\n"
    signatures = "".join(_signature(reporter, domain, *signature) for signature in kind.dkim)
    scope = "        <scope>mfrom</scope>\n" if reporter.scope else ""
    return (
        "      <policy_evaluated>\n        <disposition>none</disposition>\n"
        f"        <dkim>{kind.evaluated[0]}</dkim>\n        <spf>{kind.evaluated[1]}</spf>\n"
        f"{reason if kind.reason else ''}"
        "      </policy_evaluated>\n    </row>\n    <identifiers>\n"
        f"{recipient if reporter.recipients else ''}"
        f"      <header_from>{domain}</header_from>\n    </identifiers>\n    <auth_results>\n"
        f"{signatures}      <spf>\n        <domain>{envelope}</domain>\n{scope}"
        f"        <result>{kind.spf[1]}</result>\n      </spf>\n    </auth_results>\n  </record>\n"
    )


def record(reporter: Reporter, domain: str, kind: Kind, rng: Random) -> str:
    """One record: few names, hosts and recipients stand in most, many in one."""
    text = body(reporter, domain, kind)
    if kind.variants > 1:
        text = text.replace("{n}", str(int(kind.variants * rng.random() ** 3)))
    if reporter.recipients:
        text = text.replace("{to}", f"customer{int(reporter.recipients * rng.random() ** 3)}.example")
    count = min(5_000, int(rng.paretovariate(1.1)))
    return (
        f"  <record>\n    <row>\n      <source_ip>{address(kind, rng)}</source_ip>\n"
        f"      <count>{count}</count>\n{text}"
    )


def address(kind: Kind, rng: Random) -> str:
    """One of the kind's addresses; low ones often, as big senders' first hosts carry most."""
    host = int(kind.hosts * rng.random() ** 1.5)
    return f"{kind.networks[host % len(kind.networks)]}.{host >> 8}.{host & 255}"


def _signature(reporter: Reporter, domain: str, signer: str, selector: str, result: str) -> str:
    named = f"        <selector>{selector}</selector>\n" if reporter.selector else ""
    return (
        f"      <dkim>\n        <domain>{signer.replace('{d}', domain)}</domain>\n{named}"
        f"        <result>{result}</result>\n      </dkim>\n"
    )


def mail(reporter: Reporter, domain: str, name: str, xml: bytes) -> bytes:
    """The report as the reporter mails it; `name` is the file's name without ending."""
    if reporter.mail == "zip":
        return _head(reporter, domain, name) + _attachment(
            "application/zip", f"{name}.zip", zipped(name, xml)
        )
    archive = _attachment("application/gzip", f"{name}.xml.gz", gzipped(xml))
    text = b"Content-Type: text/plain; charset=us-ascii\r\n\r\nThis is an aggregate report.\r\n"
    if reporter.mail == "nested":
        html = b"Content-Type: text/html; charset=us-ascii\r\n\r\n<div>" + b"A report. " * 200 + b"</div>\r\n"
        text = _multipart("related", _multipart("alternative", html))
    return _head(reporter, domain, name) + _multipart("mixed", text, archive)


def gzipped(xml: bytes) -> bytes:
    """As xml.gz."""
    return gzip.compress(xml, 6, mtime=MTIME)


def zipped(name: str, xml: bytes) -> bytes:
    """As a zip with one member."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{name}.xml"), xml, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _head(reporter: Reporter, domain: str, name: str) -> bytes:
    signature = "\r\n\t".join("mC4f7Kq9Zp1xT0vR8sWb2Ld6Yh3Jn5Ge7Ua9Ic1Oo4Qe6Mz8Xk0Vt2Br" for _ in range(6))
    hops = "".join(
        f"Received: from out{hop}.{reporter.host} (out{hop}.{reporter.host} [10.9.{hop}.1])\r\n"
        f"\tby mx{hop}.example.com (Postfix) with ESMTPS id {hop:08X}\r\n"
        "\tfor <dmarc@example.com>; Mon, 02 Mar 2026 04:05:06 +0000 (UTC)\r\n"
        for hop in range(4)
    )
    return (
        f"{hops}Authentication-Results: mx.example.com; dkim=pass header.d={reporter.host};\r\n"
        f"\tspf=pass smtp.mailfrom={reporter.host}; dmarc=pass header.from={reporter.host}\r\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={reporter.host}; s=20250101;\r\n"
        "\th=to:from:subject:message-id:date:mime-version;\r\n"
        "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
        f"\tb={signature}\r\nFrom: {reporter.email}\r\nTo: dmarc@example.com\r\n"
        f"Subject: Report Domain: {domain} Submitter: {reporter.host}\r\n Report-ID: <{name}>\r\n"
        f"Message-ID: <{name}@{reporter.host}>\r\nDate: Mon, 02 Mar 2026 04:05:06 +0000\r\n"
        "MIME-Version: 1.0\r\n"
    ).encode()


def _attachment(media_type: str, name: str, data: bytes) -> bytes:
    head = (
        f'Content-Type: {media_type}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    )
    return head.encode() + encodebytes(data).replace(b"\n", b"\r\n")


def _multipart(subtype: str, *parts: bytes) -> bytes:
    boundary = f"=_{subtype}_7f3a9c"
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'
    joined = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return head.encode() + joined + f"--{boundary}--\r\n".encode()
