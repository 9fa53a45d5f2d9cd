"""Text from outside, made harmless for a terminal, a page, a log line and a CSV cell.

Every name and comment in a report is written by strangers: control characters would drive a
terminal, bidirectional ones would show a domain backwards, lone surrogates cannot be stored.
"""

import re

# C0 and C1 controls that are not white space, soft direction marks and directional overrides and
# isolates (Unicode TR 9), the byte order mark, and surrogates, which no UTF-8 text can hold.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)


def clean(text: str, limit: int) -> str:
    """`text` of printable characters alone, white space collapsed, at most `limit` characters.

    Line breaks and tabs are white space and become one space; nothing is marked where text was
    cut. The result may be empty.
    """
    if not text.isprintable():
        text = _UNWANTED.sub("", text)
        if not text.isprintable():
            # Left are white space, invisible characters and those that Unicode has not assigned yet.
            text = "".join(char for char in text if char.isprintable() or char.isspace())
    return " ".join(text.split())[:limit].rstrip()


def visible(text: str) -> str:
    """`text` with each character that a terminal would obey or hide as its escape, such as `\\x9b`.

    For what is shown and was not cleaned: paths, what the user typed, a report as it came.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def count(number: float, one: str, many: str | None = None) -> str:
    """`1 day`, `2 days`, `12,000 messages`."""
    return f"{number:,.0f} {one if number == 1 else many or one + 's'}"
