"""What is shipped for running it: units that systemd accepts, commands that exist, pages that man can show."""

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import COMMANDS, main

ROOT = Path(__file__).parent.parent
PACKAGING = ROOT / "packaging"


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


def test_the_service_runs_a_command_that_exists():
    [start] = settings("dmarcwatch.service")["ExecStart"]
    assert understood(shlex.split(start))


def test_the_service_is_nobody_in_particular_and_may_do_nothing_in_particular():
    unit = settings("dmarcwatch.service")
    assert unit["DynamicUser"] == ["yes"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["UMask"] == ["0077"]


def test_systemd_accepts_the_units_and_finds_little_exposed(tmp_path):
    for name in ("dmarcwatch.service", "dmarcwatch.timer"):
        text = (PACKAGING / name).read_text().replace("ExecStart=dmarcwatch", "ExecStart=/bin/true")
        (tmp_path / name).write_text(text)
    service, timer = tmp_path / "dmarcwatch.service", tmp_path / "dmarcwatch.timer"
    verify = ["systemd-analyze", "verify", "--man=no", str(service), str(timer)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "dmarcwatch" not in done.stderr
    security = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(service)]
    done = subprocess.run(security, capture_output=True, text=True, check=False)
    if "Unknown" not in done.stderr and "unrecognized" not in done.stderr:
        assert done.returncode == 0, done.stdout[-400:]


def test_the_lines_of_cron_run_commands_that_exist_as_a_user_of_their_own():
    lines = [
        line for line in (PACKAGING / "dmarcwatch.cron").read_text().splitlines() if re.match(r"\d", line)
    ]
    assert len(lines) == 2
    for line in lines:
        *_, user, words = line.split(None, 6)
        assert user == "dmarcwatch"
        assert understood(shlex.split(words))


def test_the_container_runs_as_a_user_of_its_own_from_the_lock_file():
    text = (PACKAGING / "Containerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"(?m)^USER dmarcwatch$", last)
    assert "--require-hashes -r /tmp/requirements.lock" in last
    for source in re.findall(r"(?m)^COPY (\S+) /", text):
        assert (ROOT / source).exists()


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
