"""A real database filled through the real loop, from bytes at hand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dmarcwatch.check.trusting import Trust
from dmarcwatch.classify import Classifier
from dmarcwatch.collect import Item, Memory
from dmarcwatch.filing import Accounts
from dmarcwatch.ingest import Ingest
from dmarcwatch.preparing import Rules
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import open_database
from dmarcwatch.trust import known_reporters

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SENDERS = Senders.load()


@dataclass
class Pile:
    """A collector of bytes in memory; `broken` ends it with that error after the last item."""

    documents: Sequence[bytes]
    source: str = "pile"
    local: bool = True
    broken: Exception | None = None
    settled: list[str] = field(default_factory=list)

    def items(self, memory: Memory) -> Iterator[Item]:
        tokens = [f"{number}" for number, _ in enumerate(self.documents)]
        seen = memory.seen(tokens)
        for token, data in zip(tokens, self.documents, strict=True):
            if token not in seen:
                yield Item(f"pile/{token}", token, data)
        memory.advance(f"{len(tokens)}")
        if self.broken:
            raise self.broken

    def settle(self, items: Sequence[Item]) -> None:
        self.settled += [item.token for item in items]

    def close(self) -> None:
        pass


def rules(**changes) -> Rules:
    classifier = Classifier(SENDERS)
    return Rules(SENDERS, classifier.classify, Trust(known_reporters()), **changes)


@contextmanager
def fresh(path):
    database = open_database(path)
    try:
        yield database
    finally:
        database.close()


def feed(database, *documents, now=NOW, **changes) -> Accounts:
    """Read the documents in one run, as files that the user named."""
    how = changes.pop("rules", None) or rules()
    pile = Pile(documents, **({"source": f"pile of {len(documents)}"} | changes))
    run = Ingest(database, how, now).begin(pile.source)
    run.read(pile)
    return run.accounts


def rows(database, sql, *values):
    return list(database.conn.execute(sql, values))
