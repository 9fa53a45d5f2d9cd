"""What DMARC came to for a record: the reporter's word held against its own results.

A pass that the results do not show is unverified, a DNS error is neither pass nor fail (RFC 9989 section
5.3.6), and a word that is missing or unknown is never a pass. `disposition` says nothing here: under p=none
it is always none.
"""

from enum import StrEnum
from functools import lru_cache

from dmarcwatch.report import DmarcResult
from dmarcwatch.streams import Outcome


class Flag(StrEnum):
    """What is odd about a record; the words of its `flags`."""

    PASS_UNSUPPORTED = "pe_pass_unsupported"
    """The reporter says pass and its own results say otherwise."""
    FAIL_BUT_ALIGNED = "pe_fail_but_aligned"
    """The reporter says fail beside an aligned pass."""
    NO_AUTH_RESULTS = "no_auth_results"
    EVALUATION_MISSING = "pe_missing"
    DNS_ERROR = "dns_error"
    EXTRA_FAILING_SIGNATURE = "extra-failing-signature"
    """An own signature passes and another fails: harmless."""
    REGION_DISAGREES = "region-disagrees"
    """The signs of an SES region name different ones."""
    HEADER_FROM_MISSING = "header-from-missing"
    """The policy domain stands in for it: the report is about that domain."""


@lru_cache(maxsize=512)  # There are 324 combinations.
def outcome_of(
    dkim_evaluated: DmarcResult | None,
    spf_evaluated: DmarcResult | None,
    dkim: tuple[bool | None, bool],
    spf: tuple[bool | None, bool],
) -> tuple[Outcome, frozenset[Flag]]:
    """A record's outcome by both mechanisms, and what is odd about it.

    `dkim` and `spf` are each: recomputed alignment, and whether DNS kept an aligned one from being checked.
    """
    by_dkim, dkim_flag = effective(dkim_evaluated, *dkim)
    by_spf, spf_flag = effective(spf_evaluated, *spf)
    if dkim[0] is None and by_dkim is Outcome.FAIL:
        dkim_flag = None  # An unsigned message has no DKIM result by the schema: nothing was left out.
    flags = frozenset(flag for flag in (dkim_flag, spf_flag) if flag is not None)
    return min((by_dkim, by_spf), key=_PRECEDENCE.index), flags


_PRECEDENCE = (Outcome.PASS, Outcome.PASS_UNVERIFIED, Outcome.INDETERMINATE, Outcome.UNKNOWN, Outcome.FAIL)


def effective(
    evaluated: DmarcResult | None, recomputed: bool | None, dns_error: bool
) -> tuple[Outcome, Flag | None]:
    """One mechanism's outcome: the reporter's word beside ours, and what is odd about the pair."""
    if dns_error:
        return Outcome.INDETERMINATE, Flag.DNS_ERROR
    if evaluated is None:
        return (Outcome.PASS_UNVERIFIED if recomputed else Outcome.UNKNOWN), Flag.EVALUATION_MISSING
    if recomputed is None:
        says_pass = evaluated is DmarcResult.PASS
        return (Outcome.PASS_UNVERIFIED if says_pass else Outcome.FAIL), Flag.NO_AUTH_RESULTS
    return _STATED[evaluated, recomputed]


_STATED = {
    (DmarcResult.PASS, True): (Outcome.PASS, None),
    (DmarcResult.PASS, False): (Outcome.PASS_UNVERIFIED, Flag.PASS_UNSUPPORTED),
    (DmarcResult.FAIL, True): (Outcome.FAIL, Flag.FAIL_BUT_ALIGNED),
    (DmarcResult.FAIL, False): (Outcome.FAIL, None),
}
