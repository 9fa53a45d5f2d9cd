"""`dmarcwatch serve`: the pages and Datasette on the database, read-only."""

import os
import webbrowser
from pathlib import Path
from typing import Any

import click

from dmarcwatch.cli.context import Settings
from dmarcwatch.serve import Listen, serve, write_files

PASSWORD_VARIABLE = "DMARCWATCH_PASSWORD"


@click.command(name="serve", short_help="Serve the pages and Datasette on the database, read-only.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535), help="0: any free.")
@click.option("--base-url", default="/", show_default=True, help="Path prefix behind a reverse proxy.")
@click.option("--name", "names", multiple=True, help="A host name the server is reached by; repeatable.")
@click.option("--open", "open_browser", is_flag=True, help="Open a browser on it.")
@click.option(
    "--static",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the pages as files into this folder, and serve nothing.",
)
@click.pass_obj
def command(settings: Settings, /, *, open_browser: bool, folder: Path | None, **listen: Any) -> None:
    """Serve the pages and Datasette on the database, read-only.

    Any address but loopback needs a password, taken from the environment variable DMARCWATCH_PASSWORD.
    """
    if folder is not None:
        written = write_files(settings.database_path, folder)
        settings.say(f"{written.pages} pages, to be opened at {written.first}")
        if open_browser:
            webbrowser.open(written.first.absolute().as_uri())
        return
    where = Listen(**listen, password=os.environ.get(PASSWORD_VARIABLE))
    serve(settings.database_path, where, open_browser=open_browser, announce=settings.say)
