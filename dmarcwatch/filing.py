"""What was read of an item becomes rows: reports stored, known or set aside, rejects noted with reasons."""

import sqlite3
from dataclasses import dataclass, fields
from typing import NamedTuple

from dmarcwatch.arrival import Arrival
from dmarcwatch.prepared import Aside, Prepared, ReadReport, Refused
from dmarcwatch.preparing import Rules
from dmarcwatch.store.aside import keep_aside
from dmarcwatch.store.raw import knows_reject
from dmarcwatch.store.writer import Ids, Source, Writer
from dmarcwatch.unpack import SetAside, SetAsideKind


@dataclass(slots=True)
class Accounts:
    """What a run did; items = those that brought a report + duplicates + set aside + rejects (by item)."""

    items: int = 0
    reports: int = 0
    duplicates: int = 0
    set_aside: int = 0
    rejects: int = 0
    records: int = 0
    messages: int = 0
    problems: int = 0
    dropped: int = 0
    """Records that could not be used."""
    unread_messages: int = 0
    """Messages of records that could not be used, as far as the report says how many."""

    def __iadd__(self, other: "Accounts") -> "Accounts":
        for name in _FIELDS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


_FIELDS = tuple(field.name for field in fields(Accounts))


class Fate(NamedTuple):
    """What became of one item."""

    outcome: str
    """`stored`, `duplicate`, `set-aside` or `reject`."""
    brought: bool
    """Whether it held a report of any kind: then something may be done with it at its origin."""
    keep: bool
    """Whether its bytes are kept."""


class Filing:
    """Files items into an open transaction and keeps their accounts."""

    def __init__(self, connection: sqlite3.Connection, writer: Writer, rules: Rules) -> None:
        self._connection = connection
        self._writer = writer
        self._rules = rules
        self.accounts = Accounts()

    def file(self, item: int, prepared: Prepared, ids: Ids, *, dated: bool = False) -> Fate:
        """Store what came out of the item with this id; `ids` are those of whoever prepared it.

        `dated`: its origin says when it came. The same bytes of the same moment are then the same item
        under a new name, as in a mailbox that got new numbers, and are no reject again.
        """
        accounts = self.accounts
        reports, duplicates, set_aside = accounts.reports, accounts.duplicates, accounts.set_aside
        rejects, problems = accounts.rejects, accounts.problems
        accounts.items += 1
        for part in prepared.parts:
            if isinstance(part, ReadReport):
                self._report(item, prepared.arrival, part, ids)
            elif isinstance(part, Refused):
                if not (dated and knows_reject(self._connection, item, prepared.arrival, part)):
                    self._writer.add_reject(item, prepared.arrival, part)
                    accounts.rejects += 1
            else:
                self._set_aside(item, prepared.arrival, part)
        if accounts.reports > reports:
            outcome = "stored"
        elif accounts.duplicates > duplicates:
            outcome = "duplicate"
        else:
            outcome = "set-aside" if accounts.set_aside > set_aside else "reject"
        brought = outcome != "reject"
        if not brought and accounts.rejects == rejects:
            outcome = "duplicate"
            accounts.duplicates += 1
        # Bytes are always kept where a newer program may find more in them.
        keep = (accounts.rejects, accounts.problems) != (rejects, problems) or self._keeps(prepared)
        return Fate(outcome, brought, keep)

    def _keeps(self, prepared: Prepared) -> bool:
        """Whether the user wants an item's bytes to be kept."""
        personal = self._rules.redact and any(
            isinstance(part, SetAside) and part.kind is SetAsideKind.FAILURE_REPORT for part in prepared.parts
        )
        return self._rules.keep_raw and not personal

    def _set_aside(self, item: int, arrival: Arrival, part: Aside | SetAside) -> None:
        self.accounts.set_aside += 1
        if isinstance(part, Aside):
            self._writer.add_set_aside(item, kind=part.kind, name=part.name, size=part.size)
            return
        problem = keep_aside(
            self._connection, item, part, received_at=arrival.received_at, redact=self._rules.redact
        )
        self._writer.add_set_aside(item, kind=part.kind, name=part.name, size=len(part.data), problem=problem)
        self.accounts.problems += problem is not None

    def _report(self, item: int, arrival: Arrival, read: ReadReport, ids: Ids) -> None:
        accounts = self.accounts
        twin = self._writer.twin(read.sha256)
        if twin is not None:
            self._writer.lift(twin, read.tier, arrival.received_at)
            accounts.duplicates += 1
            return
        self._writer.add_report(Source(item, arrival.origin, arrival.received_at), read, ids)
        accounts.reports += 1
        accounts.records += read.records
        accounts.messages += read.messages
        if read.problems:
            accounts.problems += len(read.problems)
            accounts.dropped += sum(problem.messages != 0 for problem in read.problems)
        accounts.unread_messages += read.unread_messages
