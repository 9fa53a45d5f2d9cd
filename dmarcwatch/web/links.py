"""Addresses of our pages and files, and of Datasette's tables.

Names go into the query, where they may hold anything.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

ROOT = "/-/dmarcwatch"
"""Where plugins' pages live by Datasette's convention."""


def settings(datasette: Any) -> Mapping[str, Any]:
    """The plugin's settings: what serve.app puts there.

    `home` (our page at /), `files` (pages are written as files) and `as_of` (an ISO day for today).
    """
    return datasette.plugin_config("dmarcwatch") or {}


@lru_cache(maxsize=32)
def fingerprint(name: str) -> str:
    """A short hash of a static file, so that browsers may keep it until it changes."""
    return sha256((files("dmarcwatch.web") / "static" / name).read_bytes()).hexdigest()[:12]


class Links:
    """Links of one page, all to the database it shows."""

    def __init__(self, datasette: Any, database: str, *, several: bool) -> None:
        self._urls = datasette.urls
        self.database = database
        self.several = several
        self.served = not settings(datasette).get("files")
        """Whether a server answers to these links; files leave out what needs one."""

    def _page(self, leaf: str, **values: object) -> str:
        query = {key: value for key, value in values.items() if value not in (None, "")}
        if self.several:
            query["db"] = self.database
        path = self._urls.path(f"{ROOT}/{leaf}".rstrip("/"))
        return f"{path}?{urlencode(query)}" if query else str(path)

    def home(self, **values: object) -> str:
        """The list of domains; `q` and `page`."""
        return self._page("", **values)

    def domain(self, name: str, **values: object) -> str:
        """One domain; `days` and the values of the what-if."""
        return self._page("domain", name=name, **values)

    def stream(self, identity: str, **values: object) -> str:
        """One stream; `days`."""
        return self._page("stream", id=identity, **values)

    def reporters(self, domain: str | None = None, **values: object) -> str:
        """Who reports on a domain; `days`."""
        return self._page("reporters", domain=domain, **values)

    def inbox(self) -> str:
        """What came in."""
        return self._page("inbox")

    def tables(self) -> str:
        """Datasette's page of the database, its first one where there is none of ours."""
        return str(self._urls.database(self.database) if self.database else self._urls.instance())

    def table(self, name: str, **values: object) -> str:
        """Datasette's page of a table or view."""
        path = str(self._urls.table(self.database, name))
        return f"{path}?{urlencode(values)}" if values else path

    def static(self, name: str) -> str:
        """A file of ours."""
        return f"{self._urls.static_plugins('dmarcwatch', name)}?v={fingerprint(name)}"
