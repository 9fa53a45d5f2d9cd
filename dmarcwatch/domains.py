"""Domain names: their normal form, the organization they belong to, and alignment.

The organizational domain comes from the public suffix list that is installed (RFC 7489 section
3.2). The tree walk of RFC 9989 section 4.10 needs the DNS of the day the mail was sent, which
nobody can ask any more; what a report says of it, where the policy was found, stands in for it.
"""

import re
from functools import lru_cache

import idna
from publicsuffixlist import PublicSuffixList

_MAX_NAME = 253
"""Characters of a name without its trailing dot (RFC 1035 section 2.3.4)."""
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
"""Underscores included: they are no host names, but SPF and DKIM are asked for such domains."""


def normal_domain(text: str) -> str | None:
    """The name in lower-case A-labels without a trailing dot, or None where `text` is no domain name.

    IDNA 2008 (RFC 9989 section 5.3.1), because IDNA 2003 would turn one name into another: `straße.de`
    is not `strasse.de`. An A-label is never shorter than its U-label, so length is asked first.
    """
    text = text.strip()
    return _normal(text) if len(text) <= _MAX_NAME + 1 else None


def normal_pattern(text: str) -> str:
    """A name as `normal_domain` has it, in which labels may hold `*`, `?` and sets in brackets."""
    labels = text.strip().removesuffix(".").split(".")
    return ".".join(
        label.lower() if set(label) & set("*?[]") else normal_domain(label) or label for label in labels
    )


@lru_cache(maxsize=1 << 16)
def organizational_domain(name: str) -> str:
    """The public suffix of `name` and one label more; `name` itself where there is no such label.

    That is so for public suffixes, single labels and IP addresses. An unknown top-level domain
    counts as a public suffix, as the list's own algorithm says.
    """
    if name.rpartition(".")[2].isdigit():  # No top-level domain is a number: an IPv4 address.
        return name
    return _suffixes().privatesuffix(name) or name


def is_public_suffix(name: str) -> bool:
    """True for names under which strangers register, such as `com`, `co.uk` and `github.io`."""
    return bool(_suffixes().is_public(name))


@lru_cache(maxsize=1 << 16)
def aligned(
    authenticated: str | None, header_from: str | None, *, strict: bool, policy_domain: str | None
) -> bool | None:
    """True if `authenticated` is aligned with `header_from` (RFC 9989 section 4.4); None if either is absent.

    Names are `normal_domain`'s. Relaxed asks for one organization, by the public suffix list or by the
    tree: since RFC 9990 `policy_domain` is where the record was found, so two names at or below it
    share an organization. A deeper `psd=n` could split them; who decides on this weighs it
    against the reporter's own word (`policy_evaluated`).
    """
    if not authenticated or not header_from:
        return None
    if authenticated == header_from:
        return True
    return not strict and same_organisation(authenticated, header_from, policy_domain)


def same_organisation(a: str, b: str, policy_domain: str | None) -> bool:
    """True if both names belong to one organization, by the public suffix list or by the tree."""
    if organizational_domain(a) == organizational_domain(b):
        return True
    if policy_domain is None or not (_under(a, policy_domain) and _under(b, policy_domain)):
        return False
    return not is_public_suffix(policy_domain)


def _under(name: str, ancestor: str) -> bool:
    return name == ancestor or name.endswith(f".{ancestor}")


@lru_cache(maxsize=1 << 14)
def _normal(text: str) -> str | None:
    name = text.lower()
    if not name.isascii():
        try:
            name = ".".join(_a_label(label) for label in idna.uts46_remap(name, std3_rules=False).split("."))
        except UnicodeError:  # IDNAError is one; so is what lone surrogates raise.
            return None
    name = name.removesuffix(".")
    return name if len(name) <= _MAX_NAME and _NAME.fullmatch(name) else None


def _a_label(label: str) -> str:
    # Label by label, because an ASCII label may hold what IDNA forbids (`_spf`, `xn--` of old names).
    return label if label.isascii() else idna.alabel(label).decode("ascii")


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    # Reading the list costs 0.1 s, so nobody pays for it who asks no such question.
    return PublicSuffixList()
