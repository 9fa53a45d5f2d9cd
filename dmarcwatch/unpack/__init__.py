"""Bytes -> the XML documents inside, bounded; what is no report set aside by name or refused with a reason.

`documents` leads the way: `sniff` says what bytes are, `mime` reads a mail, `archives` and `zips` open
containers, `inflate` is the one place where data grows.
"""

from dmarcwatch.unpack.documents import Document, Fault, SetAside, SetAsideKind, Unpacked, unpack

__all__ = ["Document", "Fault", "SetAside", "SetAsideKind", "Unpacked", "unpack"]
