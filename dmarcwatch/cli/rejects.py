"""`dmarcwatch rejects`: what could not be read or believed, and why."""

import sys

import click
from sqlite_utils import Database

from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import load_court, load_rules, load_senders, open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.errors import StoreError
from dmarcwatch.rebuild import retry_rejects
from dmarcwatch.store import holding, raw
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.lock import only_writer
from dmarcwatch.store.release import release
from dmarcwatch.text import count


@click.command(name="rejects", short_help="List what could not be read, and why.")
@click.option("--show", "identity", type=int, metavar="ID", help="Write one reject's bytes as they came.")
@click.option("--retry", is_flag=True, help="Read them again, as after an upgrade.")
@click.option("--held", is_flag=True, help="List reports that are held because they cannot be true instead.")
@click.option("--release", "released", type=int, metavar="REPORT", help="Let one of these through, for good.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as objects.")
@click.pass_obj
def command(
    settings: Settings, identity: int | None, retry: bool, held: bool, released: int | None, as_json: bool
) -> None:
    """List what could not be read, and why.

    With --held: reports that were read and kept, and are not counted because they cannot be what they say.
    One that is let through counts as far as its sender is trusted.
    """
    database = open_store(settings)
    if retry:
        _retry(settings, database)
    if identity is not None:
        sys.stdout.buffer.write(raw.reject_bytes(database.conn, identity))
        return
    if released is not None:
        _release(settings, database, released)
        return
    found = holding.held_reports(database.conn) if held else raw.rejects(database.conn)
    nothing = "No report is held." if held else "Nothing was rejected."
    print_json(found) if as_json else click.echo(table(found, nothing))
    if not held and not as_json and (waiting := holding.held_reasons(database.conn)):
        click.echo(
            f"\n{count(sum(one['reports'] for one in waiting), 'report is', 'reports are')} held: "
            "dmarcwatch rejects --held"
        )


def _retry(settings: Settings, database: Database) -> None:
    with only_writer(settings.database_path) as alone, store_errors(settings.database_path):
        if not alone:
            raise StoreError("A fetch is under way on this database.", hint="Try again when it has ended.")
        accounts, touched = retry_rejects(database, load_rules(settings, database))
        load_court(settings).judge_and_keep(database, sorted(touched))
    settings.say(f"{count(accounts.items, 'item')} read again: {count(accounts.reports, 'report')} stored.")


def _release(settings: Settings, database: Database, report: int) -> None:
    with only_writer(settings.database_path) as alone, store_errors(settings.database_path):
        if not alone:
            raise StoreError("A fetch is under way on this database.", hint="Try again when it has ended.")
        touched = release(database, load_senders(settings.config), report, now=settings.now)
        load_court(settings).judge_and_keep(database, sorted(touched))
    settings.say(f"Report {report} is let through.")
