"""Seeds and findings of the fuzzer hold without it; with it a run counts what it did."""

import re
import subprocess
import sys

import pytest

from fuzz.run import Outcome, report
from fuzz.seeds import ROOT, findings, seeds, write
from fuzz.targets import TARGETS

EVERY_TARGET = pytest.mark.parametrize("target", TARGETS)


@EVERY_TARGET
def test_every_seed_holds(target):
    items = list(seeds(target))
    assert len(items) >= 30
    for data in items:
        TARGETS[target](data)


@EVERY_TARGET
def test_what_once_failed_holds_for_ever(target):
    for data in findings(target):
        TARGETS[target](data)


@EVERY_TARGET
def test_seeds_are_small_and_written_once(target, tmp_path):
    count = write(tmp_path, target)
    assert write(tmp_path, target) == count == len(list(tmp_path.iterdir()))
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000


def test_a_finding_of_any_target_is_replayed():
    assert {path.name for path in (ROOT / "findings").iterdir() if path.is_dir()} <= set(TARGETS)


@pytest.mark.skipif(sys.platform != "linux" or sys.version_info >= (3, 14), reason="atheris has no wheel")
@EVERY_TARGET
def test_the_fuzzer_runs_each_target(target, tmp_path):
    write(tmp_path, target)
    command = [sys.executable, "-m", "fuzz.harness", target, "-seed=1", "-runs=500", "-print_final_stats=1"]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(tmp_path)],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    # All seeds are read, and then what comes of them.
    executed = re.search(r"stat::number_of_executed_units: +(\d+)", done.stderr)
    assert executed and int(executed[1]) >= 500


def test_the_report_shows_what_was_run_and_what_failed(tmp_path):
    outcome = Outcome("parse", 9, 1234, 56, 789, 1, 150, (tmp_path / "crash-1",), "")
    head, line = report([outcome]).splitlines()
    assert head.split()[:3] == ["target", "seeds", "executions"]
    assert line.split() == ["parse", "9", "1,234", "56", "789", "1", "s", "150", "MB", "1"]
