"""Plain tables that fit the terminal, without a library on the way of every command."""

from collections.abc import Mapping, Sequence
from typing import Any

from dmarcwatch.cli.context import width
from dmarcwatch.text import visible

_LEAST_COLUMNS = 8
"""No cell is cut shorter: less of a word says nothing."""


def table(rows: Sequence[Mapping[str, Any]], empty: str) -> str:
    """The rows under their keys, numbers to the right; `empty` where there is none.

    The widest columns give way when the whole is wider than the terminal.
    """
    if not rows:
        return empty
    heads = list(rows[0])
    cells = [[_cell(row[head]) for head in heads] for row in rows]
    widths = [max(len(head), *(len(line[n]) for line in cells)) for n, head in enumerate(heads)]
    room = width() - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _LEAST_COLUMNS:
        widths[widths.index(max(widths))] -= 1
    right = [all(isinstance(row[head], int | float | None) for row in rows) for head in heads]
    lines = [heads, *cells]
    return "\n".join(_line(line, widths, right) for line in lines)


def _line(cells: list[str], widths: list[int], right: list[bool]) -> str:
    parts = []
    for text, columns, to_right in zip(cells, widths, right, strict=True):
        shown = text if len(text) <= columns else text[: columns - 1] + "…"
        parts.append(shown.rjust(columns) if to_right else shown.ljust(columns))
    return "  ".join(parts).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible(str(value))
