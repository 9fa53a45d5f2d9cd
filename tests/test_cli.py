"""The command line: what it prints, where, and with which exit status."""

import subprocess
import sys
from importlib import import_module
from keyword import iskeyword

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import COMMANDS, main


def run(*arguments, **options):
    return CliRunner().invoke(main, list(arguments), **options)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name):
    module = f"{name}_" if iskeyword(name) else name
    assert import_module(f"dmarcwatch.cli.{module}").command.get_short_help_str(200) == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name):
    done = run(name, "--help")
    assert done.exit_code == 0
    assert "Usage: " in done.output


def test_help_loads_no_command_and_no_library_but_clicks():
    program = (
        "import sys; from dmarcwatch.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlite3', 'sqlite_utils', 'datasette', 'imapclient', 'lxml', 'dns', 'rich', 'parsedmarc'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_an_unknown_command_is_a_usage_error():
    assert run("frobnicate").exit_code == 2


def test_a_source_that_does_not_exist_is_a_sentence_and_exit_4(tmp_path):
    done = run("--db", str(tmp_path / "a.db"), "fetch", str(tmp_path / "nowhere"))
    assert done.exit_code == 4
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.output


def test_without_any_source_fetch_says_how_to_name_one(tmp_path):
    done = run("--db", str(tmp_path / "a.db"), "--config", str(empty(tmp_path)), "fetch")
    assert done.exit_code == 2
    assert "[[source]]" in done.stderr


def test_a_database_of_another_program_ends_with_5(tmp_path):
    (tmp_path / "a.db").write_bytes(b"no database at all" * 100)
    done = run("--db", str(tmp_path / "a.db"), "fetch", str(empty(tmp_path)))
    assert done.exit_code == 5
    assert "a.db" in done.stderr


def test_a_configuration_with_mistakes_ends_with_2_and_names_them_all(tmp_path):
    (tmp_path / "dmarcwatch.toml").write_text('database = 3\ncolour = "red"\ndomains = 4')
    done = run("--config", str(tmp_path / "dmarcwatch.toml"), "fetch", "x")
    assert done.exit_code == 2
    assert all(key in done.stderr for key in ("database", "colour", "domains", "dmarcwatch.toml"))


@pytest.mark.parametrize("command", ["status", "rejects", "verdict", "sources", "label --list", "show 1"])
def test_a_missing_database_is_said_and_not_made(tmp_path, command):
    path = tmp_path / "none.db"
    done = run("--db", str(path), *command.split())
    assert (done.exit_code, path.exists()) == (5, False)
    assert "There is no database" in done.stderr


def empty(folder):
    path = folder / "empty.toml"
    path.write_text("")
    return path
