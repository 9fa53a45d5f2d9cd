"""What is said of a stream, and what it depends on beside the stream's own days."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dmarcwatch.history import NOTHING_DECLARED, Declared
from dmarcwatch.streams import Label, Legitimacy
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds


class Standing(NamedTuple):
    """Whose mail a stream is, how sure that is, and why."""

    legitimacy: Legitimacy
    confidence: float
    """0..1; 1.0 only where a person said so."""
    because: str
    """The rule and its evidence, in one line."""
    asked: bool = False
    """True where the sender persists and only the user can say whose it is."""

    @property
    def own(self) -> bool:
        """Owned or shadow: what must not be lost."""
        return self.legitimacy in (Legitimacy.OWNED, Legitimacy.SHADOW)


@dataclass(frozen=True, slots=True)
class Context:
    """What a stream's standing depends on beside its own days."""

    today: int
    """Ordinal of the day judged from."""
    last: int
    """Ordinal of the last day judged."""
    reporters: int = 1
    """Organisations that report on the domain."""
    operators: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Selector -> ids of streams whose operator is known to sign with it; the empty selector has all."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """Selector that no known operator uses -> id of the unknown stream that signs most with it."""
    labels: Mapping[str, Label] = field(default_factory=dict)
    """What people said of streams and still holds, by stream id."""
    declared: Declared = NOTHING_DECLARED
    thresholds: Thresholds = DEFAULT_THRESHOLDS
