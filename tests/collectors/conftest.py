"""Fixtures of this folder; the servers' own live in the modules that start them."""

import imaplib
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest

from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import ImapSource, S3Source, Security
from tests.collectors.authority import authority, identity_provider
from tests.collectors.bucket import Bucket, credentials
from tests.collectors.mail_servers import PASSWORD, dovecot, pymap
from tests.collectors.mailbox import Mailbox
from tests.collectors.servers import certificates
from tests.collectors.stores import ADMIN_KEYS, moto, seaweedfs

__all__ = ["authority", "certificates", "dovecot", "identity_provider", "moto", "pymap", "seaweedfs"]

_number = count()


@pytest.fixture
def password(tmp_path) -> Secret:
    """The mail servers' password, in a file as a service manager would hand it over."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    return Secret(file=tmp_path / "password")


@pytest.fixture
def mailbox(dovecot, password) -> Iterator[Mailbox]:
    """The INBOX of a user of this test alone, reached with TLS."""
    source = ImapSource(
        "localhost",
        f"user{next(_number)}",
        password,
        port=dovecot.tls_port,
        ca_file=dovecot.ca_file,
        timeout_seconds=30,
        retry_seconds=0.05,
    )
    with closing(Mailbox(dovecot, source)) as ready:
        yield ready


@pytest.fixture
def pymap_mailbox(pymap, password) -> Iterator[Mailbox]:
    """A folder of this test alone in the mailbox of pymap's only user."""
    folder = f"folder{next(_number)}"
    source = ImapSource(
        "127.0.0.1", "rua", password, port=pymap.port, security=Security.NONE, folders=(folder,)
    )
    with imaplib.IMAP4("127.0.0.1", pymap.port) as client:
        client.login("rua", PASSWORD)
        client.create(folder)
    with closing(Mailbox(pymap, source, folder)) as ready:
        yield ready


@pytest.fixture
def bucket(seaweedfs, monkeypatch) -> Iterator[Bucket]:
    """A bucket of this test alone, with the administrator's keys in the environment."""
    credentials(monkeypatch, ADMIN_KEYS)
    source = S3Source(
        f"reports-{next(_number)}",
        "in/",
        region="eu-west-1",
        endpoint=seaweedfs,
        done="done/",
        timeout_seconds=10,
        attempts=1,
    )
    with closing(Bucket(seaweedfs, source)) as ready:
        yield ready
