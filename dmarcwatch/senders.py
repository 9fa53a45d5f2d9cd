"""Who operates a source of mail: the fingerprints of senders.toml, looked up by what a report names.

Domain suffixes match on label boundaries and the longest wins, by dictionary and without scanning.
A selector under the customer's own d= is a hint and never proof: anybody can call one `google`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from importlib import resources
from ipaddress import ip_address
from typing import NamedTuple, Self

from dmarcwatch.errors import ConfigError
from dmarcwatch.fingerprints import SUFFIX_KEYS, Align, Sender, Table

UNKNOWN = "unknown"
"""`sender` of mail that no fingerprint claims."""

PACKAGED = "the packaged senders.toml"
"""Its name in messages, so that nobody looks for the mistake in a file of the user's."""
STALE = timedelta(days=3 * 365)
"""How far an entry may lie behind the newest packaged one: operators rename zones within years."""

_CACHED_NAMES = 4096
"""Selectors remembered; they come from reports, so the memory is bounded."""


class Found(NamedTuple):
    """A sender and the suffix of the name that it claims; the whole name where an expression matched."""

    sender: Sender
    suffix: str


class _Hint(NamedTuple):
    sender: Sender
    shared: bool
    """Others use such a selector too."""


class Senders:
    """All known senders; `load` builds it from senders.toml."""

    def __init__(self, senders: Iterable[Sender]) -> None:
        self._by_id = {sender.id: sender for sender in senders}
        self._suffixes = {key: self._index(key) for key in SUFFIX_KEYS}
        self._expressions = {
            "return_path": [
                (sender.return_path_regex, sender) for sender in self if sender.return_path_regex
            ],
            "ptr": [(sender.ptr_regex, sender) for sender in self if sender.ptr_regex],
        }
        self._ranges = sorted(
            (network.version, int(network[0]), int(network[-1]), sender.id)
            for sender in self
            for network in sender.networks
        )
        self._range_heads = {_head(str(network)) for sender in self for network in sender.networks}
        self._any_selector = re.compile(
            "|".join(
                pattern.pattern
                for sender in self
                for pattern in (*sender.own_selector, *sender.shared_selector)
            )
            or "(?!)"
        )
        self._hints = lru_cache(maxsize=_CACHED_NAMES)(self._find_hints)

    @classmethod
    def load(cls, overlay: str | None = None, *, file: str = "senders.toml") -> Self:
        """The packaged senders, and the entries of `overlay` (TOML text) laid over them by id.

        `file` is the overlay's name in messages. Raises ConfigError, naming file and line of each mistake:
        unknown keys, values that cannot be used, suffixes that two senders claim, and stale entries.
        """
        packaged = resources.files("dmarcwatch").joinpath("senders.toml").read_text("utf-8")
        tables = [Table(packaged, PACKAGED)]
        if overlay is not None:
            tables.append(Table(overlay, file))
        return cls(_merge(tables))

    def __iter__(self) -> Iterator[Sender]:
        return iter(self._by_id.values())

    def get(self, identity: str) -> Sender | None:
        """The sender of that id, None for `unknown` and for ids of former entries."""
        return self._by_id.get(identity)

    def by_dkim(self, domain: str) -> Found | None:
        """Whose own signing domain this is."""
        return self._by_suffix("dkim_d", domain)

    def by_return_path(self, domain: str) -> Found | None:
        """Whose own return path this is."""
        return self._by_suffix("return_path", domain) or self._by_expression("return_path", domain)

    def by_host(self, host: str) -> Found | None:
        """Whose host name this is. A host name is its network's claim: have it confirmed forward first."""
        return self._by_suffix("ptr", host) or self._by_expression("ptr", host)

    def by_cname(self, target: str) -> Found | None:
        """Into whose zone a customer's CNAME points; proof, where DNS was asked."""
        return self._by_suffix("cname", target)

    def by_address(self, ip: str) -> Sender | None:
        """Whose published SPF ranges hold the address; weak, and only known of mailbox operators."""
        if _head(ip) not in self._range_heads:  # Nearly every other address, for the cost of one look-up.
            return None
        address = ip_address(ip)
        # Above any last address, so that a range which begins at this very address is found as well.
        position = bisect_right(self._ranges, (address.version, int(address), 1 << 128, ""))
        if position == 0:
            return None
        version, _, last, identity = self._ranges[position - 1]
        return self._by_id[identity] if version == address.version and int(address) <= last else None

    def hinted(self, selectors: Iterable[str], return_path: str) -> Found | None:
        """Whom the selectors of the customer's own signatures point to, beside an own `return_path`.

        None where nobody or several come into question. Senders that never let a customer's return path
        align are left out, and a selector that others use too needs the return path's form to agree.
        """
        agreeing: dict[str, Found] = {}
        others: dict[str, Found] = {}
        for selector in selectors:
            for sender, shared in self._hints(selector):
                if sender.align is Align.DKIM:
                    continue
                if any(pattern.search(return_path) for pattern in sender.own_return_path):
                    agreeing[sender.id] = Found(sender, selector)
                elif not shared:
                    others[sender.id] = Found(sender, selector)
        found = list((agreeing or others).values())
        return found[0] if len(found) == 1 else None

    def hosted(self, selectors: Iterable[str], platform: str) -> Found | None:
        """The one sender on another's servers that the selectors point to, such as Resend on Amazon SES."""
        for selector in selectors:
            for sender, shared in self._hints(selector):
                if sender.via == platform and not shared:
                    return Found(sender, selector)
        return None

    def agrees(self, sender: Sender, selectors: Iterable[str]) -> bool:
        """True if one of the selectors is of a form that this sender's customers use."""
        return any(hint.sender is sender for selector in selectors for hint in self._hints(selector))

    def _index(self, key: str) -> dict[str, Sender]:
        return {suffix: sender for sender in self for suffix in getattr(sender, key)}

    def _by_suffix(self, key: str, name: str) -> Found | None:
        suffixes = self._suffixes[key]
        while name:
            sender = suffixes.get(name)
            if sender is not None:
                return Found(sender, name)
            name = name.partition(".")[2]
        return None

    def _by_expression(self, key: str, name: str) -> Found | None:
        for patterns, sender in self._expressions[key]:
            if any(pattern.search(name) for pattern in patterns):
                return Found(sender, name)
        return None

    def _find_hints(self, selector: str) -> tuple[_Hint, ...]:
        if not self._any_selector.search(selector):  # Most are nobody's; asking each sender costs 0.1 ms.
            return ()
        own = [_Hint(sender, shared=False) for sender in self if _matches(sender.own_selector, selector)]
        shared = [_Hint(sender, shared=True) for sender in self if _matches(sender.shared_selector, selector)]
        return (*own, *shared)


def _head(address: str) -> str:
    """The first octet, or the first group of an IPv6 address; all addresses of a sender's range share it."""
    return address.partition(":" if ":" in address else ".")[0]


def _matches(patterns: tuple[re.Pattern[str], ...], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)


def _merge(tables: list[Table]) -> list[Sender]:
    """The senders of all tables, a later entry replacing an earlier one of its id. Raises ConfigError."""
    entries: dict[str, tuple[Table, int, Sender]] = {}
    for table in tables:
        for number, sender in table.senders():
            if sender.id in entries and entries[sender.id][0] is table:
                table.complain(f"{sender.id} stands in the file twice", entry=number, key="id")
            entries[sender.id] = (table, number, sender)
    for table, number, sender in entries.values():
        if sender.via is not None and sender.via not in entries:
            table.complain(f"via: {sender.via} is no sender's id", entry=number, key="via")
    _refuse_overlaps(entries)
    _refuse_stale(entries)
    problems = [problem for table in tables for problem in table.problems]
    if problems:
        raise ConfigError(
            problems, hint="An entry with the id of a packaged sender replaces it, with all its suffixes."
        )
    return [sender for _, _, sender in entries.values()]


def _refuse_stale(entries: dict[str, tuple[Table, int, Sender]]) -> None:
    """Complain of entries that nobody has looked at while others were: operators change zones and names."""
    newest = max(sender.as_of for table, _, sender in entries.values() if table.file == PACKAGED)
    for table, number, sender in entries.values():
        if newest - sender.as_of > STALE:
            message = f"as_of: {sender.as_of} is stale beside {newest}; look again and date it anew"
            table.complain(message, entry=number, key="as_of")


def _refuse_overlaps(entries: dict[str, tuple[Table, int, Sender]]) -> None:
    for key in SUFFIX_KEYS:
        owners: dict[str, str] = {}
        for table, number, sender in entries.values():
            for suffix in getattr(sender, key):
                owner = owners.setdefault(suffix, sender.id)
                if owner != sender.id:
                    table.complain(f"{key}: {suffix} is {owner}'s", entry=number, key=key)
