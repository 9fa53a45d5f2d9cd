"""The pages as files, for a bucket or an intranet: relative links, no server, no request elsewhere.

Every page is asked for as a client would, beginning with the first, and what it links to follows.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape, unescape
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dmarcwatch.errors import ConfigError, StoreError
from dmarcwatch.web.links import ROOT

FIRST = "index.html"
STATIC = "static"
GENERATOR = '<meta name="generator" content="dmarcwatch">'
"""Stands in every page written, and tells a folder of ours from one that holds somebody's files."""

_LINK = re.compile(r'\b(?P<name>href|src)="(?P<address>[^"#]*)')
_PLAIN_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_PAGES = ("index*.html", "domain-*.html", "stream-*.html", "reporters*.html", "inbox.html")
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Export:
    """What was written."""

    folder: Path
    pages: int

    @property
    def first(self) -> Path:
        """The page to open."""
        return self.folder / FIRST


@dataclass(slots=True)
class _Crawl:
    """Pages asked for and still to be asked for, each by its address and its file's name."""

    prefix: str
    static: str
    waiting: deque[tuple[str, str]] = field(default_factory=deque)
    names: set[str] = field(default_factory=set)

    def want(self, address: str) -> str:
        """The name of the page's file; the page is put in line unless it was before."""
        name = file_name(address.removeprefix(self.prefix))
        if name not in self.names:
            self.names.add(name)
            self.waiting.append((address, name))
        return name

    def relative(self, found: re.Match[str]) -> str:
        """The same link, to a file beside the page."""
        address = unescape(found["address"])
        if address.startswith(self.static):
            target = f"{STATIC}/{address.removeprefix(self.static)}"
        elif address.startswith(self.prefix):
            target = self.want(address)
        else:
            return found[0]
        return f'{found["name"]}="{escape(target)}'


async def export(datasette: Any, folder: Path) -> Export:
    """Write all pages of the one database that `datasette` serves with the setting `files`, into `folder`.

    The folder is made where it is missing, and pages of an earlier time that are no more are removed.
    Raises ConfigError for a folder with other files in it, StoreError when a page cannot be made.
    """
    _check(folder)
    prefix = str(datasette.urls.path(ROOT))
    crawl = _Crawl(prefix, str(datasette.urls.static_plugins("dmarcwatch", "")))
    crawl.want(prefix)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with as_file(files("dmarcwatch.web") / STATIC) as source:
            copytree(source, folder / STATIC, dirs_exist_ok=True, ignore=ignore_patterns("README.md"))
        while crawl.waiting:
            address, name = crawl.waiting.popleft()
            html = _LINK.sub(crawl.relative, await _page(datasette, address))
            (folder / name).write_text(html, "utf-8")
        _remove_others(folder, crawl.names)
    except OSError as error:
        raise ConfigError([f"{folder} cannot be written: {error.strerror}."]) from error
    return Export(folder, len(crawl.names))


def file_name(address: str) -> str:
    """The file of a page, from its address below ours, such as `domain-example.com.html`.

    Names come from strangers' reports: whatever is not plainly a name is cut to what every file system
    takes, with a hash behind an underscore, which no plain name contains.
    """
    path, query = urlsplit(address).path.strip("/"), parse_qs(urlsplit(address).query)
    if not path:
        number = query.get("page", ["1"])[0]
        return FIRST if number == "1" else f"index-{number}.html"
    said = [value for key in ("name", "id", "domain") for value in query.get(key, ())]
    return "-".join([path, *(_plain(text) for text in said)]) + ".html"


def _plain(text: str) -> str:
    if len(text) <= _LONGEST and _PLAIN_NAME.fullmatch(text):
        return text
    kept = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:_LONGEST]
    return f"{kept}_{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


async def _page(datasette: Any, address: str) -> str:
    response = await datasette.client.get(address)
    # 404 is an answer too: a kept verdict may name a sender that newer rules call otherwise.
    if response.status_code not in (200, 404):
        raise StoreError(
            f"The page {address} could not be made (status {response.status_code}).",
            hint="The pages written so far are not complete; try again.",
        )
    html: str = response.text
    return html


def _check(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    first = folder / FIRST
    if not first.is_file() or GENERATOR not in first.read_text("utf-8", "replace"):
        raise ConfigError(
            [f"{folder} holds files that dmarcwatch did not write."], hint="Name a new or empty folder."
        )


def _remove_others(folder: Path, written: Iterable[str]) -> None:
    for pattern in _PAGES:
        for path in folder.glob(pattern):
            if path.name not in written:
                path.unlink()
