"""`dmarcwatch check`: DNS and the Amazon SES account of today against what reports show."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import click

from dmarcwatch.check import answer, hosts
from dmarcwatch.check.examination import Checked, World, examine
from dmarcwatch.check.operators import built_at, operator_of
from dmarcwatch.check.resolver import TIMEOUT_SECONDS, Dns, Servers, server
from dmarcwatch.check.ses_calls import policy, session_client
from dmarcwatch.cli.context import Settings, print_json, width
from dmarcwatch.cli.opening import open_store
from dmarcwatch.domains import normal_domain
from dmarcwatch.sightings import NOTHING_SEEN, Sightings
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.operators import addresses_without_host, keep_hosts, keep_operators
from dmarcwatch.store.operators import hosts as known_hosts
from dmarcwatch.store.published import keep_record
from dmarcwatch.store.seen import sightings

HOST_DAYS = 30
"""How long a host name is believed before it is asked for again."""


@click.command(name="check", short_help="Compare DNS and the SES account of today with what reports show.")
@click.argument("domain", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.option("--resolver", "resolvers", multiple=True, metavar="ADDRESS", help="Ask this one; repeatable.")
@click.option(
    "--timeout",
    default=TIMEOUT_SECONDS,
    show_default=True,
    type=click.FloatRange(min=0.1, max=60),
    help="Seconds to wait for one answer of DNS.",
)
@click.option("--no-ses", is_flag=True, help="Do not ask Amazon SES, even with credentials at hand.")
@click.option("--region", "regions", multiple=True, help="Ask SES in this region only; repeatable.")
@click.option("--reverse-dns", is_flag=True, help="Ask for the host names of unknown senders' addresses.")
@click.option("--iam", is_flag=True, help="Print the IAM policy that asking SES needs, and end.")
@click.pass_context
def command(
    ctx: click.Context,
    domain: str | None,
    as_json: bool,
    resolvers: tuple[str, ...],
    timeout: float,
    no_ses: bool,
    regions: tuple[str, ...],
    reverse_dns: bool,
    iam: bool,
) -> None:
    """Compare DNS and the SES account of today with what reports show. Nothing is changed anywhere.

    Exit status: 0 all well; 1 something to mend; 3 nothing could be looked up.
    """
    if iam:
        print_json(policy())
        return
    name = normal_domain(domain or "")
    if not name or "." not in name:
        raise click.UsageError("Name one DOMAIN, such as example.com.")
    settings: Settings = ctx.obj
    servers = Servers(tuple(server(text) for text in resolvers), timeout)
    client, no_client = (None, "--no-ses") if no_ses else session_client()
    settings.say("Asking DNS." if client is None else "Asking DNS and Amazon SES, region by region.")
    seen, names = _known(settings, name, servers if reverse_dns else None)
    world = World(Dns(servers), client, no_client, regions)
    checked = examine(name, seen, world, now=settings.now, hosts=names)
    if as_json:
        print_json(answer.as_dict(checked))
    else:
        click.echo(answer.text(checked, width=width()), nl=False)
    _keep(settings, checked)  # last, so that a database that is locked costs nobody the answer
    ctx.exit(checked.exit_status)


def _known(settings: Settings, domain: str, ask_hosts: Servers | None) -> tuple[Sightings, Mapping[str, str]]:
    """What the database knows: names that reports showed, and host names of unknown networks' addresses.

    Without a database DNS is asked all the same, and none is made. Raises StoreError.
    """
    if not settings.database_path.exists():
        return NOTHING_SEEN, {}
    with _open(settings) as connection:
        seen = sightings(connection, domain, as_of=settings.today)
        if ask_hosts is not None:
            _ask_hosts(settings, connection, domain, ask_hosts)
        addresses = [address for each in seen.networks for address in each.addresses]
        return seen, known_hosts(connection, addresses)


def _ask_hosts(settings: Settings, connection: sqlite3.Connection, domain: str, servers: Servers) -> None:
    old, limit = settings.now - timedelta(days=HOST_DAYS), hosts.BOUNDS.max_addresses
    asked = addresses_without_host(connection, domain, older_than=old, limit=limit)
    found = hosts.host_names(asked, servers)
    with transaction(connection):
        keep_hosts(connection, found.items(), now=settings.now)


def _keep(settings: Settings, checked: Checked) -> None:
    """The record as DNS has it, and who operates addresses that nobody looked up yet. Raises StoreError."""
    if not settings.database_path.exists():
        return
    found = checked.dns.discovery
    with _open(settings) as connection, transaction(connection):
        if found.known and found.at != found.domain:
            keep_record(connection, found.domain, None, looked_up_at=settings.now)
        if found.at is not None and found.record is not None:
            keep_record(connection, found.at, found.record.text, looked_up_at=settings.now)
        keep_operators(connection, operator_of, built_at=built_at(), now=settings.now)


@contextmanager
def _open(settings: Settings) -> Iterator[sqlite3.Connection]:
    with store_errors(settings.database_path):
        database = open_store(settings)
        try:
            yield database.conn
        finally:
            database.close()
