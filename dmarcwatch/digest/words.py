"""How a digest puts figures into words, the same in text and in HTML."""

from dmarcwatch.alerts.words import span
from dmarcwatch.digest.values import Digest, DomainDigest, Period, SenderLine, Spoofing, Volume
from dmarcwatch.text import count
from dmarcwatch.verdict import Answer

SHORT = {
    Answer.ROLL_BACK: "step back",
    Answer.NOT_READY: "not ready",
    Answer.WATCH: "watch",
    Answer.CANNOT_TELL: "cannot tell yet",
    Answer.READY_FOR_REJECT: "ready for reject",
    Answer.READY_FOR_QUARANTINE: "ready for quarantine",
    Answer.KEEP: "safe",
}
"""A verdict in a word or two."""
_NAMED = 3


def title(digest: Digest) -> str:
    """The subject of the mail: the days and, of few domains, how each stands."""
    days = span(digest.period.first, digest.period.last)
    if len(digest.domains) <= _NAMED:
        standing = ", ".join(f"{each.domain} {SHORT[each.verdict.verdict]}" for each in digest.domains)
    else:
        standing = summary(digest)
    return f"DMARC, {days}" + (f": {standing}" if standing else "")


def summary(digest: Digest) -> str:
    """`3 domains: 1 not ready, 2 safe`."""
    found = [each.verdict.verdict for each in digest.domains]
    parts = [f"{found.count(answer)} {SHORT[answer]}" for answer in dict.fromkeys(found)]
    return f"{count(len(found), 'domain')}: {', '.join(parts)}" if found else "no domain yet"


def passing(passed: int, messages: int) -> str:
    """The share that passes; 100 % and 0 % only where it is all or none."""
    if passed in (0, messages):
        return f"{100 if passed else 0} %"
    share = min(99.9, max(0.1, 100 * passed / messages))
    return f"{share:.1f} %"


def own_mail(domain: DomainDigest, period: Period) -> str:
    """How much mail of the domain's own there was and how much of it passes."""
    if not domain.own.messages:
        return f"No mail of your own was reported this {period.word}."
    failing = domain.own.messages - domain.own_passed
    passes = passing(domain.own_passed, domain.own.messages)
    rest = f"; {failing:,} {'does' if failing == 1 else 'do'} not" if failing else ""
    amount = count(domain.own.messages, "message")
    return f"{amount} of your own, {compared(domain.own, period)}. {passes} pass DMARC{rest}."


def compared(volume: Volume, period: Period) -> str:
    """A volume beside that of the period before."""
    if volume.before == volume.messages:
        return f"as many as the {period.word} before"
    return (
        f"{volume.before:,} the {period.word} before" if volume.before else f"none the {period.word} before"
    )


def spoofed(spoofing: Spoofing, period: Period, policy: str | None) -> str:
    """What strangers tried, and what became of it."""
    amount = spoofing.volume.messages
    if not amount:
        return f"Nobody was seen to misuse the domain this {period.word}."
    before = compared(spoofing.volume, period)
    tried = f"{count(amount, 'message')} of strangers in your name failed DMARC, {before}."
    if policy in (None, "none"):
        return f"{tried} p=none asks receivers to let them through."
    held = ((spoofing.rejected, "refused"), (spoofing.quarantined, "put into the spam folder"))
    parts = [f"{number:,} were {became}" for number, became in held if number]
    return f"{tried} {' and '.join(parts) or 'None were held off'}."


def more(stream: str) -> str:
    """The command that shows all about a sender."""
    return f"dmarcwatch sources --stream {stream}"


def figures(sender: SenderLine) -> str:
    """A sender's messages and how many fail."""
    if not sender.volume.messages:
        return f"nothing, {sender.volume.before:,} before"
    amount, share = sender.volume.messages, passing(sender.passed, sender.volume.messages)
    return f"{count(amount, 'message')}, {share} pass" + (
        f", {sender.failing:,} fail" if sender.failing else ""
    )


def remark(sender: SenderLine) -> str:
    """What is to be known of a sender besides; empty where nothing is."""
    words = [f"From {sender.header_from}"] if sender.header_from else []
    words += ["new"] if sender.new else []
    words += {"shadow": ["probably yours"], "unknown": ["nobody has said whose"]}.get(sender.whose, [])
    return ", ".join(words)
