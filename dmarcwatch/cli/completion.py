"""`dmarcwatch completion`: what makes the shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command(name="completion", short_help="Print what makes a shell complete commands and options.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    bash: dmarcwatch completion bash > ~/.local/share/bash-completion/completions/dmarcwatch;
    zsh: into a folder of $fpath, as _dmarcwatch;
    fish: into ~/.config/fish/completions/dmarcwatch.fish.
    """
    found = get_completion_class(shell)
    assert found is not None
    root = ctx.find_root()
    click.echo(found(root.command, {}, "dmarcwatch", "_DMARCWATCH_COMPLETE").source())
