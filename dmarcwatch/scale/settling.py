"""Which reports count, over all that ever came: the rule of `duplicates`, in order of arrival.

It gives what storing one report after the other would give, for the reports of one shard at a time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dmarcwatch.duplicates import COUNTED, RANK, SUPERSEDED, Claim, decide
from dmarcwatch.report import Tier

DUPLICATE = "duplicate"
"""Of a document whose very bytes came before: it has no row of its own."""


class Identity(NamedTuple):
    """What reports that compete with each other have in common."""

    policy_domain: str
    reporter: str
    begin: str
    end: str
    org_name: str | None


@dataclass(slots=True)
class Entry:
    """A report and how it stands; `tier` and `status` change as others come."""

    id: int
    identity: Identity
    sha256: str
    report_id: str | None
    fingerprint: int
    records: int
    tier: Tier
    status: str | None
    """None until it is settled."""
    held: bool = False
    """Its period cannot be."""

    @property
    def claim(self) -> Claim:
        """What it competes with."""
        return Claim(self.id, self.report_id, self.tier, self.fingerprint, self.records)


HoldsAll = Callable[[int, int], bool]
"""Whether the report of the first id has all records of that of the second."""


def settle(new: Iterable[Entry], earlier: Iterable[Entry], holds_all: HoldsAll) -> None:
    """Give every entry of `new` its status, in order of their ids, and change what that changes of others.

    `earlier` are those of earlier increments that could compete with them.
    """
    documents: dict[str, Entry] = {}
    rivals: defaultdict[Identity, list[Entry]] = defaultdict(list)
    for entry in sorted(earlier, key=lambda entry: entry.id):
        documents[entry.sha256] = entry
        rivals[entry.identity].append(entry)
    for entry in sorted(new, key=lambda entry: entry.id):
        twin = documents.setdefault(entry.sha256, entry)
        if twin is not entry:
            entry.status = DUPLICATE
            # A report is trusted as far as the better of its deliveries (JUDGEMENT 5).
            twin.tier = max(twin.tier, entry.tier, key=RANK.__getitem__)
            continue
        entry.status = "held" if entry.held else _place(entry, rivals[entry.identity], holds_all)
        rivals[entry.identity].append(entry)


def _place(entry: Entry, rivals: list[Entry], holds_all: HoldsAll) -> str:
    counted = [rival for rival in rivals if rival.status == COUNTED]
    twin = decide(
        entry.claim,
        (rival.claim for rival in counted),
        holds_all=lambda old: holds_all(entry.id, old),
    )
    for rival in counted:
        if rival.id == twin.supersedes:
            rival.status = SUPERSEDED
    return twin.status
