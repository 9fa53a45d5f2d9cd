"""`dmarcwatch status`: how the runs went, and what waits."""

from datetime import timedelta
from typing import Any

import click

from dmarcwatch.cli.ages import Age
from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.store import announced, holding, status
from dmarcwatch.store.hosts import mail_hosts


@click.command(name="status", short_help="Show the last run of each source, rejects and silent reporters.")
@click.option("--json", "as_json", is_flag=True, help="Print it as an object.")
@click.option("--max-age", type=Age(), help="How long ago each source may have been read well, such as 26h.")
@click.pass_context
def command(ctx: click.Context, as_json: bool, max_age: timedelta | None) -> None:
    """Show the last run of each source, rejects and silent reporters.

    Ends with 4 when a configured source could not be read (or not for --max-age), when alerts could not be
    sent by the last fetch or a channel took nothing for two days; with 6 when the last run of a source
    rejected something or dropped records; else with 0.
    """
    settings: Settings = ctx.obj
    connection = open_store(settings).conn
    runs = status.last_runs(connection)
    rejects = status.reject_reasons(connection)
    silent = status.silent_reporters(connection, settings.today)
    hosts = mail_hosts(connection)
    held = holding.held_reasons(connection)
    aside = status.unread_aside(connection)
    names = [channel.name for channel in settings.config.notify.channel]
    channels = announced.channels(connection, names)
    sources = [source.name for source in settings.config.sources]
    unheard = announced.unheard(connection, names, settings.now)
    health = status.health(runs, sources=sources, now=settings.now, max_age=max_age, unheard=unheard)
    if as_json:
        parts = {"runs": runs, "rejects": rejects, "silent_reporters": silent, "mail_hosts": hosts}
        print_json(
            {"needs_a_look": health.reasons}
            | parts
            | {"channels": channels, "held": held, "unread_aside": aside}
        )
        ctx.exit(health.exit_status)
    for reason in health.reasons:
        click.echo(f"Needs a look: {reason}")
    click.echo(table([_short(run) for run in runs], "No source was ever read."))
    for title, rows in (
        ("Rejects by reason", rejects),
        ("Reports held as implausible, by reason (dmarcwatch rejects)", held),
        ("TLS and failure reports that could not be read", aside),
        ("Reporters that have fallen silent", silent),
        ("Mail hosts that stated authentication results", [_short_host(host) for host in hosts]),
        ("Channels that are told", [_short_channel(channel) for channel in channels]),
    ):
        if rows:
            click.echo(f"\n{title}\n{table(rows, '')}")
    ctx.exit(health.exit_status)


def _short(run: dict[str, Any]) -> dict[str, Any]:
    """The run as far as it fits a terminal beside the name of its source; `--json` has all of it."""
    shown = {"source": run["source"], "last run (UTC)": _minute(run["ended_at"]) or "did not end"}
    shown |= {name: run[name] for name in ("items", "reports", "rejects", "dropped")}
    well = run["error"] is None and run["ended_at"] is not None
    return shown | {"read well": "yes" if well else f"last {_minute(run['last_success']) or 'never'}"}


def _short_channel(channel: dict[str, Any]) -> dict[str, Any]:
    """The channel with its times to the minute and its troubles last."""
    times = {"last sent": _minute(channel["sent_at"]), "failing since": _minute(channel["failing_since"])}
    shown = {"channel": channel["channel"], "waiting": channel["waiting"], **times}
    return shown | {"error": channel["error"] or ""}


def _minute(moment: str | None) -> str:
    """A stored moment as people write it, to the minute; empty for none."""
    return (moment or "")[:16].replace("T", " ")


def _short_host(host: dict[str, Any]) -> dict[str, Any]:
    """The host, with a word on one that is not believed."""
    word = "no: another name than before, see authserv_ids" if host["changed"] else "yes"
    shown = {name: value for name, value in host.items() if name not in ("changed", "last_seen")}
    return shown | {"last seen": _minute(host["last_seen"]), "believed": word}
