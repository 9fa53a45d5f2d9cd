"""A memory as the database keeps it: tokens and the position are written together, at a commit."""

from collections.abc import Sequence

from dmarcwatch.collect import Collector, Item


class RunMemory:
    """What one source has been through, kept in a set."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self.written: str | None = None
        self._pending: str | None = None

    def position(self) -> str | None:
        return self.written

    def seen(self, tokens: Sequence[str]) -> frozenset[str]:
        assert len(tokens) == len(set(tokens)), "a token stands for one item"
        return frozenset(self.tokens.intersection(tokens))

    def advance(self, position: str) -> None:
        self._pending = position

    def commit(self, items: Sequence[Item]) -> None:
        self.tokens.update(item.token for item in items)
        self.written = self._pending if self._pending is not None else self.written


def read_all(collector: Collector, memory: RunMemory | None = None) -> list[Item]:
    """Everything that is new, committed item by item, and not settled."""
    memory = memory or RunMemory()
    items = []
    for item in collector.items(memory):
        items.append(item)
        memory.commit([item])
    memory.commit([])
    return items
