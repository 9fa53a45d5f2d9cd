"""`dmarcwatch metrics`: figures for Prometheus, by way of a textfile collector."""

from importlib.metadata import version
from pathlib import Path

import click

from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.opening import open_store
from dmarcwatch.cli.output import answer
from dmarcwatch.metrics import Metric, Sample, render
from dmarcwatch.store.database import store_errors
from dmarcwatch.store.gauges import gauges

READABLE = 0o644
"""The collector runs as another user, and no figure in it is a secret to who may see the host's metrics."""


@click.command(name="metrics", short_help="Print figures in the text format of Prometheus.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file ending in .prom in the folder of node_exporter's textfile collector.",
)
@click.pass_obj
def command(settings: Settings, output: Path | None) -> None:
    """Print figures in the text format of Prometheus, or write them into a file that is always whole."""
    connection = open_store(settings).conn
    build = Metric(
        "dmarcwatch_build_info",
        "The version that wrote this.",
        (Sample({"version": version("dmarcwatch")}, 1),),
    )
    with store_errors(settings.database_path):
        names = [channel.name for channel in settings.config.notify.channel]
        text = render((build, *gauges(connection, settings.today, channels=names)))
    with answer(output, mode=READABLE) as out:
        out.write(text.encode())
