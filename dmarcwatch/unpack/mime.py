"""A mail taken apart: bytes in, its leaf parts out, bounded in depth and number by construction.

The walk keeps its own stack, so that no nesting can exhaust Python's, and copies nothing before a
part is decoded. Deviations are read as Python's `email` (compat32) reads them, with which it is
compared in the tests; what is read better than there is said at its place.
"""

import binascii
import contextlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import TooLarge
from dmarcwatch.mail.headers import Field, first_values, header_start, read_fields
from dmarcwatch.mail.rfc5322 import parameters
from dmarcwatch.reasons import Reason

_DELIMITER_END = re.compile(rb"(--)?[ \t]*(?:\r\n|\n|\r|\Z)")
_ANY_DELIMITER = re.compile(rb"^--([^\s-][^\r\n]{0,99}?)[ \t]*\r?\n", re.MULTILINE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_MORE_BASE64 = re.compile(rb"={1,2}\s+[A-Za-z0-9+/](?:[A-Za-z0-9+/\s]++={0,2}+)*+")
"""What follows the first padding where each line has its own."""
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} .*\n", re.MULTILINE)
_UU_ENCODINGS = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
_TOKEN = re.compile(rb"[a-z0-9-]+")
_ENCODINGS = {name.encode(): name for name in ("base64", "quoted-printable", "7bit", "8bit", "binary")} | {
    b"": ""
}
_MAX_FALSE_DELIMITERS = 1000
"""Lines that begin like the boundary and are none: a nested boundary with the same beginning, or a flood."""

_MESSAGES = ("message/rfc822", "message/global")
_NOTICES = ("delivery-status", "disposition-notification", "feedback-report")


class Leaf(NamedTuple):
    """One part that holds no further parts, still encoded."""

    type: str
    """Declared media type, lower case; `text/plain` where none is declared (RFC 2045 section 5.2)."""
    name: str
    """Declared file name, raw; empty where there is none."""
    encoding: str
    """Content-Transfer-Encoding, lower case; empty where there is none."""
    data: bytes
    start: int
    end: int
    """The encoded body is `data[start:end]`."""
    message: tuple[int, int]
    """Where in `data` the message lies that holds the part, its header included."""


class Mail(NamedTuple):
    """The outermost header and all leaf parts in the order in which they stand."""

    fields: tuple[Field, ...]
    leaves: tuple[Leaf, ...]


class _Region(NamedTuple):
    """A message or part still to be read, its header included."""

    data: bytes
    start: int
    end: int
    depth: int
    message: tuple[int, int]
    type: str = "text/plain"
    """What it is where it does not say."""


class _Content(NamedTuple):
    """What the Content fields of a part say."""

    type: str
    declared: bool
    name: str
    encoding: str
    boundary: bytes
    notice: bool
    """True for what a mail system says about other mail (RFC 6522)."""


def read_mail(data: bytes, budgets: Budgets) -> Mail:
    """Take `data` apart. Raises TooLarge for more parts, depth or header bytes than `budgets` allow.

    A message inside a delivery status or a complaint stays a leaf: it is returned mail, perhaps a report
    that went out from here, and nobody's report to us.
    """
    if b"\n" not in data:  # line ends of old Macs
        data = data.replace(b"\r", b"\n")
    return _Walk(budgets).read(data)


def decode(leaf: Leaf, budgets: Budgets) -> bytes:
    """The bytes of a leaf. Raises TooLarge where they are more than `max_part_bytes`.

    Total otherwise: what no alphabet holds is skipped, a cut tail is dropped.
    """
    encoded = leaf.end - leaf.start
    if (encoded * 18 // 25 if leaf.encoding == "base64" else encoded) > budgets.max_part_bytes:
        raise TooLarge(Reason.PART_BYTES, f"a part of more than {budgets.max_part_bytes} bytes")
    raw = leaf.data[leaf.start : leaf.end]
    if leaf.encoding == "base64":
        return decode_base64(raw)
    if leaf.encoding in _UU_ENCODINGS:
        return decode_uu(raw)
    return binascii.a2b_qp(raw) if leaf.encoding == "quoted-printable" else raw


def undecoded(leaf: Leaf, budgets: Budgets) -> bytes:
    """The bytes of a leaf as they stand in the mail. Raises TooLarge as `decode` does."""
    return decode(leaf._replace(encoding=""), budgets)


def decode_uu(raw: bytes) -> bytes:
    """What stands between `begin` and `end`; lines that hold nothing are skipped."""
    begin = _UU_BEGIN.search(raw)
    decoded: list[bytes] = []
    for line in raw[begin.end() :].splitlines() if begin else ():
        if line.rstrip() == b"end":
            break
        with contextlib.suppress(binascii.Error):
            # Some encoders put more characters on a line than its length says.
            decoded.append(binascii.a2b_uu(line[: 1 + ((line[0] - 32 & 63) + 2) // 3 * 4] if line else line))
    return b"".join(decoded)


def decode_base64(raw: bytes) -> bytes:
    """`raw` decoded as far as it goes; a footer that a mailing list added comes out as a garbage tail."""
    padding = raw.find(b"=")
    if padding >= 0 and _MORE_BASE64.fullmatch(raw, padding):
        return b"".join(map(_decode_base64, raw.split(b"=")))
    return _decode_base64(raw)


def _decode_base64(raw: bytes) -> bytes:
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:  # wrong padding: cut in transport, or characters lost
        letters = _NOT_BASE64.sub(b"", raw)
        return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


class _Walk:
    """One mail being taken apart, depth first, so that leaves come in the order in which they stand."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._stack: list[_Region] = []
        self._leaves: list[Leaf] = []
        self._notice = False

    def read(self, data: bytes) -> Mail:
        start = header_start(data, 0, len(data))
        region = _Region(data, start, len(data), 0, (start, len(data)))
        fields = self._open(region)
        parts = 1
        while self._stack:
            parts += 1
            if parts > self._budgets.max_parts:
                raise TooLarge(Reason.PARTS, f"a mail of more than {self._budgets.max_parts} parts")
            self._open(self._stack.pop())
        return Mail(tuple(fields), tuple(self._leaves))

    def _open(self, region: _Region) -> list[Field]:
        """Read one region: its parts go on the stack, or it is a leaf."""
        if region.depth > self._budgets.max_mime_depth:
            raise TooLarge(Reason.MIME_DEPTH, f"parts nested deeper than {self._budgets.max_mime_depth}")
        limit = self._budgets.max_header_bytes
        fields, body = read_fields(region.data, region.start, region.end, limit=limit)
        content = _content(fields, region.type)
        self._notice = self._notice or content.notice
        if content.type.startswith("multipart/") or not (content.declared or region.depth):
            spans = self._spans(region.data, body, region.end, boundary=content.boundary)
            if spans:
                self._push(region, spans, content.type)
                return fields
        leaf = Leaf(
            content.type, content.name, content.encoding, region.data, body, region.end, region.message
        )
        if _is_message(content) and not self._notice:
            self._push_message(region, leaf)
        else:
            self._leaves.append(leaf)
        return fields

    def _push(self, region: _Region, spans: Sequence[tuple[int, int]], container: str) -> None:
        default = "message/rfc822" if container == "multipart/digest" else "text/plain"  # RFC 2046 5.1.5
        data, depth, message = region.data, region.depth + 1, region.message
        self._stack += [_Region(data, start, end, depth, message, default) for start, end in reversed(spans)]

    def _push_message(self, region: _Region, leaf: Leaf) -> None:
        data, start, end = leaf.data, leaf.start, leaf.end
        if leaf.encoding in ("base64", "quoted-printable"):  # forbidden by RFC 2046 5.2.1, done by Outlook
            data = decode(leaf, self._budgets)
            start, end = 0, len(data)
        start = header_start(data, start, end)
        self._stack.append(_Region(data, start, end, region.depth + 1, (start, end)))

    def _spans(self, data: bytes, start: int, end: int, *, boundary: bytes) -> list[tuple[int, int]]:
        """Where the parts of a multipart body lie; empty where no delimiter line is found."""
        spans = self._split(data, start, end, boundary=boundary) if boundary else []
        if not spans and (guess := _ANY_DELIMITER.search(data, start, min(end, start + 4096))):
            # The boundary is missing or another one: misspelt headers lose it (`ContentType:`).
            spans = self._split(data, start, end, boundary=guess[1])
            spans = spans if len(spans) > 1 or data.find(b"--" + guess[1] + b"--", start, end) >= 0 else []
        return spans

    def _split(self, data: bytes, start: int, end: int, *, boundary: bytes) -> list[tuple[int, int]]:
        marker = b"--" + boundary
        spans: list[tuple[int, int]] = []
        opened, position, false = -1, start, 0
        while (found := data.find(marker, position, end)) >= 0:
            position = found + len(marker)
            line_end = _DELIMITER_END.match(data, position, end)
            if line_end is None or (found > start and data[found - 1] not in b"\r\n"):
                false += 1
            else:
                if opened >= 0:
                    spans.append((opened, _before_line_end(data, opened, found)))
                opened = position = line_end.end()
                if line_end[1]:
                    return spans
            if len(spans) > self._budgets.max_parts or false > _MAX_FALSE_DELIMITERS:
                raise TooLarge(Reason.PARTS, f"a mail of more than {self._budgets.max_parts} parts")
        if opened >= 0:  # no closing delimiter: the mail was cut
            spans.append((opened, _before_line_end(data, opened, end)))
        return spans


def _before_line_end(data: bytes, start: int, end: int) -> int:
    """`end` without the line end before a delimiter, which belongs to the delimiter (RFC 2046 5.1.1)."""
    if end > start and data[end - 1] == 10:
        end -= 1
    if end > start and data[end - 1] == 13:
        end -= 1
    return end


def _content(fields: Sequence[Field], default_type: str) -> _Content:
    first = first_values(fields)
    declared = first.get(b"content-type") or first.get(b"contenttype")  # Trustwave misspells it
    media, found = parameters(declared.decode("utf-8", "replace")) if declared else (default_type, {})
    disposition = first.get(b"content-disposition")
    name = parameters(disposition.decode("utf-8", "replace"))[1].get("filename") if disposition else None
    return _Content(
        type=media if media.count("/") == 1 else "text/plain",
        declared=declared is not None,
        name=name or found.get("name", ""),
        encoding=_encoding(first.get(b"content-transfer-encoding", b"")),
        boundary=found["boundary"].rstrip().encode("utf-8", "replace") if "boundary" in found else b"",
        notice=media.removeprefix("message/") in _NOTICES or found.get("report-type", "").lower() in _NOTICES,
    )


def _encoding(raw: bytes) -> str:
    known = _ENCODINGS.get(raw.strip())
    if known is not None:
        return known
    token = _TOKEN.search(raw.lower())
    return token[0].decode("ascii") if token else ""


def _is_message(content: _Content) -> bool:
    return content.type in _MESSAGES or content.name.lower().endswith(".eml")
