"""SPF of a return path as a receiver would evaluate it (RFC 7208), without any one address in hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network

from dmarcwatch.check.remarks import Remark, fix, note, unknown, warn, well
from dmarcwatch.check.resolver import Answer, Dns

MAX_LOOKUPS = 10
"""Terms that ask DNS, nested ones included (RFC 7208 section 4.6.4); more is a permerror."""
MAX_VOIDS = 2
"""Look-ups that find nothing (same section)."""
_MAX_ASKED = 3 * MAX_LOOKUPS
"""Where counting ends: a record that needs thirty look-ups is broken enough."""
_ASKING = ("include", "a", "mx", "ptr", "exists", "redirect")
_MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
_MODIFIERS = ("redirect", "exp")


@dataclass(slots=True)
class _Walk:
    """What evaluating one record comes to so far."""

    lookups: int = 0
    voids: int = 0
    includes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Sentences on what makes it a permerror."""
    unknown: list[Answer] = field(default_factory=list)
    uncounted: bool = False
    """A macro stands where a name would, so what it asks depends on the message."""


@dataclass(frozen=True, slots=True)
class SpfFound:
    """The SPF record of one domain."""

    domain: str
    record: str | None
    """None where there is none, or it is not known."""
    known: bool
    lookups: int
    includes: tuple[str, ...]
    """Every domain included, directly or not."""
    remarks: tuple[Remark, ...]

    def includes_ses(self) -> bool:
        """Whether Amazon SES may send."""
        return any(name == "amazonses.com" or name.endswith(".amazonses.com") for name in self.includes)


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record (RFC 7208 section 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def spf_of(dns: Dns, domain: str) -> SpfFound:
    """The SPF record of `domain` with its look-ups counted."""
    answer = dns.ask(domain, "TXT")
    records = [text for text in answer.values if is_spf(text)]
    if answer.unknown:
        return SpfFound(domain, None, False, 0, (), (unknown(domain, answer.trouble),))
    if len(records) != 1:
        return SpfFound(domain, None, True, 0, (), (_not_one(domain, records),))
    walk = _Walk()
    _follow(dns, records[0], domain, walk, (domain,))
    remarks = tuple(_judged(domain, records[0], walk))
    return SpfFound(domain, records[0], not walk.unknown, walk.lookups, tuple(walk.includes), remarks)


def _not_one(domain: str, records: list[str]) -> Remark:
    if records:
        return fix(domain, f"{len(records)} SPF records make a permerror: merge them into one.", *records)
    return fix(domain, "There is no SPF record, so SPF cannot pass for this return path.")


def _follow(dns: Dns, record: str, domain: str, walk: _Walk, above: tuple[str, ...]) -> None:
    for term in _terms(record):
        name, value = _split(term)
        if name == "all":
            break  # What comes after it is never reached (RFC 7208 section 5.1).
        trouble = _wrong(name, value, term)
        if trouble:
            walk.broken.append(f"{domain}: {trouble}")
        elif name in _ASKING and walk.lookups < _MAX_ASKED:
            walk.lookups += 1
            _ask(dns, name, value, walk, above)


def _ask(dns: Dns, name: str, value: str, walk: _Walk, above: tuple[str, ...]) -> None:
    """What one term asks DNS for."""
    if "%" in value:
        walk.uncounted = True
    elif name in ("include", "redirect"):
        _nested(dns, value, walk, above)
    elif name != "ptr":
        _count_void(dns, name, value.partition("/")[0] or above[-1], walk)


def _nested(dns: Dns, target: str, walk: _Walk, above: tuple[str, ...]) -> None:
    """Follow one include or redirect."""
    name = target.rstrip(".").lower()
    walk.includes.append(name)
    if name in above:
        walk.broken.append(f"{name} includes itself")
        return
    answer = dns.ask(name, "TXT")
    records = [text for text in answer.values if is_spf(text)]
    if answer.unknown:
        walk.unknown.append(answer)
    elif len(records) != 1:
        found = f"{len(records)} SPF records" if records else "no SPF record"
        walk.broken.append(f"{above[-1]} includes {name}, which has {found}")
    else:
        _follow(dns, records[0], name, walk, (*above, name))


def _count_void(dns: Dns, mechanism: str, name: str, walk: _Walk) -> None:
    kinds = ("MX",) if mechanism == "mx" else ("A",) if mechanism == "exists" else ("A", "AAAA")
    answers = [dns.ask(name, kind) for kind in kinds]
    if all(answer.absent for answer in answers):
        walk.voids += 1
    walk.unknown += [answer for answer in answers if answer.unknown]


def _terms(record: str) -> Iterator[str]:
    """The terms behind the version, mechanisms before modifiers, as they are evaluated."""
    terms = record.split()[1:]
    yield from (term for term in terms if "=" not in term.partition(":")[0])
    if not any(_split(term)[0] == "all" for term in terms):
        yield from (term for term in terms if "=" in term.partition(":")[0])


def _split(term: str) -> tuple[str, str]:
    """Name and value of a term: `-ip4:192.0.2.0/24`, `a/24`, `redirect=example.com`."""
    bare = term.lstrip("+-~?")
    for mark in (":", "="):
        name, found, value = bare.partition(mark)
        if found and name.isalnum():
            return name.lower(), value
    name, slash, length = bare.partition("/")
    return name.lower(), slash + length


def _wrong(name: str, value: str, term: str) -> str:
    """What makes a term a permerror; empty where nothing does."""
    if name in ("ip4", "ip6"):
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            return f"{term} is no address"
        return "" if network.version == int(name[2]) else f"{term} is an address of the other kind"
    if name in ("include", "exists", "redirect") and not value:
        return f"{term} names no domain"
    if name in _MECHANISMS or "=" in term:  # unknown modifiers are ignored (section 6)
        return ""
    return f"{term} is no mechanism"


def _judged(domain: str, record: str, walk: _Walk) -> Iterator[Remark]:
    for sentence in walk.broken:
        yield fix(domain, f"SPF is a permerror: {sentence}.", record)
    if walk.lookups > MAX_LOOKUPS:
        yield fix(
            domain,
            f"SPF needs {walk.lookups} look-ups, {MAX_LOOKUPS} are allowed: receivers give a permerror. "
            "Remove includes that no mail needs.",
            record,
        )
    if walk.voids > MAX_VOIDS:
        yield fix(domain, f"{walk.voids} look-ups of SPF find nothing, {MAX_VOIDS} are allowed.", record)
    for answer in walk.unknown:
        yield unknown(answer.name, f"{answer.trouble} (SPF of {domain} needs it)")
    yield from _ending(domain, record)
    if walk.uncounted:
        yield note(domain, "A macro in SPF asks for names that depend on the message; they are not checked.")
    if not (walk.broken or walk.unknown) and walk.lookups <= MAX_LOOKUPS and walk.voids <= MAX_VOIDS:
        yield well(domain, f"{record} ({walk.lookups} of {MAX_LOOKUPS} look-ups)")


def _ending(domain: str, record: str) -> Iterator[Remark]:
    """How the record ends, and what makes it wider than its owner may think."""
    terms = record.lower().split()[1:]
    last = next((term for term in terms if _split(term)[0] == "all"), None)
    if last in ("all", "+all"):
        yield fix(domain, "+all lets the whole world pass SPF as this domain.", "End it with ~all or -all.")
    elif last == "?all":
        yield warn(domain, "?all says nothing about strangers: end it with ~all or -all.")
    elif last is None and not any(_split(term)[0] == "redirect" for term in terms):
        yield warn(domain, "SPF ends without all, which is as ?all: end it with ~all or -all.")
    if any(_split(term)[0] == "ptr" for term in terms):
        yield warn(domain, "ptr is slow and not to be used (RFC 7208 section 5.5): name addresses.")
