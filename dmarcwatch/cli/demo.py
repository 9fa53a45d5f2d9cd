"""`dmarcwatch demo`: fetch, verdict and pages on ninety invented days."""

import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import click

from dmarcwatch import demo
from dmarcwatch.cli.context import Day, Settings
from dmarcwatch.cli.reading import fetch_all, sentence
from dmarcwatch.cli.sources import show as show_sources
from dmarcwatch.cli.verdict import show as show_verdicts
from dmarcwatch.collect.sources import FileSource
from dmarcwatch.serve import Listen, serve


@click.command(name="demo", short_help="Show dmarcwatch on ninety invented days.")
@click.option("--as-of", type=Day(), help="The last of the ninety days; default: today.")
@click.option("--no-serve", is_flag=True, help="Stop before serving the pages.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port for the pages; 0: any free one.")
@click.pass_obj
def command(settings: Settings, as_of: date | None, no_serve: bool, port: int) -> None:
    """Show dmarcwatch on ninety invented days: fetch, verdict and pages, in a temporary database."""
    day = as_of or settings.today
    with tempfile.TemporaryDirectory(prefix="dmarcwatch-") as name:
        folder = Path(name)
        mine = _prepare(settings, folder, day)
        fetched = fetch_all(mine, (FileSource(folder / "reports", trusted=True),))
        click.echo(sentence(fetched.accounts))
        click.echo()
        show_verdicts(mine, (), as_of=day)
        click.echo()
        show_sources(mine, None)
        if not no_serve:
            serve(
                mine.database_path,
                Listen(port=port),
                announce=lambda url: click.echo(f"\nThe pages are at {url} (Ctrl-C ends them)."),
                as_of=day.isoformat(),
            )


def _prepare(settings: Settings, folder: Path, day: date) -> Settings:
    """The demo's own files, configuration and clock."""
    (folder / "dmarcwatch.toml").write_text(demo.config(), "utf-8")
    demo.write(folder / "reports", day)
    return replace(
        settings,
        db=folder / "dmarcwatch.db",
        config_path=folder / "dmarcwatch.toml",
        clock=datetime.combine(day, time(12), UTC),
    )
