"""The way through one document: which of its texts belong to the report and which to which record."""

from collections.abc import Mapping

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import ReportError
from dmarcwatch.parse.elements import (
    DMARC_2,
    FEEDBACK,
    FOREIGN,
    FOREIGN_SPACE,
    METADATA,
    POLICY,
    RECORD,
    SCHEMA,
    START,
    STRANGER,
    Element,
    Leaf,
)

_MAX_HELD_CHARS = 1024 * 1024
"""Text and white space since the last text that mattered."""
_LOST_TAGS = 16
"""How much deeper than well-formed XML recovered XML may be."""


class Walk:
    """Hears of the elements of one document (markup.Handlers), and gathers the texts that matter.

    Memory is that of the head and of the records since `records` was emptied.
    """

    def __init__(self, budgets: Budgets, *, recover: bool = False) -> None:
        self.texts: list[str] = []
        self.head: list[Leaf] = []
        """What stood outside records so far."""
        self.dmarc_2 = False
        """True if the report is in RFC 9990's namespace."""
        self.begun = False
        """True once there was a `feedback`."""
        self.complete = False
        """True once it ended: whatever comes later cannot be part of it."""
        self.repaired = False
        self.records: list[list[Leaf]] = []
        """Records that ended and were not taken away yet."""
        self.strays = 0
        """Records in places where no schema has them."""
        self._budgets = budgets
        self._recover = recover
        # The document itself is on the stack. Lost end tags let depth grow with each record.
        self._max_depth = 1 + budgets.max_xml_depth * (_LOST_TAGS if recover else 1)
        self._stack = [START]
        self._leaves = self.head

    @property
    def at_rest(self) -> bool:
        """True between the children of `feedback`."""
        return self._stack[-1] is FEEDBACK

    @property
    def settled(self) -> bool:
        """True if all is there that comes before the records."""
        return (METADATA, None) in self.head and (POLICY, None) in self.head

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element opens."""
        element = self._stack[-1][name]
        self._stack.append(element)
        if element.leaf:
            self.texts.clear()
        elif element.told:
            self._opened(element, name, attributes)

    def end(self, name: str) -> None:
        """The element opened last closes."""
        element = self._stack.pop()
        if element.leaf:
            self._leaves.append((element.path, "".join(self.texts)))
        elif element.told:
            self._closed(element)

    def check(self) -> None:
        """Raise ReportError when what is held exceeds its bounds; call it after each piece."""
        self._check_depth()
        if len(self._leaves) > self._budgets.max_leaves:
            raise ReportError("leaves", f"more than {self._budgets.max_leaves} texts in one place")
        if sum(map(len, self.texts)) > _MAX_HELD_CHARS:
            raise ReportError("text-chars", f"a text of more than {_MAX_HELD_CHARS} characters")

    def unended(self) -> list[Leaf] | None:
        """What was read of a record that has not ended, or None."""
        return None if self._leaves is self.head else self._leaves

    def _opened(self, element: Element, name: str, attributes: Mapping[str, str]) -> None:
        if element is RECORD:
            self._flush()
            self._leaves = []
        elif element is STRANGER or element is FOREIGN:
            self._met(name, attributes)
        elif element is FEEDBACK:
            self._begin(DMARC_2 in name or DMARC_2 in attributes.values())
        elif element is SCHEMA:
            self.repaired = True

    def _begin(self, dmarc_2: bool) -> None:
        if self.begun:
            # A second report in one document; its records are not the first one's.
            self._stack[-1] = STRANGER
            self.strays += 1
        self.begun = True
        self.dmarc_2 = self.dmarc_2 or dmarc_2

    def _closed(self, element: Element) -> None:
        if element is RECORD:
            self._flush()
        elif element is FEEDBACK:
            self.complete = True
        elif not (element is STRANGER or element is FOREIGN or element is SCHEMA):
            self._leaves.append((element.path, None))

    def _flush(self) -> None:
        """End the record that is open, if one is."""
        leaves, self._leaves = self._leaves, self.head
        if leaves is not self.head:
            self.records.append(leaves)

    def _met(self, name: str, attributes: Mapping[str, str]) -> None:
        parent = self._stack[-2]
        if parent is START:
            raise ReportError("no-feedback", f"the document is no report but {name[:40]!r}")
        self._check_depth()
        if FOREIGN_SPACE in name:
            self._stack[-1] = FOREIGN
        elif self._recover and parent is not FOREIGN and self._adopt(name, attributes):
            return
        if parent.leaf:
            # What has elements inside is no text, and half of it would be wrong.
            self._stack[-2] = STRANGER
            self._leaves.append((parent.path, None))
        if RECORD is FEEDBACK[name]:
            self.strays += 1

    def _check_depth(self) -> None:
        # Asked where a stranger opens: known elements alone are never that deep.
        if len(self._stack) > self._max_depth:
            raise ReportError("xml-depth", f"elements nested deeper than {self._max_depth - 1}")

    def _adopt(self, name: str, attributes: Mapping[str, str]) -> bool:
        """Read an element as the child of an ancestor, because the end tags between them are lost."""
        for ancestor in reversed(self._stack[1:-2]):
            element = ancestor[name]
            if element is STRANGER:
                continue
            self._leave(self._stack[-2])
            if ancestor is FEEDBACK:
                self._flush()
            self._stack[-1] = element
            if element.leaf:
                self.texts.clear()
            elif element.told:
                self._opened(element, name, attributes)
            return True
        return False

    def _leave(self, parent: Element) -> None:
        """Take the text of an element whose end tag is lost: what is left of the tag ends it."""
        if parent.leaf:
            tag = f"/{parent.path.rpartition('/')[2]}>"
            self._leaves.append((parent.path, "".join(self.texts).strip().removesuffix(tag)))
            self._stack[-2] = STRANGER
