"""Datasette with our pages on one database: read-only, on loopback unless a password is set."""

import asyncio
import socket
import sqlite3
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
from datasette.app import Datasette
from datasette.utils import parse_metadata

from dmarcwatch.errors import ConfigError, StoreError
from dmarcwatch.store.database import store_errors
from dmarcwatch.web.counting import BrieflyCounted
from dmarcwatch.web.export import Export, export
from dmarcwatch.web.guard import Application, ask_password, check_host, is_loopback, keep_to_origin
from dmarcwatch.web.layout import Layout, is_ours, layout_of

SETTINGS = {
    # Facets count table rows where people expect messages, and suggesting them costs seconds on ten
    # million records, milliseconds without.
    "suggest_facets": False,
    "sql_time_limit_ms": 5000,
    "max_returned_rows": 2000,
    # The file holds every raw mail; whoever may have it has a shell.
    "allow_download": False,
}
"""Settings of Datasette that differ from its own, each with its reason."""

METADATA_NAME = "datasette-metadata.yml"
_NAMED = "dmarcwatch"  # the database's name inside the metadata file


_OTHER_AGES = {
    Layout.OLDER: ("an older", "The next `dmarcwatch fetch` brings it up to date; nothing is lost."),
    Layout.NEWER: ("a newer", "Upgrade this one."),
}
"""Whose layout it is, and what to do."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and for whom to serve."""

    host: str = "127.0.0.1"
    port: int = 8001
    """0 takes any free one."""
    base_url: str = "/"
    """Path prefix behind a reverse proxy, with a slash at both ends."""
    password: str | None = None
    """Asked of everybody where set; needed for a host that other machines reach."""
    names: tuple[str, ...] = ()
    """Host names the server answers to besides loopback, such as a reverse proxy's."""

    @property
    def exposed(self) -> bool:
        """Whether others than the people at this machine can ask."""
        return bool(self.names) or not is_loopback(self.host)


def metadata(stem: str) -> dict[str, Any]:
    """What datasette-metadata.yml says, for a database whose file name without suffix is `stem`."""
    parsed: dict[str, Any] = parse_metadata(_metadata_text())
    databases = parsed["databases"]
    # Datasette looks descriptions up by the file's stem, and people name files as they like.
    databases[stem] = databases.pop(_NAMED)
    return parsed


def app(
    path: Path,
    *,
    base_url: str = "/",
    as_of: str | None = None,
    as_files: bool = False,
    exposed: bool = False,
) -> Datasette:
    """Datasette on the database at `path`, opened read-only.

    Not immutable: cron writes while people look. `as_of` (ISO day) stands in for today on our pages.
    `as_files` leaves out of them what needs a server, for `write_files`; `exposed` answers no SQL but the
    queries that are there.
    Raises StoreError when the file is missing or not ours.
    """
    _check(path)
    described = metadata(path.stem)
    said = {"home": True, "as_of": as_of, "files": as_files}
    ours = {"dmarcwatch": {name: value for name, value in said.items() if value}}
    # 0.65 knows canned queries and plugin settings as metadata, 1.0 as config.
    arguments = {"metadata": described | {"plugins": ours}}
    settings = {**SETTINGS, "base_url": base_url, "default_allow_sql": not exposed}
    if not version("datasette").startswith("0."):
        arguments["config"] = {"databases": described["databases"], "plugins": ours}
    datasette = Datasette([str(path)], settings=settings, **arguments)
    datasette.remove_database(path.stem)
    datasette.add_database(BrieflyCounted(datasette, str(path)), name=path.stem)
    return datasette


def serve(
    path: Path,
    listen: Listen = Listen(),
    *,
    open_browser: bool = False,
    announce: Callable[[str], None] = lambda url: None,
    as_of: str | None = None,
) -> None:
    """Serve until interrupted; `announce` is called with the address once it answers.

    Raises ConfigError when other machines could connect and no password is set, or the port is taken.
    """
    datasette = app(path, base_url=listen.base_url, as_of=as_of, exposed=listen.exposed)
    application = guard(datasette.app(), listen)
    with _bind(listen) as bound:
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        url = f"http://{host}:{bound.getsockname()[1]}{listen.base_url}"
        announce(url)
        if open_browser:
            # A browser of the terminal is waited for until it ends, and it waits for the first page.
            Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        config = uvicorn.Config(application, lifespan="on", log_level="warning", server_header=False)
        # Ctrl-C is how a server is ended, not a failure; uvicorn raises it again after it has closed.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[bound])


def write_files(path: Path, folder: Path, *, as_of: str | None = None) -> Export:
    """Write the pages of the database at `path` into `folder`, to be looked at without a server.

    Raises StoreError as `app` does, for a database of another age, and when a page cannot be made;
    ConfigError for a folder of other files.
    """
    age = _check(path)
    if age is not Layout.CURRENT:
        whose, hint = _OTHER_AGES[age]
        raise StoreError(f"{path} was written by {whose} dmarcwatch.", hint=hint)
    return asyncio.run(export(app(path, as_of=as_of, as_files=True), folder))


def guard(application: Application, listen: Listen) -> Application:
    """`application` behind what `listen` asks for. Raises ConfigError for an open door."""
    application = keep_to_origin(application)
    if listen.password:
        return ask_password(application, listen.password)
    if not is_loopback(listen.host):
        raise ConfigError(
            [f"{listen.host} can be reached from other machines, and no password is set."],
            hint="Set a password, or serve on 127.0.0.1 behind a reverse proxy that asks for one.",
        )
    return check_host(application, listen.names)


def _bind(listen: Listen) -> socket.socket:
    """A listening socket, so that a taken port is our error and port 0 is known before the first request."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return socket.create_server((listen.host, listen.port), family=family)
    except OSError as error:
        raise ConfigError(
            [f"{listen.host}:{listen.port} cannot be served on: {error.strerror}."],
            hint="Name another port, or 0 for any free one.",
        ) from error


def _check(path: Path) -> Layout:
    """The age of the database at `path`. Raises StoreError when it is missing or not ours."""
    if not path.exists():
        raise StoreError(
            f"There is no database at {path}.",
            hint="Run `dmarcwatch fetch` first, or name another with --db.",
        )
    with store_errors(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            if is_ours(connection):
                return layout_of(connection)
        finally:
            connection.close()
    raise StoreError(
        f"{path} is not a database of dmarcwatch.", hint="Name another file with --db or DMARCWATCH_DB."
    )


def _metadata_text() -> str:
    """The file inside an installed package, or at the top of a checkout, where it is edited."""
    packaged = files("dmarcwatch") / METADATA_NAME
    if packaged.is_file():
        return packaged.read_text("utf-8")
    return (Path(__file__).parent.parent / METADATA_NAME).read_text("utf-8")
