"""`fetch --watch` as a process, for as long as it is let."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dmarcwatch.compose import compose
from tests.build import record, report
from tests.collectors.mail_servers import PASSWORD
from tests.collectors.wire import Wire

PATIENCE_SECONDS = 120
"""Far less than the five minutes after which it polls whatever was said."""


def a_report(number: int) -> bytes:
    return b"Content-Type: text/xml\r\n\r\n" + compose(report(report_id=f"{number}"), [record()])


@pytest.fixture
def wire(mailbox):
    with Wire("127.0.0.1", mailbox.server.port) as wire:
        yield wire


@contextmanager
def watching(mailbox, wire, folder: Path, *options: str):
    """The process, once it has read what was there."""
    (folder / "dmarcwatch.toml").write_text(
        f'verify_dkim = "never"\n[[source]]\nkind = "imap"\nhost = "localhost"\nport = {wire.port}\n'
        f'user = "{mailbox.source.user}"\npassword = {{ command = ["echo", "{PASSWORD}"] }}\n'
        'security = "none"\ntimeout_seconds = 5\nretry_seconds = 0.05\n'
    )
    command = [sys.executable, "-m", "dmarcwatch", "--db", "dmarc.db", "fetch", "--watch", *options]
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def stored(folder: Path) -> int:
    if not (folder / "dmarc.db").exists():
        return -1
    try:
        with closing(sqlite3.connect(folder / "dmarc.db")) as connection:
            return connection.execute("SELECT count(*) FROM items").fetchone()[0]
    except sqlite3.OperationalError:
        return -1


def wait_for(folder: Path, items: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while stored(folder) < items:
        assert time.monotonic() < until, (folder / "err").read_text()
        time.sleep(0.05)


def resident_kib(process: subprocess.Popen) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_what_arrives_is_read_when_it_arrives_also_after_connections_broke(mailbox, wire, tmp_path):
    mailbox.deliver(a_report(1))
    with watching(mailbox, wire, tmp_path) as process:
        wait_for(tmp_path, 1)
        mailbox.deliver(a_report(2))
        wait_for(tmp_path, 2)
        wire.hang_up()
        mailbox.deliver(a_report(3))
        wait_for(tmp_path, 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert "Ended." in (tmp_path / "err").read_text()


def test_the_bounds_of_a_run_hold_for_each_look(mailbox, wire, tmp_path):
    mailbox.deliver(a_report(1), a_report(2), a_report(3))
    with watching(mailbox, wire, tmp_path, "--limit", "1", "--json", "--since", "2020-01-01") as process:
        wait_for(tmp_path, 1)
        mailbox.deliver(a_report(4))
        wait_for(tmp_path, 2)
        until = time.monotonic() + PATIENCE_SECONDS
        while len(told := (tmp_path / "out").read_text().split("}\n")) < 3:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
    assert [json.loads(each + "}")["items"] for each in told[:2]] == [1, 1]


def test_many_rounds_take_no_more_memory_than_a_few(mailbox, wire, tmp_path):
    with watching(mailbox, wire, tmp_path) as process:
        for number in range(14):
            mailbox.deliver(a_report(number))
            wait_for(tmp_path, number + 1)
            if number == 3:
                before = resident_kib(process)
        grown = resident_kib(process) - before
    # Without collecting what a round leaves in circles each of the ten rounds took 120 KiB.
    assert grown < 512, f"{grown} KiB"
