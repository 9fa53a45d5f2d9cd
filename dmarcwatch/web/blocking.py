"""Blockers and warnings of a verdict as a page shows them: one for each stream, its fix in steps."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dmarcwatch.text import count
from dmarcwatch.web.words import gate_word, measure

_COMMANDS = ("aws ", "dmarcwatch ", "dig ")
_RECORD = "DNS: "
_NOTE = re.compile(r"\s+\(([^()]*)\)$")


class FixStep(NamedTuple):
    """One step of a fix."""

    text: str
    kind: str
    """`command` to paste into a shell, `record` to publish in DNS, or `sentence` to read."""
    note: str = ""
    """What stands in brackets behind a command or record, and must not be pasted with it."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """What stands in the way, or deserves a look: all that is said of one stream, or of the domain."""

    title: str
    message: str
    also: tuple[str, ...]
    """What further gates say of the same stream."""
    stream: str | None
    measured: str
    """What was measured against which limit, and of how many messages; empty where nothing was."""
    steps: tuple[FixStep, ...]
    copied: str
    """The whole fix as text."""


def grouped(found: Sequence[Mapping[str, Any]]) -> tuple[Blocking, ...]:
    """One entry for each stream, led by its worst: several gates say the same of it in other words."""
    return tuple(
        _blocking(group[0], tuple(each["message"] for each in group[1:])) for group in by_stream(found)
    )


def by_stream(found: Sequence[Mapping[str, Any]]) -> tuple[tuple[Mapping[str, Any], ...], ...]:
    """What is said of each stream, the worst first; what is said of the domain stands alone."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for number, each in enumerate(found):
        groups.setdefault(each.get("stream") or f"{number}", []).append(each)
    return tuple(map(tuple, groups.values()))


def _blocking(each: Mapping[str, Any], also: tuple[str, ...]) -> Blocking:
    fix = tuple(each.get("fix", ()))
    return Blocking(
        title=gate_word(each["gate"]).title,
        message=each["message"],
        also=also,
        stream=each.get("stream"),
        measured=_measured(each.get("value"), each.get("threshold"), each.get("messages")),
        steps=steps(fix),
        copied="\n".join(fix),
    )


def _measured(value: float | None, threshold: float | None, messages: int | None) -> str:
    said = [] if messages is None else [count(messages, "message")]
    if value is not None and value != messages:
        said.insert(0, measure(value, threshold))
    if said and threshold is not None:
        said[0] += f", limit {measure(threshold, threshold)}"
    return " · ".join(said)


def steps(lines: Sequence[str]) -> tuple[FixStep, ...]:
    """The steps of a fix: an indented line, and the rest of a sentence, belong to the line before."""
    groups: list[list[str]] = []
    for line in lines:
        if groups and (line.startswith("  ") or _continues(groups[-1][0], line)):
            groups[-1].append(line)
        else:
            groups.append([line])
    return tuple(_step(group) for group in groups)


def _continues(first: str, line: str) -> bool:
    begins = (*_COMMANDS, _RECORD)
    return line[:1].islower() and not line.startswith(begins) and not first.startswith(begins)


def _step(lines: Sequence[str]) -> FixStep:
    if lines[0].startswith(_COMMANDS):
        return _noted("\n".join(lines), "command")
    text = " ".join(line.strip() for line in lines)
    if text.startswith(_RECORD):
        return _noted(text.removeprefix(_RECORD), "record")
    return FixStep(text, "sentence")


def _noted(text: str, kind: str) -> FixStep:
    found = _NOTE.search(text)
    return FixStep(text[: found.start()], kind, found[1]) if found else FixStep(text, kind)
