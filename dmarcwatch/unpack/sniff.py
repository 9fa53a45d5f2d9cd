"""What bytes are, told by what they begin with; declared types and file names are never believed."""

import re
from enum import Enum, auto

HEAD_BYTES = 64 * 1024
"""How far into a document its root element is looked for; comments may stand before it."""


class Kind(Enum):
    """What a run of bytes begins like."""

    EMPTY = auto()
    GZIP = auto()
    ZIP = auto()
    REPORT = auto()
    """XML with a `feedback` element near its start, well formed or not."""
    TLS_REPORT = auto()
    """A TLS report (RFC 8460), which is JSON."""
    PLACEHOLDER = auto()
    """The word a reporter sent where a report should be."""
    FOREIGN = auto()
    """A container that nobody can open here; `foreign_container` names it."""
    TEXT = auto()
    """Other markup or JSON: readable, and no report."""
    UNKNOWN = auto()


GZIP_MAGIC = b"\x1f\x8b\x08"
"""RFC 1952 section 2.3.1; deflate is the only method there is."""
ZIP_MAGIC = b"PK\x03\x04"
_EMPTY_ZIP_MAGIC = b"PK\x05\x06"
_CONTAINERS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Outlook (.msg) or other OLE file"),
    (b"\x78\x9f\x3e\x22", "TNEF (winmail.dat)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
)
_CONTAINER_MAGICS = tuple(magic for magic, _ in _CONTAINERS)
# White space and byte order marks; the zero bytes are UTF-16's.
_LEAD = b" \t\r\n\x00\xef\xbb\xbf\xfe\xff"
_FEEDBACK = re.compile(rb"<(?:[\w.-]{1,64}:)?(?i:feedback)[\s>/]")
_TLS_KEY = re.compile(rb'"(?:policies|organization-name)"\s*:')
# How gzip, zip, `<?xml`, `<feedback` and a byte order mark begin in base64.
_BASE64_LEADS = (b"H4sI", b"UEsDB", b"PD94", b"PGZl", b"77u/")


def sniff(head: bytes) -> Kind:
    """What the first `HEAD_BYTES` of something are."""
    if head.startswith(GZIP_MAGIC):
        return Kind.GZIP
    if head.startswith((ZIP_MAGIC, _EMPTY_ZIP_MAGIC)):
        return Kind.ZIP
    if head.startswith(_CONTAINER_MAGICS):
        return Kind.FOREIGN
    return _sniff_text(head)


def foreign_container(head: bytes) -> str | None:
    """The container that nobody can open here, as a person calls it; None for anything else."""
    return next((name for magic, name in _CONTAINERS if head.startswith(magic)), None)


def without_blank_lines(data: bytes) -> bytes:
    """`data` without the line ends in front of gzip data or a zip archive, which gateways add."""
    if not data.startswith((b"\r", b"\n")):
        return data
    trimmed = data.lstrip(b"\r\n")
    return trimmed if trimmed.startswith((GZIP_MAGIC, ZIP_MAGIC)) else data


def is_bare_base64(head: bytes) -> bool:
    """True for the text of an attachment that lost its mail, or whose encoding no header names."""
    return head.lstrip().startswith(_BASE64_LEADS)


def may_hold_report(head: bytes) -> bool:
    """False for what people and calendars write: a text that quotes a report is none.

    Asked of parts that neither by name nor by type claim to be one. A stranger can have large senders
    mail his words under their name and signature, an invitation for example, but not begin the part.
    """
    head = without_blank_lines(head)
    if head.startswith((GZIP_MAGIC, ZIP_MAGIC, *_CONTAINER_MAGICS)) or is_placeholder(head):
        return True
    return head[:64].lstrip(_LEAD).startswith((b"<", b"{", *_BASE64_LEADS))


def begins_document(head: bytes) -> bool:
    """True where an XML document begins, rather than the middle of one."""
    text = _narrow(head[:512])
    return text.startswith(b"<?xml") or _FEEDBACK.match(text) is not None


def is_markup(head: bytes) -> bool:
    """True where the first character is markup's."""
    return head[:64].lstrip(_LEAD).startswith(b"<")


def is_placeholder(head: bytes) -> bool:
    """True for the word that Yahoo sent in place of reports in May 2023."""
    return head[:16].strip().lower() == b"unused"


def _sniff_text(head: bytes) -> Kind:
    text = _narrow(head)
    if not text:
        return Kind.EMPTY
    if text.startswith(b"{"):
        return Kind.TLS_REPORT if _TLS_KEY.search(text) else Kind.TEXT
    if _FEEDBACK.search(text):
        return Kind.REPORT
    if text.startswith(b"<"):
        return Kind.TEXT
    return Kind.PLACEHOLDER if is_placeholder(text) else Kind.UNKNOWN


def _narrow(head: bytes) -> bytes:
    """`head` from its first character on, UTF-16 as single bytes, enough to find ASCII words in it."""
    text = head.lstrip(_LEAD)
    return text.replace(b"\x00", b"") if b"\x00" in text[:8] else text
