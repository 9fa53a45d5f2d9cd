"""All alerts that wait for a channel as one message, in full and more briefly: channels differ in room."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from dmarcwatch.alerts.values import Queued
from dmarcwatch.alerts.words import link, short_day

MOST = 20
"""Alerts that one message tells in full; who gets more reads the page."""
_NAMES = 3


class Message(NamedTuple):
    """What a channel is given."""

    title: str
    texts: tuple[str, ...]
    """The same told in full first, then more and more briefly."""
    html: str | None = None
    """For channels that show it; None where the text is all."""


def message(queued: Sequence[Queued], now: datetime, *, base: str | None = None) -> Message:
    """The alerts in one message.

    `base` is where our pages are served; without it each alert names a command instead of a link.
    """
    shown = queued[:MOST]
    forms = (_full, _brief, _line)
    texts = tuple(_joined(queued, [form(each, now, base) for each in shown]) for form in forms)
    return Message(_title(queued), texts)


def fitting(texts: Sequence[str], limit: int | None) -> str:
    """The first of the texts of at most `limit` characters, else what fits of the briefest."""
    if limit is None:
        return texts[0]
    short = next((text for text in texts if len(text) <= limit), None)
    return short or texts[-1][: max(0, limit - len(_CUT))] + _CUT


_CUT = " [...]"


def _title(queued: Sequence[Queued]) -> str:
    if len(queued) == 1:
        return queued[0].alert.title
    names = list(dict.fromkeys(each.alert.title.partition(":")[0] for each in queued))
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f"{len(queued)} DMARC alerts: {', '.join(names[:_NAMES])}{more}"


def _joined(queued: Sequence[Queued], told: Sequence[str]) -> str:
    left = len(queued) - len(told)
    more = [f"And {left} more: dmarcwatch notify --list"] if left else []
    return "\n\n".join([*told, *more, _foot(queued)]) + "\n"


def _foot(queued: Sequence[Queued]) -> str:
    """The numbers, by which an alert that came twice is known."""
    numbers = [str(each.number) for each in queued]
    if len(numbers) > _NAMES:
        numbers = [f"{numbers[0]} to {numbers[-1]}"]
    return f"dmarcwatch, {'alert' if len(queued) == 1 else 'alerts'} {', '.join(numbers)}"


def _full(queued: Queued, now: datetime, base: str | None) -> str:
    alert = queued.alert
    lines = [_head(queued, now), "", alert.happened, *(f"- {each}" for each in alert.evidence)]
    if alert.fix:
        # Fixes are commands and records: they stay on one line, however long, to be copied.
        lines += ["", "What to do:", *(f"    {line}" for line in alert.fix)]
    return "\n".join([*lines, *_where(queued, base)])


def _brief(queued: Queued, now: datetime, base: str | None) -> str:
    return "\n".join([_head(queued, now), queued.alert.happened, *_where(queued, base)])


def _line(queued: Queued, now: datetime, base: str | None) -> str:
    return _head(queued, now)


def _head(queued: Queued, now: datetime) -> str:
    """The alert's own title, with its day where it waited, and a word where it is over or told again."""
    remarks = []
    if queued.raised_at.date() != now.date():
        remarks.append(f"of {short_day(queued.raised_at.date())}")
    if queued.repeated:
        remarks.append("still so")
    if queued.over_at is not None:
        remarks.append(f"over since {short_day(queued.over_at.date())}")
    return queued.alert.title + (f" ({', '.join(remarks)})" if remarks else "")


def _where(queued: Queued, base: str | None) -> tuple[str, ...]:
    alert = queued.alert
    if base and alert.page:
        return ("", f"See {link(base, alert.page)}")
    return ("", f"See: {alert.command}") if alert.command else ()
