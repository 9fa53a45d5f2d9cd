"""`dmarcwatch rejects`: what could not be read, and why."""

import sys

import click

from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.store import raw


@click.command(name="rejects", short_help="List what could not be read, and why.")
@click.option("--show", "identity", type=int, metavar="ID", help="Write one reject's bytes as they came.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as objects.")
@click.pass_obj
def command(settings: Settings, identity: int | None, as_json: bool) -> None:
    """List what could not be read, and why."""
    database = open_store(settings)
    if identity is not None:
        sys.stdout.buffer.write(raw.reject_bytes(database.conn, identity))
        return
    found = raw.rejects(database.conn)
    print_json(found) if as_json else click.echo(table(found, "Nothing was rejected."))
