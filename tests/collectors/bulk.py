"""Many mails at once: put into a Maildir or a bucket without asking for each of them."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.collectors.bucket import ses_name
from tests.collectors.mail_servers import MailServer
from tests.collectors.stores import BULK_BUCKET

FIRST_SECOND = 1_795_132_800
"""When the first mail of a Maildir came, 2026-11-20; the others came a second after one another. Later than
what reports tell of: one that came before its period ended is held."""


def fill_maildir(server: MailServer, user: str, mails: Iterable[bytes], *, flags: str = "") -> None:
    """Put mails into a user's INBOX; with `flags` (letters as in names of Maildir) seen by a program."""
    inbox = server.mail / user
    for name in ("cur", "new", "tmp"):
        (inbox / name).mkdir(parents=True, exist_ok=True)
    there = sum(1 for name in ("cur", "new") for _ in (inbox / name).iterdir())
    for number, mail in enumerate(mails, there):
        moment = FIRST_SECOND + number
        folder, suffix = ("cur", f":2,{flags}") if flags else ("new", "")
        path = inbox / folder / f"{moment}.M{number}P1.bulk{suffix}"
        path.write_bytes(mail)
        os.utime(path, (moment, moment))  # what Dovecot tells as INTERNALDATE
        _give_to_dovecot(path)
    for path in (inbox, *inbox.iterdir()):
        _give_to_dovecot(path)


def _give_to_dovecot(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, "dovecot", "dovecot")


def fill_bucket(address: str, prefix: str, mails: Iterable[bytes]) -> None:
    """Put mails into the bucket where anybody may write, each under a name of SES's kind."""
    with closing(HTTPConnection(address.removeprefix("http://"))) as connection:
        for mail in mails:
            put(connection, f"{prefix}{ses_name()}", mail)


def put(connection: HTTPConnection, key: str, data: bytes) -> None:
    """Put one object into that bucket."""
    connection.request("PUT", f"/{BULK_BUCKET}/{key}", data)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, (key, answer.status)


def maildir(server: MailServer, user: str, folder: str | None = None) -> Iterator[tuple[bytes, str]]:
    """Text and flags of each message of a folder as it lies on the disk; none where there is no folder."""
    place = server.mail / user / (f".{folder.replace('/', '.')}" if folder else "")
    for name in ("cur", "new"):
        for path in sorted((place / name).glob("*")):
            yield path.read_bytes(), "".join(sorted(path.name.partition(":2,")[2]))
