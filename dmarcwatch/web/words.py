"""What ids are called on a page: verdicts, gates, states, legitimacy, and how numbers are written."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from dmarcwatch.text import count as things  # noqa: F401 - templates say `words.things(2, "message")`


class Tone(StrEnum):
    """How a word is coloured; the word itself always says the same."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    PLAIN = "plain"


class Word(NamedTuple):
    """A name for people."""

    text: str
    tone: Tone = Tone.PLAIN
    more: str = ""
    """One sentence that explains it."""


VERDICTS: Mapping[str, Word] = {
    "roll-back": Word("Roll back", Tone.BAD, "Your own mail is being lost under the present policy."),
    "not-ready": Word("Not ready", Tone.BAD, "A stricter policy would cost mail of your own."),
    "watch": Word("Watch", Tone.WARN, "The policy may stay, and something deserves a look."),
    "cannot-tell": Word("Cannot tell", Tone.WARN, "Too little is known to advise a step."),
    "ready-for-reject": Word("Ready for reject", Tone.GOOD, "No gate for p=reject is closed."),
    "ready-for-quarantine": Word("Ready for quarantine", Tone.GOOD, "No gate for p=quarantine is closed."),
    "keep": Word("Keep", Tone.GOOD, "The policy is right as it is."),
    "": Word("Not judged", Tone.PLAIN, "`dmarcwatch fetch` has not judged this domain yet."),
}
"""In the order in which they need attention."""

UNKNOWN = "\N{EN DASH}"
"""A value that is not known."""

ATTENTION: tuple[str, ...] = tuple(VERDICTS)

LEGITIMACY: Mapping[str, Word] = {
    "owned": Word("yours", Tone.GOOD, "It authenticates as your domain, or you said so."),
    "shadow": Word("probably yours", Tone.WARN, "A service sends under your name that is not set up for it."),
    "forwarded": Word("forwarded", Tone.PLAIN, "Mail that somebody else passed on."),
    "spoof": Word("not yours", Tone.PLAIN, "Strangers who use your name."),
    "unknown": Word("unknown", Tone.WARN, "Nobody can tell from reports whose it is; you can."),
    "": Word("not judged", Tone.PLAIN, ""),
}

STATES: Mapping[str, Word] = {
    "both-aligned": Word("both aligned", Tone.GOOD, "Signed by your domain, and its return path is yours."),
    "dkim-only": Word("DKIM only", Tone.GOOD, "Signed by your domain; the return path is not yours."),
    "null-return-path": Word("null return path", Tone.GOOD, "Signed by your domain; a bounce or auto-reply."),
    "foreign-return-path": Word("other return path", Tone.GOOD, "Signed by your domain; returns elsewhere."),
    "strict-aspf": Word("strict aspf", Tone.WARN, "The return path is a subdomain; aspf=s refuses that."),
    "mail-from-spf-broken": Word("MAIL FROM broken", Tone.WARN, "SPF of the custom MAIL FROM does not pass."),
    "spf-only": Word("SPF only", Tone.WARN, "Not signed by your domain: forwarding breaks it."),
    "spf-only-dkim-broken": Word("SPF only, DKIM broken", Tone.WARN, "Your signature does not verify."),
    "strict-adkim": Word("strict adkim", Tone.BAD, "Signed by a parent domain; adkim=s refuses that."),
    "own-dkim-broken": Word("own DKIM broken", Tone.BAD, "Your signature is there and does not verify."),
    "altered": Word("altered on the way", Tone.PLAIN, "A forwarder or list broke the signature."),
    "vendor-unaligned": Word("vendor's signature", Tone.BAD, "Signed by the vendor's domain, not by yours."),
    "amazonses-only": Word("amazonses.com only", Tone.BAD, "Signed by amazonses.com, not by your domain."),
    "forged-return-path": Word("forged return path", Tone.PLAIN, "It only claims to come from Amazon SES."),
    "unaligned": Word("unaligned", Tone.BAD, "Neither signature nor return path is of your domain."),
}  # fmt: skip

FINDINGS: Mapping[str, Word] = {
    "mail-from-fallback": Word("fell back", more="SES uses its default return path again: the MX is lost."),
    "mail-from-mixed": Word("two return paths", more="Own and default return path on the same days."),
    "own-dkim-mixed": Word("partly unsigned", more="Signed and unsigned mail on the same days."),
    "region-gap": Word("region gap", more="Another region of the same sender is set up better."),
    "own-dkim-vanished": Word("key vanished", more="The signature failed, then stopped: its key left DNS."),
    "shared-selector": Word("shared selector", more="One selector is used in several regions."),
    "many-tokens": Word("many keys", more="More Easy DKIM keys than one region and account have."),
    "new-stream": Word("new", more="First seen a short while ago."),
    "dkim-method-switch": Word("DKIM method changed", more="Between Easy DKIM and an own key."),
    "regressed": Word("got worse", more="It passed before, and does not any more."),
    "degraded": Word("degraded", more="One of two mechanisms was lost; the other carries it."),
    "broken": Word("broken", more="Half of it or more fails."),
    "leaking": Word("leaking", more="Some of it fails."),
    "silent": Word("silent", more="It sent regularly and stopped."),
    "thin": Word("thin", more="Too few messages to prove anything."),
}

TIERS: Mapping[str, Word] = {
    "local": Word("local", Tone.GOOD, "A file that you named; it counts."),
    "verified": Word(
        "verified", Tone.GOOD, "Its mail passed DMARC for a domain of this reporter; it counts."
    ),
    "consistent": Word(
        "consistent", Tone.WARN, "Its mail passed DMARC, and nobody vouches for the reporter."
    ),
    "unverified": Word("unverified", Tone.WARN, "Anybody could have sent it; shown, and never decides."),
}


HELD: Mapping[str, Word] = {
    "period": Word("impossible period", Tone.WARN, "No report covers such a time."),
    "counts": Word("impossible number", Tone.WARN, "More messages than anybody sends."),
    "early": Word("came too early", Tone.WARN, "It arrived two days or more before its own period ended."),
    "late": Word("came too late", Tone.WARN, "It arrived more than a week after its period."),
    "policy": Word("unknown policy", Tone.WARN, "No other report of that time saw its policy."),
    "addresses": Word("impossible addresses", Tone.WARN, "Most of its mail is from where nobody can send."),
    "selector": Word("unknown selector", Tone.WARN, "Signatures pass whose selectors nobody else saw."),
    "surge": Word("sudden surge", Tone.WARN, "Fifty times as many messages as its reporter usually has."),
}  # fmt: skip
"""Why a report is held: `plausible.Why`."""


class AsideWord(NamedTuple):
    """What is called a kind of part that the verdict does not read, and the views that show what it says."""

    many: str
    says: str
    views: tuple[tuple[str, str], ...] = ()
    """Name of each view, and what it shows."""


ASIDE: Mapping[str, AsideWord] = {
    "tls-report": AsideWord(
        "TLS reports", "how mail servers reached your own by TLS",
        (("tls_days", "Sessions by day"), ("tls_problems", "Why sessions failed")),
    ),
    "failure-report": AsideWord(
        "Failure reports", "each on one message that failed DMARC",
        (("failure_days", "By day and source"), ("failure_reports", "Each of them")),
    ),
    "foreign-domain": AsideWord(
        "Reports on other domains", "not in the configuration's list of your own"
    ),
}  # fmt: skip
"""Kinds of `unpack.SetAsideKind`, and the one of reports on domains that are not the user's."""


COUNTING = "local,verified"
"""The tiers that count, as Datasette's filters write a list."""


class GateWord(NamedTuple):
    """What a gate asks."""

    title: str
    unit: str = ""
    """`%` for shares 0..1; empty for plain numbers."""


GATES: Mapping[str, GateWord] = {
    "history": GateWord("Time observed", "days"),
    "covered-days": GateWord("Expected days with reports", "%"),
    "longest-gap": GateWord("Longest gap", "days"),
    "messages": GateWord("Own messages"),
    "month-turn": GateWord("Turns of the month seen"),
    "reporters": GateWord("Reporting organisations"),
    "unread": GateWord("Could not be read", "%"),
    "thin": GateWord("Own mail of senders seen too rarely", "%"),
    "dominant-reporter": GateWord("Share of the largest reporter", "%"),
    "quiet": GateWord("Since the newest sender of your own", "days"),
    "unsettled": GateWord("Senders too new to tell"),
    "legit-failing": GateWord("Own mail that fails, at most", "%"),
    "bad-days": GateWord("Bad days, at most", "%"),
    "stream-failing": GateWord("Own senders that fail"),
    "state-failing": GateWord("Failing states inside own senders"),
    "unknown-persistent": GateWord("Unknown senders that keep at it"),
    "unknown-failing": GateWord("Failing mail that might be yours", "%"),
    "doubtful": GateWord("Failing or in doubt, at most", "%"),
    "dkim": GateWord("Signed by your domain", "%"),
    "forwarded": GateWord("Forwarded mail that breaks", "%"),
    "people": GateWord("Mail to mailing lists", "%"),
    "regressed": GateWord("Senders that got worse"),
    "silent": GateWord("Senders that fell silent"),
    "subdomains": GateWord("Senders that sp or np would stop"),
}


def verdict_word(verdict: str | None) -> Word:
    """The name of a verdict; None is a domain not judged."""
    return VERDICTS.get(verdict or "", Word(verdict or ""))


def legitimacy_word(legitimacy: str | None) -> Word:
    """Whose a stream is, in words."""
    return LEGITIMACY.get(legitimacy or "", Word(legitimacy or ""))


def state_word(state: str | None) -> Word:
    """What a state is called; an unknown one by its id."""
    return STATES.get(state or "", Word(state or "unknown"))


def finding_word(finding: str) -> Word:
    """What a finding is called; an unknown one by its id."""
    return FINDINGS.get(finding, Word(finding))


def tier_word(tier: str) -> Word:
    """What a tier is called."""
    return TIERS.get(tier, Word(tier))


def held_word(why: str) -> Word:
    """Why a report is held; an unknown reason by its id."""
    return HELD.get(why, Word(why, Tone.WARN))


def aside_word(kind: str) -> AsideWord:
    """What a kind of set-aside part is called; an unknown one by its id."""
    return ASIDE.get(kind, AsideWord(kind, ""))


def gate_word(gate: str) -> GateWord:
    """What a gate asks; an unknown one by its id."""
    return GATES.get(gate, GateWord(gate.replace("-", " ")))


def count(value: float | None) -> str:
    """A number of messages with thousands apart; a dash for none known."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def share(part: float | None, whole: float = 1) -> str:
    """A percentage that never rounds something to nothing, nor almost all to all."""
    if part is None or not whole:
        return UNKNOWN
    percent = 100 * part / whole
    if percent and percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f}".removesuffix(".0") + " %"


def measure(value: float | None, threshold: float | None, unit: str = "") -> str:
    """A gate's number: a share where its limit is a fraction, or where it is one and has no limit."""
    if value is None:
        return UNKNOWN
    if isinstance(threshold, float) or (unit == "%" and threshold is None):
        return share(value)
    number = count(value) if float(value).is_integer() else f"{value:.2f}"
    return f"{number} {unit}".strip("% ")


def moment(text: str) -> str:
    """An ISO 8601 instant in UTC, to the minute."""
    return text[:16].replace("T", " ")


def ago(day: str | None, today: date) -> str:
    """How long ago a day was, in words; `never` for none."""
    if day is None:
        return "never"
    days = (today - date.fromisoformat(day[:10])).days
    words = {0: "today", 1: "yesterday"}
    return words.get(days, f"in {-days} days" if days < 0 else f"{days} days ago")


_DEFAULTS = {"pct": 100, "t": False, "adkim": "r", "aspf": "r"}


def tags(published: Mapping[str, Any], *, brief: bool = False) -> str:
    """A policy as a DMARC record writes its tags; empty if nothing is stated.

    What is not stated is left out; in brief, so is what says no more than its absence would.
    """
    found = []
    for name in ("p", "sp", "np", "t", "pct", "adkim", "aspf"):
        value = published.get(name)
        if value is None or (brief and _DEFAULTS.get(name) == value):
            continue
        found.append(f"{name}={'y' if value is True else 'n' if value is False else value}")
    return "; ".join(found)
