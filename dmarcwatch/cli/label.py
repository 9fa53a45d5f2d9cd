"""`dmarcwatch label`: what a person knows and no report says."""

from datetime import timedelta

import click

from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import load_court, open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.store import labels
from dmarcwatch.streams import Label
from dmarcwatch.text import clean

WORDS = ("owned", "forwarder", "spoof", "ignore")
DAYS = 180
"""How long a label holds: two quarters, after which somebody should look again."""


@click.command(name="label", short_help="Say what no report says: whose mail a stream is.")
@click.argument("stream", required=False)
@click.argument("word", required=False, type=click.Choice(WORDS))
@click.option("--critical", is_flag=True, help="Judge the stream by stricter limits.")
@click.option("--every", type=click.Choice(["week", "month", "quarter"]), help="How rarely it sends.")
@click.option("--note", default="", help="Why; kept with the label.")
@click.option("--list", "listing", is_flag=True, help="List the labels in force.")
@click.option("--history", is_flag=True, help="List all labels ever given.")
@click.option("--remove", is_flag=True, help="Withdraw the stream's label.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as objects.")
@click.pass_obj
def command(
    settings: Settings,
    stream: str | None,
    word: str | None,
    critical: bool,
    every: str | None,
    note: str,
    listing: bool,
    history: bool,
    remove: bool,
    as_json: bool,
) -> None:
    """Say what no report says: whose mail a stream is.

    STREAM is an id that `dmarcwatch sources` prints. owned: it is yours. forwarder: it passes on mail of
    others. spoof: it is not yours. ignore: leave it out of every share. A label holds for 180 days.
    """
    database = open_store(settings)
    if listing or history:
        found = labels.all_labels(database.conn, None if history else settings.today)
        print_json(found) if as_json else click.echo(table(found, "No stream has a label."))
        return
    if stream is None or (word is None and not remove):
        raise click.UsageError("Name a STREAM and one of owned, forwarder, spoof, ignore (or --list).")
    domain = labels.domain_of(database.conn, stream)
    if remove:
        labels.withdraw(database.conn, stream, settings.today)
    else:
        assert word is not None
        expires = settings.today + timedelta(days=DAYS)
        labels.add(
            database.conn, Label(stream, word, settings.today, expires, critical, every, clean(note, 500))
        )
    load_court(settings).judge_and_keep(database, [domain])
    settings.say(f"{stream}: {'no label' if remove else word}.")
