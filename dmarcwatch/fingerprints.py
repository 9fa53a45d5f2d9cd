"""One entry of senders.toml, and the reader that refuses a table that could mislead.

All mistakes of a file are reported at once, each with its file and line, because people write
entries of their own by hand.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, get_type_hints

from dmarcwatch.domains import normal_domain
from dmarcwatch.errors import ConfigError

Network = IPv4Network | IPv6Network


class SenderType(StrEnum):
    """What a sender's customers use it for; mailboxes and gateways carry everybody's mail."""

    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"
    SAAS = "saas"
    MAILBOX = "mailbox"
    GATEWAY = "gateway"


class Align(StrEnum):
    """What a customer can bring into alignment at a sender."""

    BOTH = "both"
    DKIM = "dkim"
    """The return path is always the sender's own."""
    BOTH_DEDICATED_IP = "both-dedicated-ip"
    """SPF only with an address of one's own."""


class Support(StrEnum):
    """What a fingerprint rests on."""

    REAL = "real"
    """Seen in reports or mail headers."""
    DOCS = "docs"
    """The sender's or DMARC.wiki's pages."""
    CATALOG = "catalog"
    """Third-party tables only."""
    OWN = "own"
    """The user's own entry."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One operator of mail servers and how reports show it; the keys of senders.toml, which explains them."""

    id: str
    name: str
    type: SenderType
    as_of: date
    """When the entry was last checked."""
    source: str
    """Where it is known from, in words."""
    align: Align
    remedy: str
    """What a customer does in the sender's panel to align."""
    evidence: Support = Support.OWN
    via: str | None = None
    """Id of the sender whose servers it uses."""
    return_path: tuple[str, ...] = ()
    return_path_regex: tuple[re.Pattern[str], ...] = ()
    dkim_d: tuple[str, ...] = ()
    ptr: tuple[str, ...] = ()
    ptr_regex: tuple[re.Pattern[str], ...] = ()
    own_return_path: tuple[re.Pattern[str], ...] = ()
    own_selector: tuple[re.Pattern[str], ...] = ()
    shared_selector: tuple[re.Pattern[str], ...] = ()
    tenant_zone: tuple[str, ...] = ()
    cname: tuple[str, ...] = ()
    spf_include: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @property
    def shared_operator(self) -> bool:
        """True where one server carries the mail of many tenants and of their forwards."""
        return self.type in (SenderType.MAILBOX, SenderType.GATEWAY)


SUFFIX_KEYS = ("return_path", "dkim_d", "ptr", "cname")
"""Keys whose suffixes name one sender each; several may ask for the same SPF include."""

_HINTS = get_type_hints(Sender)
_REQUIRED = frozenset({"id", "name", "type", "as_of", "source", "align", "remedy"})
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HEADER = re.compile(r"\s*\[\[\s*sender\s*\]\]")
_LITERAL_CAPITAL = re.compile(r"(?<!\\)[A-Z]")
_WORDS: Mapping[object, type[StrEnum]] = {SenderType: SenderType, Align: Align, Support: Support}


class Table:
    """One senders.toml as text, for reading its entries and naming lines."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[str] = []
        self._lines = text.splitlines()
        self._starts = [number for number, line in enumerate(self._lines) if _HEADER.match(line)]
        try:
            self._document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([f"{file}: is not TOML: {error}"]) from None

    def line(self, entry: int, key: str | None = None) -> int:
        """The line of an entry's key, or of its head where the key is not in it; counted from 1."""
        start = self._starts[entry] if entry < len(self._starts) else 0
        end = self._starts[entry + 1] if entry + 1 < len(self._starts) else len(self._lines)
        wanted = re.compile(rf"\s*{re.escape(key or '')}\s*=")
        for number in range(start, end):
            if key and wanted.match(self._lines[number]):
                return number + 1
        return start + 1

    def complain(self, message: str, *, entry: int, key: str | None = None) -> None:
        """Note what is wrong, with the line it stands in."""
        self.problems.append(f"{self.file}:{self.line(entry, key)}: {message}")

    def senders(self) -> Iterator[tuple[int, Sender]]:
        """Each entry that can be used, with its number; the others leave problems."""
        for key in self._document.keys() - {"sender"}:
            self.problems.append(f"{self.file}: {key} is unknown; write each sender as [[sender]]")
        entries = self._document.get("sender", [])
        if not isinstance(entries, list):
            self.problems.append(f"{self.file}: write each sender as [[sender]]")
            return
        for number, entry in enumerate(entries):
            sender = self._sender(number, entry)
            if sender is not None:
                yield number, sender

    def _sender(self, number: int, entry: Mapping[str, Any]) -> Sender | None:
        before = len(self.problems)
        known = {field.name for field in fields(Sender)}
        for key in sorted(entry.keys() - known):
            self.complain(f"{key} is unknown; known are {', '.join(sorted(known))}", entry=number, key=key)
        for key in sorted(_REQUIRED - entry.keys()):
            self.complain(f"{key} is missing", entry=number)
        values = {}
        for key in (key for key in entry if key in known):
            try:
                values[key] = _value(_HINTS[key], entry[key])
            except ValueError as error:
                self.complain(f"{key}: {error}", entry=number, key=key)
        if "id" in values and not _ID.fullmatch(values["id"]):
            self.complain("id: is not of the form my-sender", entry=number, key="id")
        return Sender(**values) if len(self.problems) == before else None


def _value(hint: object, value: object) -> Any:
    """`value` as the field's type; raises ValueError that says what is wrong."""
    if hint is date:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ValueError("write a date such as 2026-11-21, without quotes")
        return value
    if hint in _WORDS:
        return _word(_WORDS[hint], value)
    if hint == str or hint == (str | None):  # noqa: E721
        return _text(value)
    if not isinstance(value, list):
        raise ValueError("is not a list")
    return tuple(_ITEMS[hint](_text(each)) for each in value)


def _word(words: type[StrEnum], value: object) -> StrEnum:
    try:
        return words(value)  # type: ignore[arg-type]
    except ValueError:
        raise ValueError(f"is not one of {', '.join(words)}") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not text")
    return value


def _suffix(text: str) -> str:
    if normal_domain(text) != text or "." not in text:
        raise ValueError(f"{text!r} is not a domain in lower case without a leading or trailing dot")
    return text


def _pattern(text: str) -> re.Pattern[str]:
    """A compiled expression. An unanchored one claims too much; one with a capital can never match."""
    if not text.startswith(("^", r"(?:^|\.)")):
        raise ValueError(f"{text!r} is not anchored: begin it with ^")
    if _LITERAL_CAPITAL.search(text):
        raise ValueError(f"{text!r} can never match, because names are in lower case")
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    if pattern.groups:  # Several are joined into one, where groups would change their numbers.
        raise ValueError(f"{text!r} has a group that captures: write (?:...)")
    return pattern


def _network(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network: {error}") from None
    if network.prefixlen < (8 if network.version == 4 else 16):
        raise ValueError(f"{text!r} is wider than one operator's")
    return network


_ITEMS: Mapping[object, Callable[[str], object]] = {
    tuple[str, ...]: _suffix,
    tuple[re.Pattern[str], ...]: _pattern,
    tuple[Network, ...]: _network,
}
