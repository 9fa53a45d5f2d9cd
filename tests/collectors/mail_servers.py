"""Dovecot, and pymap beside it."""

import grp
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.collectors.authority import Authority
from tests.collectors.dovecot_conf import DOVECOT, OAUTH, USERS
from tests.collectors.servers import Certificates, free_port, greets, installed, running

PASSWORD = "correct-horse"
"""Everybody's password at the mail servers; any user exists, so each test has one of its own."""
ACCENTED_PASSWORD = "pässwörd"
"""The password of the user `accent`. The folders of the user `dotted` are called INBOX.a.b."""


@dataclass(frozen=True)
class MailServer:
    """Where a mail server listens."""

    port: int
    tls_port: int
    ca_file: Path
    authority: Authority | None
    mail: Path | None
    """The Maildirs, one for each user; None where mail is not kept in files."""
    host: str = "localhost"
    no_plain_passwords: str = "127.0.0.2"
    few_capabilities: str = "127.0.0.3"
    """Without MOVE, UIDPLUS and IDLE."""
    no_move: str = "127.0.0.4"


@pytest.fixture(scope="session")
def dovecot(certificates, authority) -> Iterator[MailServer]:
    """Dovecot with TLS, STARTTLS, plain, OAuth, and listeners that hide its extensions."""
    with running_dovecot(certificates, authority) as server:
        yield server


@contextmanager
def running_dovecot(certificates: Certificates, authority: Authority) -> Iterator[MailServer]:
    """The same, without a test."""
    program = installed("dovecot", "the Debian package dovecot-imapd")
    with tempfile.TemporaryDirectory(prefix="dovecot-") as folder:
        base = Path(folder)
        base.chmod(0o755)  # for the server's own users
        port, tls_port = free_port(), free_port()
        _configure(base, port, tls_port, certificates, authority)
        command = [program, "-F", "-c", str(base / "dovecot.conf")]
        with running(command, ready=lambda: greets("127.0.0.1", port), log=base / "dovecot.log"):
            yield MailServer(port, tls_port, certificates.ca_file, authority, base / "mail")


def _configure(
    base: Path, port: int, tls_port: int, certificates: Certificates, authority: Authority
) -> None:
    """Write all that Dovecot needs, for root (it wants users of its own then) or for anybody."""
    root = os.getuid() == 0
    me, mine = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    names = {
        "base": base,
        "user": "dovecot" if root else me,
        "group": "dovecot" if root else mine,
        "login_user": "dovenull" if root else me,
        "password": PASSWORD,
        "accented": ACCENTED_PASSWORD,
        "port": port,
        "tls_port": tls_port,
        "tls": certificates,
        "oauth_port": authority.port,
    }
    for name in ("run", "state", "mail"):
        (base / name).mkdir()
    if root:
        shutil.chown(base / "mail", "dovecot", "dovecot")
    (base / "dovecot.conf").write_text(DOVECOT.format(**names))
    (base / "users").write_text(USERS.format(**names))
    (base / "oauth2.conf.ext").write_text(OAUTH.format(**names))


@pytest.fixture(scope="session")
def pymap(tmp_path_factory, certificates) -> Iterator[MailServer]:
    """A second, unrelated IMAP server, so that no habit of Dovecot is taken for the protocol."""
    program = installed("pymap", "the Python package pymap")
    port = free_port()
    log = tmp_path_factory.mktemp("pymap") / "log"
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    command += ["dict", "--demo-data", "--demo-user", "rua", "--demo-password", PASSWORD]
    with running(command, ready=lambda: greets("127.0.0.1", port), log=log):
        yield MailServer(port, 0, certificates.ca_file, None, None)
