"""One text of a report -> one value: its words, and which deviations are read by their known meaning.

Unknown is never guessed: an unknown word becomes None and a note, because some readers took an
unknown result for a pass.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from dmarcwatch.domains import normal_domain
from dmarcwatch.parse.elements import IDENTITIES
from dmarcwatch.report import (
    AlignmentMode,
    AuthResult,
    Disposition,
    DmarcResult,
    Policy,
    ReasonType,
    SpfScope,
)
from dmarcwatch.text import clean

MAX_COUNT = 100_000_000
"""Messages of one record. More is a mistake or an attack, and no sum of such counts fits a database."""
MAX_FOUND_CHARS = 200
"""What a note or a problem quotes; enough to recognise the text by."""
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_COUNT = re.compile(r"\+?[0-9]{1,12}(?:\.0*)?")
_EPOCH = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?")
TEST_MODE = "policy testing mode"
"""How the comment of a reason `other` begins where the policy's `t` tag was heeded."""
NO_DOMAIN = frozenset({"", "<>", "null"})
"""Absent, a null reverse-path, and AOL's word for it."""

Texts: TypeAlias = Mapping[str, str]
"""Texts by their path, white space around them removed."""

Value = TypeVar("Value")
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Vocabulary(Generic[Value]):
    """The words of one element."""

    words: Mapping[str, Value]
    repairs: Mapping[str, Value]
    """Words in lower case that no RFC has and whose meaning is known."""


def _vocabulary(words: Iterable[Word], **repairs: Word) -> Vocabulary[Word]:
    return Vocabulary({word.value: word for word in words}, repairs)


POLICIES = _vocabulary(Policy)
MODES = _vocabulary(AlignmentMode, relaxed=AlignmentMode.RELAXED, strict=AlignmentMode.STRICT)
TESTING = Vocabulary({"y": True, "n": False}, {})
DISCOVERY = Vocabulary({"psl": "psl", "treewalk": "treewalk"}, {})
DISPOSITIONS = _vocabulary(Disposition)
EVALUATED = _vocabulary(DmarcResult)
REASONS = _vocabulary(ReasonType)
SCOPES = _vocabulary(SpfScope)
# `hardfail` is kddi's; `unknown` and `error` are OpenDMARC's, as RFC 7489 appendix C remarks.
SPF_RESULTS = _vocabulary(
    AuthResult, hardfail=AuthResult.FAIL, unknown=AuthResult.TEMPERROR, error=AuthResult.PERMERROR
)
DKIM_RESULTS = Vocabulary(
    {word: result for word, result in SPF_RESULTS.words.items() if result is not AuthResult.SOFTFAIL},
    SPF_RESULTS.repairs,
)


class Note(NamedTuple):
    """A text that could not be used."""

    path: str
    found: str


class Notes:
    """Reads texts into values and remembers which of them deviate.

    Each reader takes the texts by path and the path of one. What is absent is None, without a note.
    """

    __slots__ = ("repaired", "unusable")

    def __init__(self) -> None:
        self.repaired = False
        """True once a text was not as the RFCs want it."""
        self.unusable: list[Note] = []

    def refuse(self, path: str, text: str) -> None:
        """Note that `text` could not be used."""
        self.repaired = True
        self.unusable.append(Note(path, clean(text, MAX_FOUND_CHARS)))

    def strange(self, path: str) -> None:
        """An element is there by another name, or has elements inside where its text should be."""
        self.repaired = True
        if path != IDENTITIES:
            self.refuse(path, "elements instead of text")

    def repeated(self, texts: Texts, path: str, text: str) -> None:
        """The first text of an element counts; a later one that says something else is noted."""
        if text.strip() != texts.get(path):
            self.refuse(path, text)

    def word(self, texts: Texts, path: str, vocabulary: Vocabulary[Value]) -> Value | None:
        """A word of a closed vocabulary, in any case; None where empty or unknown."""
        text = texts.get(path)
        if text is None:
            return None
        value = vocabulary.words.get(text)
        if value is not None:
            return value
        self.repaired = True
        folded = text.casefold()
        value = vocabulary.words.get(folded, vocabulary.repairs.get(folded))
        if value is None and text:
            self.refuse(path, text)
        return value

    def domain(self, texts: Texts, path: str) -> str | None:
        """A domain name in its normal form; of a mail address its domain; None where empty or no name."""
        text = texts.get(path)
        if text is None:
            return None
        name = normal_domain(text)
        if name is not None and name not in NO_DOMAIN:
            return name
        self.repaired = True
        if text.casefold() in NO_DOMAIN:
            return None
        name = normal_domain(text.rpartition("@")[2].removesuffix(">"))
        if name is None:
            self.refuse(path, text)
        return name

    def selector(self, texts: Texts, path: str) -> str | None:
        """A DKIM selector: one label or several (RFC 6376 section 3.1); None where empty or none."""
        text = texts.get(path)
        if not text:
            return None
        selector = normal_domain(text)
        if selector is None:
            self.refuse(path, text)
        return selector

    def text(self, texts: Texts, path: str, limit: int) -> str | None:
        """Cleaned free text of at most `limit` characters; None where nothing is left of it."""
        text = texts.get(path)
        if text is None:
            return None
        cleaned = clean(text, limit + 1)
        if len(cleaned) > limit:
            self.refuse(path, text)
        return cleaned[:limit] or None

    def percent(self, texts: Texts, path: str) -> int | None:
        """A whole number of percent, 0..100; None where empty or anything else."""
        text = texts.get(path)
        if not text:
            return None
        if text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 100:
            return int(text)
        self.refuse(path, text)
        return None

    def instant(self, texts: Texts, path: str) -> datetime | None:
        """An instant in aware UTC: seconds since 1970, also like `1.79E9`, or ISO 8601; None for the rest."""
        text = texts.get(path)
        if not text:
            return None
        moment = read_epoch(text)
        if moment is not None:
            return moment
        if not text.isdecimal():
            self.repaired = True
        try:
            if _EPOCH.fullmatch(text):
                return datetime.fromtimestamp(int(float(text)), UTC)
            moment = datetime.fromisoformat(text)
            # Without an offset it is meant as the schema has it, in UTC.
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError, OSError):
            self.refuse(path, text)
            return None


@lru_cache(maxsize=1 << 10)
def read_epoch(text: str) -> datetime | None:
    """An instant in aware UTC from whole seconds since 1970; None where `text` is anything else."""
    if not (text.isdecimal() and text.isascii() and len(text) <= 12):
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


@lru_cache(maxsize=1 << 14)
def read_address(text: str) -> str | None:
    """Canonical text of an IP address, IPv4-mapped ones as IPv4; None where `text` is no address."""
    if _IPV4.fullmatch(text):  # Has one spelling only, and is asked for most.
        return text
    if "%" in text:  # A zone means nothing on another machine.
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


@lru_cache(maxsize=1 << 10)
def read_count(text: str) -> int | None:
    """Messages of a record, 0..10^8, also written like `3.0` or `+3`; None where `text` is no such number."""
    if not _COUNT.fullmatch(text):
        return None
    count = int(text.partition(".")[0])
    return count if count <= MAX_COUNT else None
