"""After a fetch: tell what is new. Whatever goes wrong here is said and costs the fetch nothing."""

from collections.abc import Mapping

import click

from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.opening import open_store
from dmarcwatch.errors import ConfigError, DmarcwatchError
from dmarcwatch.notify.delivery import need_apprise
from dmarcwatch.notify.rounds import Sent, deliver, look
from dmarcwatch.policy import DmarcRecord
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.lock import only_writer


def announce(settings: Settings) -> None:
    """Compare, queue and send, where the configuration names a channel; the exit status stays the fetch's."""
    try:
        if settings.config.notify.channel:
            tell_failures(tell_news(settings))
    except DmarcwatchError as error:
        click.echo(f"dmarcwatch: alerts: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)


def tell_news(settings: Settings, *, at_once: bool = False) -> list[Sent]:
    """Queue what is new and send what waits. Raises ConfigError and StoreError.

    A second process that does the same at this moment leaves it to the first: nothing is sent twice.
    """
    notify, path = settings.config.notify, settings.database_path
    with only_writer(path.with_name(f"{path.name}.notify")) as alone:
        if not alone:
            return []
        connection = open_store(settings).conn
        try:
            with store_errors(path):
                if not look(connection, notify, lambda name: _configured(settings, name), settings.now):
                    settings.say("The clock stands before the newest reports: alerts wait until it is right.")
            need_apprise()
            with store_errors(path):
                return deliver(connection, notify, settings.now, at_once=at_once)
        finally:
            connection.close()


def tell_failures(sent: list[Sent]) -> None:
    """Say on standard error which channels took nothing."""
    for each in sent:
        if each.error is not None:
            click.echo(f"dmarcwatch: the channel {each.channel} took nothing: {each.error}", err=True)


def _configured(settings: Settings, domain: str) -> Mapping[str, str] | None:
    record = settings.config.for_domain(domain).record
    if record is None:
        return None
    try:
        return dict(DmarcRecord.parse(record).tags)
    except ConfigError:
        return None  # the verdict says that it cannot be read
