"""Items as an attacker would send them to the public address of a domain's reports, built by code.

`hostile()` gives name -> (bytes, reason): the reason the item is rejected with, or None where the report
in it can be read in spite of all and what is hostile in it must come to nothing.
"""

import zlib
from collections.abc import Callable

from tests.hostile_xml import XML
from tests.hostile_zips import ZIPS
from tests.mail_build import gz, mail, multipart, part, report, zipped

Item = tuple[bytes, str | None]
MEGABYTE = 1 << 20


def hostile() -> dict[str, Item]:
    """All items, more than a hundred; the largest is of 41 MB, all together of some 200 MB."""
    return {name: make() for name, make in makers().items()}


def makers() -> dict[str, Callable[[], Item]]:
    """Name -> the function that builds the item, for whoever wants one at a time."""
    return {**_GZIPS, **ZIPS, **_MAILS, **XML}


def zeros(megabytes: int, head: bytes = b"") -> bytes:
    """Gzip data that inflates to `head` and zero bytes, near deflate's limit of 1032 to 1.

    Made of one megabyte's block again and again; its checksum is wrong, which nobody lives to see.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\0" * MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + b"\0" * 7 + start + block * megabytes + packer.flush() + b"\0" * 8


def _gzip_members_bomb() -> Item:
    return gz(b"<feedback>" + b"\0" * MEGABYTE) * 300, "ratio"


_GZIPS: dict[str, Callable[[], Item]] = {
    "gzip-bomb": lambda: (zeros(4096), "ratio"),
    "gzip-bomb-behind-a-report": lambda: (zeros(4096, report()), "ratio"),
    "gzip-bomb-in-members": _gzip_members_bomb,
    "gzip-member-flood": lambda: (gz(b"") * 400_000, "members"),
    "gzip-in-gzip": lambda: (gz(gz(report())), "nested-archive"),
    "gzip-in-gzip-in-gzip": lambda: (gz(gz(gz(zeros(1)))), "nested-archive"),
    "zip-in-gzip": lambda: (gz(zipped({"a.xml": report()})), "nested-archive"),
    "gzip-header-alone": lambda: (gz(report())[:10], "damaged"),
    "gzip-name-without-end": lambda: (b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * MEGABYTE, "damaged"),
    "gzip-reserved-flags": lambda: (b"\x1f\x8b\x08\xe0" + gz(report())[4:], "damaged"),
    "gzip-of-nothing": lambda: (gz(b""), "empty"),
    "gzip-corrupt-in-the-middle": lambda: (_corrupt(gz(report())), None),
    "gzip-with-garbage-behind": lambda: (gz(report()) + b"\x1f\x8b\x08" + b"\xff" * 100, None),
}


def _corrupt(packed: bytes) -> bytes:
    middle = len(packed) * 3 // 4
    return packed[:middle] + b"\xff" * 16 + packed[middle + 16 :]


ATTACHED = part(gz(report()), name="reporter.example!example.com!1767225600!1767311999.xml.gz")


def _packed_flood() -> bytes:
    """More packed files than one item may hold, in fewer parts and members than each alone may have."""
    return mail(multipart([part(zipped({"a.txt": b"x", "b.txt": b"y"}))] * 60))


def _nested(depth: int) -> bytes:
    """Multiparts in one another, written from the outside so that it costs nothing to build."""
    marks = [b"%05d" % level for level in range(depth)]
    return mail(
        b"".join(b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n" % (m, m) for m in marks)
    )


def _flood(body: bytes, media: str = "multipart/mixed; boundary=limit") -> bytes:
    return mail(b"Content-Type: " + media.encode() + b"\r\n\r\n" + body)


def _with(field: str) -> bytes:
    return mail(ATTACHED, field)


_MAILS: dict[str, Callable[[], Item]] = {
    "mime-ten-thousand-deep": lambda: (_nested(10_000), "mime-depth"),
    "messages-ten-thousand-deep": lambda: (
        b"From: a@b.example\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 10_000,
        "mime-depth",
    ),
    "part-flood": lambda: (_flood(b"--limit\r\n\r\nx\r\n" * 1_000_000), "parts"),
    "empty-part-flood": lambda: (_flood(b"--limit\r\n" * 1_000_000), "parts"),
    "false-delimiter-flood": lambda: (_flood(b"--limitX" * 1_000_000), "parts"),
    "packed-part-flood": lambda: (_packed_flood(), "parts"),
    "field-flood": lambda: (_with("A: b\r\n" * 1_000_000 + "A: b"), "header-bytes"),
    "field-of-ten-megabytes": lambda: (_with("A: " + "b" * 10 * MEGABYTE), "header-bytes"),
    "fold-flood": lambda: (_with("A:" + "\r\n b" * 1_000_000), "header-bytes"),
    "field-flood-in-a-part": lambda: (
        mail(multipart([b"A: b\r\n" * 1_000_000 + b"\r\nx", ATTACHED])),
        "header-bytes",
    ),
    "larger-than-any-mail": lambda: (mail(part(b"\0" * 41 * MEGABYTE, encoding="")), "message-bytes"),
    "part-larger-than-any": lambda: (mail(part(b"\0" * 33 * MEGABYTE, encoding="")), "part-bytes"),
    "archive-larger-than-any-mail": lambda: (gz(report()) + b"\0" * 41 * MEGABYTE, "message-bytes"),
    "base64-of-garbage": lambda: (mail(part(bytes(range(128, 256)) * 9, name="r.xml.gz")), "damaged"),
    "base64-cut-at-a-letter": lambda: (mail(ATTACHED).rstrip()[:-5], None),
    "boundary-of-pattern-characters": lambda: (mail(multipart([ATTACHED], boundary="(.*)+[a]{9}\\")), None),
    "boundary-of-a-thousand": lambda: (mail(multipart([ATTACHED], boundary="b" * 1000)), None),
    "boundary-empty": lambda: (mail(multipart([ATTACHED], boundary="")), "no-report"),
    "boundary-one-for-two-levels": lambda: (mail(multipart([multipart([ATTACHED])])), None),
    "parameter-flood": lambda: (_with("X-A: b\r\nContent-Type: a/b" + ";a=b" * 40_000), None),
    "encoded-word-flood": lambda: (_with("Subject: " + "=?utf-8?q?a?= " * 10_000), None),
    "unfinished-words": lambda: (_with("Subject: " + "=?" * 50_000), None),
    "comments-in-comments": lambda: (_with("Sender: " + "(" * 100_000), None),
    "from-of-comments": lambda: (mail(ATTACHED, sender="(" * 100_000 + "a@google.com"), None),
    "from-of-many": lambda: (mail(ATTACHED, sender="a@google.com, " * 5_000), None),
    "date-of-digits": lambda: (_with("Date: " + "1 " * 50_000), None),
    "null-bytes-in-the-header": lambda: (_with("X-Null: \0\0\0"), None),
    "results-forged-below": lambda: (
        _with("Received: by mx.example.com\r\nAuthentication-Results: mx; dmarc=pass"),
        None,
    ),
    "results-flood": lambda: (_with("\r\n".join(["Authentication-Results: mx; dmarc=pass"] * 4000)), None),
    "attachment-name-leaves-the-directory": lambda: (
        mail(part(gz(report()), name="../../../../tmp/owned.xml.gz")),
        None,
    ),
    "attachment-name-hides-its-end": lambda: (mail(part(gz(report()), name="\u202ezg.lmx.report")), None),
    "attachment-name-of-a-megabyte": lambda: (mail(part(gz(report()), name="n" * MEGABYTE)), "header-bytes"),
    "tnef": lambda: (
        mail(part(b"\x78\x9f\x3e\x22" + b"\0" * 99, "application/ms-tnef", "winmail.dat")),
        "unsupported",
    ),
    "smime-envelope": lambda: (mail(part(b"0\x82", "application/pkcs7-mime", "smime.p7m")), "unsupported"),
    "rar-in-disguise": lambda: (mail(part(b"Rar!\x1a\x07\0" + b"\0" * 99, name="r.xml.gz")), "unsupported"),
    "program-named-report": lambda: (mail(part(b"MZ\x90\0" + b"\0" * 999, name="a!b!1!2.xml.gz")), "damaged"),
    "bounce-with-a-report-inside": lambda: (_bounce(), "bounce"),
    "page-that-talks-of-feedback": lambda: (
        _flood(b"<html>&lt;feedback&gt;</html>", "text/html"),
        "no-report",
    ),
    "nothing": lambda: (b"", "empty"),
    "blanks": lambda: (b" \r\n" * MEGABYTE, "empty"),
    "noise": lambda: (bytes(range(256)) * 4096, "no-report"),
    "angle-brackets": lambda: (b"<" * 10 * MEGABYTE, "no-report"),
}


def _bounce() -> bytes:
    status = part(b"Reporting-MTA: dns; mx.example\r\n", "message/delivery-status", encoding="")
    returned = part(mail(ATTACHED), "message/rfc822", encoding="")
    return mail(multipart([status, returned], subtype="report", after="; report-type=delivery-status"))
