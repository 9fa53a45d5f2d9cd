"""What is shipped for running it: units that systemd accepts, commands that exist, pages that man can show."""

import importlib.util
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import COMMANDS, main

ROOT = Path(__file__).parent.parent
PACKAGING = ROOT / "packaging"
SERVICES = tuple(sorted(path.name for path in PACKAGING.glob("*.service")))
UNITS = tuple(
    sorted(path.name for path in PACKAGING.glob("dmarcwatch*.*") if path.suffix in (".service", ".timer"))
)
MOST_EXPOSED = 2.0
"""Of systemd's scale, on which 10 is a service that may do everything and 2 is still "OK"."""


def understood(words):
    """Whether the command line takes these words: unknown commands and options are refused before help."""
    assert words[0] == "dmarcwatch"
    return CliRunner().invoke(main, [*words[1:], "--help"]).exit_code == 0


def settings(name):
    found = {}
    for line in (PACKAGING / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_words_of_a_command_that_is_not_there_are_not_understood():
    assert not understood(["dmarcwatch", "fetch", "--no-such-option"])
    assert not understood(["dmarcwatch", "frobnicate"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_a_command_that_exists(name):
    [start] = settings(name)["ExecStart"]
    assert understood(shlex.split(start))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_nobody_in_particular_and_may_do_nothing_in_particular(name):
    unit = settings(name)
    assert unit["DynamicUser"] == ["yes"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["UMask"] == ["0077"]


def startable(folder, *names):
    """The units with a program that is there, because systemd looks for it."""
    for name in names:
        text = (PACKAGING / name).read_text()
        (folder / name).write_text(re.sub(r"(?m)^ExecStart=dmarcwatch\b", "ExecStart=/bin/true", text))
    return [str(folder / name) for name in names]


def test_systemd_accepts_the_units(tmp_path):
    verify = ["systemd-analyze", "verify", "--man=no", *startable(tmp_path, *UNITS)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "dmarcwatch" not in done.stderr


def exposure(unit):
    """The figure that systemd gives the unit, 0 to 10, and whether it is within what we allow."""
    command = [
        "systemd-analyze",
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={MOST_EXPOSED * 10:g}",
    ]
    done = subprocess.run([*command, str(unit)], capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+) ", done.stdout)
    assert found, done.stdout[-400:] + done.stderr
    return float(found[1]), done.returncode == 0


def test_systemd_finds_little_exposed(tmp_path):
    for unit in startable(tmp_path, *SERVICES):
        figure, within = exposure(unit)
        assert figure <= MOST_EXPOSED, unit
        assert within, unit


@pytest.mark.parametrize("lost", ["CapabilityBoundingSet=\n", "SystemCallFilter=@system-service\n"])
def test_a_service_that_lost_a_protection_is_found(tmp_path, lost):
    [unit] = map(Path, startable(tmp_path, "dmarcwatch.service"))
    text = unit.read_text()
    assert lost in text
    unit.write_text(text.replace(lost, "").replace("SystemCallFilter=~@privileged\n", ""))
    figure, within = exposure(unit)
    assert figure > MOST_EXPOSED
    assert not within


def test_the_lines_of_cron_run_commands_that_exist_as_a_user_of_their_own():
    lines = [
        line for line in (PACKAGING / "dmarcwatch.cron").read_text().splitlines() if re.match(r"\d", line)
    ]
    assert len(lines) == 3
    for line in lines:
        *_, user, words = line.split(None, 6)
        assert user == "dmarcwatch"
        assert understood(shlex.split(words.removesuffix(">/dev/null")))
        assert line in (ROOT / "docs" / "operation.md").read_text()


def test_cron_and_systemd_send_the_digest_every_monday():
    assert "0 7 * * 1 dmarcwatch dmarcwatch -q digest --send\n" in (PACKAGING / "dmarcwatch.cron").read_text()
    [start] = settings("dmarcwatch-digest.service")["ExecStart"]
    assert shlex.split(start)[-2:] == ["digest", "--send"]
    assert settings("dmarcwatch-digest.timer")["OnCalendar"] == ["Mon 07:00"]


def test_cron_looks_for_programs_where_pip_puts_them():
    assert "PATH=/usr/local/bin:/usr/bin:/bin\n" in (PACKAGING / "dmarcwatch.cron").read_text()


def test_the_container_runs_as_a_user_of_its_own_from_the_lock_file():
    text = (PACKAGING / "Containerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"(?m)^USER dmarcwatch$", last)
    assert "--require-hashes -r /tmp/requirements.lock" in last
    copied = {word for line in re.findall(r"(?m)^COPY (.+) \S+$", text) for word in line.split()}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    # What pyproject.toml puts into the wheel has to be there when it is built.
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*build["packages"], *build["force-include"], *build["shared-data"], "README.md", "LICENSE"}
    assert needed <= copied


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("man", ROOT / "tools" / "man.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("man")
    assert module.write(folder) == len(COMMANDS) + 1
    return folder


def test_every_page_is_sound_roff(pages):
    for page in pages.iterdir():
        done = subprocess.run(
            ["groff", "-man", "-ww", "-Tutf8", str(page)], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        # Bold is printed as a letter, a step back, and the letter again.
        assert "NAME" in re.sub(".\x08", "", done.stdout)


def test_every_command_has_its_page_with_all_its_options(pages):
    for name in COMMANDS:
        text = (pages / f"dmarcwatch-{name}.1").read_text().replace(r"\-", "-")
        shown = CliRunner().invoke(main, [name, "--help"]).stdout
        for option in re.findall(r"(?m)^  (?:-\w, )?(--[a-z-]+)", shown):
            assert option in text, (name, option)
        assert f"dmarcwatch-{name}" in (pages / "dmarcwatch.1").read_text().replace(r"\-", "-")
