"""`dmarcwatch export`: rows for other programs, as CSV, JSON lines or Parquet."""

import sys
from datetime import date
from pathlib import Path

import click

from dmarcwatch.cli.context import Day, Settings
from dmarcwatch.cli.opening import known_domain, open_store
from dmarcwatch.cli.output import answer
from dmarcwatch.export import Format, write
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.extracts import Wanted, What, extract
from dmarcwatch.text import count


@click.command(name="export", short_help="Write records, senders or verdicts as CSV, JSON lines or Parquet.")
@click.argument("what", type=click.Choice([str(each) for each in What]))
@click.option("--format", "form", type=click.Choice([str(each) for each in Format]), default="csv",
              show_default=True, help="How rows are written.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, whole or not there.")
@click.option("--domain", help="Only this policy domain.")
@click.option("--since", type=Day(), help="Only what is about this day or later.")
@click.pass_obj
def command(
    settings: Settings, what: str, form: str, output: Path | None, domain: str | None, since: date | None
) -> None:
    """Write records, senders or verdicts as CSV, JSON lines or Parquet.

    To standard output unless --output names a file, which only its owner may read. In CSV, text that would
    begin a formula in a spreadsheet has an apostrophe before it. Parquet needs the extra `parquet`.
    """
    if form == Format.PARQUET and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal: name a file with --output.")
    connection = open_store(settings).conn
    name = known_domain(connection, domain) if domain else None
    with store_errors(settings.database_path), answer(output) as out:
        rows = write(extract(connection, What(what), Wanted(name, since)), Format(form), out)
    settings.say(f"{count(rows, 'row')}.")
