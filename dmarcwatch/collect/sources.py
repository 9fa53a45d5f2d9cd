"""What can be read and how: one frozen dataclass for each kind of source, without any secret in it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dmarcwatch.collect.secret import Secret
from dmarcwatch.errors import ConfigError


class Settle(StrEnum):
    """What happens at the origin to an item that brought a report; what holds none stays as it is."""

    NOTHING = "nothing"
    """The default: people and other programs find the mailbox as they left it."""
    SEEN = "seen"
    """Mark as read (IMAP and Maildir)."""
    MOVE = "move"
    """Move to `done`."""
    DELETE = "delete"


class Security(StrEnum):
    """How an IMAP connection is protected."""

    TLS = "tls"
    """TLS from the first byte, port 993 (RFC 8314 section 3.2)."""
    STARTTLS = "starttls"
    """Plain at first, then TLS before anything else, port 143; refused where the server offers none."""
    NONE = "none"
    """No protection: for a server on this machine."""


@dataclass(frozen=True, slots=True)
class StdinSource:
    """Standard input: one mail, archive or report, or an mbox."""

    @property
    def name(self) -> str:
        """The source's name in the database."""
        return "-"

    @property
    def settles(self) -> bool:
        """False: what came through a pipe is gone."""
        return False


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file, an mbox, a Maildir, or a folder of files and of folders."""

    path: Path
    settle: Settle = Settle.NOTHING
    """An mbox knows only `nothing`: taking out one message means writing the others anew."""
    done: Path | None = None
    """Folder for `move`; created where it is missing."""
    trusted: bool | None = None
    """Whether reports in it count without proof (tier `local`). None: a file or a folder that the
    user named does; a Maildir or mbox does not, because anybody can send mail to it."""

    def __post_init__(self) -> None:
        if self.settle is Settle.MOVE and self.done is None:
            raise ConfigError([f"{self.path}: to move files, name the folder `done`"])

    @property
    def name(self) -> str:
        """The source's name in the database."""
        return printable(self.path.absolute())

    @property
    def settles(self) -> bool:
        """Whether `settle` has anything to do."""
        return self.settle is not Settle.NOTHING


@dataclass(frozen=True, slots=True)
class MicrosoftSignIn:
    """Access tokens for Microsoft 365 from Entra ID; needs the extra `oauth`."""

    tenant: str
    """Directory (tenant) id or domain."""
    client_id: str
    """Application (client) id of an app registration with IMAP permission."""
    client_secret: Secret | None = None
    """With it: client credentials (IMAP.AccessAsApp). Without: a person signs in once by device code."""
    cache: Path | None = None
    """File for the refresh token, readable by its owner only; needed without `client_secret`."""
    authority: str = "https://login.microsoftonline.com"
    """Another one for a national cloud."""
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class GoogleSignIn:
    """Access tokens for Gmail; needs the extra `oauth`."""

    credentials: Path
    """JSON of an authorized user, or of a service account with domain-wide delegation."""


Tokens = Secret | MicrosoftSignIn | GoogleSignIn
"""Where OAuth access tokens come from; a `Secret` is asked again for each connection."""


@dataclass(frozen=True, slots=True)
class ImapSource:
    """Folders of one mailbox."""

    host: str
    user: str
    password: Secret | None = None
    oauth: Tokens | None = None
    """Instead of a password: XOAUTH2 or OAUTHBEARER, whichever the server has."""
    port: int | None = None
    """None: 993, or 143 without TLS from the first byte."""
    security: Security = Security.TLS
    folders: tuple[str, ...] = ("INBOX",)
    """Names; `*` and `%` are patterns as in LIST (RFC 9051 section 6.3.9): `%` stops at a delimiter."""
    settle: Settle = Settle.NOTHING
    done: str = "DMARC/Done"
    """Folder for `move`; created where it is missing, never read."""
    ca_file: Path | None = None
    """Certificates to trust instead of the platform's."""
    verify_certificate: bool = True
    """False accepts anybody who answers as the server: the password goes to whoever listens."""
    timeout_seconds: float = 60.0
    """Silence after which a connection counts as dead; a big folder may take tens of seconds to open.
    An answer that takes ten times as long in all counts as none."""
    attempts: int = 5
    """How often a command is tried on new connections after losses, before giving up."""
    retry_seconds: float = 1.0
    """Wait before the second try, doubled each time: with five, 15 seconds outlast a server's restart."""

    def __post_init__(self) -> None:
        problems = []
        if (self.password is None) == (self.oauth is None):
            problems.append(f"{self.name}: give either password or oauth")
        if not self.folders:
            problems.append(f"{self.name}: name at least one folder")
        if self.settle is Settle.MOVE:
            settled = [folder for folder in self.folders if _same_folder(folder, self.done)]
            problems += [
                f"{self.name}: {folder} cannot be read and be the folder `done` as well" for folder in settled
            ]
        problems += _bad_numbers(self)
        if problems:
            raise ConfigError(problems)

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port or (993 if self.security is Security.TLS else 143)

    @property
    def settles(self) -> bool:
        """Whether `settle` has anything to do."""
        return self.settle is not Settle.NOTHING

    @property
    def name(self) -> str:
        """The source's name in the database: the mailbox, whatever its folders and however reached."""
        return f"imap://{self.user}@{self.host}" + (
            f":{self.port}" if self.port not in {None, 143, 993} else ""
        )


@dataclass(frozen=True, slots=True)
class S3Source:
    """Objects of a bucket; credentials come from boto3's own chain. Needs the extra `s3`."""

    bucket: str | None = None
    """None with `queue`: whatever bucket its notifications name."""
    prefix: str = ""
    queue: str | None = None
    """URL of an SQS queue with the bucket's notifications: read instead of listing the bucket."""
    region: str | None = None
    """None: what the environment or profile says."""
    endpoint: str | None = None
    """Another S3 than Amazon's; its buckets are addressed by path."""
    queue_endpoint: str | None = None
    """Another SQS than Amazon's."""
    profile: str | None = None
    """A profile of the AWS configuration files."""
    settle: Settle = Settle.NOTHING
    done: str | None = None
    """Key prefix for `move`, in place of `prefix`; objects below it are never read."""
    trusted: bool = False
    """Whether reports in it count without proof (tier `local`): only where nobody but you can write."""
    parallel: int = 32
    """Requests under way at once; SES writes one small object a mail, so latency is the cost."""
    timeout_seconds: float = 60.0
    """Silence after which a request counts as lost."""
    attempts: int = 6
    """How often a request is tried that is throttled or lost. boto3 waits up to 1, 2, 4, 8 and 16
    seconds in between, which outlasts S3's throttling of a prefix."""

    def __post_init__(self) -> None:
        problems = []
        if self.bucket is None and self.queue is None:
            problems.append("an S3 source needs a bucket or a queue")
        if self.settle is Settle.SEEN:
            problems.append(f"{self.name}: objects cannot be marked as seen")
        if self.settle is Settle.MOVE and not self.done:
            problems.append(f"{self.name}: to move objects, name the prefix `done`")
        if self.done and self.prefix.startswith(self.done):
            problems.append(f"{self.name}: everything lies below `done`, which is never read: {self.done}")
        if self.parallel < 1:
            problems.append(f"{self.name}: parallel is at least 1")
        problems += _bad_numbers(self)
        if problems:
            raise ConfigError(problems)

    @property
    def settles(self) -> bool:
        """Whether `settle` has anything to do: a queue is emptied whatever becomes of the objects."""
        return self.settle is not Settle.NOTHING or self.queue is not None

    def covers(self, bucket: str, key: str) -> bool:
        """Whether an object lies in this source's bucket and below its prefix."""
        return self.bucket in {None, bucket} and key.startswith(self.prefix)

    def holds(self, bucket: str, key: str) -> bool:
        """Whether an object is to be read; what was moved to `done` is not."""
        return self.covers(bucket, key) and not (self.done and key.startswith(self.done))

    @property
    def name(self) -> str:
        """The source's name in the database: the same whether listed or notified."""
        if self.bucket is None:
            return f"sqs://{(self.queue or '').partition('://')[2]}"
        return f"s3://{self.bucket}/{self.prefix}"


Source = StdinSource | FileSource | ImapSource | S3Source


def _same_folder(one: str, other: str) -> bool:
    """Whether two names can mean one folder: INBOX is one in any case, and `/` may be the server's `.`."""
    one, other = (name.replace(".", "/") for name in (one, other))
    return one == other or one.upper() == other.upper() == "INBOX"


def _bad_numbers(source: ImapSource | S3Source) -> list[str]:
    problems = []
    if source.attempts < 1:
        problems.append(f"{source.name}: attempts is at least 1")
    if source.timeout_seconds <= 0:
        problems.append(f"{source.name}: timeout_seconds is more than 0")
    return problems


def printable(path: Path) -> str:
    """A path as text that can be stored: bytes that are no UTF-8 stand as `\\xNN`."""
    return storable(str(path))


def storable(location: str) -> str:
    """The same of a path's text, in which such bytes are surrogates."""
    if location.isascii():
        return location
    return location.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
