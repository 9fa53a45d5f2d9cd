"""The elements of an aggregate report: where they stand, under which names.

RFC 7489 appendix C and RFC 9990 appendix A in one tree, by local name and in any order, because
no reporter's order can be relied on. Whatever else stands in a report is passed over.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

DMARC_2 = "urn:ietf:params:xml:ns:dmarc-2.0"
"""The namespace of RFC 9990; nothing is read differently because of it."""

METADATA = "report_metadata"
POLICY = "policy_published"
EXTENSION = "extension"
IDENTITIES = "identities"
REASON = "row/policy_evaluated/reason"
DKIM = "auth_results/dkim"
SPF = "auth_results/spf"
GROUPS = frozenset({METADATA, POLICY, EXTENSION, REASON, DKIM, SPF})
"""Elements whose texts belong together, or whose presence says something."""

Leaf: TypeAlias = tuple[str, str | None]
"""A path with the text that stood there, or with None: a group ends, or an element is no RFC's."""

Schema: TypeAlias = Mapping[str, "Schema | None"]


class Element(dict[str, "Element"]):
    """One element and its children by local name."""

    __slots__ = ("leaf", "path", "strangers", "told")

    def __init__(
        self, path: str = "", strangers: "Element | None" = None, *, leaf: bool = False, told: bool = False
    ) -> None:
        super().__init__()
        self.path = path
        """From the report or from its record; `auth_results/spf/domain`."""
        self.strangers = self if strangers is None else strangers
        """What a child is that no schema has."""
        self.leaf = leaf
        """True if its text is what matters."""
        self.told = told
        """True if its beginning and its end matter."""

    def __missing__(self, name: str) -> "Element":
        # `prefix:name` from expat, `{namespace}name` from lxml.
        return self.get(name.rpartition("}")[2].rpartition(":")[2], self.strangers)


STRANGER = Element("?", told=True)
"""An element that no schema has, and all that is in it."""
FOREIGN = Element("?", told=True)
"""The same of a malformed report where it is whole: nothing in it is the report's."""
FOREIGN_SPACE = "urn:dmarcwatch:foreign"
"""The namespace that tells of it."""
PASSED = Element()
"""What stands in an extension, at any depth: others' business."""

_RECORD: Schema = {
    "row": {
        "source_ip": None,
        "count": None,
        "policy_evaluated": {
            "disposition": None,
            "dkim": None,
            "spf": None,
            "reason": {"type": None, "comment": None},
        },
    },
    "identifiers": {"header_from": None, "envelope_from": None, "envelope_to": None},
    "auth_results": {
        "dkim": {"domain": None, "selector": None, "result": None},
        "spf": {"domain": None, "scope": None, "result": None},
    },
}
_FEEDBACK: Schema = {
    "version": None,
    "report_metadata": {
        "org_name": None,
        "email": None,
        "extra_contact_info": None,
        "report_id": None,
        "date_range": {"begin": None, "end": None},
        "error": None,
        "generator": None,
    },
    "policy_published": {
        "domain": None,
        "adkim": None,
        "aspf": None,
        "p": None,
        "sp": None,
        "np": None,
        "pct": None,
        "fo": None,
        "testing": None,
        # mail-dmarc's schema calls it as the DNS does.
        "t": None,
        "discovery_method": None,
    },
    "extension": {},
}


def _build(element: Element, schema: Schema) -> Element:
    for name, children in schema.items():
        path = f"{element.path}/{name}" if element.path else name
        strangers = PASSED if path == EXTENSION else STRANGER
        child = Element(path, strangers, leaf=children is None, told=path in GROUPS)
        element[name] = _build(child, children or {})
    return element


def _at(element: Element, path: str) -> Element:
    for name in path.split("/"):
        element = element[name]
    return element


RECORD = _build(Element("", STRANGER, told=True), _RECORD)
FEEDBACK = _build(Element("", STRANGER, told=True), _FEEDBACK)
GROUP_OF = {child.path: group for group in (REASON, DKIM, SPF) for child in _at(RECORD, group).values()}
"""The group of a record's texts that belong to one."""
START = Element("", STRANGER)
"""The document itself."""
SCHEMA = Element("", STRANGER, told=True)
"""IKEA opens an `xs:schema` around its reports and never closes it."""


def _names(element: Element) -> Iterator[str]:
    for name, child in element.items():
        yield name
        yield from _names(child)


def _join() -> None:
    identities = Element(IDENTITIES, STRANGER, told=True)  # junc.org's word
    identities.update(RECORD["identifiers"])
    RECORD[IDENTITIES] = identities
    FEEDBACK["record"] = RECORD
    SCHEMA["feedback"] = FEEDBACK
    START["feedback"] = FEEDBACK
    START["schema"] = SCHEMA


_join()
NAMES = frozenset(_names(START))
"""The local names of all elements."""
