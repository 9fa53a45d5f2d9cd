"""`dmarcwatch backup FILE`: a copy that is whole, whoever writes meanwhile."""

from pathlib import Path

import click

from dmarcwatch.cli.context import Settings
from dmarcwatch.store.backup import backup


@click.command(name="backup", short_help="Copy the database into a file, also while fetch runs.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def command(settings: Settings, file: Path) -> None:
    """Copy the database into FILE, also while fetch runs.

    The copy is of one moment, checked, and readable by its owner only; an older backup of that name is
    replaced when the new one is whole. To restore, put the file in the database's place while nothing runs.
    """
    size = backup(settings.database_path, file)
    settings.say(f"{file}: {size / 1e6:,.1f} MB, checked.")
