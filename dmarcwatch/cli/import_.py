"""`dmarcwatch import`: what a cluster summed up into the database."""

from dataclasses import asdict
from fnmatch import fnmatchcase

import click

from dmarcwatch.check.operators import built_at, operator_of
from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import load_court, load_senders, open_store
from dmarcwatch.cli.scale import needs_extra
from dmarcwatch.domains import normal_pattern
from dmarcwatch.errors import StoreError
from dmarcwatch.store.database import store_errors, transaction
from dmarcwatch.store.lock import only_writer
from dmarcwatch.store.operators import keep_operators
from dmarcwatch.text import count


@click.command(name="import", short_help="Bring what `scale` summed up into the database.")
@click.argument("dataset", metavar="DIR")
@click.option("--domain", "domains", multiple=True, help="Only this policy domain; `*` and `?` are patterns.")
@click.option("--without-reports", is_flag=True, help="Leave out the list of reports: the figures alone.")
@click.option("--json", "as_json", is_flag=True, help="Print what there is now as an object.")
@click.pass_obj
def command(
    settings: Settings, dataset: str, domains: tuple[str, ...], without_reports: bool, as_json: bool
) -> None:
    """Bring what `scale` summed up into the database, and judge its domains.

    DIR is the data set that `scale` wrote, a folder or s3://bucket/prefix. Records stay there; verdict,
    sources and pages read the sums. Importing again replaces what was imported before.
    """
    with needs_extra():
        from dmarcwatch.scale.dataset import Dataset
        from dmarcwatch.scale.importing import Wanted, import_dataset

    found = Dataset(dataset)
    wanted = Wanted(reports=not without_reports)
    if domains:
        names = [normal_pattern(name) for name in domains]
        wanted = Wanted(lambda domain: any(fnmatchcase(domain, name) for name in names), not without_reports)
    path = settings.database_path
    with only_writer(path) as alone, store_errors(path):
        if not alone:
            raise StoreError("A fetch is under way on this database.", hint="Try again when it has ended.")
        database = open_store(settings, create=True)
        imported = import_dataset(database.conn, found, load_senders(settings.config), wanted)
        with transaction(database.conn):
            keep_operators(database.conn, operator_of, built_at=built_at(), now=settings.now)
        load_court(settings).judge_and_keep(database, imported.domains)
        database.conn.close()
    if as_json:
        print_json(asdict(imported))
        return
    click.echo(
        f"{count(imported.increments, 'increment')}, {count(len(imported.domains), 'domain')}, "
        f"{count(imported.reports, 'report')}, {count(imported.stream_days, 'stream day')}, "
        f"{count(imported.rejects, 'reject')}."
    )
