"""The shells complete what the program has."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_asks_dmarcwatch_itself(shell):
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert f"_DMARCWATCH_COMPLETE={shell}_complete" in done.stdout


def test_another_shell_is_a_usage_error():
    assert CliRunner().invoke(main, ["completion", "tcsh"]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [("dmarcwatch ver", "plain,verdict"), ("dmarcwatch prune --rec", "plain,--records-older-than")],
)
def test_bash_is_told_commands_and_options(words, expected):
    environment = os.environ | {
        "_DMARCWATCH_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    program = "from dmarcwatch.cli import main; main(prog_name='dmarcwatch')"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [expected]
