"""Which reports count, over all that ever came: by `duplicates` and `plausible`, in order of arrival.

It gives what storing one report after the other would give, for the reports of one shard at a time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from dmarcwatch.duplicates import COUNTED, RANK, SUPERSEDED, Claim, decide
from dmarcwatch.plausible import Held
from dmarcwatch.report import Tier

DUPLICATE = "duplicate"
"""Of a document whose very bytes came before: it has no row of its own."""
HELD = "held"


class Identity(NamedTuple):
    """What reports that compete with each other have in common."""

    policy_domain: str
    reporter: str
    begin: str
    end: str
    org_name: str | None


@dataclass(slots=True)
class Entry:
    """A report and how it stands; tier to `held` change as others come."""

    id: int
    identity: Identity
    sha256: str
    report_id: str | None
    fingerprint: int
    records: int
    messages: int
    day: date
    p: str | None
    tier: Tier
    received_at: str
    status: str | None
    """None until it is settled."""
    held: Held | None = None
    """Why it is held, where that was found here."""
    final: bool = False
    """Its records are gone, so that it stays as it stands, like a pruned report in the database."""

    @property
    def claim(self) -> Claim:
        """What it competes with."""
        return Claim(self.id, self.report_id, self.tier, self.fingerprint, self.records, self.final)


class Knowledge(Protocol):
    """What the reports that count make known of others."""

    def held(self, entry: Entry) -> Held | None:
        """Why a report cannot be what it says, beside what is known by now."""

    def count(self, entry: Entry, sign: int) -> None:
        """Take in a report that counts now (1), or counts no longer (-1)."""


HoldsAll = Callable[[int, int], bool]
"""Whether the report of the first id has all records of that of the second."""


def settle(
    new: Iterable[Entry], earlier: Iterable[Entry], *, knowledge: Knowledge, holds_all: HoldsAll
) -> None:
    """Give every entry of `new` its status, in order of their ids, and change what that changes of others.

    `earlier` are those of earlier increments that could compete with them.
    """
    settlement = _Settlement(knowledge, holds_all)
    for entry in sorted(earlier, key=lambda entry: entry.id):
        settlement.recall(entry)
    for entry in sorted(new, key=lambda entry: entry.id):
        settlement.add(entry)


class _Settlement:
    """Reports so far."""

    def __init__(self, knowledge: Knowledge, holds_all: HoldsAll) -> None:
        self._knowledge = knowledge
        self._holds_all = holds_all
        self._documents: dict[str, Entry] = {}
        self._rivals: defaultdict[Identity, list[Entry]] = defaultdict(list)

    def recall(self, entry: Entry) -> None:
        """Take in a report that is settled."""
        self._documents[entry.sha256] = entry
        self._rivals[entry.identity].append(entry)

    def add(self, entry: Entry) -> None:
        """Settle a report that came after all others."""
        twin = self._documents.get(entry.sha256)
        if twin is not None:
            entry.status = DUPLICATE
            self._lift(twin, entry)
            return
        self._place(entry)
        self.recall(entry)

    def _lift(self, twin: Entry, again: Entry) -> None:
        """A report is trusted as far as the better of its deliveries, as of its arrival (JUDGEMENT 5)."""
        if twin.final or RANK[again.tier] <= RANK[twin.tier]:
            return
        if twin.status == COUNTED:
            self._knowledge.count(twin, -1)
        twin.tier, twin.received_at = again.tier, again.received_at
        if twin.status == COUNTED:
            self._knowledge.count(twin, 1)
        else:
            # Whoever guesses a report and sends it first must not keep the genuine one out.
            self._place(twin)

    def _place(self, entry: Entry) -> None:
        """Say whether a report counts, and which one does no longer because of it."""
        entry.held = self._knowledge.held(entry)
        if entry.held is not None:
            entry.status = HELD
            return
        counted = [rival for rival in self._rivals[entry.identity] if rival.status == COUNTED]
        twin = decide(
            entry.claim,
            (rival.claim for rival in counted),
            holds_all=lambda old: self._holds_all(entry.id, old),
        )
        for rival in counted:
            if rival.id == twin.supersedes:
                rival.status = SUPERSEDED
                self._knowledge.count(rival, -1)
        entry.status = twin.status
        if twin.status == COUNTED:
            self._knowledge.count(entry, 1)
