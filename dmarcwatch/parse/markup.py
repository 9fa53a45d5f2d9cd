"""Bytes of an XML document -> its elements, one call each; the only module that knows expat and lxml.

Encodings are Python's to decode: expat knows four of them and stops at the first wrong byte, where
reporters write whatever the sender of a message gave them. A DOCTYPE ends the reading in either
parser, before anything it declares could be expanded (RFC 9990 section 8.1).
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Protocol
from xml.parsers import expat

from dmarcwatch.errors import MalformedXml, ReportError
from dmarcwatch.parse.mend import Mender

_PIECE_BYTES = 256 * 1024
"""What is decoded and parsed at once; a record has about one kilobyte."""
_MAX_TOKEN_BYTES = 1024 * 1024
"""One tag or comment. Parsers hold one until it ends, and old expats read it anew with each piece."""
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0?\0", "utf-16-le"),
    (b"\0<\0?", "utf-16-be"),
)
"""What a document may begin with, and its encoding; XML 1.0 appendix F. UTF-32's begins like UTF-16's."""
_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = frozenset(
    {"utf-8", "koi8-r", "koi8-u", "mac-roman", "gb2312", "gbk", "gb18030", "big5"}
    | {"shift_jis", "cp932", "euc_jp", "euc_kr", "iso2022_jp"}
    | {f"iso8859-{part}" for part in range(1, 17)}
    | {f"cp{page}" for page in range(1250, 1259)}
)
"""Python's names of what a document may declare. Not all codecs: some are no encodings of text."""


class Handlers(Protocol):
    """Who is told of the elements."""

    texts: list[str]
    """Where character data is appended; white space between elements as well."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element opens; `name` may have a prefix or a namespace in front."""

    def end(self, name: str) -> None:
        """The element opened last closes."""


class Decoder:
    """Chunks of bytes -> pieces of text, whatever their encoding."""

    def __init__(self) -> None:
        self.repaired = False
        """True once anything was read otherwise than declared."""

    def pieces(self, chunks: Iterable[bytes]) -> Iterator[str]:
        """The document's text, at most 256 KiB of bytes at a time, white space before it left out.

        A byte that is no text in its encoding becomes U+FFFD; the rest of the document is worth reading.
        """
        parts = _rechunked(chunks)
        head = next(parts, b"")
        encoding = self._encoding(head)
        if len(head) < _PIECE_BYTES:
            # The whole document, as nearly always.
            text = self._beginning(head.decode(encoding, errors="replace"))
            self.repaired = self.repaired or "\ufffd" in text
            if text:
                yield text
            return
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        begun = False
        for part in _with_end(head, parts):
            text = decoder.decode(part, final=not part)
            self.repaired = self.repaired or "\ufffd" in text
            if not begun:
                text = self._beginning(text)
            if text:
                begun = True
                yield text

    def _encoding(self, head: bytes) -> str:
        if not head.startswith(b"<?"):
            for bom, encoding in _BOMS:
                if head.startswith(bom):
                    return encoding
        # Few different ones are written, so what was found in each is remembered.
        declaration = head[:1024].partition(b"?>")[0] if head.startswith(b"<?xml") else head[:1024]
        name = _declared(declaration)
        if name is None:
            # .NET's writers declare UTF-16 and then write UTF-8.
            self.repaired = True
        return name or "utf-8"

    def _beginning(self, text: str) -> str:
        if text.startswith("<"):
            return text
        text = text.removeprefix("\ufeff")
        trimmed = text.lstrip()
        # White space before the declaration is an error that hides nothing.
        if trimmed != text and trimmed.startswith("<?xml"):
            self.repaired = True
        return trimmed


class StrictParser:
    """Well-formed XML -> elements, by expat."""

    def __init__(self, handlers: Handlers) -> None:
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = handlers.start
        self._parser.EndElementHandler = handlers.end
        self._parser.CharacterDataHandler = handlers.texts.append
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._open_cdata: list[bool] = []
        self._parser.StartCdataSectionHandler = partial(self._open_cdata.append, True)
        self._parser.EndCdataSectionHandler = self._open_cdata.clear
        self._fed_bytes = 0
        self._before = b""
        """What was fed last: a tag may begin in it."""
        self.rest = ""
        """What stood from the place on where the XML was found to be malformed."""

    def feed(self, text: str) -> None:
        """Parse more. Raises MalformedXml, and ReportError for a DOCTYPE or an endless token."""
        data = text.encode(errors="replace")
        self._fed_bytes += len(data)
        self._parse(data, final=False)
        if self._fed_bytes - self._parser.CurrentByteIndex > _MAX_TOKEN_BYTES:
            raise _endless_token()

    @property
    def idle(self) -> bool:
        """True if all that was fed is parsed: the next character is in no tag, comment or CDATA section."""
        return self._parser.CurrentByteIndex == self._fed_bytes and not self._open_cdata

    def close(self) -> None:
        """The document ends here. Raises MalformedXml if it should not."""
        self._parse(b"", final=True)

    def _parse(self, data: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            at = self._parser.ErrorByteIndex - (self._fed_bytes - len(data))
            rest = data[at:] if at >= 0 else self._before[at:] + data
            self.rest = rest.decode(errors="replace")
            raise MalformedXml("malformed", str(error)) from error
        self._before = data


class RecoveringParser:
    """Malformed XML -> the elements that can be made out, by libxml2's recovery.

    Where end tags are missing elements stay open, and some close late: the handlers must expect
    elements in places where no schema has them.
    """

    def __init__(self, handlers: Handlers) -> None:
        # 0.03 s, and few documents are malformed.
        from lxml import etree

        # Half a character is none that Python could be told.
        self._errors = (etree.LxmlError, UnicodeDecodeError)
        self._parser = etree.XMLParser(
            target=_Target(handlers),
            recover=True,
            resolve_entities=False,
            no_network=True,
            huge_tree=False,
            encoding="utf-8",
        )
        self.rest = ""
        """What stood from a second report on; recovery reads on to the end otherwise."""
        self.idle = False
        """Nobody knows what libxml2 holds back."""
        self._mender = Mender()
        self._since_tag = 0

    def feed(self, text: str) -> None:
        """Parse more. Raises MalformedXml at a second report; ReportError for a DOCTYPE or endless token."""
        self._parse(self._mender.feed(text))
        if self._mender.rest is not None:
            self.rest = self._mender.rest + self._mender.held
            self.close()
            raise MalformedXml("malformed", "another report follows the first one")

    def close(self) -> None:
        """The document ends here; what is still open stays open."""
        self._parse(self._mender.close())
        try:
            self._parser.close()
        except self._errors as error:
            raise MalformedXml("malformed", str(error)) from error

    def _parse(self, text: str) -> None:
        if "<!doctype" in text.lower():
            _refuse_doctype()
        tag_end = text.rfind(">")
        self._since_tag = len(text) - tag_end if tag_end >= 0 else self._since_tag + len(text)
        if self._since_tag + len(self._mender.held) > _MAX_TOKEN_BYTES:
            raise _endless_token()
        try:
            self._parser.feed(text.encode(errors="replace"))
        except self._errors as error:
            raise MalformedXml("malformed", str(error)) from error


class _Target:
    """What lxml asks of the object it reports elements to."""

    def __init__(self, handlers: Handlers) -> None:
        self.start = handlers.start
        self.end = handlers.end
        self.data = handlers.texts.append

    def doctype(self, *_declaration: str | None) -> None:
        _refuse_doctype()

    def close(self) -> None:
        """Nothing is built, so there is nothing to hand over."""


@lru_cache(maxsize=64)
def _declared(text: bytes) -> str | None:
    """The encoding that a declaration in `text` names, UTF-8 where none does; None for one nobody decodes."""
    declared = _DECLARED.search(text)
    if declared is None:
        return "utf-8"
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        return None
    if name == "ascii":
        # What is ASCII is UTF-8 as well, and what is not is mostly that.
        return "utf-8"
    return name if name in _ENCODINGS else None


def _refuse_doctype(*_declaration: object) -> None:
    raise ReportError("doctype", "a document type declaration, which no report needs")


def _endless_token() -> ReportError:
    return ReportError("text-chars", f"a tag or comment of more than {_MAX_TOKEN_BYTES} bytes")


def _rechunked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """`chunks` in parts of one size, so that the first holds the declaration and none is too large."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        whole = len(held) - len(held) % _PIECE_BYTES
        for at in range(0, whole, _PIECE_BYTES):
            yield bytes(held[at : at + _PIECE_BYTES])
        del held[:whole]
    if held:
        yield bytes(held)


def _with_end(head: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    """`head`, `parts` and an empty part that tells the decoder of the end."""
    yield head
    yield from parts
    yield b""
