"""Documents as an attacker would write them; see `tests.hostile`."""

from collections.abc import Callable

from tests.mail_build import gz, report

MEGABYTE = 1 << 20
HEAD, TAIL = report().split(b"<record>", 1)
RECORD = b"<record>" + TAIL.removesuffix(b"</feedback>")
PROLOG, ROOT = HEAD.split(b"<feedback>", 1)


def declared(doctype: bytes, org: bytes = b"&a;") -> bytes:
    """A report behind a document type declaration."""
    return PROLOG + doctype + b"<feedback>" + ROOT.replace(b"Reporter", org) + RECORD + b"</feedback>"


def named(org: bytes) -> bytes:
    return report().replace(b"Reporter", org)


def _laughs() -> bytes:
    entities = b"".join(b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    return declared(b'<!DOCTYPE feedback [<!ENTITY a0 "ha">' + entities + b"]>", b"&a9;")


def _with(place: bytes, more: bytes) -> bytes:
    """The report with `more` before `place`."""
    return report().replace(place, more + place, 1)


def _records(middle: bytes) -> bytes:
    return HEAD + middle + RECORD + b"</feedback>"


SIGNATURE = b"<dkim><domain>d%d.example</domain><selector>s</selector><result>pass</result></dkim>"
REASON = b"<reason><type>other</type><comment>%d</comment></reason>"

XML: dict[str, Callable[[], tuple[bytes, str | None]]] = {
    "xml-billion-laughs": lambda: (_laughs(), "doctype"),
    "xml-quadratic-entity": lambda: (
        declared(b'<!DOCTYPE f [<!ENTITY a "%b">]>' % (b"a" * 50_000), b"&a;" * 5_000),
        "doctype",
    ),
    "xml-entity-reads-a-file": lambda: (
        declared(b'<!DOCTYPE f [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        "doctype",
    ),
    "xml-entity-asks-the-network": lambda: (
        declared(b'<!DOCTYPE f [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>', b"x"),
        "doctype",
    ),
    "xml-external-doctype": lambda: (
        declared(b'<!DOCTYPE feedback SYSTEM "http://127.0.0.1:9/x.dtd">', b"x"),
        "doctype",
    ),
    "xml-default-attributes": lambda: (
        declared(b'<!DOCTYPE f [<!ATTLIST record a CDATA "%b">]>' % (b"a" * 9_000), b"x"),
        "doctype",
    ),
    "xml-doctype-in-utf-16": lambda: (
        declared(b"<!DOCTYPE feedback>", b"x").decode().encode("utf-16"),
        "doctype",
    ),
    "xml-doctype-behind-a-comment": lambda: (declared(b"<!-- > -->\n<!DOCTYPE\nfeedback>", b"x"), "doctype"),
    "xml-doctype-and-malformed": lambda: (
        declared(b'<!DOCTYPE f [<!ENTITY a SYSTEM "file:///etc/passwd">]>').replace(b"</feedback>", b"</feed"),
        "doctype",
    ),
    "xml-hundred-thousand-deep": lambda: (_with(b"<report_metadata>", b"<a>" * 100_000), "xml-depth"),
    "xml-deep-in-a-record": lambda: (
        _with(b"<row>", b"<row>" * 50_000 + b"</row>" * 50_000),
        "xml-depth",
    ),
    "xml-attribute-flood": lambda: (
        report().replace(b"<record>", b"<record %b>" % b" ".join(b'a%d="b"' % n for n in range(500_000))),
        "text-chars",
    ),
    "xml-name-of-ten-megabytes": lambda: (_with(b"<record>", b"<" + b"n" * 10 * MEGABYTE + b"/>"), "text-chars"),
    "xml-comment-of-ten-megabytes": lambda: (
        _with(b"<record>", b"<!--" + b"c" * 10 * MEGABYTE + b"-->"),
        "text-chars",
    ),
    "xml-text-of-ten-megabytes": lambda: (named(b"o" * 10 * MEGABYTE), "text-chars"),
    "xml-cdata-of-ten-megabytes": lambda: (named(b"<![CDATA[" + b"o" * 10 * MEGABYTE + b"]]>"), "text-chars"),
    "xml-instruction-flood": lambda: (_with(b"<record>", b"<?p i?>" * 500_000), None),
    "xml-namespace-flood": lambda: (
        report().replace(b"<record>", b"<record %b>" % b" ".join(b'xmlns:n%d="u"' % n for n in range(50_000))),
        None,
    ),
    "xml-signature-flood": lambda: (
        _with(b"<spf><domain>", b"".join(SIGNATURE % n for n in range(20_000))),
        "leaves",
    ),
    "xml-some-signatures-too-many": lambda: (
        _with(b"<spf><domain>", b"".join(SIGNATURE % n for n in range(150))),
        None,
    ),
    "xml-reason-flood": lambda: (
        _with(b"</policy_evaluated>", b"".join(REASON % n for n in range(20_000))),
        "leaves",
    ),
    "xml-record-flood": lambda: (_records(b"<record/>" * 20_000), None),
    "xml-metadata-flood": lambda: (_with(b"<report_id>", b"<error>e</error>" * 200_000), "leaves"),
    "xml-count-beyond-sqlite": lambda: (
        report().replace(b"<count>1<", b"<count>10000000000000000000000000<"),
        None,
    ),
    "xml-count-of-a-million-digits": lambda: (report().replace(b"<count>1<", b"<count>%b<" % (b"9" * MEGABYTE)), None),
    "xml-count-negative": lambda: (report().replace(b"<count>1<", b"<count>-5<"), None),
    "xml-count-in-other-digits": lambda: (
        report().replace(b"<count>1<", "<count>१२<".encode()),
        None,
    ),
    "xml-invalid-utf-8": lambda: (named(b"\x91\xff\xfe"), None),
    "xml-null-bytes": lambda: (named(b"a\0b"), None),
    "xml-encoding-unknown": lambda: (
        report().replace(b'"1.0"', b'"1.0" encoding="x-made-up"'),
        None,
    ),
    "xml-encoding-that-runs-code": lambda: (
        report().replace(b'"1.0"', b'"1.0" encoding="unicode_escape"'),
        None,
    ),
    "xml-undefined-entity": lambda: (named(b"&nosuch;"), None),
    "xml-character-references-to-controls": lambda: (named(b"&#27;[31m&#x202e;&#7;"), None),
    "xml-script-in-org-name": lambda: (named(b"&lt;script&gt;alert(1)&lt;/script&gt;"), None),
    "xml-formula-in-org-name": lambda: (named(b"=HYPERLINK(&quot;http://x.example&quot;)"), None),
    "xml-terminal-codes-in-org-name": lambda: (named("\x9b31m\u202eelgoog\u2066".encode()), None),
    "xml-link-in-report-id": lambda: (report("https://x.example/"), None),
    "xml-sql-in-report-id": lambda: (report("1'); DROP TABLE reports; --"), None),
    "xml-domain-of-a-megabyte": lambda: (
        report().replace(b"<header_from>example.com", b"<header_from>" + b"a." * (MEGABYTE // 2) + b"com"),
        None,
    ),
    "xml-two-reports-in-one": lambda: (report("1") + report("2"), None),
    "xml-report-in-a-report": lambda: (_with(b"<record>", report("2").split(b"?>", 1)[1]), None),
    "xml-without-metadata": lambda: (PROLOG + b"<feedback></feedback>", "no-date-range"),
    "xml-dates-of-another-age": lambda: (report().replace(b"1767225600", b"1" * 30), None),
    "xml-end-before-begin": lambda: (report().replace(b"<end>1767311999", b"<end>1700000000"), None),
    "xml-ten-years-at-once": lambda: (report().replace(b"<begin>1767225600", b"<begin>1451606400"), None),
    "xml-cut-in-a-record": lambda: (report()[:-200], None),
    "xml-cut-in-the-head": lambda: (report()[:200], "malformed"),
    "xml-noise-behind-the-root": lambda: (report()[:60] + bytes(range(61, 256)) * 50, "malformed"),
    "xml-other-root": lambda: (report().replace(b"feedback>", b"payback>"), "no-report"),
    "xml-feedback-not-the-root": lambda: (
        b"<html><body><feedback>" + ROOT + RECORD + b"</feedback></body></html>",
        "no-feedback",
    ),
    "xml-packed-and-padded": lambda: (gz(report() + b"\n" * 20 * MEGABYTE), "ratio"),
}  # fmt: skip
