"""`dmarcwatch rejects`: what could not be read, and why."""

import sys

import click
from sqlite_utils import Database

from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import load_court, load_rules, open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.errors import StoreError
from dmarcwatch.rebuild import retry_rejects
from dmarcwatch.store import raw
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.lock import only_writer


@click.command(name="rejects", short_help="List what could not be read, and why.")
@click.option("--show", "identity", type=int, metavar="ID", help="Write one reject's bytes as they came.")
@click.option("--retry", is_flag=True, help="Read them again, as after an upgrade.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as objects.")
@click.pass_obj
def command(settings: Settings, identity: int | None, retry: bool, as_json: bool) -> None:
    """List what could not be read, and why."""
    database = open_store(settings)
    if retry:
        _retry(settings, database)
    if identity is not None:
        sys.stdout.buffer.write(raw.reject_bytes(database.conn, identity))
        return
    found = raw.rejects(database.conn)
    print_json(found) if as_json else click.echo(table(found, "Nothing was rejected."))


def _retry(settings: Settings, database: Database) -> None:
    with only_writer(settings.database_path) as alone, store_errors(settings.database_path):
        if not alone:
            raise StoreError("A fetch is under way on this database.", hint="Try again when it has ended.")
        accounts, touched = retry_rejects(database, load_rules(settings, database))
        load_court(settings).judge_and_keep(database, sorted(touched))
    settings.say(f"{accounts.items:,} items read again: {accounts.reports:,} reports stored.")
