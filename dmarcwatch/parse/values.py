"""Texts with their places -> the values of report.py: a record's evidence, and a report without records."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.domains import organizational_domain
from dmarcwatch.errors import ReportError
from dmarcwatch.parse import words
from dmarcwatch.parse.elements import DKIM, EXTENSION, GROUPS, METADATA, POLICY, REASON, SPF, Leaf
from dmarcwatch.parse.words import Note, Notes, Texts
from dmarcwatch.report import (
    AuthResult,
    Dialect,
    Dkim,
    Evidence,
    PolicyPublished,
    Reason,
    ReasonType,
    Report,
    Spf,
)
from dmarcwatch.text import clean

_EARLIEST = datetime(2012, 1, 1, tzinfo=UTC)
"""DMARC was published in January 2012; what is older is no date but a counter or a mistake."""
_LONGEST = timedelta(days=35)
"""Gateways report on weeks (24.6 days were seen); what is longer says nothing about any day."""

_VERSION = "version"
_BEGIN = f"{METADATA}/date_range/begin"
_END = f"{METADATA}/date_range/end"
_ERROR = f"{METADATA}/error"
_GENERATOR = f"{METADATA}/generator"
_DOMAIN = f"{POLICY}/domain"
_NP = f"{POLICY}/np"
_TESTING = f"{POLICY}/testing"
_METHOD = f"{POLICY}/discovery_method"
_NEW_IN_RFC9990 = frozenset({_GENERATOR, _NP, _TESTING, _METHOD})

SOURCE_IP = "row/source_ip"
COUNT = "row/count"
_EVALUATED = "row/policy_evaluated"
_ENVELOPE_FROM = "identifiers/envelope_from"
_OF_A_GROUP = (f"{REASON}/", f"{DKIM}/", f"{SPF}/")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a record says beside its address and its count, and how well that could be read."""

    evidence: Evidence
    repaired: bool
    notes: tuple[Note, ...]


class RawRecord(NamedTuple):
    """A record whose address and count are still texts; None where absent."""

    source_ip: str | None
    messages: str | None
    statement: Statement


def read_record(leaves: Iterable[Leaf], budgets: Budgets) -> RawRecord:
    """One `record` from its leaves; nothing in it can be so wrong that its messages were lost."""
    notes = Notes()
    texts, groups = _grouped(leaves, notes)
    evidence = Evidence(
        disposition=notes.word(texts, f"{_EVALUATED}/disposition", words.DISPOSITIONS),
        dkim_evaluated=notes.word(texts, f"{_EVALUATED}/dkim", words.EVALUATED),
        spf_evaluated=notes.word(texts, f"{_EVALUATED}/spf", words.EVALUATED),
        reasons=_reasons(groups[REASON], notes, budgets),
        header_from=notes.domain(texts, "identifiers/header_from"),
        envelope_from=_envelope_from(texts, notes),
        envelope_to=notes.domain(texts, "identifiers/envelope_to"),
        dkim=_signatures(groups[DKIM], notes, budgets.max_signatures),
        spf=_spf(groups[SPF], notes, budgets.max_signatures),
    )
    statement = Statement(_shared(evidence), notes.repaired, tuple(notes.unusable))
    return RawRecord(texts.get(SOURCE_IP), texts.get(COUNT), statement)


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
        org_name=notes.text(texts, f"{METADATA}/org_name", budgets.max_comment_chars),
        org_email=notes.text(texts, f"{METADATA}/email", budgets.max_comment_chars),
        report_id=notes.text(texts, f"{METADATA}/report_id", budgets.max_text_chars),
        begin=begin,
        end=end,
        policy=_policy(texts, notes, header_from),
        dialect=_dialect(texts, new=dmarc_2 or EXTENSION in present),
        extra_contact_info=notes.text(texts, f"{METADATA}/extra_contact_info", budgets.max_comment_chars),
        errors=_errors(errors, notes, budgets),
        generator=notes.text(texts, _GENERATOR, budgets.max_comment_chars),
    )
    return Head(report, notes.repaired, tuple(notes.unusable))


def _grouped(leaves: Iterable[Leaf], notes: Notes) -> tuple[Texts, dict[str, list[Texts]]]:
    """The record's own texts by path, and those of its reasons, signatures and SPF results apart."""
    own: dict[str, str] = {}
    group: dict[str, str] = {}
    groups: dict[str, list[Texts]] = {REASON: [], DKIM: [], SPF: []}
    for path, text in leaves:
        if text is not None:
            _add(group if path.startswith(_OF_A_GROUP) else own, path, text, notes)
        elif path in groups:
            groups[path].append(group)
            group = {}
        else:
            notes.repaired = True
    return own, groups


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
            notes.repaired = notes.repaired or path not in GROUPS
        elif path == _ERROR:
            errors.append(text)
        elif path.partition("/")[0] in present and path not in texts:
            notes.refuse(path, text)
        else:
            _add(texts, path, text, notes)
    return texts, errors, present


def _add(texts: dict[str, str], path: str, text: str, notes: Notes) -> None:
    """The first text of an element counts; a second one that says something else is noted."""
    text = text.strip()
    if texts.setdefault(path, text) != text:
        notes.refuse(path, text)


def _envelope_from(texts: Texts, notes: Notes) -> str | None:
    # Present and empty is how a null reverse-path is written (RFC 9990 section 3.1.1.10).
    if texts.get(_ENVELOPE_FROM) in ("", "<>"):
        return ""
    return notes.domain(texts, _ENVELOPE_FROM)


def _reasons(groups: Sequence[Texts], notes: Notes, budgets: Budgets) -> tuple[Reason, ...]:
    for texts in groups[budgets.max_reasons :]:
        notes.refuse(REASON, texts.get(f"{REASON}/type", ""))
    return tuple(
        _reason(
            Reason(
                notes.word(texts, f"{REASON}/type", words.REASONS),
                notes.text(texts, f"{REASON}/comment", budgets.max_comment_chars),
            )
        )
        for texts in groups[: budgets.max_reasons]
    )


def _reason(reason: Reason) -> Reason:
    # mail-dmarc says so where RFC 7489 has no word for it.
    if reason.type is ReasonType.OTHER and (reason.comment or "").casefold().startswith(words.TEST_MODE):
        return Reason(ReasonType.POLICY_TEST_MODE, reason.comment)
    return reason


def _signatures(groups: Sequence[Texts], notes: Notes, limit: int) -> tuple[Dkim, ...]:
    """Each signature once; Outlook repeats them, and others list a nameless one for unsigned mail."""
    read = (_dkim(texts, notes) for texts in groups)
    signatures = list(dict.fromkeys(signature for signature in read if signature is not None))
    if len(signatures) > limit:
        # A message may carry any number of them, so a stranger could hide the one that passes.
        signatures.sort(key=lambda signature: signature.result is not AuthResult.PASS)
        notes.refuse(DKIM, f"{len(signatures)} signatures")
    return tuple(signatures[:limit])


def _dkim(texts: Texts, notes: Notes) -> Dkim | None:
    domain = notes.domain(texts, f"{DKIM}/domain")
    selector = notes.selector(texts, f"{DKIM}/selector")
    result = notes.word(texts, f"{DKIM}/result", words.DKIM_RESULTS)
    if domain is not None:
        return Dkim(domain, selector, result)
    notes.repaired = True
    if result is AuthResult.PASS and not texts.get(f"{DKIM}/domain"):
        notes.refuse(DKIM, "a pass of no domain")
    return None


def _spf(groups: Sequence[Texts], notes: Notes, limit: int) -> tuple[Spf, ...]:
    read = (
        Spf(
            notes.domain(texts, f"{SPF}/domain"),
            notes.word(texts, f"{SPF}/scope", words.SCOPES),
            notes.word(texts, f"{SPF}/result", words.SPF_RESULTS),
        )
        for texts in groups
    )
    results = tuple(dict.fromkeys(result for result in read if result != (None, None, None)))
    if len(results) > limit:
        notes.refuse(SPF, f"{len(results)} results")
    return results[:limit]


@lru_cache(maxsize=1 << 14)
def _shared(evidence: Evidence) -> Evidence:
    """One object for equal evidence, as long as it is remembered."""
    return evidence


def _period(texts: Texts, notes: Notes) -> tuple[datetime, datetime]:
    begin, end = notes.instant(texts, _BEGIN), notes.instant(texts, _END)
    if begin is None or end is None:
        path = _BEGIN if begin is None else _END
        raise ReportError(
            "no-date-range", f"no instant: {texts.get(path, '')[:40]!r}", path=f"feedback/{path}"
        )
    if begin > end or begin < _EARLIEST or end - begin > _LONGEST:
        raise ReportError("bad-range", f"from {begin} to {end}", path=f"feedback/{METADATA}/date_range")
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
        adkim=notes.word(texts, f"{POLICY}/adkim", words.MODES),
        aspf=notes.word(texts, f"{POLICY}/aspf", words.MODES),
        p=notes.word(texts, f"{POLICY}/p", words.POLICIES),
        sp=notes.word(texts, f"{POLICY}/sp", words.POLICIES),
        np=notes.word(texts, _NP, words.POLICIES),
        pct=notes.percent(texts, f"{POLICY}/pct"),
        fo=notes.text(texts, f"{POLICY}/fo", 64),
        testing=notes.word(texts, _TESTING if _TESTING in texts else f"{POLICY}/t", words.TESTING),
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
