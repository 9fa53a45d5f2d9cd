"""Every number the verdict turns on, with its reason (JUDGEMENT 6); all of them configurable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of all gates and of the rules behind them."""

    rho: float = 0.05
    """Correlation of messages of one stream and day: one broken key fails them all. With it no day
    of a stream is worth more than 20 independent messages (dmarc.md 5.3, checked by simulation)."""


DEFAULT_THRESHOLDS = Thresholds()
"""The limits as JUDGEMENT gives them."""
