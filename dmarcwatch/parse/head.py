"""The texts outside the records -> the report."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.domains import organizational_domain
from dmarcwatch.errors import ReportError
from dmarcwatch.parse import words
from dmarcwatch.parse.elements import EXTENSION, GROUPS, METADATA, POLICY, Leaf
from dmarcwatch.parse.words import Note, Notes, Texts
from dmarcwatch.report import Dialect, PolicyPublished, Report, is_plausible
from dmarcwatch.text import clean

_VERSION = "version"
_ORG_NAME = f"{METADATA}/org_name"
_EMAIL = f"{METADATA}/email"
_CONTACT = f"{METADATA}/extra_contact_info"
REPORT_ID = f"{METADATA}/report_id"
BEGIN = f"{METADATA}/date_range/begin"
END = f"{METADATA}/date_range/end"
_ERROR = f"{METADATA}/error"
_GENERATOR = f"{METADATA}/generator"
_DOMAIN = f"{POLICY}/domain"
_ADKIM = f"{POLICY}/adkim"
_ASPF = f"{POLICY}/aspf"
_P = f"{POLICY}/p"
_SP = f"{POLICY}/sp"
_NP = f"{POLICY}/np"
_PCT = f"{POLICY}/pct"
_FO = f"{POLICY}/fo"
_T = f"{POLICY}/t"
_TESTING = f"{POLICY}/testing"
_METHOD = f"{POLICY}/discovery_method"
_NEW_IN_RFC9990 = frozenset({_GENERATOR, _NP, _TESTING, _METHOD})


class Head(NamedTuple):
    """A report without its records, and how well it could be read."""

    report: Report
    repaired: bool
    notes: tuple[Note, ...]


def read_report(leaves: Iterable[Leaf], budgets: Budgets, *, dmarc_2: bool, header_from: str | None) -> Head:
    """The report from the leaves that stand outside its records.

    `header_from` is that of a record, for reporters that leave the policy out. Raises ReportError
    if there is no usable period or no domain.
    """
    notes = Notes()
    texts, errors, present = _first_ones(leaves, notes)
    begin, end = _period(texts, notes)
    report = Report(
        org_name=notes.text(texts, _ORG_NAME, budgets.max_comment_chars),
        org_email=notes.text(texts, _EMAIL, budgets.max_comment_chars),
        report_id=notes.text(texts, REPORT_ID, budgets.max_text_chars),
        begin=begin,
        end=end,
        policy=_policy(texts, notes, header_from),
        dialect=_dialect(texts, new=dmarc_2 or EXTENSION in present),
        extra_contact_info=notes.text(texts, _CONTACT, budgets.max_comment_chars),
        errors=_errors(errors, notes, budgets),
        generator=notes.text(texts, _GENERATOR, budgets.max_comment_chars),
    )
    return Head(report, notes.repaired, tuple(notes.unusable))


def _first_ones(leaves: Iterable[Leaf], notes: Notes) -> tuple[Texts, list[str], set[str]]:
    """The head's texts, the reporter's error lines, and which groups are there.

    Of several `policy_published` the first counts: some reporters add one for each policy they saw.
    """
    texts: dict[str, str] = {}
    errors: list[str] = []
    present: set[str] = set()
    for path, text in leaves:
        if text is None:
            present.add(path)
            if path not in GROUPS:
                notes.strange(path)
        elif path == _ERROR:
            errors.append(text)
        elif path in texts or path.partition("/")[0] in present:
            notes.repeated(texts, path, text)
        else:
            texts[path] = text.strip()
    return texts, errors, present


def _period(texts: Texts, notes: Notes) -> tuple[datetime, datetime]:
    begin, end = notes.instant(texts, BEGIN), notes.instant(texts, END)
    if begin is None or end is None:
        path = BEGIN if begin is None else END
        raise ReportError(
            "no-date-range", f"no instant: {texts.get(path, '')[:40]!r}", path=f"feedback/{path}"
        )
    if not is_plausible(begin, end):
        notes.refuse(f"{METADATA}/date_range", f"from {begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}")
    return begin, end


def _policy(texts: Texts, notes: Notes, header_from: str | None) -> PolicyPublished:
    domain = notes.domain(texts, _DOMAIN)
    if domain is None:
        if header_from is None:
            raise ReportError("no-policy-domain", "no domain is named", path=f"feedback/{_DOMAIN}")
        # Where the record was found is unknown; the highest place it can have been is not.
        domain = organizational_domain(header_from)
        if not any(note.path == _DOMAIN for note in notes.unusable):
            notes.refuse(_DOMAIN, "")
    return PolicyPublished(
        domain=domain,
        adkim=notes.word(texts, _ADKIM, words.MODES),
        aspf=notes.word(texts, _ASPF, words.MODES),
        p=notes.word(texts, _P, words.POLICIES),
        sp=notes.word(texts, _SP, words.POLICIES),
        np=notes.word(texts, _NP, words.POLICIES),
        pct=notes.percent(texts, _PCT),
        fo=notes.text(texts, _FO, 64),
        testing=notes.word(texts, _TESTING if _TESTING in texts else _T, words.TESTING),
        discovery_method=notes.word(texts, _METHOD, words.DISCOVERY),
    )


def _dialect(texts: Texts, *, new: bool) -> Dialect:
    """By what only RFC 9990 has; `version` tells nothing but that it is no draft, whatever its number."""
    if new or not _NEW_IN_RFC9990.isdisjoint(texts):
        return Dialect.RFC9990
    return Dialect.RFC7489 if _VERSION in texts else Dialect.DRAFT


def _errors(texts: Sequence[str], notes: Notes, budgets: Budgets) -> tuple[str, ...]:
    if len(texts) > budgets.max_reasons:
        notes.refuse(_ERROR, f"{len(texts)} error lines")
    lines = (clean(text, budgets.max_comment_chars) for text in texts[: budgets.max_reasons])
    return tuple(line for line in lines if line)
