"""Records of a stream as reporters sent them: the newest of each kind of mail, as evidence."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from dmarcwatch.web import queries
from dmarcwatch.web.words import Word, state_word

SHOWN = 12


@dataclass(frozen=True, slots=True)
class Example:
    """The newest record of one kind of mail."""

    state: Word
    because: str
    day: str
    reporter: str
    ip: str | None
    messages: int
    header_from: str | None
    return_path: str | None
    dkim: tuple[str, ...]
    spf: tuple[str, ...]
    reasons: tuple[str, ...]
    report: int


def newest_of_each_kind(connection: sqlite3.Connection, key: int) -> tuple[Example, ...]:
    """One record for each judgement in a stream, newest report first."""
    return tuple(_example(row) for row in queries.stream_examples(connection, key, SHOWN))


def _example(row: queries.Row) -> Example:
    state, because, day, reporter, ip, messages, header_from, envelope_from, dkim, spf, reasons, report = row
    return Example(
        state=state_word(state),
        because=because,
        day=day,
        reporter=reporter,
        ip=ip,
        messages=messages,
        header_from=header_from,
        return_path=envelope_from,
        dkim=tuple(_result(each, "d", "selector") for each in _list(dkim)),
        spf=tuple(_result(each, "", "scope") for each in _list(spf)),
        reasons=tuple(filter(None, (_reason(each) for each in _list(reasons)))),
        report=report,
    )


def _list(text: str | None) -> list[dict[str, Any]]:
    return json.loads(text) if text else []


def _result(each: dict[str, Any], prefix: str, extra: str) -> str:
    domain = f"{prefix}={each.get('domain')}" if prefix else str(each.get("domain"))
    more = f" {extra} {each[extra]}" if each.get(extra) else ""
    return f"{domain}{more}: {each.get('result') or 'not stated'}"


def _reason(each: dict[str, Any]) -> str:
    return ": ".join(filter(None, (each.get("type"), each.get("comment"))))
