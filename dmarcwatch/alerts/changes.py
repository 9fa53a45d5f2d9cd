"""What stands beside what was told: which alerts are new, which are due again, and what is over."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from dmarcwatch.alerts.values import Alert, Condition, Kind, Told

CLOCK_SLACK = timedelta(hours=1)
"""What was told so far in the future was told by a clock that has since been put right."""


class News(NamedTuple):
    """An alert to be told."""

    key: str
    alert: Alert
    repeated: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run has to write down."""

    news: tuple[News, ...]
    known: tuple[Told, ...]
    """What stands, those told in this run included."""
    over: tuple[str, ...]
    """Keys of what no longer stands."""


class Rules(NamedTuple):
    """How often is told what."""

    repeat: timedelta
    off: Collection[Kind] = ()
    """Kinds that are told nothing of."""
    unsure: Collection[Kind] = ()
    """Kinds that could not be looked at in this run: they neither come nor go."""


def changes(standing: Iterable[Condition], told: Mapping[str, Told], now: datetime, rules: Rules) -> Changes:
    """Compare what stands with what was told. Asking twice in one state brings no news the second time."""
    news: list[News] = []
    known: dict[str, Told] = {}
    for condition in standing:
        if condition.alert.kind in rules.off or condition.key in known:
            continue
        before = told.get(condition.key)
        if _is_news(condition, before):
            news.append(News(condition.key, condition.alert, repeated=False))
            known[condition.key] = Told(condition.key, condition.value, now, now)
        elif before is not None and not condition.changes and _is_due(condition, before, now, rules):
            news.append(News(condition.key, condition.alert, repeated=True))
            known[condition.key] = before._replace(value=condition.value, told_at=now)
        else:
            known[condition.key] = _noted(condition, before, now)
    kept = {key: each for key, each in told.items() if _kind(key) in rules.unsure}
    over = tuple(key for key in told if key not in known and key not in kept)
    return Changes(tuple(news), tuple(known.values()), over)


def _is_news(condition: Condition, before: Told | None) -> bool:
    if condition.changes:
        return before is not None and before.value != condition.value and not condition.quiet
    return before is None


def _is_due(condition: Condition, before: Told, now: datetime, rules: Rules) -> bool:
    more = not condition.grows or condition.value != before.value
    return more and now - before.told_at >= rules.repeat


def _noted(condition: Condition, before: Told | None, now: datetime) -> Told:
    if before is None:
        return Told(condition.key, condition.value, now, now)
    told_at = min(before.told_at, now) if before.told_at > now + CLOCK_SLACK else before.told_at
    if condition.changes and condition.value != before.value:
        return Told(condition.key, condition.value, now, told_at, before.alert)
    return before._replace(told_at=told_at)


def _kind(key: str) -> Kind | None:
    word = key.partition(" ")[0]
    return Kind(word) if word in set(Kind) else None
