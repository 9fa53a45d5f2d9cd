"""CSV that a spreadsheet may open: text from reports never begins a formula (`cells`)."""

import re
from codecs import getincrementaldecoder
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from datasette.utils import tilde_decode

from dmarcwatch.cells import begins_formula
from dmarcwatch.web.guard import Application, Receive, Scope, Send
from dmarcwatch.web.reading import ours

_CELL = re.compile(r'(?:^|(?<=,))("[^"]*(?:""[^"]*)*"|[^,"\r\n]*)')
_CSV_TYPES = (b"text/csv", b"text/plain")
"""Datasette says text/plain where the file is to be shown, text/csv where it is to be saved."""

IsOurs = Callable[[str], Awaitable[bool]]


class SafeCells:
    """Makes the cells of a CSV stream safe, whatever pieces it comes in."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._record: list[str] = []
        self._quoted = False

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """What is ready of the stream; all that is left with its last piece."""
        *lines, rest = self._decoder.decode(data, last).split("\n")
        done = []
        for line in lines:
            self._add(f"{line}\n")
            # A line end inside quotes belongs to its cell.
            if not self._quoted:
                done.append(self._take())
        self._add(rest)
        if last:
            done.append(self._take())
        return "".join(done).encode()

    def _add(self, piece: str) -> None:
        self._record.append(piece)
        # Counted piece by piece: a cell may be long, and of many lines.
        self._quoted ^= piece.count('"') % 2 == 1

    def _take(self) -> str:
        """The record, made safe."""
        record = "".join(self._record)
        self._record.clear()
        return _CELL.sub(_safe, record)


def _safe(found: re.Match[str]) -> str:
    cell = found[1]
    quote = '"' if cell.startswith('"') else ""
    text = cell.removeprefix(quote)
    return f"{quote}'{text}" if begins_formula(text) else cell


def safe_csv(application: Application, datasette: Any) -> Application:
    """`application` with the CSV of our databases made safe; all else goes through as it is."""
    base: str = datasette.setting("base_url")

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and await _asks_for_ours(scope, base, datasette):
            send = _safely(send)
        await application(scope, receive, send)

    return wrapped


async def _asks_for_ours(scope: Scope, base: str, datasette: Any) -> bool:
    path: str = scope["path"]
    as_csv = path.endswith(".csv") or "csv" in parse_qs(scope["query_string"].decode("latin-1")).get(
        "_format", ()
    )
    if not as_csv:
        return False
    inner = path.removeprefix(base).lstrip("/").removesuffix(".csv")
    database = tilde_decode(inner.partition("/")[0])
    # The memory database can query every other one (datasette --crossdb).
    return database == "_memory" or database in await ours(datasette)


def _safely(send: Send) -> Send:
    cells = SafeCells()
    is_csv = False

    async def sending(message: Any) -> None:
        nonlocal is_csv
        if message["type"] == "http.response.start":
            headers = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
            is_csv = any(
                key.lower() == b"content-type" and value.startswith(_CSV_TYPES) for key, value in headers
            )
            # A longer body must not be cut at the length of the one it replaces.
            message = {**message, "headers": headers} if is_csv else message
        elif is_csv and message["type"] == "http.response.body":
            body = cells.feed(message.get("body", b""), last=not message.get("more_body"))
            message = {**message, "body": body}
        await send(message)

    return sending
