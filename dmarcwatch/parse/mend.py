"""Malformed XML -> XML that libxml2 reads to its end.

libxml2 recovers from much, but holds back all that follows a bare ampersand and gives up at a less-than
sign that opens nothing and at half a character: Java's and JavaScript's writers make two references of an
emoji, one for each half of it in UTF-16.
"""

import re

_BARE = r"&(?!(?:lt|gt|amp|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)"
"""An ampersand that begins no reference; which entities other names stand for nobody said."""
_HALVES = r"(?:&#(?:0{0,20}5[5-7][0-9]{3}|x0{0,20}[Dd][89A-Fa-f][0-9A-Fa-f]{2});)+"
"""References to numbers around those of surrogates."""
_NUMBER = re.compile(r"&#(?:([0-9]+)|x([0-9A-Fa-f]+));")
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)"
    rf"|<(?![A-Za-z_:/!?])|{_HALVES}|{_BARE}",
    re.DOTALL,
)
"""Comments, CDATA and instructions, in which every character stands for itself, and what is to be mended."""
_SECTION_ENDS = {"<!--": "-->", "<![C": "]]>", "<?": "?>"}
_UNFINISHED = re.compile(r"(?:&[#\w]{0,32};?)+\Z")
"""References at the end of a piece; the last one may go on in the next."""
_MAX_REFERENCES_CHARS = 256


class Mender:
    """Mends a document piece by piece."""

    def __init__(self) -> None:
        self.held = ""
        """What waits for the next piece, so that nothing is looked at in mid-word."""
        self._section_end = ""
        """What ends the comment, CDATA section or instruction that is open; empty where none is."""

    def feed(self, text: str) -> str:
        """The document as far as it can be told apart by now."""
        text, self.held = self.held + text, ""
        before, text = self._out_of_section(text)
        cut = _cut(text)
        mended, self.held = self._mend(text[:cut]), self.held + text[cut:]
        return before + mended

    def close(self) -> str:
        """What is left at the end of the document."""
        text, self.held = self.held, ""
        return text if self._section_end else self._mend(text) + self.held

    def _out_of_section(self, text: str) -> tuple[str, str]:
        """`text` up to the end of the section that is open, and behind it."""
        if not self._section_end:
            return "", text
        end = text.find(self._section_end)
        if end < 0:
            return self._hold_end(text), ""
        end += len(self._section_end)
        self._section_end = ""
        return text[:end], text[end:]

    def _hold_end(self, section: str) -> str:
        """All but the last characters, which the end of a section may begin with."""
        self.held = section[-2:]
        return section[:-2]

    def _mend(self, text: str) -> str:
        return _TOKEN.sub(self._mended, text)

    def _mended(self, match: re.Match[str]) -> str:
        token = match[0]
        if token == "&":
            return "&amp;"
        if token == "<":
            return "&lt;"
        if token[0] == "&":
            return _joined(token)
        begin = "<?" if token[1] == "?" else token[:4]
        end = _SECTION_ENDS[begin]
        if token.endswith(end) and len(token) >= len(begin) + len(end):
            return token
        self._section_end = end
        return self._hold_end(token)


def _joined(references: str) -> str:
    """The characters of references to halves of some; U+FFFD for a half that stands alone."""
    numbers = (
        int(decimal or digits, 10 if decimal else 16) for decimal, digits in _NUMBER.findall(references)
    )
    return "".join(map(chr, numbers)).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _cut(text: str) -> int:
    """Where a tag, comment or reference begins that the next piece may end."""
    tag = text.rfind("<")
    if tag >= 0 and ">" not in text[tag:]:
        return tag
    unfinished = _UNFINISHED.search(text, max(0, len(text) - _MAX_REFERENCES_CHARS))
    return unfinished.start() if unfinished else len(text)
