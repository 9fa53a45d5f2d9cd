"""Records that were read before: the same text but for address and count means the same.

Reports repeat themselves, in a report and from day to day, so that most records differ from an
earlier one in nothing else. Taking those from their text costs a tenth of parsing them.

Why this is no second parser: a text is remembered only after expat has read it, from one `<record>`
in `feedback` to its end, and recognised only where expat has parsed all that came before and stands
in `feedback` again. The same characters there are the same element. Address and count are told apart
by tags that stand in the text once, in a text without comments, CDATA sections and instructions,
so they are these elements.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.parse.evidence import RawRecord, Statement

RECORD_START = "<record>"
RECORD_END = "</record>"
_MAX_CHARS = 4096
"""A longer record is not remembered; a usual one has 700."""
_MAX_TEMPLATES = 8192
"""With `_MAX_CHARS` this bounds the memory to 32 MiB."""
_PLAIN = re.compile("[0-9A-Fa-f.:]+ [0-9]+")
"""An address and a count without markup, references and white space."""


class Template(NamedTuple):
    """A record's text without its address and its count."""

    before: str
    between: str
    after: str


class Cut(NamedTuple):
    """A record's text, cut where it differs from others."""

    template: Template
    source_ip: str
    messages: str


class Templates:
    """What records of known text state."""

    def __init__(self) -> None:
        self._statements: dict[Template, Statement] = {}

    def find(self, cut: Cut) -> Statement | None:
        """What a record of this text states, if such a one was read before."""
        statement = self._statements.get(cut.template)
        return statement if statement and _PLAIN.fullmatch(f"{cut.source_ip} {cut.messages}") else None

    def learn(self, text: str, cut: Cut, raw: RawRecord) -> None:
        """Remember a record that was read from `text`, if its text leaves no doubt."""
        if len(text) > _MAX_CHARS or (cut.source_ip, cut.messages) != (raw.source_ip, raw.messages):
            return
        if "<!" in text or "<?" in text or text.count("<source_ip>") > 1 or text.count("<count>") > 1:
            return
        if len(self._statements) >= _MAX_TEMPLATES:
            self._statements.clear()
        self._statements[cut.template] = raw.statement


@lru_cache(maxsize=4)
def templates_for(budgets: Budgets) -> Templates:
    """The templates of all documents that are read within the same bounds."""
    return Templates()


def cut_record(text: str) -> Cut | None:
    """The text of a record cut at its address and its count; None where it has not both, in this order."""
    before, _, rest = text.partition("<source_ip>")
    source_ip, _, rest = rest.partition("</source_ip>")
    between, _, rest = rest.partition("<count>")
    messages, found, after = rest.partition("</count>")
    return Cut(Template(before, between, after), source_ip, messages) if found else None
