"""What a person who looks on is told while a source is read."""

import os
import pty
import subprocess
import sys

import pytest

from dmarcwatch.cli.progress import progress_line
from dmarcwatch.compose import compose
from dmarcwatch.filing import Accounts
from tests.build import record, report

HALF = Accounts(items=500, reports=480)


@pytest.mark.parametrize(
    ("accounts", "seconds", "expected", "line"),
    [
        (Accounts(), 0.0, None, "0 items, 0 reports"),
        (Accounts(), 2.0, 1000, "0 of 1,000 items, 0 reports"),
        (HALF, 10.0, None, "500 items, 480 reports, 50 a second"),
        (HALF, 10.0, 1000, "500 of 1,000 items, 480 reports, 50 a second, 0:10 left"),
        (HALF, 10.0, 5000, "500 of 5,000 items, 480 reports, 50 a second, 1:30 left"),
        (HALF, 10.0, 400, "500 items, 480 reports, 50 a second"),
    ],
)
def test_the_line_says_rate_and_time_left_where_they_are_known(accounts, seconds, expected, line):
    assert progress_line(accounts, seconds=seconds, expected=expected) == line


@pytest.mark.parametrize("quiet", [True, False])
def test_it_is_drawn_on_a_terminal_unless_quiet(tmp_path, quiet):
    (tmp_path / "report.xml").write_bytes(compose(report(), [record()]))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "dmarcwatch", "--db", "dmarc.db", *["-q"][: int(quiet)], "fetch", "."]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed, as Linux says it
            break
        if not part:
            break
        drawn += part
    os.close(ours)
    assert done.stdout.startswith(b"1 item: 1 report stored")
    assert (b"1 item, 1 report" in drawn) is not quiet
