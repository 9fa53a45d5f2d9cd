"""What `check` has to say: one sentence about one thing, how much it matters, and how to mend it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Weight(StrEnum):
    """How much a remark matters."""

    FIX = "fix"
    """Mail, reports or the policy are lost by it: mend it."""
    WARN = "warn"
    """It works today and is fragile, or may be on purpose."""
    UNKNOWN = "unknown"
    """It could not be asked, so nothing is known and nothing is concluded."""
    NOTE = "note"
    WELL = "well"
    """Asked, and as it should be."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence about one thing."""

    weight: Weight
    about: str
    """What was asked about: a name in DNS, or `Amazon SES <region>`."""
    message: str
    fix: tuple[str, ...] = ()
    """Lines for printing that say how to mend it; a command that goes on ends in a backslash."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "weight": str(self.weight),
            "about": self.about,
            "message": self.message,
            "fix": list(self.fix),
        }


def fix(about: str, message: str, *lines: str) -> Remark:
    """Something to mend, with the lines that say how."""
    return Remark(Weight.FIX, about, message, lines)


def warn(about: str, message: str, *lines: str) -> Remark:
    """Something to look at."""
    return Remark(Weight.WARN, about, message, lines)


def unknown(about: str, trouble: str) -> Remark:
    """Something that could not be asked."""
    return Remark(Weight.UNKNOWN, about, f"not known: {trouble}")


def note(about: str, message: str, *lines: str) -> Remark:
    """Something worth knowing."""
    return Remark(Weight.NOTE, about, message, lines)


def well(about: str, message: str) -> Remark:
    """Something that is as it should be."""
    return Remark(Weight.WELL, about, message)
