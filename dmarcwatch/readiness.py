"""Stream days -> gates -> Verdict: may the domain enforce its policy without losing its own mail?"""

from collections.abc import Callable
from datetime import date

from dmarcwatch.history import NOTHING_DECLARED, Declared, History, PoolDay
from dmarcwatch.streams import Stream
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dmarcwatch.verdict import Verdict

__all__ = ["Declared", "Fix", "History", "PoolDay", "Thresholds", "Verdict", "judge", "no_fix"]

Fix = Callable[[Stream, str], tuple[str, ...]]
"""Lines that say how to mend a stream in a state; the edge hands over the real one."""


def no_fix(stream: Stream, state: str) -> tuple[str, ...]:
    """No advice: for replays that nobody reads."""
    return ()


def judge(
    history: History,
    *,
    as_of: date,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    declared: Declared = NOTHING_DECLARED,
    fix: Fix = no_fix,
) -> Verdict:
    """The verdict on a domain as of a day, from what had been received by that day."""
    raise NotImplementedError
