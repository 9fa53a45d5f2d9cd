"""The small grammars of mail: unfolding, encoded words, parameters, dates, the domain of an address.

Every function is total: any text gives a value or None, in time linear in its length.
"""

import binascii
import re
from datetime import UTC, datetime, timedelta

from dmarcwatch.domains import normal_domain

_FOLD = re.compile(r"[\r\n]+[ \t]*")
_PARAMETER = re.compile(r';\s*+([^\s;="*]++)\s*+=\s*+(?:"([^"]*+)"?|([^;]*+))')
"""As nearly all are: no extended value, no quoted pair."""
_ANY_PARAMETER = re.compile(
    r';\s*+([^\s;="*]++)(?:\*(\d{1,2}))?+(\*)?+\s*+=\s*+("[^"\\]*+(?:\\.[^"\\]*+)*+"|[^;]*)', re.DOTALL
)
_PARAMETERS_CHARS = 8192
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{1,20})?\?([bBqQ])\?([^?]*)\?=(?:\s+(?==\?))?")
_CHARSET = re.compile(
    r"utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)"
)
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_COMMENT_OR_QUOTE = re.compile(r'\\.|["()]', re.DOTALL)
_AT_DOMAIN = re.compile(r"@\s*([^\s<>()@,;:]+)")
_DATE = re.compile(
    r"(\d{1,2})[\s-]+([A-Za-z]{3})[a-z]*[\s-]+(\d{4}|\d\d)\s+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\.\d+)?"
    r"(?:\s*([+-])(\d\d)(\d\d)|\s+([A-Za-z]{3})\b)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
"""Hours from UTC (RFC 5322 section 4.3); every other name is read as UTC."""


def text_of(raw: bytes) -> str:
    """A field's value unfolded; bytes that are not UTF-8 become U+FFFD."""
    text = raw.decode("utf-8", "replace").strip()
    return _FOLD.sub(" ", text) if "\n" in text or "\r" in text else text


def decode_words(text: str) -> str:
    """`text` with its encoded words (RFC 2047) decoded; one of an unknown character set stays as it is."""
    return _WORD.sub(_decode_word, text) if "=?" in text else text


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """The lower-case value before the first semicolon, and the parameters by lower-case name.

    Extended and continued parameters (RFC 2231) are joined; of a repeated one the first counts.
    """
    main = value.partition(";")[0].strip().lower()
    if "*" in value or "\\" in value:
        return main, _any_parameters(value)
    pairs = _PARAMETER.findall(value, 0, _PARAMETERS_CHARS)
    return main, {
        name.lower(): decode_words(quoted or plain.strip()) for name, quoted, plain in reversed(pairs)
    }


def _any_parameters(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    extended: dict[str, list[tuple[int, bool, str]]] = {}
    for name, section, star, text in _ANY_PARAMETER.findall(value, 0, _PARAMETERS_CHARS):
        if section or star:
            extended.setdefault(name.lower(), []).append((int(section or 0), bool(star), _unquote(text)))
        else:
            found.setdefault(name.lower(), decode_words(_unquote(text)))
    for name, sections in extended.items():
        found[name] = _join_sections(sorted(sections))
    return found


def read_date(text: str) -> datetime | None:
    """A Date field as aware UTC, or None where it is no date; a date without zone is UTC."""
    match = _DATE.search(text)
    if match is None:
        return None
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes, zone = match.groups()
    if sign:
        offset = (int(zone_hours) * 60 + int(zone_minutes)) * (-1 if sign == "-" else 1)
    else:
        offset = _ZONES.get(zone.lower(), 0) * 60 if zone else 0
    # A leap second is no time for `datetime`; the second before it is near enough.
    clock = (int(hour), int(minute), min(int(second or 0), 59))
    try:
        local = datetime(_year(year), _MONTHS.index(month.lower()) + 1, int(day), *clock, tzinfo=UTC)
        return local - timedelta(minutes=offset)
    except (ValueError, OverflowError):
        return None


def address_domain(text: str) -> str | None:
    """The one domain that an address field names, in normal form; None for none and for several.

    Several are never told apart by guessing: which of them was authenticated would be the
    sender's choice. Quoted strings and comments name nothing.
    """
    domains = {domain.lower() for domain in _AT_DOMAIN.findall(without_comments(text, quotes=False))}
    return normal_domain(domains.pop()) if len(domains) == 1 else None


def without_comments(text: str, *, quotes: bool) -> str:
    """`text` without its comments (RFC 5322 section 3.2.2).

    With `quotes` quoted strings stay and a comment becomes a space; without, both leave nothing.
    What an unclosed comment or quoted string would swallow is gone, too.
    """
    if '"' not in text and "(" not in text and "\\" not in text:
        return text
    kept: list[str] = []
    depth, quoted, last = 0, False, 0
    for match in _COMMENT_OR_QUOTE.finditer(text):
        if not depth and (quotes or not quoted):
            kept.append(text[last : match.start()])
        if quotes and not depth:
            kept.append(" " if match[0] == "(" and not quoted else match[0])
        depth, quoted = _step(match[0], depth, quoted=quoted)
        last = match.end()
    if not depth and not quoted:
        kept.append(text[last:])
    return "".join(kept)


def _year(digits: str) -> int:
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (2000 if int(digits) < 50 else 1900)  # RFC 5322 section 4.3


def _step(token: str, depth: int, *, quoted: bool) -> tuple[int, bool]:
    """Comment depth and whether inside quotes, behind `token`."""
    if token == '"' and not depth:
        return depth, not quoted
    if token == "(" and not quoted:
        return depth + 1, quoted
    if token == ")" and not quoted and depth:
        return depth - 1, quoted
    return depth, quoted


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, text = match[1].lower(), match[2], match[3]
    if not _CHARSET.fullmatch(charset):
        return match[0]
    raw = text.encode("utf-8", "replace")
    try:
        if encoding in "bB":
            return binascii.a2b_base64(raw + b"==").decode(charset, "replace")
        return binascii.a2b_qp(raw, header=True).decode(charset, "replace")
    except (binascii.Error, LookupError):
        return match[0]


def _unquote(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        return _QUOTED_PAIR.sub(r"\1", text[1:].removesuffix('"'))
    return text


def _join_sections(sections: list[tuple[int, bool, str]]) -> str:
    charset = "utf-8"
    joined = b""
    for index, (_, is_extended, text) in enumerate(sections):
        if is_extended and not index and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        raw = text.encode("utf-8", "replace")
        joined += _PERCENT.sub(lambda digits: bytes.fromhex(digits[1].decode()), raw) if is_extended else raw
    return joined.decode(charset if _CHARSET.fullmatch(charset.lower()) else "utf-8", "replace")
