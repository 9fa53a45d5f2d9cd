"""What to do about a state or a finding, with the user's own names, region and zone.

For Amazon SES all steps, for other senders the line of senders.toml. Every line is for printing; a
command that goes on in the next line ends in a backslash.
"""

from dataclasses import replace

from dmarcwatch.classify import UNALIGNED
from dmarcwatch.fingerprints import Align, Sender
from dmarcwatch.ses import SES, SesState, facts
from dmarcwatch.ses.remedy import NO_REGION, STEPS, Case, check_keys

_LISTED_KEYS = 5
"""More than that is a rotation, and the newest ones are asked for in the console anyway."""


def remedy(state: str, case: Case, sender: Sender | None) -> tuple[str, ...]:
    """Lines that say how to mend a stream in a state (or with a finding) of DESIGN 3.3.

    The region of `case` is what the stream's place says, and its keys may lack a selector; `sender` is None
    for unknown ones. Empty where there is nothing to do or the word is not known.
    """
    named = tuple(key for key in case.keys if key.selector)[:_LISTED_KEYS]
    case = replace(case, region=_region(case.region), keys=named)
    if state == SesState.FORGED_RETURN_PATH:
        return (_FORGED,)
    if sender is not None and sender.id == SES:
        steps = STEPS.get(state)
        return steps(case) if steps else ()
    return _of_other(state, case, sender)


def _region(name: str) -> str:
    known = name in facts().regions or name.startswith(("us-gov-", "eusc-"))
    return name if known else NO_REGION


def meaning(state: str) -> str:
    """A state in one sentence; empty for a word that is not known."""
    return _MEANINGS.get(state, "")


def _of_other(state: str, case: Case, sender: Sender | None) -> tuple[str, ...]:
    if state == SesState.DKIM_ONLY and (sender is None or sender.align is not Align.BOTH):
        return ()
    why = _WHY.get(state)
    if why is None:
        return ()
    if state in (SesState.STRICT_ADKIM, SesState.STRICT_ASPF):
        return (why, *(() if sender is None else ("Or authenticate the From domain itself:", sender.remedy)))
    keys = check_keys(case) if state in _BROKEN else ()
    return (why, *keys, *(_UNKNOWN if sender is None else (sender.remedy,)))


_WHY = {
    SesState.DKIM_ONLY: "DMARC passes by DKIM, which survives forwarding. To align SPF as well:",
    SesState.SPF_ONLY: "Only SPF holds this mail, and every forwarding breaks it: have it signed.",
    SesState.OWN_DKIM_BROKEN: "The signature of the domain does not verify, and SPF does not align.",
    UNALIGNED: "Nothing in this mail authenticates as the domain.",
    # A vendor on Amazon SES has SES's states, and its own panel to mend them in.
    SesState.SPF_ONLY_DKIM_BROKEN: "The signature of the domain does not verify; only SPF holds this mail.",
    SesState.STRICT_ADKIM: "It signs as another name of yours, which adkim=s refuses: publish adkim=r.",
    SesState.STRICT_ASPF: "Its return path is another name of yours, which aspf=s refuses: publish aspf=r.",
    SesState.MAIL_FROM_SPF_BROKEN: "SPF of the return path that it was given in your domain does not pass.",
    SesState.VENDOR_UNALIGNED: "It signs as itself and not as the domain.",
    SesState.AMAZONSES_ONLY: "It does not sign as the domain.",
}
_UNKNOWN = (
    "If it is yours: sign it as the domain, or have its address pass SPF for a return path in the domain.",
    "If it is a forwarder or a stranger, say so: dmarcwatch label STREAM forwarder|spoof",
)
_BROKEN = (SesState.OWN_DKIM_BROKEN, SesState.SPF_ONLY_DKIM_BROKEN)
_FORGED = "It only claims to come from Amazon SES. There is nothing to mend; enforcement stops it."
_MEANINGS = {
    SesState.BOTH_ALIGNED: "DKIM and SPF both pass and align: nothing better can be had.",
    SesState.DKIM_ONLY: "DKIM passes and aligns; SPF does not.",
    SesState.STRICT_ASPF: "SPF passes for a subdomain, which aspf=s does not align.",
    SesState.MAIL_FROM_SPF_BROKEN: "the custom MAIL FROM is in use, and its SPF does not pass.",
    SesState.NULL_RETURN_PATH: "a bounce or automatic reply: the return path is empty, DKIM aligns.",
    SesState.FOREIGN_RETURN_PATH: "DKIM aligns; the return path is somebody else's.",
    SesState.SPF_ONLY: "SPF passes and aligns; nothing signs as the domain.",
    SesState.SPF_ONLY_DKIM_BROKEN: "SPF passes and aligns; the signature of the domain does not verify.",
    SesState.STRICT_ADKIM: "it is signed by another name of the organization, which adkim=s does not align.",
    SesState.OWN_DKIM_BROKEN: "the signature of the domain does not verify, and SPF does not align.",
    SesState.ALTERED: "it was changed on its way, or carries a signature that was copied.",
    SesState.VENDOR_UNALIGNED: "a vendor signs it as itself, and not as the domain.",
    SesState.AMAZONSES_ONLY: "only Amazon SES signs it, as amazonses.com; nothing aligns.",
    SesState.FORGED_RETURN_PATH: "it only claims to come from Amazon SES.",
    UNALIGNED: "nothing in it authenticates as the domain.",
}
