"""What-if: which mail of the days judged another policy would have touched, stream by stream.

Receivers are taken at their word: those that soften a policy (RFC 9989 section 5.4 lets them) lose less.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from dmarcwatch.domains import aligned
from dmarcwatch.policy import DmarcRecord, requested
from dmarcwatch.report import Policy
from dmarcwatch.web import queries
from dmarcwatch.web.charts import Window
from dmarcwatch.web.domain import Day, DomainPage
from dmarcwatch.web.given import Modes
from dmarcwatch.web.words import Word, legitimacy_word

POLICIES = tuple(str(policy) for policy in Policy)
SAME = "same"
"""Subdomains get what the domain gets: no sp tag."""


class Asked(NamedTuple):
    """What is asked; each value is one of those the form offers."""

    p: str
    sp: str
    modes: Modes

    @property
    def record(self) -> DmarcRecord:
        """The same as a record's tags."""
        subdomains = () if self.sp == SAME else (("sp", self.sp),)
        return DmarcRecord((("p", self.p), *subdomains))


def asked(values: Mapping[str, str], target: str, published: Modes) -> Asked:
    """What a form says; what it does not say, or does not offer, is the next policy as published else."""
    offered = {"p": POLICIES, "sp": (SAME, *POLICIES), "adkim": ("r", "s"), "aspf": ("r", "s")}
    said = {name: values[name] for name, words in offered.items() if values.get(name) in words}
    modes = Modes(said.get("adkim", published.adkim), said.get("aspf", published.aspf))
    return Asked(said.get("p", target if target in POLICIES else "quarantine"), said.get("sp", SAME), modes)


class Count(NamedTuple):
    """Messages, and those of them that fail."""

    messages: int
    failing: int


@dataclass(frozen=True, slots=True)
class Touched:
    """What would happen to one stream's mail."""

    id: str
    name: str
    header_from: str
    legitimacy: str | None
    policy: str
    """What is asked for its From domain: none, quarantine or reject."""
    direct: Count
    indirect: Count
    """Passed on by somebody else, which the owner cannot mend."""

    @property
    def whose(self) -> Word:
        """Its legitimacy in words."""
        return legitimacy_word(self.legitimacy)

    @property
    def messages(self) -> int:
        """All its messages."""
        return self.direct.messages + self.indirect.messages

    @property
    def lost(self) -> int:
        """Messages that would be quarantined or rejected."""
        return 0 if self.policy == "none" else self.direct.failing + self.indirect.failing


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer."""

    asked: Asked
    window: Window
    streams: tuple[Touched, ...]
    """Those that would lose something, most of your own first."""
    own: int
    """Lost messages of your own that came directly."""
    forwarded: int
    unknown: int
    spoof: int
    own_messages: int
    """All messages of your own that came directly."""


def what_if(connection: sqlite3.Connection, page: DomainPage, ask: Asked, published: Modes) -> WhatIf:
    """What `ask` would have done on the days judged.

    Other alignment than the published one is recomputed from the records, as no roll-up holds it; all
    else reads roll-ups.
    """
    domain, window = page.domain, page.judged
    counted = _as_reported(_days(connection, page))
    if ask.modes != published:
        counted = _realigned(connection, domain, window, ask.modes, counted)
    streams = []
    for key, identity, _, header_from, _, _, name, legitimacy, *_ in queries.streams(connection, domain):
        direct, indirect = counted.get(key, (_NONE, _NONE))
        policy = str(requested(ask.record, subdomain=header_from != domain))
        streams.append(Touched(identity, name, header_from, legitimacy, policy, direct, indirect))
    return _answer(ask, window, streams)


def _days(connection: sqlite3.Connection, page: DomainPage) -> Iterator[tuple[int, Day]]:
    """Stream key and day of all that was judged: those the page has read already, where it has them all."""
    first, last = page.judged.span
    if page.window.first <= page.judged.first and page.judged.last <= page.window.last:
        pairs = ((key, day) for key, days in page.traffic.items() for day in days)
        yield from ((key, day) for key, day in pairs if first <= day.day <= last)
    else:
        for key, row in queries.traffic(connection, page.domain, page.judged.span):
            yield key, Day(*row)


_NONE = Count(0, 0)
Counted = dict[int, tuple[Count, Count]]
"""By stream: direct and indirect."""


def _as_reported(days: Iterator[tuple[int, Day]]) -> Counted:
    """Under the alignment that was published then."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for key, day in days:
        passed_on = day.all_messages - day.messages, day.all_failing - day.failing
        counts = (day.messages, day.failing, *passed_on)
        sums[key] = [before + more for before, more in zip(sums[key], counts, strict=True)]
    return {key: (Count(*counts[:2]), Count(*counts[2:])) for key, counts in sums.items()}


def _realigned(
    connection: sqlite3.Connection, domain: str, window: Window, modes: Modes, counted: Counted
) -> Counted:
    """The same under other modes: only what their change decides moves, the reporter's word holds else."""
    moved: dict[tuple[int, bool], int] = defaultdict(int)
    for row in queries.evidence(connection, domain, window.span):
        key, indirect, adkim, aspf, header_from, dkim, spf, messages = row
        results = (_results(dkim), _results(spf))
        before = _aligns(domain, header_from, results, Modes(adkim or "r", aspf or "r"))
        moved[key, bool(indirect)] += messages * (before - _aligns(domain, header_from, results, modes))
    after = dict(counted)
    for (key, indirect), messages in moved.items():
        both = list(after.get(key, (_NONE, _NONE)))
        failing = both[indirect].failing + messages
        both[indirect] = both[indirect]._replace(failing=min(max(0, failing), both[indirect].messages))
        after[key] = (both[0], both[1])
    return after


Results = list[dict[str, Any]]


def _aligns(domain: str, header_from: str | None, results: tuple[Results, Results], modes: Modes) -> bool:
    """Whether the evidence of a record aligns by either mechanism."""
    return any(
        each.get("result") == "pass"
        and bool(aligned(each.get("domain"), header_from, strict=mode == "s", policy_domain=domain))
        for found, mode in zip(results, modes, strict=True)
        for each in found
    )


def _results(text: str | None) -> Results:
    return json.loads(text) if text else []


def _answer(ask: Asked, window: Window, streams: list[Touched]) -> WhatIf:
    losing = sorted((each for each in streams if each.lost), key=lambda each: (_rank(each), -each.lost))
    direct: dict[int, int] = defaultdict(int)
    for each in losing:
        direct[_rank(each)] += each.direct.failing
    return WhatIf(
        asked=ask,
        window=window,
        streams=tuple(losing),
        own=direct[0],
        forwarded=sum(each.indirect.failing for each in losing) + direct[2],
        unknown=direct[1],
        spoof=direct[3],
        own_messages=sum(each.direct.messages for each in streams if _rank(each) == 0),
    )


def _rank(each: Touched) -> int:
    """Whose a stream is, in the order in which a loss matters; one not judged counts as unknown."""
    return {"owned": 0, "shadow": 0, "forwarded": 2, "spoof": 3}.get(each.legitimacy or "", 1)
