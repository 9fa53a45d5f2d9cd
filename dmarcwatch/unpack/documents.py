"""Stage 2: the bytes of an item become XML documents, inside byte, ratio, member, part and depth budgets.

An item is a mail, an archive or a bare document; which of them is told by its bytes (`sniff`), never by
its declared type or its name. All budgets are asked here, in the one pass that also makes the checksum,
so that reading a `Document` afterwards meets no budget of size. One archive layer is opened.

Not done here: failure reports and TLS reports are recognized and set aside, not read; encrypted and
proprietary containers are refused by name; a delivery status or complaint is not searched for the
mail it returns.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.errors import NotAReport, TooLarge, UnpackError
from dmarcwatch.mail.headers import MailHeaders, looks_like_mail, mail_headers
from dmarcwatch.reasons import BUDGET_REASONS, Reason
from dmarcwatch.text import clean
from dmarcwatch.unpack.archives import Content, Packed, gunzip, plain
from dmarcwatch.unpack.inflate import Meter
from dmarcwatch.unpack.mime import Leaf, decode, decode_base64, read_mail, undecoded
from dmarcwatch.unpack.sniff import (
    HEAD_BYTES,
    Kind,
    foreign_container,
    is_bare_base64,
    is_markup,
    may_hold_report,
    sniff,
    without_blank_lines,
)
from dmarcwatch.unpack.zips import entries, read_entry

__all__ = ["Document", "Fault", "MailHeaders", "SetAside", "SetAsideKind", "Unpacked", "unpack"]

_NAME_CHARS = 255
_CLAIMS = (".xml", ".gz", ".gzip", ".zip")
_CLAIMING_TYPES = frozenset(
    f"{kind}/{name}"
    for kind in ("application", "text")
    for name in ("gzip", "x-gzip", "gunzip", "zip", "x-zip", "x-zip-compressed", "zip-compressed", "xml")
)
_OFFICE = re.compile(r"\.(?:doc|xls|ppt|vsd|mpp)[a-z]?\Z", re.IGNORECASE)
"""Documents that share their container with Outlook's messages."""
_REPORTS = (Kind.GZIP, Kind.ZIP, Kind.REPORT, Kind.TLS_REPORT)
_SECRET_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})
_AUTH_FAILURE = re.compile(rb"^feedback-type:\s*auth-failure\b", re.IGNORECASE | re.MULTILINE)
_EXIM_FAILURE = b"A message claiming to be from you has failed the published DMARC policy"
"""How Exim's example configuration words a failure report, which then has no machine-readable part."""


class SetAsideKind(StrEnum):
    """What else mail systems send to the address of a domain's reports."""

    TLS_REPORT = "tls-report"
    """RFC 8460."""
    FAILURE_REPORT = "failure-report"
    """RFC 9991; `data` is the whole message."""


class Document(NamedTuple):
    """One XML document that was found in an item."""

    name: str
    """Claimed file name without directories, cleaned; data only, nothing is written by it. Empty if none."""
    sha256: str
    """Hex digest of the inflated bytes: the report's content identity."""
    size: int
    """Inflated bytes."""
    packed: Packed
    truncated: bool = False
    """True where the archive was cut or damaged and this is what could be got out of it."""

    def chunks(self) -> Iterator[bytes]:
        """The inflated bytes in pieces of at most 64 KiB, as often as asked.

        Up to 4 MiB are kept inflated; a larger document is inflated again each time.
        """
        return self.packed.chunks()


@dataclass(frozen=True, slots=True)
class SetAside:
    """A report that is none of aggregate DMARC."""

    kind: SetAsideKind
    name: str
    data: bytes = field(repr=False)
    """Unpacked bytes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A part that could not be read while others could."""

    name: str
    reason: str
    """A word of `reasons.Reason`."""
    message: str


class Unpacked(NamedTuple):
    """What an item holds; at least one document or one report set aside."""

    headers: MailHeaders | None
    """None where the item is no mail."""
    documents: tuple[Document, ...]
    set_aside: tuple[SetAside, ...]
    faults: tuple[Fault, ...]


def unpack(data: bytes, budgets: Budgets = Budgets()) -> Unpacked:
    """Find the documents in the bytes of an item.

    Raises TooLarge where a budget is exceeded and NotAReport where nothing in the item is a report; any
    bytes at all do one or the other. Where only a part is at fault the rest is returned beside it.
    """
    if not data or data.isspace():
        raise NotAReport(Reason.EMPTY, "nothing at all")
    finder = _Finder(budgets)
    head = data[:HEAD_BYTES]
    bare = is_markup(head)
    limit = budgets.max_inflated_bytes if bare else budgets.max_message_bytes
    if len(data) > limit:
        reason = Reason.INFLATED_BYTES if bare else Reason.MESSAGE_BYTES
        raise TooLarge(reason, f"{len(data)} bytes, and the budget is {limit}")
    headers = None
    if not bare and not head[:64].lstrip().startswith(b"{") and looks_like_mail(head):
        mail = read_mail(data, budgets)
        headers = mail_headers(mail.fields)
        for leaf in mail.leaves:
            finder.look_at_part(leaf)
    else:
        finder.look_at("", data)
    return finder.found(headers)


class _Finder:
    """Collects what the parts of one item are."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._meter = Meter(budgets)
        self._documents: list[Document] = []
        self._set_aside: list[SetAside] = []
        self._faults: list[Fault] = []
        self._bounce = False

    def found(self, headers: MailHeaders | None) -> Unpacked:
        """All that was found. Raises UnpackError where that is nothing."""
        if self._documents or self._set_aside:
            return Unpacked(headers, tuple(self._documents), tuple(self._set_aside), tuple(self._faults))
        if self._faults:
            fault = min(self._faults, key=lambda fault: fault.reason not in BUDGET_REASONS)
            error = TooLarge if fault.reason in BUDGET_REASONS else NotAReport
            raise error(fault.reason, f"{fault.name}: {fault.message}" if fault.name else fault.message)
        if self._bounce:
            raise NotAReport(Reason.BOUNCE, "a delivery status about mail that was sent from here")
        raise NotAReport(Reason.NO_REPORT, "nothing in it is an aggregate report")

    def look_at_part(self, leaf: Leaf) -> None:
        """One leaf of a mail."""
        if leaf.type == "message/delivery-status":
            self._bounce = True
            return
        try:
            self._look_at_part(leaf)
        except UnpackError as error:
            self._fault(leaf.name, error)

    def look_at(self, name: str, data: bytes) -> None:
        """Bytes that are no mail, whatever else they are."""
        try:
            self._look_at(name, data, claimed=False)
        except UnpackError as error:
            self._fault(name, error)

    def _look_at_part(self, leaf: Leaf) -> None:
        if leaf.type in _SECRET_TYPES or leaf.name.lower().endswith(".p7m"):
            raise NotAReport(Reason.UNSUPPORTED, "S/MIME or PGP data, which cannot be opened here")
        data = decode(leaf, self._budgets)
        if leaf.encoding and sniff(without_blank_lines(data)[:HEAD_BYTES]) not in _REPORTS:
            data = _if_report(undecoded(leaf, self._budgets)) or data
        claimed = leaf.type in _CLAIMING_TYPES or _claims(leaf.name)
        if _is_failure_report(leaf, data):
            whole_message = leaf.data[slice(*leaf.message)]
            self._set_aside.append(
                SetAside(SetAsideKind.FAILURE_REPORT, _base_name(leaf.name), whole_message)
            )
        elif claimed or may_hold_report(data[:HEAD_BYTES]):
            self._look_at(leaf.name, data, claimed=claimed)

    def _look_at(self, name: str, data: bytes, *, claimed: bool) -> None:
        data = without_blank_lines(data)
        kind = sniff(data[:HEAD_BYTES])
        if kind is Kind.UNKNOWN and is_bare_base64(data[:HEAD_BYTES]):
            data = decode_base64(data)
            kind = sniff(data[:HEAD_BYTES])
        if kind is Kind.GZIP:
            for content in gunzip(name, data, self._meter):
                self._sort(content)
        elif kind is Kind.ZIP:
            self._look_into_zip(name, data)
        elif kind in (Kind.REPORT, Kind.TLS_REPORT):
            self._sort(plain(name, data, self._meter))
        else:
            _refuse(kind, data[:HEAD_BYTES], name=name, claimed=claimed)

    def _look_into_zip(self, name: str, data: bytes) -> None:
        for entry in entries(data, self._budgets):
            if _base_name(entry.name).startswith("._"):
                continue  # macOS packs each file's attributes beside it under its name
            try:
                self._sort(read_entry(data, entry, self._meter))
            except UnpackError as error:
                self._fault(entry.name or name, error)

    def _sort(self, content: Content) -> None:
        """Content that was packed, or is a report."""
        kind = sniff(content.head)
        name = _base_name(content.name)
        if kind is Kind.REPORT:
            document = Document(name, content.sha256, content.size, content.packed, content.truncated)
            self._documents.append(document)
        elif kind is Kind.TLS_REPORT:
            if content.size > self._budgets.max_part_bytes:
                raise TooLarge(Reason.PART_BYTES, f"a TLS report of {content.size} bytes")
            self._set_aside.append(SetAside(SetAsideKind.TLS_REPORT, name, b"".join(content.packed.chunks())))
        elif kind in (Kind.GZIP, Kind.ZIP):
            raise NotAReport(Reason.NESTED_ARCHIVE, "an archive inside an archive")
        elif content.truncated:
            raise NotAReport(Reason.DAMAGED, "a damaged archive out of which no report could be got")
        else:
            claimed = content.size == 0 or _claims(content.name)
            _refuse(kind, content.head, name=content.name, claimed=claimed)

    def _fault(self, name: str, error: UnpackError) -> None:
        self._faults.append(Fault(_base_name(name), error.reason, error.message))


def _refuse(kind: Kind, head: bytes, *, name: str, claimed: bool) -> None:
    """Raise NotAReport to say why `head` is no report, where it claims to be one or could hide one."""
    if kind is Kind.FOREIGN and not _OFFICE.search(name):
        raise NotAReport(Reason.UNSUPPORTED, f"{foreign_container(head)}, which cannot be opened here")
    if kind is Kind.PLACEHOLDER:
        raise NotAReport(Reason.REPORTER_OUTAGE, "a placeholder where the reporter should have put a report")
    if claimed and kind is Kind.EMPTY:
        raise NotAReport(Reason.EMPTY, "nothing at all")
    if claimed and kind is Kind.UNKNOWN:
        raise NotAReport(Reason.DAMAGED, "named like a report, and neither gzip, zip nor XML")


def _if_report(data: bytes) -> bytes | None:
    """Bytes that begin as a report does; some are sent as they are, whatever encoding the header names."""
    head = without_blank_lines(data)[:HEAD_BYTES]
    return data if may_hold_report(head) and sniff(head) in _REPORTS else None


def _claims(name: str) -> bool:
    """True for a file name that says report; SES leaves a semicolon behind it."""
    return name.lower().rstrip("; ").endswith(_CLAIMS)


def _is_failure_report(leaf: Leaf, data: bytes) -> bool:
    if leaf.type == "message/feedback-report":
        return _AUTH_FAILURE.search(data[:HEAD_BYTES]) is not None
    return leaf.type == "text/plain" and data[:512].lstrip().startswith(_EXIM_FAILURE)


def _base_name(name: str) -> str:
    return clean(name.replace("\\", "/").rpartition("/")[2], _NAME_CHARS) if name else ""
