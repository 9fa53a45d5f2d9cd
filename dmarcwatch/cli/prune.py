"""`dmarcwatch prune`: records and raw bytes go with age; verdicts and daily figures stay."""

import sqlite3
from dataclasses import dataclass
from datetime import timedelta

import click

from dmarcwatch.cli.ages import Age, day_before
from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import open_store
from dmarcwatch.errors import ConfigError, StoreError
from dmarcwatch.store import retention
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.lock import only_writer
from dmarcwatch.text import count

LEAST_DAYS = 90
"""Records younger than this are read: by the what-if over its window, and for a sender that only shows
over two months (62 days). Reports come late on top of that."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is to go."""

    records: timedelta | None
    raw: timedelta | None
    dry: bool
    shrink: bool


@click.command(name="prune", short_help="Remove old records and raw bytes; daily figures and verdicts stay.")
@click.option("--records-older-than", "records", type=Age(), help="Of reports that ended so long ago.")
@click.option("--raw-older-than", "raw", type=Age(), help="Bytes of items that came so long ago.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and leave it.")
@click.option("--no-vacuum", is_flag=True, help="Leave the file as large as it is; its space is used again.")
@click.option("--json", "as_json", is_flag=True, help="Print what went as an object.")
@click.pass_obj
def command(
    settings: Settings,
    records: timedelta | None,
    raw: timedelta | None,
    dry_run: bool,
    no_vacuum: bool,
    as_json: bool,
) -> None:
    """Remove old records and raw bytes; daily figures and verdicts stay.

    Ages are written 400d, 8w or 2y. What a removed record said of its day is kept in `stream_days` and
    `domain_days`, and its report is still known, so that it never counts twice. Bytes of what could not be
    read stay until it can. Readers read on meanwhile.
    """
    if records is None and raw is None:
        raise ConfigError(
            ["There is nothing to prune."], hint="Say how much is enough, such as --records-older-than 400d."
        )
    if records is not None and records.days < LEAST_DAYS:
        raise ConfigError([f"Records are needed for {LEAST_DAYS} days."], hint="Name a greater age.")
    path = settings.database_path
    with only_writer(path) as alone, store_errors(path):
        if not alone:
            raise StoreError("A fetch is under way on this database.", hint="Try again when it has ended.")
        connection = open_store(settings).conn
        found = _prune(settings, connection, _Ask(records, raw, dry_run, not no_vacuum))
    print_json(found) if as_json else click.echo(_sentence(found, dry=dry_run))


def _prune(settings: Settings, connection: sqlite3.Connection, ask: _Ask) -> dict[str, int]:
    reports = items = freed = 0
    gone = retention.Pruned(0, 0)
    if ask.records is not None:
        act = retention.old_records if ask.dry else retention.prune_records
        gone = act(connection, day_before(settings.today, ask.records))
        reports = gone.reports
    if ask.raw is not None:
        count = retention.old_raw if ask.dry else retention.prune_raw
        items = count(connection, day_before(settings.today, ask.raw))
    if ask.shrink and not ask.dry:
        freed = _shrink(settings, connection)
    return {"reports": reports, "records": gone.records, "items": items, "freed_bytes": freed}


def _shrink(settings: Settings, connection: sqlite3.Connection) -> int:
    try:
        shrunk = retention.shrink(connection)
    except sqlite3.OperationalError as error:
        # Writing the file anew takes room that may be what is missing; what was removed stays removed.
        settings.say(f"The file stays as large as it is: {error}. Its free space is used again.")
        return 0
    if shrunk.waiting:
        settings.say(
            f"Somebody reads the database: {shrunk.waiting / 1e6:,.1f} MB more are given back once that ends."
        )
    return shrunk.freed


def _sentence(found: dict[str, int], *, dry: bool) -> str:
    would = "would go" if dry else "gone"
    records = f"{count(found['records'], 'record')} of {count(found['reports'], 'report')} {would}"
    raw = f"the bytes of {count(found['items'], 'item')} {would}"
    return f"{records}, {raw}; {found['freed_bytes'] / 1e6:,.1f} MB given back."
