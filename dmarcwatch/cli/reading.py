"""Reading sources for a command: one after the other, judged at the end, told in one line."""

import gc
from contextlib import closing

import click

from dmarcwatch.check.operators import built_at, operator_of
from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.opening import load_court, load_rules, open_store
from dmarcwatch.cli.progress import progress
from dmarcwatch.collect import Collector, Notice
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import S3Source, Settle, Source, StdinSource
from dmarcwatch.errors import CollectError
from dmarcwatch.filing import Accounts
from dmarcwatch.ingest import NO_BOUNDS, Bounds, Ingest, Kind
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.operators import keep_operators


def sentence(accounts: Accounts) -> str:
    """The run's accounts in one line."""
    parts = [
        f"{accounts.items:,} items: {accounts.reports:,} reports stored",
        f"{accounts.duplicates:,} duplicates",
        f"{accounts.set_aside:,} set aside",
        f"{accounts.rejects:,} rejects",
        f"{accounts.records:,} records",
        f"{accounts.messages:,} messages",
        f"{accounts.problems:,} problems",
    ]
    dropped, unread = accounts.dropped, accounts.unread_messages
    lost = f" {dropped:,} records of {unread:,} messages or more could not be used." if dropped else ""
    return ", ".join(parts) + "." + lost


def exit_status(accounts: Accounts, failures: list[CollectError]) -> int:
    """4 when a source could not be reached, 6 when something was rejected or dropped, else 0 (DESIGN 3.1)."""
    if failures:
        return CollectError.exit_status
    return 6 if accounts.rejects or accounts.dropped else 0


def tell(failures: list[CollectError]) -> None:
    """Say on standard error which sources failed, and what to do."""
    for failure in failures:
        click.echo(f"dmarcwatch: {failure.message}", err=True)
        if failure.hint:
            click.echo(f"  {failure.hint}", err=True)


def _opened(settings: Settings, source: Source) -> Collector:
    def notify(notice: Notice) -> None:
        if notice.left or settings.verbose:
            settings.say(f"{notice.origin}: {notice.message}")

    return open_source(source, budgets=settings.config.budgets, notify=notify)


def _kind(source: Source) -> Kind:
    settle = Settle.NOTHING if isinstance(source, StdinSource) else source.settle
    return Kind(ses=isinstance(source, S3Source), settles=settle is not Settle.NOTHING)


def fetch_all(
    settings: Settings, sources: tuple[Source, ...], bounds: Bounds = NO_BOUNDS
) -> tuple[Accounts, list[CollectError]]:
    """Read the sources one after the other and judge what they touched; a failed one costs only itself.

    Raises StoreError and ConfigError.
    """
    database = open_store(settings, create=True)
    # What a run makes has no cycles; looking for some took a twentieth of it.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    total, touched, failures = Accounts(), set[str](), list[CollectError]()
    with progress(settings) as show:
        ingest = Ingest(database, load_rules(settings, database), settings.now, show, bounds)
        for source in sources:
            run = ingest.begin(source.name, _kind(source))
            try:
                with closing(_opened(settings, source)) as collector:
                    run.read(collector)
            except CollectError as error:
                failures.append(error)
                run.failed(error)
            total += run.accounts
            touched |= run.touched
    if total.records:
        with store_errors(settings.database_path), transaction(database.conn):
            keep_operators(database.conn, operator_of, built_at=built_at(), now=settings.now)
    load_court(settings).judge_and_keep(database, sorted(touched))
    database.conn.close()
    return total, failures
