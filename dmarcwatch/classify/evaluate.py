"""What a record proves: its own signatures, its return path, alignment, and what DMARC came to.

Alignment is recomputed from `auth_results` and held against the reporter's word (`policy_evaluated`):
the reporter's word decides what happened to the mail, ours whose mail it was.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from dmarcwatch.classify.outcome import Flag, outcome_of
from dmarcwatch.domains import same_organisation
from dmarcwatch.report import (
    AlignmentMode,
    AuthResult,
    Dkim,
    DmarcResult,
    Evidence,
    Reason,
    ReasonType,
    Report,
    Spf,
    SpfScope,
)
from dmarcwatch.ses import ReturnPath, ses_return_path
from dmarcwatch.streams import Outcome


class Context(NamedTuple):
    """What a record's meaning takes from its report."""

    policy_domain: str
    strict_dkim: bool
    strict_spf: bool
    opendmarc: bool
    """Written by OpenDMARC, whose `arc=` reasons mean nothing."""


class Essence(NamedTuple):
    """What of a record's evidence decides: no recipients, no comments, so that more records are alike."""

    header_from: str | None
    dkim_evaluated: DmarcResult | None
    spf_evaluated: DmarcResult | None
    null_sender: bool
    """The reverse-path is stated and empty."""
    dkim: tuple[Dkim, ...]
    spf: tuple[Spf, ...]
    listed: bool
    """A reason says mailing list or trusted ARC seals."""
    indirect: bool
    """A reason says that the mail came by a forwarder or a list."""


class Evaluated(NamedTuple):
    """A record's evidence, sorted out."""

    header_from: str
    own: tuple[Dkim, ...]
    """Signatures in the From domain's organisation."""
    foreign: tuple[Dkim, ...]
    """The other signatures that pass."""
    spf: Spf | None
    """The result for the return path; None where the report has none."""
    return_path: ReturnPath
    dkim_aligned: bool | None
    """An own signature passes and is aligned; None for a record without signatures."""
    spf_aligned: bool | None
    """None where no return path's result is stated."""
    outcome: Outcome
    flags: frozenset[Flag]


# Failing errors of DNS are neither pass nor fail (RFC 9989 section 5.3.6).
_DNS_ERRORS = (AuthResult.TEMPERROR, AuthResult.PERMERROR)
_NOT_FAILING = (AuthResult.PASS, AuthResult.NONE, None)
_OPENDMARC_ID = re.compile(r"[a-z0-9._-]+:\d{9,11}", re.IGNORECASE)
_ARC_PASS = re.compile(r"\barc=pass\b|trusted arc", re.IGNORECASE)
_SPARING = (ReasonType.FORWARDED, ReasonType.MAILING_LIST, ReasonType.TRUSTED_FORWARDER)


def context_of(report: Report) -> Context:
    """What the report says for all of its records; absent alignment modes are relaxed (RFC 9989 4.7)."""
    policy = report.policy
    generator = (report.generator or "").lower()
    return Context(
        policy.domain,
        strict_dkim=policy.adkim is AlignmentMode.STRICT,
        strict_spf=policy.aspf is AlignmentMode.STRICT,
        # OpenDMARC up to 2026 names itself nowhere; its ids are `domain:epoch`.
        opendmarc="opendmarc" in generator or _OPENDMARC_ID.fullmatch(report.report_id or "") is not None,
    )


def essence_of(evidence: Evidence, context: Context) -> Essence:
    """What of a record's evidence decides its classification."""
    listed, indirect = _reasons(evidence.reasons, context) if evidence.reasons else (False, False)
    return Essence(
        evidence.header_from,
        evidence.dkim_evaluated,
        evidence.spf_evaluated,
        evidence.envelope_from == "",
        evidence.dkim,
        evidence.spf,
        listed,
        indirect,
    )


def evaluate(evidence: Essence, context: Context) -> Evaluated:
    """Sort out what a record's evidence proves."""
    header_from = evidence.header_from or context.policy_domain
    signed = _read_dkim(evidence, header_from, context)
    path = _read_spf(evidence, header_from, context)
    outcome, flags = outcome_of(
        evidence.dkim_evaluated,
        evidence.spf_evaluated,
        (signed.aligned, signed.error),
        (path.aligned, path.error),
    )
    if evidence.header_from is None:
        flags |= {Flag.HEADER_FROM_MISSING}
    if len(signed.own) > 1 and _extra_failing(signed.own):
        flags |= {Flag.EXTRA_FAILING_SIGNATURE}
    return Evaluated(
        header_from,
        signed.own,
        signed.foreign,
        path.result,
        path.kind,
        signed.aligned,
        path.aligned,
        outcome,
        flags,
    )


class _Signed(NamedTuple):
    own: tuple[Dkim, ...]
    foreign: tuple[Dkim, ...]
    aligned: bool | None
    error: bool
    """DNS kept an aligned signature from being checked, and no other passes."""


def _read_dkim(evidence: Essence, header_from: str, context: Context) -> _Signed:
    if not evidence.dkim:
        return _UNSIGNED
    own, foreign = [], []
    passes = error = False
    for signature in evidence.dkim:
        domain, _, result = signature
        if domain != header_from and not same_organisation(domain, header_from, context.policy_domain):
            if result is AuthResult.PASS:
                foreign.append(signature)
            continue
        own.append(signature)
        if domain == header_from or not context.strict_dkim:
            passes = passes or result is AuthResult.PASS
            error = error or result in _DNS_ERRORS
    return _Signed(tuple(own), tuple(foreign), passes, error and not passes)


_UNSIGNED = _Signed((), (), None, error=False)


class _Path(NamedTuple):
    result: Spf | None
    kind: ReturnPath
    aligned: bool | None
    error: bool


_NO_PATH = _Path(None, ReturnPath.NONE, None, error=False)


def _read_spf(evidence: Essence, header_from: str, context: Context) -> _Path:
    """The result that speaks of the return path; alignment is of any (dmarc.md 3.2).

    Where a report has several, one that passes aligned is what DMARC counted. Else the one that says
    MAIL FROM, then one that says nothing and does not look like a host's greeting: AMAZON-SES and
    Google leave the scope out.
    """
    paths = [
        path
        for result in evidence.spf
        if (path := _path(result, evidence, header_from, context)) is not _NO_PATH
    ]
    if len(paths) < 2:
        return paths[0] if paths else _NO_PATH
    best = min(paths, key=_rank)
    error = best.aligned is not True and any(path.error for path in paths)
    return best._replace(aligned=_any(path.aligned for path in paths), error=error)


def _path(result: Spf, evidence: Essence, header_from: str, context: Context) -> _Path:
    """One result as the return path's; HELO's is so for a null return path only (RFC 7208 section 2.4).

    The name of an SES host is kept all the same, because it stands in reports where MAIL FROM was empty.
    """
    domain = result.domain
    if domain is None:
        return _NO_PATH
    own = domain == header_from or same_organisation(domain, header_from, context.policy_domain)
    known = None if own else ses_return_path(domain)
    if result.scope is SpfScope.HELO and not evidence.null_sender:
        greeting = known is not None and known[0] is ReturnPath.HELO
        return _Path(result, ReturnPath.HELO, None, error=False) if greeting else _NO_PATH
    if not own:
        return _Path(result, known[0] if known else ReturnPath.FOREIGN, aligned=False, error=False)
    counts = domain == header_from or not context.strict_spf
    passes = counts and result.result is AuthResult.PASS
    return _Path(result, ReturnPath.OWN, passes, error=counts and result.result in _DNS_ERRORS)


def _rank(path: _Path) -> tuple[bool, bool, bool]:
    scope = path.result.scope if path.result else None
    return path.aligned is not True, scope is not SpfScope.MFROM, path.kind is ReturnPath.HELO


def _any(alignments: Iterable[bool | None]) -> bool | None:
    """True if any is; None if none is known."""
    known = [alignment for alignment in alignments if alignment is not None]
    return any(known) if known else None


def _extra_failing(own: tuple[Dkim, ...]) -> bool:
    results = [signature.result for signature in own]
    return AuthResult.PASS in results and any(result not in _NOT_FAILING for result in results)


def _reasons(reasons: Iterable[Reason], context: Context) -> tuple[bool, bool]:
    """Whether a reason says mailing list or trusted ARC seals, and whether one says anything of that kind."""
    listed = any(_is_list(reason, context) for reason in reasons)
    return listed, listed or any(reason.type in _SPARING for reason in reasons)


def _is_list(reason: Reason, context: Context) -> bool:
    if reason.type is ReasonType.MAILING_LIST:
        return True
    if reason.type is not ReasonType.LOCAL_POLICY or context.opendmarc:
        return False
    return _ARC_PASS.search(reason.comment or "") is not None
