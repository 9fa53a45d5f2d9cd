"""`dmarcwatch simulate`: what a policy would have done to the messages of the window."""

from datetime import date

import click

from dmarcwatch.cli.context import Day, Settings, print_json
from dmarcwatch.cli.opening import known_domain, load_court, open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.readiness.projection import Projection, StreamFate
from dmarcwatch.streams import Legitimacy


@click.command(name="simulate", short_help="Show which messages a policy would have touched.")
@click.argument("domain")
@click.option("--policy", required=True, metavar="TAGS", help='Such as "p=reject; sp=quarantine".')
@click.option("--as-of", type=Day(), help="The window ends two days before this day; default: today.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_obj
def command(settings: Settings, domain: str, policy: str, as_of: date | None, as_json: bool) -> None:
    """Show which messages a policy would have touched.

    Literal: every failing message. Expected: without those that a receiver gave a reason to spare.
    """
    database = open_store(settings)
    name = known_domain(database.conn, domain)
    found = load_court(settings).project(database, name, policy, as_of or settings.today)
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)


def _show(found: Projection) -> None:
    first, last = found.window
    own = found.touched(Legitimacy.OWNED) + found.touched(Legitimacy.SHADOW)
    click.echo(f"{found.domain} with {found.policy}, {first} to {last}")
    click.echo(
        f"{own:,} of your own messages touched, {found.touched(Legitimacy.UNKNOWN):,} of unknown senders, "
        f"{found.touched(Legitimacy.FORWARDED):,} forwarded, {found.touched(Legitimacy.SPOOF):,} spoofed."
    )
    click.echo()
    click.echo(table([_row(fate, found.domain) for fate in found.streams], "No messages in this window."))


def _row(fate: StreamFate, domain: str) -> dict[str, object]:
    return {
        "source": fate.name if fate.header_from == domain else f"{fate.name} (From {fate.header_from})",
        "whose": str(fate.legitimacy),
        "policy": str(fate.policy),
        "messages": fate.messages,
        "literal": fate.failing,
        "expected": fate.expected,
        "undecided": fate.undecided,
    }
