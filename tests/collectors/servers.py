"""Real servers on loopback for the collectors' tests: they start with the session and end with it.

None is skipped: where one is not installed, its fixture fails and says what to install. This module
starts and ends them; mail_servers.py, stores.py and authority.py say which.
"""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

READY_SECONDS = 60


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def installed(program: str, package: str) -> str:
    path = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.fail(f"{program} is needed by these tests and not installed: install {package}", pytrace=False)
    return path


@contextmanager
def running(
    argv: list[str], *, ready: Callable[[], bool], log: Path, env: dict | None = None
) -> Iterator[None]:
    """A server until the block ends; it also ends when this process is killed."""
    leash = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            leash + argv, stdout=output, stderr=output, env=env, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{argv[0]} did not start:\n{log.read_text()[-2000:]}", pytrace=False)
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def greets(host: str, port: int) -> bool:
    """Whether an IMAP server says hello."""
    try:
        with socket.create_connection((host, port), 1) as connection:
            connection.settimeout(5)
            return connection.recv(4) == b"* OK"
    except OSError:
        return False


@dataclass(frozen=True)
class Certificates:
    ca_file: Path
    key: Path
    chain: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    """A certificate for localhost of an authority nobody else knows."""
    return issue_certificates(tmp_path_factory.mktemp("tls"))


def issue_certificates(folder: Path) -> Certificates:
    """The same, in a folder of the caller."""
    ca = trustme.CA()
    server = ca.issue_cert("localhost", "127.0.0.1")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    server.private_key_pem.write_to_path(folder / "server.key")
    for part in server.cert_chain_pems:
        part.write_to_path(folder / "server.pem", append=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.configure_cert(context)
    return Certificates(folder / "ca.pem", folder / "server.key", folder / "server.pem", context)
