"""`dmarcwatch notify`: try the channels, send what waits, and show what was told."""

import click

from dmarcwatch.alerts.message import Message
from dmarcwatch.cli.announcing import tell_failures, tell_news
from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.errors import ConfigError
from dmarcwatch.notify.delivery import need_apprise, send
from dmarcwatch.notify.settings import Channel
from dmarcwatch.store import outbox
from dmarcwatch.text import count

_SHOWN = 50
_TEST = Message(
    "dmarcwatch can reach this channel",
    (
        "This is a test. Alerts come here when a verdict changes, a sender stops to align, a new sender "
        "fails, reporters fall silent, a source cannot be read or a policy changes.\n",
    ),
)


@click.command(name="notify", short_help="Send the alerts that wait, or test the channels.")
@click.option("--test", "as_test", is_flag=True, help="Send a test message to every channel.")
@click.option("--list", "as_list", is_flag=True, help=f"Show the newest {_SHOWN} alerts and who got them.")
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_context
def command(ctx: click.Context, as_test: bool, as_list: bool, as_json: bool) -> None:
    """Send the alerts that wait, or test the channels.

    `fetch` does the first by itself, after it has read its sources; here neither quiet hours nor the wait
    after a failure count. Exit status: 0 when every channel took its message, else 4.
    """
    settings: Settings = ctx.obj
    if as_list:
        _show(settings, as_json=as_json)
        return
    channels = _channels(settings)
    if as_test:
        need_apprise()
        results = {channel.name: send(channel, _TEST) for channel in channels}
    else:
        sent = tell_news(settings, at_once=True)
        results = {each.channel: each.error for each in sent}
        if not as_json:
            tell_failures(sent)
    if as_json:
        print_json({"channels": [{"channel": name, "error": error} for name, error in results.items()]})
    elif as_test:
        _say_test(results)
    else:
        taken = sum(error is None for error in results.values())
        click.echo(f"{count(taken, 'channel')} took what waited." if results else "Nothing waits.")
    ctx.exit(4 if any(results.values()) else 0)


def _channels(settings: Settings) -> tuple[Channel, ...]:
    channels = settings.config.notify.channel
    if not channels:
        raise ConfigError(
            ["No channel is configured."],
            hint='In dmarcwatch.toml: [[notify.channel]] with name = "..." and url = { env = "..." }',
        )
    return channels


def _say_test(results: dict[str, str | None]) -> None:
    for name, error in results.items():
        click.echo(f"{name}: " + ("took the test message" if error is None else f"FAILED: {error}"))


def _show(settings: Settings, *, as_json: bool) -> None:
    connection = open_store(settings).conn
    alerts, channels = outbox.newest(connection, _SHOWN), outbox.channels(connection)
    if as_json:
        print_json({"alerts": alerts, "channels": channels})
        return
    rows = [
        {
            "alert": each["id"],
            "raised": each["raised_at"][:16].replace("T", " "),
            "what": each["title"],
            "over": (each["over_at"] or "")[:10],
            "waits for": ", ".join(name for name, taken in each["channels"].items() if taken is None),
        }
        for each in alerts
    ]
    click.echo(table(rows, "Nothing was told yet."))
