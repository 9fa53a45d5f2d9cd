"""A DMARC record against RFC 9989 section 4.7: what receivers make of each tag, old ones and new."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dmarcwatch.check.remarks import Remark, fix, note, warn

_KNOWN = ("v", "p", "sp", "np", "rua", "ruf", "adkim", "aspf", "fo", "t", "psd")
_REMOVED = ("pct", "rf", "ri")
"""Tags of RFC 7489 that RFC 9989 dropped."""
_POLICIES = ("none", "quarantine", "reject")
_WORDS = (
    ("sp", _POLICIES, "ignored"),
    ("np", _POLICIES, "ignored"),
    ("adkim", ("r", "s"), "taken for r"),
    ("aspf", ("r", "s"), "taken for r"),
    ("t", ("y", "n"), "taken for n"),
    ("psd", ("y", "n", "u"), "taken for u"),
)
"""Tags that know a few words only, and what any other comes to."""
_FAILURE_OPTIONS = re.compile(r"[01ds](?:\s*:\s*[01ds])*")
_IS_RECORD = re.compile(r"\Av\s*=\s*DMARC1\s*(?:;|\Z)")
_LOOKS_LIKE_ONE = re.compile(r"\A[\s\"']*v\s*=\s*[\"']?dmarc", re.IGNORECASE)
_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*?)\s*", re.DOTALL)
_URI = re.compile(r"mailto:([^@\s,!]+)@([^@\s,!]+?)(![0-9]+[kmgt]?)?", re.IGNORECASE)
_MAX_URIS = 2
"""What every receiver of RFC 7489 must serve (section 6.2); more are at its discretion."""


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A record's tags as receivers find them."""

    text: str
    tags: tuple[tuple[str, str], ...]
    """Lower-case names; of a tag that stands twice the first."""
    broken: tuple[str, ...]
    """Parts that are no `tag=value`."""
    doubled: tuple[str, ...]

    def get(self, name: str) -> str | None:
        """A tag's value, None where it is absent."""
        return next((value for tag, value in self.tags if tag == name), None)

    def word(self, name: str) -> str | None:
        """A tag's value in lower case; None where it is absent or runs into the next tag."""
        value = self.get(name)
        return None if value is None or "=" in value else value.lower()

    @property
    def policy(self) -> str | None:
        """The policy that counts, None where the record is none at all.

        A missing or misspelt `p` comes to `none` where reports are asked for (RFC 9989 section 4.7).
        """
        p = self.word("p")
        if p in _POLICIES:
            return p
        return "none" if destinations(self.get("rua")) else None


@dataclass(frozen=True, slots=True)
class Destination:
    """One address that reports are asked to be sent to."""

    address: str
    host: str
    """In lower case."""
    size: str | None
    """`!10m` of RFC 7489, which RFC 9989 ignores; None where absent."""


def is_record(text: str) -> bool:
    """Whether receivers take a TXT record for a DMARC record: `v=DMARC1` first, in capitals."""
    return _IS_RECORD.match(text) is not None


def looks_like_record(text: str) -> bool:
    """Whether somebody meant it to be one."""
    return _LOOKS_LIKE_ONE.match(text) is not None


def read(text: str) -> ReadRecord:
    """The tags of a record; never fails."""
    tags: dict[str, str] = {}
    broken, doubled = [], []
    for part in filter(str.strip, text.split(";")):
        match = _TAG.fullmatch(part)
        if match is None:
            broken.append(part.strip())
        elif match[1].lower() in tags:
            doubled.append(match[1].lower())
        else:
            tags[match[1].lower()] = match[2]
    return ReadRecord(text, tuple(tags.items()), tuple(broken), tuple(doubled))


def destinations(value: str | None) -> list[Destination]:
    """The mailto addresses of a `rua` or `ruf`; other schemes are ignored, as receivers do."""
    found = []
    for uri in (value or "").split(","):
        match = _URI.fullmatch(uri.strip())
        if match is not None:
            host = match[2].rstrip(".").lower()
            found.append(Destination(f"{match[1]}@{host}", host, match[3]))
    return found


def lint(record: ReadRecord, domain: str) -> list[Remark]:
    """What is to be said of a record that stands at `_dmarc.<domain>`."""
    about = f"_dmarc.{domain}"
    return [remark for rule in _RULES for remark in rule(record, about)]


def _form(record: ReadRecord, about: str) -> Iterator[Remark]:
    for part in record.broken:
        yield fix(about, f"{part!r} is no tag=value and is ignored.")
    for tag in record.doubled:
        yield fix(about, f"{tag} stands twice; receivers differ in which one they take.")
    for tag, value in record.tags:
        if "=" in value and tag not in ("rua", "ruf"):
            yield fix(about, f"{tag}={value} runs into the next tag: put a semicolon between them.")
    if not record.text.isascii():
        yield fix(about, "It holds characters outside ASCII, such as curly quotes: type it anew.")
    unknown = [tag for tag, _ in record.tags if tag not in _KNOWN + _REMOVED]
    if unknown:
        yield warn(about, f"No receiver knows {', '.join(unknown)}: a misspelt tag?")


def _values(record: ReadRecord, about: str) -> Iterator[Remark]:
    for tag, words, effect in _WORDS:
        value = record.word(tag)
        if value is not None and value not in words:
            yield fix(about, f"{tag}={value} is not one of {', '.join(words)}, and is {effect}.")


def _policies(record: ReadRecord, about: str) -> Iterator[Remark]:
    p = record.word("p")
    if record.get("p") is None or (p is not None and p not in _POLICIES):
        said = "It has no p" if p is None else f"p={p} is no policy"
        effect = "receivers take it for p=none" if record.policy else "without a rua it is no DMARC record"
        yield fix(about, f"{said}: {effect}.", "Publish p=none, p=quarantine or p=reject.")
    elif [tag for tag, _ in record.tags][:2] != ["v", "p"]:
        yield warn(about, "p does not stand right after v, where receivers of RFC 7489 look for it.")
    strength = _POLICIES.index(record.policy or "none")
    for tag, whose in (("sp", "subdomains"), ("np", "names that do not exist")):
        value = record.word(tag)
        if value in _POLICIES and _POLICIES.index(value) < strength:
            yield warn(
                about, f"{tag}={value} leaves {whose} open to spoofing, weaker than p={record.policy}."
            )


def _modes(record: ReadRecord, about: str) -> Iterator[Remark]:
    if record.word("aspf") == "s":
        yield warn(about, "aspf=s never aligns with Amazon SES, whose MAIL FROM is a subdomain: drop it.")
    if record.word("psd") == "y":
        yield fix(about, "psd=y says that strangers register names below it: remove it, unless they do.")
    if record.word("t") == "y":
        yield note(about, "t=y: new receivers apply one policy lower, those of RFC 7489 the policy in full.")
    fo = record.word("fo")
    if fo is not None and not _FAILURE_OPTIONS.fullmatch(fo):
        yield warn(about, f"fo={fo} is not made of 0, 1, d and s with colons between, and is taken for 0.")
    elif fo is not None and record.get("ruf") is None:
        yield note(about, "fo says nothing without ruf.")


def _old(record: ReadRecord, about: str) -> Iterator[Remark]:
    pct = record.word("pct")
    if pct == "100":
        yield note(about, "pct=100 is the default, and RFC 9989 knows no pct any more: drop it.")
    elif pct is not None and not (pct.isascii() and pct.isdigit() and int(pct) < 100):
        yield fix(about, f"pct={pct} is no whole number from 0 to 100.")
    elif pct is not None:
        yield _pct(record, about, pct)
    for tag in ("rf", "ri"):
        if record.get(tag) is not None:
            yield note(about, f"{tag} was removed by RFC 9989; hardly any receiver ever read it.")


def _pct(record: ReadRecord, about: str, pct: str) -> Remark:
    """pct=0 together with t=y is the staged rung of the ladder, and on purpose."""
    if pct == "0" and record.policy == "reject":
        return fix(about, "p=reject with pct=0: OpenDMARC applies nothing then.", "Publish p=quarantine.")
    if pct == "0" and record.word("t") == "y":
        return note(about, "pct=0 with t=y: a staged policy, which old and new receivers hold back.")
    return warn(
        about,
        f"pct={pct}: receivers of RFC 9989 ignore it and apply the policy in full; only t=y holds them back.",
    )


def _reports(record: ReadRecord, about: str) -> Iterator[Remark]:
    rua = record.get("rua")
    if rua is None:
        yield fix(
            about, "It asks for no reports, so nobody can see who sends.", "Add rua=mailto:<your mailbox>."
        )
        return
    found = destinations(rua)
    for uri in filter(None, map(str.strip, rua.split(","))):
        if _URI.fullmatch(uri) is None:
            yield fix(about, f"{uri!r} in rua is no mailto:user@host, and gets no reports.")
    if any(each.size for each in found):
        yield note(about, "A size limit such as !10m in rua is ignored since RFC 9989.")
    if len(found) > _MAX_URIS:
        yield warn(about, f"rua names {len(found)} addresses; receivers need to serve only {_MAX_URIS}.")


_RULES: tuple[Callable[[ReadRecord, str], Iterator[Remark]], ...] = (
    _form,
    _values,
    _policies,
    _modes,
    _old,
    _reports,
)
