"""A digest as plain text of at most 78 columns, fixes excepted: they are to be copied."""

from collections.abc import Iterator
from textwrap import wrap

from dmarcwatch.alerts.words import link, page, span
from dmarcwatch.digest import words
from dmarcwatch.digest.values import Digest, DomainDigest, Period, SenderLine

WIDTH = 78
"""What a mail's text is wrapped at since RFC 5322 section 2.1.1."""
MOST = 20
"""Domains told in full; the rest by a line each."""
SENDERS = 8
_BAR = 16


def text(digest: Digest, *, base: str | None = None) -> str:
    """All of it; `base` is where our pages are served, for links."""
    days = span(digest.period.first, digest.period.last)
    lines = [f"DMARC from {days}", f"{words.summary(digest)}.", ""]
    for domain in digest.domains[:MOST]:
        lines += [*_domain(domain, digest.period, base), ""]
    lines += [f"{each.domain}: {words.SHORT[each.verdict.verdict]}" for each in digest.domains[MOST:]]
    return "\n".join(lines).rstrip() + "\n"


def brief(digest: Digest) -> str:
    """The first sentence on each domain."""
    return "\n".join([f"{words.summary(digest)}.", *(each.headline for each in digest.domains)]) + "\n"


def _domain(domain: DomainDigest, period: Period, base: str | None) -> Iterator[str]:
    yield domain.domain
    yield "=" * len(domain.domain)
    yield from _wrapped(domain.headline)
    yield from _list(f"Changed this {period.word}", domain.changed or ("Nothing.",))
    if domain.steps:
        yield from ("", "Do next")
    for number, step in enumerate(domain.steps, start=1):
        yield from wrap(step.text, WIDTH, initial_indent=f"{number:3}. ", subsequent_indent=" " * 5)
        for note in step.notes:
            yield from _note(note)
        yield from (f"       {line}" for line in step.lines)
        if step.stream:
            how = link(base, page("stream", id=step.stream)) if base else words.more(step.stream)
            yield f"     How: {how}"
    yield ""
    yield from _wrapped(words.own_mail(domain, period))
    yield from _senders(domain)
    yield ""
    yield from _wrapped(words.spoofed(domain.spoofing, period, domain.verdict.published.p))
    if base:
        yield from ("", link(base, page("domain", name=domain.domain)))


def _note(note: str) -> list[str]:
    """Lines that break between words only: a note may end in a command."""
    first, then = "     - ", " " * 7
    return wrap(
        note,
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _wrapped(sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)


def _list(title: str, sentences: tuple[str, ...]) -> Iterator[str]:
    if not sentences:
        return
    yield from ("", title)
    for sentence in sentences:
        yield from wrap(sentence, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _senders(domain: DomainDigest) -> Iterator[str]:
    if not domain.senders:
        return
    shown = domain.senders[:SENDERS]
    most = max(each.volume.messages for each in shown) or 1
    wide = max(len(each.name) for each in shown)
    yield ""
    for sender in shown:
        yield _sender(sender, wide, most)
    left = len(domain.senders) - len(shown)
    if left:
        yield f"  and {left} more: dmarcwatch sources {domain.domain}"


def _sender(sender: SenderLine, wide: int, most: int) -> str:
    bar = "#" * max(1, round(_BAR * sender.volume.messages / most)) if sender.volume.messages else ""
    remark = words.remark(sender)
    line = f"  {sender.name.ljust(wide)}  {bar.ljust(_BAR)}  {words.figures(sender)}"
    return line + (f" ({remark})" if remark else "")
