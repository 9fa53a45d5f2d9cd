"""`dmarcwatch serve`: the pages and Datasette on the database, read-only."""

import os

import click

from dmarcwatch.cli.context import Settings
from dmarcwatch.serve import Listen, serve

PASSWORD_VARIABLE = "DMARCWATCH_PASSWORD"


@click.command(name="serve", short_help="Serve the pages and Datasette on the database, read-only.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535), help="0: any free.")
@click.option("--base-url", default="/", show_default=True, help="Path prefix behind a reverse proxy.")
@click.option("--name", "names", multiple=True, help="A host name the server is reached by; repeatable.")
@click.option("--open", "open_browser", is_flag=True, help="Open a browser on it.")
@click.pass_obj
def command(
    settings: Settings, host: str, port: int, base_url: str, names: tuple[str, ...], open_browser: bool
) -> None:
    """Serve the pages and Datasette on the database, read-only.

    Any address but loopback needs a password, taken from the environment variable DMARCWATCH_PASSWORD.
    """
    listen = Listen(host, port, base_url, os.environ.get(PASSWORD_VARIABLE), names)
    serve(settings.database_path, listen, open_browser=open_browser, announce=settings.say)
