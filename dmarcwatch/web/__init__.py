"""The Datasette plugin: pages on domains, streams, reporters and what came in.

Works wherever a database of ours is served, by `dmarcwatch serve` or by plain `datasette dmarcwatch.db`;
with other databases beside it, those are left alone.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from datasette import hookimpl

from dmarcwatch.web import views
from dmarcwatch.web.csv_cells import safe_csv
from dmarcwatch.web.guard import Application
from dmarcwatch.web.links import ROOT, settings
from dmarcwatch.web.reading import ours

Hook = TypeVar("Hook", bound=Callable[..., object])
_hook: Callable[[Hook], Hook] = hookimpl
_URL_BEGINS = ("http://", "https://")


@_hook
def register_routes(datasette: Any) -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """Our pages; at `/` as well where our own server says so."""
    routes: list[tuple[str, Callable[..., Awaitable[Any]]]] = [
        (rf"^{ROOT}/?$", views.home),
        (rf"^{ROOT}/domain$", views.domain),
        (rf"^{ROOT}/stream$", views.stream),
        (rf"^{ROOT}/reporters$", views.reporters),
        (rf"^{ROOT}/inbox$", views.inbox),
    ]
    if settings(datasette).get("home"):
        routes.append((r"^/$", views.home))
    return routes


@_hook
def menu_links(datasette: Any) -> list[dict[str, str]]:
    """A way from Datasette's own pages to ours."""
    return [{"href": datasette.urls.path(ROOT), "label": "DMARC pages"}]


@_hook
def asgi_wrapper(datasette: Any) -> Callable[[Application], Application]:
    """CSV of our databases is safe to open in a spreadsheet."""
    return lambda application: safe_csv(application, datasette)


@_hook
def render_cell(value: Any, database: str, datasette: Any) -> Callable[[], Awaitable[str | None]] | None:
    """Text of reports is never a link: Datasette would make one of whatever looks like a URL."""
    if not isinstance(value, str) or not value.strip().lower().startswith(_URL_BEGINS):
        return None

    async def plain() -> str | None:
        return value if database in await ours(datasette) else None

    return plain
