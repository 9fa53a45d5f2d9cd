"""Malformed XML -> XML that libxml2 reads to its end.

libxml2 recovers from much, but holds back all that follows a bare ampersand and gives up at a less-than
sign that opens nothing and at half a character: Java's and JavaScript's writers make two references of an
emoji, one for each half of it in UTF-16. And it takes any end tag for that of the element opened last, so
that one too many ends the document. Here end tags find their element, or are passed over.
"""

import re
from collections import Counter

from dmarcwatch.parse.elements import FEEDBACK, FOREIGN_SPACE, NAMES

_BARE = r"&(?!(?:lt|gt|amp|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)"
"""An ampersand that begins no reference; which entities other names stand for nobody said."""
_HALVES = r"(?:&#(?:0{0,20}5[5-7][0-9]{3}|x0{0,20}[Dd][89A-Fa-f][0-9A-Fa-f]{2});)+"
"""References to numbers around those of surrogates."""
_NUMBER = re.compile(r"&#(?:([0-9]+)|x([0-9A-Fa-f]+));")
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?(?=[A-Za-z_]).*?(?:\?>|\Z)"
    r"|<(?P<slash>/?)(?P<name>[A-Za-z_:][^\s<>/\"'=]*)"
    r"(?P<rest>(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*'|[\"'])*+)(?P<end>>?)"
    rf"|<(?!\?[A-Za-z_]|!--|!\[CDATA\[|!(?i:doctype))|\]\]>|/(?P<broken>[A-Za-z_][\w.:-]*)>|{_HALVES}|{_BARE}",
    re.DOTALL,
)
"""Comments, CDATA and instructions, in which every character stands for itself; tags; what is amiss."""
_ATTRIBUTE = re.compile(r"""(?<=\s)[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"]*"|'[^']*')""")
_END_TAG = re.compile(r"</([^\s<>/]+)")
_NO_NAME = re.compile(r"[^\w:.-]")
_TEXT = re.compile(f"<|{_HALVES}|{_BARE}")
"""What is amiss where no tag is."""
_MENDED = {"&": "&amp;", "<": "&lt;", "]]>": "]]&gt;"}
_SECTION_ENDS = {"<!--": "-->", "<![C": "]]>", "<?": "?>"}
_UNFINISHED = re.compile(r"(?:&[#\w]{0,32};?)+\Z")
"""References at the end of a piece; the last one may go on in the next."""
_MAX_REFERENCES_CHARS = 256
_MAX_FOREIGN_CHARS = 16 * 1024
"""How far the end of an element is looked for that no RFC has."""


class Mender:
    """Mends a document piece by piece."""

    def __init__(self) -> None:
        self.held = ""
        """What waits for the next piece, so that nothing is looked at in mid-word."""
        self._section_end = ""
        """What ends the comment, CDATA section or instruction that is open; empty where none is."""
        self._open: list[str] = []
        """The elements that are open, by their tags."""
        self._open_names: Counter[str] = Counter()
        """How many of them have which local name."""
        self._end = ""
        """The report's end tag, which waits for the document's end: it may be a stray one."""
        self.rest: str | None = None
        """What stands from a second report on; None as long as there is none."""

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
        return (text if self._section_end else self._mend(text) + self.held) + self._end

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
        token, name = match[0], match["name"]
        if self.rest is not None:
            return ""
        if name is not None:
            if not match["end"] and _local(name) not in NAMES:
                return _TEXT.sub(_mended_text, token)
            return self._end_tag(name) if match["slash"] else self._start_tag(match)
        if match["broken"] is not None:
            return self._end_tag(match["broken"]) if self._open[-1:] == [match["broken"]] else token
        return self._section(token) if len(token) > 1 and token[0] == "<" else _mended_text(match)

    def _section(self, token: str) -> str:
        begin = "<?" if token[1] == "?" else token[:4]
        end = _SECTION_ENDS[begin]
        if token.endswith(end) and len(token) >= len(begin) + len(end):
            return token
        self._section_end = end
        return self._hold_end(token)

    def _start_tag(self, match: re.Match[str]) -> str:
        name, rest = match["name"], match["rest"]
        local = _local(name)
        if self._end:
            if local == "feedback":
                self.rest = match.string[match.start() :]
                return ""
            if local not in FEEDBACK:
                return ""
            self._end = ""
        if local not in NAMES and self._is_whole(match):
            prefix = name.rpartition(":")[0]
            rest = f" xmlns{prefix and ':'}{prefix}='{FOREIGN_SPACE}'"
        if not rest.endswith("/"):
            self._open.append(name)
            self._open_names[local] += 1
        return _sound(name, rest)

    def _is_whole(self, match: re.Match[str]) -> bool:
        """Whether an element's end tag follows before any around it. What holds records is none."""
        if not self._open or match["rest"].endswith("/"):
            return False
        text, start = match.string, match.end()
        for end in _END_TAG.finditer(text, start, start + _MAX_FOREIGN_CHARS):
            if end[1] == match["name"]:
                return text.find("<record", start, end.start()) < 0
            if _local(end[1]) in self._open_names:
                return False
        return False

    def _end_tag(self, name: str) -> str:
        """The end tags up to that of the element; none if it is not open."""
        local = _local(name)
        if not self._open_names[local] or (self._end and local != "feedback"):
            return ""
        closed = ""
        while _local(self._open[-1]) != local:
            closed += self._pop()
        if local == "feedback":
            self._end = f"</{self._open[-1]}>"  # Not closed yet, so that more of it may follow.
            return closed
        return closed + self._pop()

    def _pop(self) -> str:
        name = self._open.pop()
        self._open_names[_local(name)] -= 1
        if not self._open_names[_local(name)]:
            del self._open_names[_local(name)]
        return f"</{_NO_NAME.sub('_', name)}>"


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _sound(name: str, rest: str) -> str:
    """A start tag with those of its attributes that are some; libxml2 reads one with others to no end."""
    attributes = "".join(f" {text}" for text in _ATTRIBUTE.findall(rest))
    end = "/>" if rest.endswith("/") else ">"
    return f"<{_NO_NAME.sub('_', name)}{_TEXT.sub(_mended_text, attributes)}{end}"


def _mended_text(match: re.Match[str]) -> str:
    token = match[0]
    return _MENDED.get(token) or _joined(token)


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
