"""Pages as a client gets them, and what stands in their HTML."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import httpx

from dmarcwatch.serve import app
from tests.web_build import AS_OF

ROOT = "/-/dmarcwatch"


def get_all(path: Path, urls: Sequence[str]) -> list[httpx.Response]:
    """The answers of the pages of one database, as of `AS_OF`."""

    async def fetch() -> list[httpx.Response]:
        datasette = app(path, as_of=AS_OF.isoformat())
        return [await datasette.client.get(url) for url in urls]

    return asyncio.run(fetch())


def get(path: Path, page: str = "", /, **values: object) -> httpx.Response:
    """One of our pages."""
    return get_all(path, [url(page, **values)])[0]


def url(page: str = "", /, **values: object) -> str:
    """The address of one of our pages."""
    return f"{ROOT}/{page}".rstrip("/") + (f"?{urlencode(values)}" if values else "")


@dataclass
class Html(HTMLParser):
    """What a page consists of."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text += " "
        self.tags.append((tag, dict(attrs)))
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "action", "xlink:href")
        ]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(response: httpx.Response) -> Html:
    """The page's HTML, read."""
    html = Html()
    html.feed(response.text)
    html.text = " ".join(html.text.split())
    return html
