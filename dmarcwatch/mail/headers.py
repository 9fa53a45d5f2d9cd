"""Header fields of a mail, and those of them that say who sent a report and who vouches for it.

A reader of its own, because Python's `email` costs three times as long and knows no bounds: here a
field is one match of a linear expression, and a header block has a budget.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from dmarcwatch.errors import TooLarge
from dmarcwatch.mail.rfc5322 import address_domain, read_date, text_of
from dmarcwatch.reasons import Reason
from dmarcwatch.text import clean

Field = tuple[bytes, bytes]
"""Lower-case name, raw value with its folding."""

# Possessive throughout, so that nothing is ever tried twice.
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:(.*+(?:\r?\n[ \t].*+)*+)(?:\r?\n|\Z)")
_BLOCK = re.compile(rb"(?:[!-9;-~]++[ \t]*+:.*+(?:\r?\n[ \t].*+)*+(?:\r?\n|\Z))*+")
_LEADING = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*(?:>?From .*(?:\n|\Z))?")
_BLANK_LINE = re.compile(rb"\r\n|\n|\r")
_RESULTS = b"authentication-results"
_RESULT_CHARS = 8192
_MAX_RESULTS = 20


class MailHeaders(NamedTuple):
    """What the outermost mail of an item says; only what its last host put on top is not its sender's."""

    from_domain: str | None
    """The one domain the From field names, in normal form; None where it names none or several."""
    date: datetime | None
    """Aware UTC; None where absent or no date."""
    authentication_results: tuple[str, ...] = ()
    """Values of Authentication-Results, topmost first, unfolded; at most 20."""
    results_above_received: int = 0
    """How many of them stand above the first Received field: those the last host certainly added itself."""
    has_dkim_signature: bool = False


def read_fields(data: bytes, start: int, end: int, *, limit: int) -> tuple[list[Field], int]:
    """The fields of a header block, and where its body begins.

    The block ends at an empty line or, as in Python's `email`, at the first line that is no field.
    Raises TooLarge where it is longer than `limit` bytes.
    """
    stop = min(end, start + limit)
    block = _BLOCK.match(data, start, stop)
    position = block.end() if block else start
    if position >= stop < end:
        raise TooLarge(Reason.HEADER_BYTES, f"a header block of more than {limit} bytes")
    fields = [(name.lower(), value) for name, value in _FIELD.findall(data, start, position)]
    blank = _BLANK_LINE.match(data, position, end)
    return fields, blank.end() if blank else position


def first_values(fields: Sequence[Field]) -> dict[bytes, bytes]:
    """The topmost value of each field."""
    return dict(reversed(fields))


def header_start(data: bytes, start: int, end: int) -> int:
    """Where a message's header block begins: behind empty lines and an mbox's `From ` line."""
    leading = _LEADING.match(data, start, end)
    return leading.end() if leading else start


def looks_like_mail(data: bytes) -> bool:
    """True where `data` begins with a header field, or with an mbox's `From ` line and one."""
    return _FIELD.match(data, header_start(data, 0, len(data))) is not None


def mail_headers(fields: Sequence[Field]) -> MailHeaders:
    """What trust needs to know of a mail."""
    first = first_values(fields)
    names = [name for name, _ in fields]
    above, results = 0, tuple[str, ...]()
    if _RESULTS in first:
        above = names[: names.index(b"received")].count(_RESULTS) if b"received" in first else 0
        values = [value for name, value in fields if name == _RESULTS]
        results = tuple(clean(text_of(value), _RESULT_CHARS) for value in values[:_MAX_RESULTS])
    return MailHeaders(
        from_domain=address_domain(text_of(first[b"from"])) if names.count(b"from") == 1 else None,
        date=read_date(first[b"date"].decode("latin-1")) if b"date" in first else None,
        authentication_results=results,
        results_above_received=min(above, len(results)),
        has_dkim_signature=b"dkim-signature" in first,
    )
