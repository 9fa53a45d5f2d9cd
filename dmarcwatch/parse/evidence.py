"""The texts of one record -> what it states."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from dmarcwatch.budgets import Budgets
from dmarcwatch.parse import words
from dmarcwatch.parse.elements import DKIM, GROUP_OF, REASON, SPF, Leaf
from dmarcwatch.parse.words import Note, Notes, Texts
from dmarcwatch.report import AuthResult, Dkim, Evidence, Reason, ReasonType, Spf

SOURCE_IP = "row/source_ip"
COUNT = "row/count"
ENVELOPE_FROM = "identifiers/envelope_from"
DISPOSITION = "row/policy_evaluated/disposition"
DKIM_EVALUATED = "row/policy_evaluated/dkim"
SPF_EVALUATED = "row/policy_evaluated/spf"
HEADER_FROM = "identifiers/header_from"
ENVELOPE_TO = "identifiers/envelope_to"
REASON_TYPE = f"{REASON}/type"
REASON_COMMENT = f"{REASON}/comment"
DKIM_DOMAIN = f"{DKIM}/domain"
DKIM_SELECTOR = f"{DKIM}/selector"
DKIM_RESULT = f"{DKIM}/result"
SPF_DOMAIN = f"{SPF}/domain"
SPF_SCOPE = f"{SPF}/scope"
SPF_RESULT = f"{SPF}/result"

MAX_SHARED = 10
"""Signatures and reasons; more is rare, and remembering it would let a stranger fill the memory."""


class Statement(NamedTuple):
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
        disposition=notes.word(texts, DISPOSITION, words.DISPOSITIONS),
        dkim_evaluated=notes.word(texts, DKIM_EVALUATED, words.EVALUATED),
        spf_evaluated=notes.word(texts, SPF_EVALUATED, words.EVALUATED),
        reasons=read_reasons(groups[REASON], notes, budgets),
        header_from=notes.domain(texts, HEADER_FROM),
        envelope_from=_envelope_from(texts, notes),
        envelope_to=notes.domain(texts, ENVELOPE_TO),
        dkim=_signatures(groups[DKIM], notes, budgets.max_signatures),
        spf=_spf(groups[SPF], notes, budgets.max_signatures),
    )
    if len(evidence.dkim) + len(evidence.reasons) <= MAX_SHARED:
        evidence = shared(evidence)
    statement = Statement(evidence, notes.repaired, tuple(notes.unusable))
    return RawRecord(texts.get(SOURCE_IP), texts.get(COUNT), statement)


def _grouped(leaves: Iterable[Leaf], notes: Notes) -> tuple[Texts, dict[str, list[Texts]]]:
    """The record's own texts by path, and those of its reasons, signatures and SPF results apart."""
    own: dict[str, str] = {}
    group: dict[str, str] = {}
    groups: dict[str, list[Texts]] = {REASON: [], DKIM: [], SPF: []}
    for path, text in leaves:
        if text is None:
            if path in groups:
                groups[path].append(group)
                group = {}
            else:
                notes.strange(path)
            continue
        texts = group if path in GROUP_OF else own
        if path in texts:
            notes.repeated(texts, path, text)
        else:
            texts[path] = text.strip()
    return own, groups


def _envelope_from(texts: Texts, notes: Notes) -> str | None:
    # Present and empty is how a null reverse-path is written (RFC 9990 section 3.1.1.10).
    if texts.get(ENVELOPE_FROM) in ("", "<>"):
        return ""
    return notes.domain(texts, ENVELOPE_FROM)


def read_reasons(groups: Sequence[Texts], notes: Notes, budgets: Budgets) -> tuple[Reason, ...]:
    """The override reasons of a record from the texts of each."""
    for texts in groups[budgets.max_reasons :]:
        notes.refuse(REASON, texts.get(REASON_TYPE, ""))
    return tuple(_reason(texts, notes, budgets) for texts in groups[: budgets.max_reasons])


def _reason(texts: Texts, notes: Notes, budgets: Budgets) -> Reason:
    kind = notes.word(texts, REASON_TYPE, words.REASONS)
    comment = notes.text(texts, REASON_COMMENT, budgets.max_comment_chars)
    # mail-dmarc says so where RFC 7489 has no word for it.
    if kind is ReasonType.OTHER and (comment or "").casefold().startswith(words.TEST_MODE):
        notes.repaired = True
        kind = ReasonType.POLICY_TEST_MODE
    return Reason(kind, comment)


def _signatures(groups: Sequence[Texts], notes: Notes, limit: int) -> tuple[Dkim, ...]:
    """Each signature once; Outlook repeats them, and others list a nameless one for unsigned mail."""
    named = [signature for texts in groups if (signature := _dkim(texts, notes)) is not None]
    signatures = list(dict.fromkeys(named)) if len(named) > 1 else named
    if len(signatures) < len(named):
        notes.repaired = True
    if len(signatures) > limit:
        # A message may carry any number of them, so a stranger could hide the one that passes.
        signatures.sort(key=lambda signature: signature.result is not AuthResult.PASS)
        notes.refuse(DKIM, f"{len(signatures)} signatures")
    return tuple(signatures[:limit])


def _dkim(texts: Texts, notes: Notes) -> Dkim | None:
    domain = notes.domain(texts, DKIM_DOMAIN)
    selector = notes.selector(texts, DKIM_SELECTOR)
    result = notes.word(texts, DKIM_RESULT, words.DKIM_RESULTS)
    if domain is not None:
        return Dkim(domain, selector, result)
    notes.repaired = True
    if result is AuthResult.PASS and not texts.get(DKIM_DOMAIN):
        notes.refuse(DKIM, "a pass of no domain")
    return None


def _spf(groups: Sequence[Texts], notes: Notes, limit: int) -> tuple[Spf, ...]:
    read = (
        Spf(
            notes.domain(texts, SPF_DOMAIN),
            notes.word(texts, SPF_SCOPE, words.SCOPES),
            notes.word(texts, SPF_RESULT, words.SPF_RESULTS),
        )
        for texts in groups
    )
    results = tuple(dict.fromkeys(result for result in read if any(result)))
    if len(results) > limit:
        notes.refuse(SPF, f"{len(results)} results")
    return results[:limit]


@lru_cache(maxsize=1 << 13)
def shared(evidence: Evidence) -> Evidence:
    """One object for equal evidence, as long as it is remembered."""
    return evidence
