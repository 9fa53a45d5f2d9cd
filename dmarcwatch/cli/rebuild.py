"""`dmarcwatch rebuild`: judgements, and on request the facts, anew from what is kept."""

import click

from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.opening import load_court, load_rules, open_store
from dmarcwatch.errors import StoreError
from dmarcwatch.rebuild import rebuild_facts, rebuild_judgements
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.histories import domains
from dmarcwatch.store.lock import only_writer
from dmarcwatch.text import count


@click.command(name="rebuild", short_help="Make the judgements anew from what is kept.")
@click.option("--facts", is_flag=True, help="Read the kept items anew as well.")
@click.pass_obj
def command(settings: Settings, facts: bool) -> None:
    """Make the judgements anew from what is kept, as after an upgrade or a change of the configuration."""
    path = settings.database_path
    with only_writer(path) as alone, store_errors(path):
        if not alone:
            raise StoreError("A fetch is under way on this database.", hint="Try again when it has ended.")
        database = open_store(settings)
        rules = load_rules(settings, database)
        if facts:
            accounts = rebuild_facts(database, rules)
            settings.say(f"{count(accounts.items, 'item')} read anew, {count(accounts.reports, 'report')}.")
        else:
            settings.say(f"{count(rebuild_judgements(database, rules), 'record')} classified anew.")
        load_court(settings).judge_and_keep(database, domains(database.conn))
