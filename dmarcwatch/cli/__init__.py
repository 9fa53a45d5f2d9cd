"""The command line: one command a file, each loaded only when it is called."""

import errno
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from dmarcwatch.cli.context import Settings
from dmarcwatch.errors import DmarcwatchError, StoreError
from dmarcwatch.text import visible

COMMANDS = {
    "init": "Ask a few questions and write a configuration.",
    "fetch": "Collect and store what is new, then judge the domains it touched.",
    "verdict": "Say whether a domain may enforce its policy, and what to fix if not.",
    "sources": "Show who sends as a domain, and whether it authenticates.",
    "label": "Say what no report says: whose mail a stream is.",
    "simulate": "Show which messages a policy would have touched.",
    "check": "Compare DNS and the SES account of today with what reports show.",
    "message": "Say of one received mail who sent it and what aligns.",
    "serve": "Serve the pages and Datasette on the database, read-only.",
    "status": "Show the last run of each source, rejects and silent reporters.",
    "digest": "Tell the week or the month: verdicts, changes, senders, spoofing.",
    "notify": "Send the alerts that wait, or test the channels.",
    "rejects": "List what could not be read, and why.",
    "show": "Print one report as it came.",
    "rebuild": "Make the judgements anew from what is kept.",
    "export": "Write records, senders or verdicts as CSV, JSON lines or Parquet.",
    "metrics": "Print figures in the text format of Prometheus.",
    "backup": "Copy the database into a file, also while fetch runs.",
    "prune": "Remove old records and raw bytes; daily figures and verdicts stay.",
    "completion": "Print what makes a shell complete commands and options.",
    "scale": "Read any number of reports on a cluster into Parquet.",
    "import": "Bring what `scale` summed up into the database.",
    "demo": "Show dmarcwatch on ninety invented days.",
}
"""Each command's one line, so that `--help` loads none of them; a test compares it with the command's own."""


_SHORT = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LazyGroup(click.Group):
    """A group whose commands are modules of this package, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, None for an unknown one."""
        if cmd_name not in COMMANDS:
            return None
        # A word of Python's own cannot name a module.
        module = import_module(f"dmarcwatch.cli.{cmd_name}{'_' if iskeyword(cmd_name) else ''}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from their one lines alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run, turning our errors into a sentence, a hint and the exit status of DESIGN 3.1."""
        try:
            return super().invoke(ctx)
        except DmarcwatchError as error:
            for line in error.message.splitlines():
                click.echo(f"dmarcwatch: {visible(line)}", err=True)
            if error.hint:
                click.echo(f"  {visible(error.hint)}", err=True)
            ctx.exit(error.exit_status)
        except (MemoryError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _SHORT:
                raise
            click.echo("dmarcwatch: there is not enough memory, or too few files may be open.", err=True)
            click.echo("  What was committed is safe; run it again with more.", err=True)
            ctx.exit(StoreError.exit_status)


@click.group(cls=LazyGroup, context_settings=CONTEXT)
@click.version_option(package_name="dmarcwatch")
@click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="DMARCWATCH_DB",
    help="The database; default: that of the configuration, else in the platform's data folder.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="DMARCWATCH_CONFIG",
    help="The configuration; default: ./dmarcwatch.toml, else in the platform's configuration folder.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on standard error but errors.")
@click.pass_context
def main(ctx: click.Context, db: Path | None, config: Path | None, verbose: bool, quiet: bool) -> None:
    """Read DMARC aggregate reports and say whether a domain may enforce its policy."""
    if verbose and quiet:
        raise click.UsageError("--verbose and --quiet exclude each other.")
    ctx.obj = Settings(db=db, config_path=config, verbose=verbose, quiet=quiet)
