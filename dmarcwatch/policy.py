"""DMARC records and the ladder: what a record says, what receivers make of it, what to publish next."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from dmarcwatch.errors import ConfigError
from dmarcwatch.report import Policy

_TAG = re.compile(r"\A\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(.*?)\s*\Z", re.ASCII | re.DOTALL)
_WEAKER = {Policy.REJECT: Policy.QUARANTINE, Policy.QUARANTINE: Policy.NONE, Policy.NONE: Policy.NONE}


class Step(IntEnum):
    """A rung of the ladder; higher is stricter."""

    MONITORING = 0
    """`p=none`, or nothing that counts as a policy."""
    STAGED = 1
    """`p=quarantine` held back by `t=y` or pct below 100: lists rewrite From already."""
    QUARANTINE = 2
    """`p=quarantine` in full, or `p=reject` held back, which comes to the same."""
    REJECT = 3
    """`p=reject` in full."""

    @property
    def enforcing(self) -> bool:
        """Whether failing mail is quarantined or rejected in full."""
        return self >= Step.QUARANTINE


class Population(StrEnum):
    """Which receivers: those of RFC 9989, those of RFC 7489, or ones that soften nothing."""

    NEW = "new"
    """They honour `t` and ignore `pct` (RFC 9989 section 4.7)."""
    OLD = "old"
    """They honour `pct` and ignore `t` (RFC 7489 section 6.6.4)."""
    WORST = "worst"
    """They ignore both."""


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A DMARC record's tags in its own order, unknown ones too."""

    tags: tuple[tuple[str, str], ...]
    """Names in lower case, values as written."""

    @classmethod
    def parse(cls, text: str) -> "DmarcRecord":
        """Read `tag=value; tag=value`; `v=DMARC1` may be left out of a policy a person types.

        Raises ConfigError when a part is no tag, a tag stands twice, or a policy is unknown.
        """
        problems: list[str] = []
        tags: dict[str, str] = {}
        for part in filter(str.strip, text.split(";")):
            match = _TAG.match(part)
            if match is None:
                problems.append(f"not a tag: {part.strip()!r}")
            elif match[1].lower() in tags:
                problems.append(f"tag {match[1].lower()} stands twice")
            else:
                tags[match[1].lower()] = match[2]
        problems += _wrong_values(tags)
        if problems:
            raise ConfigError(problems, hint="write it as in DNS, such as p=quarantine; sp=none")
        return cls(tuple(tags.items()))

    @property
    def begins_right(self) -> bool:
        """Whether it begins with `v=DMARC1`; receivers pass over any other (RFC 9989 section 4.7)."""
        return self.tags[:1] == (("v", "DMARC1"),)

    def get(self, name: str) -> str | None:
        """A tag's value, None where it is absent."""
        return next((value for tag, value in self.tags if tag == name), None)

    def policy(self, name: str) -> Policy | None:
        """The policy in `p`, `sp` or `np`, None where it is absent."""
        value = self.get(name)
        return None if value is None else Policy(value.lower())

    @property
    def pct(self) -> int | None:
        """0..100, None where absent."""
        value = self.get("pct")
        return None if value is None else int(value)

    @property
    def testing(self) -> bool:
        """Whether `t=y` holds the policy back."""
        return (self.get("t") or "").lower() == "y"

    def with_tags(self, changes: Mapping[str, str | None]) -> "DmarcRecord":
        """The same record with tags set, or removed where the value is None.

        New tags stand right after `p`, where people look for them.
        """
        kept = [(tag, changes.get(tag, value)) for tag, value in self.tags]
        known = {tag for tag, _ in self.tags}
        new = [(tag, value) for tag, value in changes.items() if tag not in known]
        place = next((index for index, (tag, _) in enumerate(kept) if tag == "p"), 0) + 1
        merged = kept[:place] + new + kept[place:]
        return DmarcRecord(tuple((tag, value) for tag, value in merged if value is not None))

    def __str__(self) -> str:
        return "; ".join(f"{tag}={value}" for tag, value in self.tags)


def _wrong_values(tags: Mapping[str, str]) -> list[str]:
    words = {str(policy) for policy in Policy}
    wrong = [
        f"{name}={tags[name]}: one of none, quarantine, reject is known"
        for name in ("p", "sp", "np")
        if name in tags and tags[name].lower() not in words
    ]
    pct = tags.get("pct")
    if pct is not None and not (pct.isascii() and pct.isdigit() and int(pct) <= 100):
        wrong.append(f"pct={pct}: a whole number from 0 to 100")
    if tags.get("t", "n").lower() not in ("y", "n"):
        wrong.append(f"t={tags['t']}: y or n")
    if tags.get("v", "DMARC1") != "DMARC1":
        wrong.append(f"v={tags['v']}: DMARC1 is known")
    return wrong


def step_of(p: str | None, *, pct: int | None = None, testing: bool | None = None) -> Step:
    """The rung a published policy stands on (JUDGEMENT 6, decision)."""
    held_back = bool(testing) or (pct is not None and pct < 100)
    if p == Policy.QUARANTINE:
        return Step.STAGED if held_back else Step.QUARANTINE
    if p == Policy.REJECT:
        return Step.QUARANTINE if held_back else Step.REJECT
    return Step.MONITORING


def requested(record: DmarcRecord, *, subdomain: bool) -> Policy:
    """What a record asks for mail of its own domain or of a subdomain without a record of its own.

    Whether a subdomain exists is not known from reports, so of `sp` and `np` the stricter one is
    taken (dmarc.md 4, step 1).
    """
    own = record.policy("p") or Policy.NONE
    if not subdomain:
        return own
    existing = record.policy("sp") or own
    absent = record.policy("np") or existing
    return max(existing, absent, key=list(Policy).index)


def shares(record: DmarcRecord, asked: Policy, population: Population) -> tuple[float, float]:
    """The shares of failing mail that such receivers quarantine and reject, 0..1 each."""
    full, soft = 1.0, _WEAKER[asked]
    if population is Population.NEW and record.testing:
        full = 0.0
    if population is Population.OLD and record.pct is not None:
        full = record.pct / 100
    quarantined = full * (asked is Policy.QUARANTINE) + (1 - full) * (soft is Policy.QUARANTINE)
    return quarantined, full * (asked is Policy.REJECT)


STAGED_TAGS: Mapping[str, str | None] = {"p": "quarantine", "t": "y", "pct": "0"}
"""Lists rewrite From as under enforcement and nobody is quarantined; receivers that ignore both enforce."""


def next_step(step: Step) -> Mapping[str, str | None]:
    """The tags of the rung above; None removes a tag. Empty at the top.

    Never `p=reject; pct=0`: OpenDMARC applies nothing then, which is weaker than the rung before.
    """
    if step is Step.MONITORING:
        return STAGED_TAGS
    if step is Step.STAGED:
        return {"p": "quarantine", "t": None, "pct": None}
    if step is Step.QUARANTINE:
        return {"p": "reject", "t": None, "pct": None}
    return {}


def previous_step(step: Step, *, sp: str | None) -> Mapping[str, str | None]:
    """The tags of the full rung below; a subdomain policy stricter than it comes down with it."""
    lower = Policy.QUARANTINE if step is Step.REJECT else Policy.NONE
    changes: dict[str, str | None] = {"p": str(lower), "t": None, "pct": None}
    words = [str(policy) for policy in Policy]
    if sp in words and words.index(sp) > words.index(lower):
        changes["sp"] = str(lower)
    return changes


def tags_text(changes: Mapping[str, str | None]) -> str:
    """The tags to set as a record writes them; removed ones are not among them."""
    return "; ".join(f"{tag}={value}" for tag, value in changes.items() if value is not None)
