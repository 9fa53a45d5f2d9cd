"""How far each folder of a mailbox was read, and what its messages are remembered by."""

import json
from dataclasses import dataclass
from typing import NamedTuple

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is remembered of one folder."""

    validity: int
    """UIDVALIDITY."""
    next_uid: int = 1
    """Every message below this UID is done."""
    generation: int = 0
    """How often the folder's messages got new numbers. UIDVALIDITY does not tell it of a mailbox that
    was restored from a backup: UIDs are given once more then, to other messages."""
    ceiling: int = 1
    """UIDNEXT, or one more than the highest UID seen: a healthy server never tells a lower UIDNEXT again."""

    def holds(self, validity: int, next_uid: int | None) -> bool:
        """Whether a folder with this UIDVALIDITY and UIDNEXT still has the numbers of this mark."""
        return validity == self.validity and (next_uid is None or next_uid >= self.ceiling)

    def renewed(self, validity: int) -> "Mark":
        """The mark of the same folder with new numbers."""
        return Mark(validity, generation=self.generation + 1)

    def advanced(self, next_uid: int, ceiling: int) -> "Mark":
        """The mark once more is done; `ceiling` is what was seen besides."""
        return Mark(self.validity, next_uid, self.generation, max(self.ceiling, next_uid, ceiling))

    def token(self, folder: str, uid: int) -> str:
        """What a message is remembered by."""
        generation = f".{self.generation}" if self.generation else ""
        return f"{folder}/{self.validity}{generation}/{uid}"


Marks = dict[str, Mark]
"""By folder."""


class Place(NamedTuple):
    """Where the message lay that a token names."""

    folder: str
    validity: int
    generation: int
    uid: int


def place_of(token: str) -> Place:
    """The place that a token names."""
    name, numbers, uid = token.rsplit("/", 2)
    validity, _, generation = numbers.partition(".")
    return Place(canonical(name), int(validity), int(generation or 0), int(uid))


def canonical(name: str) -> str:
    """INBOX is one folder in whatever case (RFC 9051 section 5.1)."""
    return INBOX if name.upper() == INBOX else name


def read_marks(position: str | None) -> Marks:
    """Marks as `written` gave them; of older ones UIDVALIDITY and the next UID are all there is."""
    told = json.loads(position) if position else {}
    # INBOX last, so that it wins over the same folder in another case.
    marks = {canonical(name): Mark(*told[name]) for name in sorted(told, key=INBOX.__eq__)}
    return {name: mark.advanced(mark.next_uid, mark.ceiling) for name, mark in marks.items()}


def written(marks: Marks) -> str:
    """Marks as text."""
    return json.dumps(
        {name: (mark.validity, mark.next_uid, mark.generation, mark.ceiling) for name, mark in marks.items()}
    )
