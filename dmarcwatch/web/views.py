"""From a request to a page: what it asks for, the values of its template, and the headers that go with it."""

import sqlite3
from datetime import date
from typing import Any

from datasette.utils.asgi import Request, Response

from dmarcwatch.web import words
from dmarcwatch.web.domain import RANGES, domain_page
from dmarcwatch.web.given import LADDER, Modes
from dmarcwatch.web.home import home_page
from dmarcwatch.web.inbox import inbox_page
from dmarcwatch.web.reading import Notice, Work, as_of, read
from dmarcwatch.web.reporters import reporters_page
from dmarcwatch.web.stream import stream_page
from dmarcwatch.web.whatif import POLICIES, SAME, asked, what_if

# Observable Plot writes one style element into each chart, the same one in every chart of a version.
_PLOT_STYLE = "'sha256-jSYQUrW7J0b3jPqhZP9C2Xh1PyJKHKXd4s0fpGGKrww='"
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self'; style-src 'self' {_PLOT_STYLE}; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
}
"""Of every page of ours; Datasette's own pages keep theirs."""

_EMPTY = Notice(
    "No reports yet",
    "This database holds no report. Once reports are fetched, every domain they speak of stands here.",
    "dmarcwatch fetch",
)


async def home(datasette: Any, request: Request) -> Response:
    """Every domain."""
    search = request.args.get("q", "").strip().lower()

    def work(connection: sqlite3.Connection, today: date) -> Any:
        page = home_page(connection, today, search=search, page=_number(request, "page", 1))
        return page if page.domains else _EMPTY

    return await _answer(datasette, request, "home", work)


async def domain(datasette: Any, request: Request) -> Response:
    """One domain, with the what-if."""
    name = request.args.get("name", "")
    said = {key: request.args[key] for key in request.args}

    def work(connection: sqlite3.Connection, today: date) -> Any:
        page = domain_page(connection, name, today, days=_days(request))
        if page is None:
            return _missing("No reports on this domain", f"No report speaks of {name}.")
        published = page.given.modes if page.given else Modes()
        ask = asked(said, page.given.target if page.given else "", published)
        answer = what_if(connection, page, ask, published) if page.last_day else None
        return {"page": page, "what_if": answer, "policies": POLICIES, "same": SAME, "ladder": LADDER}

    return await _answer(datasette, request, "domain", work)


async def stream(datasette: Any, request: Request) -> Response:
    """One stream."""
    identity = request.args.get("id", "")

    def work(connection: sqlite3.Connection, today: date) -> Any:
        page = stream_page(connection, identity, today, days=_days(request))
        return page or _missing("No such sender", f"There is no stream {identity}.")

    return await _answer(datasette, request, "stream", work)


async def reporters(datasette: Any, request: Request) -> Response:
    """Who reports on a domain."""
    name = request.args.get("domain")

    def work(connection: sqlite3.Connection, today: date) -> Any:
        page = reporters_page(connection, name, today, days=_days(request))
        if page is None and name is not None:
            return _missing("No reports on this domain", f"No report speaks of {name}.")
        return page or _EMPTY

    return await _answer(datasette, request, "reporters", work)


async def inbox(datasette: Any, request: Request) -> Response:
    """What came in, and what could not be read."""
    return await _answer(datasette, request, "inbox", inbox_page)


async def _answer(datasette: Any, request: Request, name: str, work: Work) -> Response:
    found, links = await read(datasette, request, work)
    status = 200
    if isinstance(found, Notice):
        name, status = "notice", found.status
    values = found if isinstance(found, dict) else {"page": found}
    context = {**values, "to": links, "words": words, "here": name, "today": as_of(datasette)}
    # Files hold one range of days each.
    context["ranges"] = RANGES if links.served else ()
    html = await datasette.render_template(f"dmarcwatch/{name}.html", context, request=request)
    return Response.html(html, status=status, headers=HEADERS)


def _missing(title: str, text: str) -> Notice:
    return Notice(title, text, status=404)


def _days(request: Request) -> int:
    days = _number(request, "days", 90)
    return days if days in RANGES else 90


def _number(request: Request, name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else default
