"""A mailbox and a bucket full of reports, and what must have become of them once everything is stored."""

import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Protocol

from bench.generate import Set, generate
from dmarcwatch.collect.objects import SETUP_NOTIFICATION
from dmarcwatch.collect.sources import Settle
from tests.collectors.bulk import fill_bucket, fill_maildir, maildir, put
from tests.collectors.mail_servers import PASSWORD, MailServer
from tests.collectors.stores import BULK_BUCKET, client_of
from tests.collectors.wire import Wire

DONE = "DMARC/Done"
LIMIT_BYTES = 200_000
"""Budget of the runs for one message, so that one of them is read by its head alone."""
PATIENCE = "timeout_seconds = 3\nattempts = 3\n"
"""Little, so that a server that fell silent does not hold up a round for minutes."""
_FOREIGN = b"From: a@example.net\r\nSubject: lunch\r\n\r\nAt noon?\r\n"
_LARGE = b"From: a@example.net\r\nSubject: pictures\r\n\r\n" + b"x" * (2 * LIMIT_BYTES)
_DELETED = b"From: b@example.net\r\nSubject: old\r\n\r\nSomebody marked this as deleted.\r\n"
_BROKEN = b'From: c@example.net\r\nContent-Disposition: attachment; filename="r.xml.gz"\r\n\r\nno gzip\r\n'
_NO_REPORT = (_FOREIGN, _LARGE, _BROKEN, gzip.compress(b"<feedback><report_metadata>", mtime=0))
"""What stays where it is, whatever happens to reports."""
_MARK = b"set up"
_TLS = (
    b"From: d@example.net\r\nContent-Type: application/tlsrpt+json\r\n\r\n"
    b'{"organization-name": "d", "report-id": "1", "policies": [], "date-range": '
    b'{"start-datetime": "2026-11-01T00:00:00Z", "end-datetime": "2026-11-01T23:59:59Z"}}\r\n'
)
_ODD = b"""From: noreply-dmarc-support@google.com\r\nContent-Type: text/xml\r\n\r\n<?xml version="1.0"?>
<feedback><report_metadata><org_name>google.com</org_name><report_id>7</report_id><date_range>
<begin>1793491200</begin><end>1793577599</end></date_range></report_metadata>
<policy_published><domain>example.com</domain><p>none</p></policy_published>
<record><row><source_ip>192.0.2.1</source_ip><count>many</count></row></record></feedback>\r\n"""


@cache
def reports() -> tuple[bytes, ...]:
    """Thousands of reports as mail, of the last months that a set has."""
    with TemporaryDirectory() as folder:
        generate(Set.B, 10_000, Path(folder), seed=1)
        return tuple(path.read_bytes() for path in sorted(Path(folder).iterdir())[-3_000:])


def mails(rng: Random, *, host: str) -> list[bytes]:
    """Some dozens of reports as mail, some of them twice, and what else lies in such a mailbox.

    `host` stamped the authentication results.
    """
    # Every second time more than two batches: then other processes read ahead.
    chosen = rng.sample(reports(), rng.choice((rng.randint(40, 180), rng.randint(220, 420))))
    found = [report.replace(b"mx.example.com", host.encode()) for report in chosen]
    found += rng.sample(found, 5)  # delivered twice
    found += [*_NO_REPORT, _TLS, _ODD]
    rng.shuffle(found)
    return found


class Origin(Protocol):
    """Where the mails of one round lie."""

    settles: tuple[Settle, ...]
    """What can be asked for."""
    wire: Wire
    """What every run reaches it through."""

    def table(self, settle: Settle) -> str:
        """The source as the configuration names it."""

    def wrong(self, settle: Settle) -> Iterator[str]:
        """What is not as it must be when everything is stored and settled."""


@dataclass
class MailboxOrigin:
    """The INBOX of a user of Dovecot; one message in it is marked as deleted by somebody else."""

    server: MailServer
    wire: Wire
    user: str
    contents: Sequence[bytes]

    settles = (Settle.NOTHING, Settle.SEEN, Settle.MOVE, Settle.DELETE)

    def __post_init__(self) -> None:
        fill_maildir(self.server, self.user, self.contents)
        fill_maildir(self.server, self.user, [_DELETED], flags="T")

    def table(self, settle: Settle) -> str:
        """With the password from a command, TLS, and little patience."""
        return (
            f'[[source]]\nkind = "imap"\nhost = "localhost"\nport = {self.wire.port}\nuser = "{self.user}"\n'
            f'password = {{ command = ["echo", "{PASSWORD}"] }}\nca_file = "{self.server.ca_file}"\n'
            f'settle = "{settle}"\ndone = "{DONE}"\n{PATIENCE}retry_seconds = 0.1\n'
        )

    def wrong(self, settle: Settle) -> Iterator[str]:
        """Each message is once where it belongs, with the flags it should have."""
        read = Counter(text for text in self.contents if text not in _NO_REPORT)
        left = [text for text in self.contents if text in _NO_REPORT]
        inbox = Counter([(_DELETED, "T"), *((text, "") for text in left)])
        match settle:
            case Settle.NOTHING:
                inbox += Counter({(text, ""): number for text, number in read.items()})
            case Settle.SEEN:
                inbox += Counter({(text, "S"): number for text, number in read.items()})
        done = read if settle is Settle.MOVE else Counter()
        if Counter(maildir(self.server, self.user)) != inbox:
            yield f"the INBOX of {self.user} is not as {settle} leaves it"
        if Counter(text for text, _ in maildir(self.server, self.user, DONE)) != done:
            yield f"the folder {DONE} of {self.user} is not as {settle} leaves it"


@dataclass
class BucketOrigin:
    """Objects below a prefix of their own, with the mark that SES leaves."""

    address: str
    wire: Wire
    prefix: str
    contents: Sequence[bytes]

    settles = (Settle.NOTHING, Settle.MOVE, Settle.DELETE)

    def __post_init__(self) -> None:
        fill_bucket(self.address, f"{self.prefix}in/", self.contents)
        with closing(HTTPConnection(self.address.removeprefix("http://"))) as connection:
            put(connection, f"{self.prefix}in/{SETUP_NOTIFICATION}", _MARK)
        self._before = self._objects

    def table(self, settle: Settle) -> str:
        """Credentials come from the environment."""
        return (
            f'[[source]]\nkind = "s3"\nbucket = "{BULK_BUCKET}"\nprefix = "{self.prefix}in/"\n'
            f'region = "eu-west-1"\nendpoint = "http://127.0.0.1:{self.wire.port}"\nparallel = 8\n'
            f'settle = "{settle}"\ndone = "{self.prefix}done/"\n{PATIENCE}'
        )

    def wrong(self, settle: Settle) -> Iterator[str]:
        """Each object is once where it belongs; those never touched have their time still."""
        staying = {f'"{md5(text).hexdigest()}"' for text in (*_NO_REPORT, _MARK)}
        now, before = self._objects, self._before
        if settle is Settle.NOTHING:
            staying = {etag for etag, _ in before.values()}
        left = {key: told for key, told in before.items() if told[0] in staying}
        moved = {key: told for key, told in now.items() if key.startswith("done/")}
        if {key: told for key, told in now.items() if key not in moved} != left:
            yield f"the objects below {self.prefix}in/ are not as {settle} leaves them"
        gone = {key: etag for key, (etag, _) in before.items() if key not in left}
        expected = {key.replace("in/", "done/", 1): etag for key, etag in gone.items()}
        if {key: etag for key, (etag, _) in moved.items()} != (expected if settle is Settle.MOVE else {}):
            yield f"the objects below {self.prefix}done/ are not as {settle} leaves them"

    @property
    def _objects(self) -> dict[str, tuple[str, object]]:
        """ETag and time by key, without the prefix."""
        with closing(client_of(self.address)) as client:
            told = client.list_objects_v2(Bucket=BULK_BUCKET, Prefix=self.prefix).get("Contents", [])
        return {
            entry["Key"].removeprefix(self.prefix): (entry["ETag"], entry["LastModified"]) for entry in told
        }
