"""A digest as HTML for mail clients: tables, styles inline, bars made of cells, nothing loaded from anywhere.

Clients drop style sheets (Gmail for some accounts), scripts, pictures and flexible layouts; Outlook lays out
tables alone. What is inline stands by itself; the one style sheet only adds dark colours where they are
understood.
"""

from collections.abc import Iterable
from html import escape

from dmarcwatch.alerts.words import link, span
from dmarcwatch.alerts.words import page as page_of
from dmarcwatch.digest import words
from dmarcwatch.digest.text import MOST, SENDERS
from dmarcwatch.digest.values import Digest, DomainDigest, Period, SenderLine, Step
from dmarcwatch.verdict import Answer

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_MONO = "font-family:ui-monospace,Menlo,Consolas,monospace"
_INK, _SOFT, _LINE, _PAPER, _GROUND = "#1c2430", "#5a6675", "#dde2e8", "#ffffff", "#f1f3f6"
_GOOD, _BAD, _WARN = "#1a7f4b", "#b3261e", "#8a5a00"
_BARS = {"good": "#2f9e68", "bad": "#d64a41", "rest": "#e6eaef"}
_TONES = {
    Answer.ROLL_BACK: _BAD,
    Answer.NOT_READY: _BAD,
    Answer.WATCH: _WARN,
    Answer.CANNOT_TELL: _WARN,
    Answer.READY_FOR_REJECT: _GOOD,
    Answer.READY_FOR_QUARANTINE: _GOOD,
    Answer.KEEP: _GOOD,
}
# Classes exist for this sheet alone; without it the light colours stay, on a white card.
_DARK = """
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .ground { background: #12161c !important; } .card { background: #1b222c !important; }
  .card, .code { border-color: #343e4b !important; } .ink { color: #e8ecf1 !important; }
  .soft { color: #a3afbd !important; } .code { background: #12161c !important; }
  .good { color: #5fd39b !important; } .bad { color: #ff8f86 !important; }
  .warn { color: #f0c05a !important; }
  .rest-bar { background: #343e4b !important; }
  a { color: #8ab8ff !important; }
}
@media (max-width: 480px) { .pad { padding: 16px !important; } }
"""
_TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
_CLASSES = {_GOOD: "good", _BAD: "bad", _WARN: "warn"}


def page(digest: Digest, *, base: str | None = None) -> str:
    """The whole document; `base` is where our pages are served, for links."""
    title = words.title(digest)
    cards = "".join(_card(domain, digest.period, base) for domain in digest.domains[:MOST])
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta name="supported-color-schemes" content="light dark"><title>{escape(title)}</title>'
        f"<style>{_DARK}</style></head>"
        f'<body class="ground" style="margin:0;padding:0;background:{_GROUND}">'
        f'{_TABLE} class="ground" style="background:{_GROUND}"><tr>'
        '<td align="center" style="padding:16px 8px">'
        f'<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" '
        f'style="width:100%;max-width:600px;{_FONT};font-size:15px;line-height:1.45;color:{_INK}">'
        f"{_head(digest)}{cards}{_others(digest)}{_foot()}</table></td></tr></table></body></html>\n"
    )


def _head(digest: Digest) -> str:
    days = span(digest.period.first, digest.period.last)
    return (
        f'<tr><td class="ink" style="padding:4px 8px 14px;color:{_INK}">'
        f'<div style="font-size:22px;font-weight:700;line-height:1.25">DMARC from {escape(days)}'
        "</div>"
        f'<div class="soft" style="color:{_SOFT}">{escape(words.summary(digest))}.</div></td></tr>'
    )


def _card(domain: DomainDigest, period: Period, base: str | None) -> str:
    tone = _TONES[domain.verdict.verdict]
    short = words.SHORT[domain.verdict.verdict].capitalize()
    parts = (
        f'<div class="ink" style="font-size:19px;font-weight:700;color:{_INK};word-break:break-word">'
        f"{escape(domain.domain)}</div>",
        f'<div class="{_CLASSES[tone]}" style="font-weight:700;color:{tone}">{escape(short)}</div>',
        _paragraph(domain.headline),
        _section(f"Changed this {period.word}", _bullets(domain.changed) or _paragraph("Nothing.")),
        _section(
            "Do next", "".join(_step(number, step, base) for number, step in enumerate(domain.steps, 1))
        ),
        _section("Who sends", _paragraph(words.own_mail(domain, period)) + _senders(domain)),
        _section("Spoofing", _paragraph(words.spoofed(domain.spoofing, period, domain.verdict.published.p))),
        _link(domain, base),
    )
    return (
        f'<tr><td style="padding:0 0 14px">{_TABLE} class="card" style="background:{_PAPER};'
        f'border:1px solid {_LINE};border-radius:8px"><tr><td class="pad" style="padding:20px 24px">'
        f"{''.join(parts)}</td></tr></table></td></tr>"
    )


def _paragraph(sentence: str) -> str:
    return (
        f'<div class="ink" style="padding:4px 0;color:{_INK};word-break:break-word">{escape(sentence)}</div>'
    )


def _section(title: str, inner: str) -> str:
    if not inner:
        return ""
    return (
        f'<div class="soft" style="padding:16px 0 2px;font-size:13px;font-weight:700;color:{_SOFT}">'
        f"{escape(title)}</div>{inner}"
    )


def _bullets(sentences: Iterable[str]) -> str:
    return "".join(_item("&bull;", 16, escape(each)) for each in sentences)


def _item(mark: str, width: int, inner: str) -> str:
    """A mark and, beside it, what it stands before."""
    return (
        f'{_TABLE}><tr><td class="soft" width="{width}" valign="top" style="padding:4px 0;color:{_SOFT}">'
        f'{mark}</td><td class="ink" style="padding:4px 0;color:{_INK};word-break:break-word">{inner}</td>'
        "</tr></table>"
    )


def _step(number: int, step: Step, base: str | None) -> str:
    inner = escape(step.text) + _bullets(step.notes) + _code(step.lines)
    if step.stream and base:
        inner += f"<div>{_anchor(link(base, page_of('stream', id=step.stream)), 'How to mend it')}</div>"
    elif step.stream:
        inner += _code((words.more(step.stream),))
    return _item(f"{number}.", 22, inner)


def _code(lines: tuple[str, ...]) -> str:
    """Lines to copy; a narrow screen wraps them where it can."""
    if not lines:
        return ""
    inner = "".join(_code_line(line) for line in lines)
    return (
        f'<div class="code ink" style="margin:4px 0 6px;padding:8px 10px;background:{_GROUND};'
        f"border:1px solid {_LINE};border-radius:6px;{_MONO};font-size:12.5px;line-height:1.5;color:{_INK};"
        f'word-break:break-word;overflow-wrap:anywhere">{inner}</div>'
    )


def _code_line(line: str) -> str:
    """One line; where it is wrapped what follows is indented, so that commands stay apart on a phone."""
    text = line.lstrip(" ")
    inside = "&nbsp;" * (len(line) - len(text)) + escape(text)
    return f'<div style="padding:1px 0 1px 16px;text-indent:-16px">{inside}</div>'


def _senders(domain: DomainDigest) -> str:
    shown = domain.senders[:SENDERS]
    most = max((each.volume.messages for each in shown), default=0)
    rows = "".join(_sender(sender, most) for sender in shown)
    left = len(domain.senders) - len(shown)
    more = _paragraph(f"And {left} more: dmarcwatch sources {domain.domain}") if left else ""
    return rows + more


def _sender(sender: SenderLine, most: int) -> str:
    remark = words.remark(sender)
    aside = f' <span class="soft" style="color:{_SOFT}">({escape(remark)})</span>' if remark else ""
    tone = f' class="bad" style="color:{_BAD};font-size:13px"' if sender.failing else (
        f' class="soft" style="color:{_SOFT};font-size:13px"'
    )  # fmt: skip
    return (
        f'<div style="padding:8px 0 0"><div class="ink" style="color:{_INK};word-break:break-word">'
        f"{escape(sender.name)}{aside}</div>{_bar(sender, most)}"
        f"<div{tone}>{escape(words.figures(sender))}</div></div>"
    )


def _bar(sender: SenderLine, most: int) -> str:
    """Passing and failing mail as cells of one row, as wide as its part of the busiest sender's."""
    width = 100 * sender.volume.messages / most if most else 0
    failing = width * sender.failing / sender.volume.messages if sender.volume.messages else 0
    # What is there at all is seen: no part is narrower than one in a hundred.
    bad = max(1, round(failing)) if failing else 0
    good = max(1, round(width) - bad) if sender.passed else 0
    cells = "".join(
        f'<td class="{name}-bar" width="{wide}%" style="width:{wide}%;height:8px;background:'
        f'{_BARS[name]};font-size:0;line-height:8px">&nbsp;</td>'
        for name, wide in (("good", good), ("bad", bad), ("rest", 100 - good - bad))
        if wide > 0
    )
    return f'{_TABLE} style="margin:4px 0 3px;table-layout:fixed"><tr>{cells}</tr></table>'


def _link(domain: DomainDigest, base: str | None) -> str:
    if base is None:
        return ""
    target = link(base, page_of("domain", name=domain.domain))
    return f'<div style="padding:14px 0 0">{_anchor(target, "All figures and charts")}</div>'


def _anchor(target: str, words_of: str) -> str:
    return f'<a href="{escape(target)}" style="color:#1a5fb4">{words_of}</a>'


def _others(digest: Digest) -> str:
    rows = "".join(
        f'<div class="ink" style="color:{_INK}">{escape(each.domain)}: '
        f"{escape(words.SHORT[each.verdict.verdict])}</div>"
        for each in digest.domains[MOST:]
    )
    return f'<tr><td style="padding:0 8px 14px">{rows}</td></tr>' if rows else ""


def _foot() -> str:
    return (
        f'<tr><td class="soft" style="padding:0 8px;font-size:13px;color:{_SOFT}">Written by dmarcwatch from '
        "the DMARC reports that receivers sent and that could be verified.</td></tr>"
    )
