"""Reading sources for a command: one after the other, judged at the end, told in one line."""

import gc
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import asdict
from typing import NamedTuple

import click
from sqlite_utils import Database

from dmarcwatch.check.operators import built_at, operator_of
from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import load_court, load_plan, load_rules, open_store
from dmarcwatch.cli.progress import progress
from dmarcwatch.collect import Collector, Notice
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import S3Source, Source
from dmarcwatch.errors import CollectError, ConfigError, StoreError
from dmarcwatch.filing import Accounts
from dmarcwatch.ingest import NO_BOUNDS, Bounds, Ingest, Kind
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.imported import refuse_sums_alone
from dmarcwatch.store.operators import keep_operators
from dmarcwatch.store.unjudged import unjudged
from dmarcwatch.text import count, visible

GRACE_SECONDS = 30.0
"""How long after its time an answer may still come in, so that a run ends between two items and in peace."""


def sentence(accounts: Accounts) -> str:
    """The run's accounts in one line."""
    parts = [
        f"{count(accounts.items, 'item')}: {count(accounts.reports, 'report')} stored",
        count(accounts.duplicates, "duplicate"),
        f"{accounts.set_aside:,} set aside",
        count(accounts.rejects, "reject"),
        count(accounts.records, "record"),
        count(accounts.messages, "message"),
        count(accounts.problems, "problem"),
    ]
    dropped = count(accounts.dropped, "record")
    unread = count(accounts.unread_messages, "message")
    lost = f" {dropped} of {unread} or more could not be used." if accounts.dropped else ""
    return ", ".join(parts) + "." + lost


def print_accounts(accounts: Accounts, *, as_json: bool) -> None:
    """Print the accounts of a run, for a person or as an object."""
    if as_json:
        print_json(asdict(accounts))
    else:
        click.echo(sentence(accounts))


class Fetched(NamedTuple):
    """What came of reading all sources."""

    accounts: Accounts
    failures: tuple[CollectError | ConfigError, ...]
    """One for each source that could not be read to its end, or cannot do what is asked of it."""
    left: int
    """Items that may hold a report, could not be read and wait at their origin."""

    @property
    def exit_status(self) -> int:
        """4 when a source failed, 2 when it cannot do what is asked of it, 6 when something was rejected,
        dropped or left, else 0 (DESIGN 3.1)."""
        if self.failures:
            return max(failure.exit_status for failure in self.failures)
        return 6 if self.accounts.rejects or self.accounts.dropped or self.left else 0


def tell(failures: Iterable[CollectError | ConfigError]) -> None:
    """Say on standard error which sources failed, and what to do."""
    for failure in failures:
        click.echo(f"dmarcwatch: {visible(failure.message)}", err=True)
        if failure.hint:
            click.echo(f"  {visible(failure.hint)}", err=True)


def _opened(settings: Settings, source: Source, notices: list[Notice], bounds: Bounds) -> Collector:
    def notify(notice: Notice) -> None:
        notices.append(notice)
        if notice.left or settings.verbose:
            settings.say(f"{notice.origin}: {notice.message}")

    # Under cron nobody is there to sign in.
    sign_in = settings.say if sys.stderr.isatty() else None
    return open_source(
        source,
        budgets=settings.config.budgets,
        notify=notify,
        sign_in=sign_in,
        deadline=None if bounds.deadline is None else bounds.deadline + GRACE_SECONDS,
    )


def fetch_all(settings: Settings, sources: tuple[Source, ...], bounds: Bounds = NO_BOUNDS) -> Fetched:
    """Read the sources one after the other and judge what changed; a failed one costs only itself.

    Judged is also what an earlier run stored and did not come to judge.

    Raises StoreError, and ConfigError where the rules cannot be used.
    """
    database = open_store(settings, create=True)
    refuse_sums_alone(database.conn)
    # What a run makes has no cycles; looking for some took a twentieth of it.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    total, failures, notices = Accounts(), list[CollectError | ConfigError](), list[Notice]()
    with progress(settings) as bar:
        rules, plan = load_rules(settings, database), load_plan(settings)
        ingest = Ingest(database, rules, settings.now, bar.show, bounds, plan)
        for source in sources:
            kind = Kind(ses=isinstance(source, S3Source), settles=source.settles)
            run = ingest.begin(source.name, kind)
            try:
                with closing(_opened(settings, source, notices, bounds)) as collector:
                    bar.reading(collector)
                    run.read(collector)
            except (CollectError, ConfigError) as error:
                failures.append(error)
                run.failed(error)
            except StoreError as error:
                total += run.accounts
                with suppress(StoreError):  # a disk that is full may have room for a line, or not
                    run.failed(error)
                raise _with_accounts(error, total) from error
            total += run.accounts
    try:
        with store_errors(settings.database_path):
            _judge(settings, database)
    except StoreError as error:
        raise _with_accounts(error, total) from error
    database.conn.close()
    return Fetched(total, tuple(failures), sum(notice.left for notice in notices))


def _with_accounts(error: StoreError, accounts: Accounts) -> StoreError:
    """The same, with what need not be read again."""
    safe = f"Stored before that, and safe: {sentence(accounts)} The next fetch goes on from there."
    return StoreError(f"{error.message}\n{safe}", hint=error.hint)


def _judge(settings: Settings, database: Database) -> None:
    """Say who operates new addresses, then judge the domains that wait for it."""
    waiting = unjudged(database.conn)
    if waiting:
        with transaction(database.conn):
            keep_operators(database.conn, operator_of, built_at=built_at(), now=settings.now)
    load_court(settings).judge_and_keep(database, waiting)
