"""Plain words for states and days, as they stand in the messages of blockers."""

from collections.abc import Sequence
from datetime import date

FAILING_STATES = frozenset(
    {
        "amazonses-only",
        "own-dkim-broken",
        "strict-adkim",
        "strict-aspf",
        "mail-from-spf-broken",
        "vendor-unaligned",
    }
)
"""States that block by themselves where they fail; `altered` and anything forwarded never do."""

_STATE_WORDS = {
    "amazonses-only": "signed by amazonses.com only, not by your domain",
    "own-dkim-broken": "your DKIM signature is there and does not verify",
    "strict-adkim": "signed by a parent or sister domain, and adkim=s accepts only the From domain itself",
    "strict-aspf": "the return path is a subdomain, and aspf=s accepts only the From domain itself",
    "mail-from-spf-broken": "SPF of the custom MAIL FROM domain does not pass",
    "vendor-unaligned": "signed by the vendor's domain, not by yours",
    "forged-return-path": "it only claims to come from Amazon SES",
    "unaligned": "neither its DKIM signature nor its return path is of your domain",
}


def state_words(state: str) -> str:
    """What is wrong in this state."""
    return _STATE_WORDS.get(state, "it is not authenticated as your domain")


def day_words(ordinal: int) -> str:
    """A day as people write it, such as `3 November`."""
    day = date.fromordinal(ordinal)
    return f"{day.day} {day:%B}"


def since(days: Sequence[int]) -> str:
    """` on 3 November`, or ` on 12 days, last on 3 November`."""
    if len(days) == 1:
        return f" on {day_words(days[0])}"
    return f" on {len(days)} days, last on {day_words(days[-1])}"
