"""Header fields of a mail, and those of them that say who sent a report and who vouches for it.

A reader of its own, because Python's `email` costs ten times as long and knows no bounds: here a
field is one match of a linear expression, and a header block has a budget.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dmarcwatch.errors import TooLarge
from dmarcwatch.reasons import Reason
from dmarcwatch.rfc5322 import address_domain, decode_words, read_date, text_of
from dmarcwatch.text import clean

Field = tuple[bytes, bytes]
"""Lower-case name, raw value with its folding."""

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*(?:\r?\n[ \t].*)*)(?:\r?\n|\Z)")
_LEADING = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*(?:>?From .*(?:\n|\Z))?")
_BLANK_LINE = re.compile(rb"\r?\n")
_SES_RECEIVED = re.compile(rb"\bby\s+inbound-smtp\.[a-z0-9-]+\.amazonaws\.com\b")
_TEXT_CHARS = 256
_RESULT_CHARS = 8192
_MAX_RESULTS = 20


@dataclass(frozen=True, slots=True)
class MailHeaders:
    """What the outermost mail of an item says; only what its last host put on top is not its sender's."""

    from_domain: str | None
    """The one domain the From field names, in normal form; None where it names none or several."""
    date: datetime | None
    """Aware UTC; None where absent or no date."""
    subject: str | None
    message_id: str | None
    authentication_results: tuple[str, ...] = ()
    """Values of Authentication-Results, topmost first, unfolded; at most 20."""
    results_above_received: int = 0
    """How many of them stand above the first Received field: those the last host certainly added itself."""
    has_dkim_signature: bool = False
    ses_inbound: bool = False
    """True where the first Received field names an SES inbound endpoint; a hint, anybody can write so."""


def read_fields(data: bytes, start: int, end: int, *, limit: int) -> tuple[list[Field], int]:
    """The fields of a header block, and where its body begins.

    The block ends at an empty line or, as in Python's `email`, at the first line that is no field.
    Raises TooLarge where it is longer than `limit` bytes.
    """
    stop = min(end, start + limit)
    fields: list[Field] = []
    position = start
    while (match := _FIELD.match(data, position, stop)) is not None:
        fields.append((match[1].lower(), match[2]))
        position = match.end()
    if position >= stop < end:
        raise TooLarge(Reason.HEADER_BYTES, f"a header block of more than {limit} bytes")
    blank = _BLANK_LINE.match(data, position, end)
    return fields, blank.end() if blank else position


def header_start(data: bytes, start: int, end: int) -> int:
    """Where a message's header block begins: behind empty lines and an mbox's `From ` line."""
    leading = _LEADING.match(data, start, end)
    return leading.end() if leading else start


def looks_like_mail(data: bytes) -> bool:
    """True where `data` begins with a header field, or with an mbox's `From ` line and one."""
    return _FIELD.match(data, header_start(data, 0, len(data))) is not None


def mail_headers(fields: Sequence[Field]) -> MailHeaders:
    """What trust needs to know of a mail."""
    values: dict[bytes, list[bytes]] = {}
    above = 0
    for name, value in fields:
        if name == b"received" and name not in values:
            above = len(values.get(b"authentication-results", ()))
        values.setdefault(name, []).append(value)
    results = values.get(b"authentication-results", [])[:_MAX_RESULTS]
    senders = values.get(b"from", [])
    return MailHeaders(
        from_domain=address_domain(text_of(senders[0])) if len(senders) == 1 else None,
        date=read_date(text_of(values[b"date"][0])) if b"date" in values else None,
        subject=_text(values, b"subject"),
        message_id=_text(values, b"message-id"),
        authentication_results=tuple(clean(text_of(value), _RESULT_CHARS) for value in results),
        results_above_received=min(above, _MAX_RESULTS),
        has_dkim_signature=b"dkim-signature" in values,
        ses_inbound=b"received" in values and _SES_RECEIVED.search(values[b"received"][0]) is not None,
    )


def _text(values: dict[bytes, list[bytes]], name: bytes) -> str | None:
    if name not in values:
        return None
    return clean(decode_words(text_of(values[name][0])), _TEXT_CHARS) or None
