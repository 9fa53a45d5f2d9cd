"""`dmarcwatch fetch`: collect, store, judge, and say in one line what came."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import partial
from time import monotonic

import click

from dmarcwatch.cli.announcing import announce
from dmarcwatch.cli.context import Day, Settings
from dmarcwatch.cli.reading import fetch_all, print_accounts, tell
from dmarcwatch.cli.watching import watch_sources
from dmarcwatch.collect.address import parse_source
from dmarcwatch.collect.iam import KMS_STATEMENT, iam_policy
from dmarcwatch.collect.sources import FileSource, S3Source, Source
from dmarcwatch.errors import ConfigError
from dmarcwatch.ingest import Bounds
from dmarcwatch.store.lock import only_writer


@click.command(name="fetch", short_help="Collect and store what is new, then judge the domains it touched.")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--json", "as_json", is_flag=True, help="Print the accounts as an object.")
@click.option("--limit", type=click.IntRange(1), help="Stop after so many items of each source.")
@click.option("--max-minutes", type=click.FloatRange(0, min_open=True), help="Stop after so many minutes.")
@click.option("--since", type=Day(), help="Leave what reached its origin before this day (UTC).")
@click.option("--watch", is_flag=True, help="Go on: wait for news (IMAP IDLE) and look again, until ended.")
@click.option("--iam", is_flag=True, help="Print the least IAM policy for the S3 sources, and stop.")
@click.pass_context
def command(
    ctx: click.Context,
    sources: tuple[str, ...],
    as_json: bool,
    limit: int | None,
    max_minutes: float | None,
    since: date | None,
    watch: bool,
    iam: bool,
) -> None:
    """Collect and store what is new, then judge the domains it touched.

    SOURCE is a file, a folder, a Maildir, an mbox, - for standard input, imaps://user@host/folder or
    s3://bucket/prefix; without any, the sources of the configuration are read. Nothing is changed at the
    origin unless the configuration asks for it. With --watch the bounds hold for each look.
    """
    settings: Settings = ctx.obj
    chosen = tuple(_named(text) for text in sources) or settings.config.sources
    if iam:
        _print_policies(chosen)
        return
    if not chosen:
        raise ConfigError(
            ["There is nothing to fetch from."],
            hint="Name a SOURCE, or write one into dmarcwatch.toml as [[source]].",
        )
    bounds = partial(_bounds, limit, max_minutes, since)
    if watch:
        watch_sources(settings, chosen, bounds=bounds, as_json=as_json)
        return
    with only_writer(settings.database_path) as alone:
        if not alone:
            settings.say("Another fetch is under way on this database; this one leaves it to that one.")
            return
        fetched = fetch_all(settings, chosen, bounds())
    tell(fetched.failures)
    announce(settings)
    print_accounts(fetched.accounts, as_json=as_json)
    ctx.exit(fetched.exit_status)


def _bounds(limit: int | None, max_minutes: float | None, since: date | None) -> Bounds:
    """How far a run goes that begins now."""
    deadline = monotonic() + 60 * max_minutes if max_minutes else None
    return Bounds(limit, deadline, datetime.combine(since, time(), UTC) if since else None)


def _named(text: str) -> Source:
    source = parse_source(text)
    # What a person names by hand is theirs to vouch for (JUDGEMENT 5, tier local).
    return replace(source, trusted=True) if isinstance(source, FileSource) else source


def _print_policies(sources: tuple[Source, ...]) -> None:
    buckets = [source for source in sources if isinstance(source, S3Source)] or [S3Source(bucket="BUCKET")]
    for source in buckets:
        click.echo(iam_policy(source))
    click.echo(KMS_STATEMENT, err=True)
