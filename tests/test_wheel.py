"""`pip install` of the built wheel alone gives a program that works."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_its_data_and_nothing_of_the_tests(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "dmarcwatch/datasette-metadata.yml",
        "dmarcwatch/senders.toml",
        "dmarcwatch/ses/ses.toml",
        "dmarcwatch/reporters.toml",
        "dmarcwatch/store/views.sql",
        "dmarcwatch/py.typed",
    } <= names
    assert any(name.startswith("dmarcwatch/web/templates/") for name in names)
    assert any(name.endswith(".data/data/share/dmarcwatch/dmarcwatch.service") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "bench/", "fixtures/"))]


def test_an_empty_environment_with_the_wheel_runs_the_demo(wheel, tmp_path):
    uv = (sys.executable, "-m", "uv", "-q")
    run(*uv, "venv", "--python", sys.executable, tmp_path / "env")
    pip = (*uv, "pip", "install", "--python", tmp_path / "env" / "bin" / "python")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements.lock")
    run(*pip, "--no-deps", wheel)
    # Elsewhere than the checkout, so that nothing is found there by chance.
    outside = {"cwd": tmp_path, "env": {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}}
    program = tmp_path / "env" / "bin" / "dmarcwatch"
    assert "Usage: " in run(program, "--help", **outside)
    assert "NOT ready" in run(program, "demo", "--no-serve", **outside)
