"""Clients for Amazon's services and for others that speak like them; the only owner of boto3 here.

Credentials come from boto3's own chain: environment, profile, container, instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from dmarcwatch.collect.aws_errors import Failing, error_code, explain, words
from dmarcwatch.collect.envelope import EnvelopeError
from dmarcwatch.collect.sources import S3Source
from dmarcwatch.errors import CollectError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

Answer = TypeVar("Answer", bound="Mapping[str, Any]")
Found = TypeVar("Found")

_CONNECT_SECONDS = 20
_GRACE_SECONDS = 5.0
"""How long after its deadline a run waits for an answer that is under way."""
_TRIES = 3
"""How often the same is asked of a service whose answers break off."""


class Aws:
    """The clients of one source, made when they are first wanted, for any number of threads."""

    def __init__(self, source: S3Source, *, deadline: float | None = None) -> None:
        """`deadline` by time.monotonic(): nothing is waited for much longer."""
        self.source = source
        self._deadline = deadline
        self._session: Any = None
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._making = Lock()
        """Clients may be used by several threads, but not made by several."""

    @property
    def s3(self) -> S3Client:
        """The store of objects. Raises CollectError."""
        client: S3Client = self._client("s3", self.source.endpoint)
        return client

    @property
    def sqs(self) -> SQSClient:
        """The queue. Raises CollectError."""
        client: SQSClient = self._client("sqs", self.source.queue_endpoint)
        return client

    def decrypt_key(self, wrapped: bytes, context: dict[str, str]) -> bytes:
        """A data key that KMS wrapped in `context`. Raises EnvelopeError where KMS will not."""
        from botocore.exceptions import BotoCoreError, ClientError

        # SES puts the key's ARN into the context; a key lives in one region.
        arn = context.get("kms_cmk_id", "").split(":")
        region = arn[3] if len(arn) > 3 and arn[3] else None
        try:
            kms = self._client("kms", None, region)
            plain: bytes = kms.decrypt(CiphertextBlob=wrapped, EncryptionContext=context)["Plaintext"]
        except ClientError as error:
            needed = "; kms:Decrypt is needed" if "AccessDenied" in error_code(error) else ""
            raise EnvelopeError(f"KMS does not decrypt its key ({error_code(error)}){needed}") from error
        except (BotoCoreError, CollectError) as error:
            # Who wrote the object wrote the context too, so nothing here need be about more than it.
            where = f" of region {region!r}" if region else ""
            raise EnvelopeError(f"KMS{where} cannot be asked for its key: {words(error)}") from error
        return plain

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what boto3 raises inside into a CollectError with a remedy.

        Of an answer that broke off it raises what its parsers stumble over, ValueError for half a date.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise explain(self.source, error) from error
        except (ResponseParserError, ValueError) as error:
            raise self._broken_off() from error

    def whole(self, ask: Callable[[], Answer], *names: str) -> Answer:
        """An answer that holds what `names` say, which every whole one does.

        A connection that ends within the headers of an answer looks like an answer without the rest of
        them, or with half a date, and boto3 does not ask again. Raises CollectError.
        """
        from botocore.parsers import ResponseParserError

        for _ in range(_TRIES):
            try:
                answer = ask()
            except (ResponseParserError, ValueError):
                continue
            if all(name in answer for name in names):
                return answer
        raise self._broken_off()

    def _broken_off(self) -> Failing:
        return Failing(
            f"{self.source.name}: answers break off in the middle, more than once",
            hint="Run later; if it stays so, look for a proxy in between that breaks connections.",
        )

    @property
    def _connect_seconds(self) -> float:
        return min(_CONNECT_SECONDS, self.source.timeout_seconds)

    @property
    def patience_seconds(self) -> float:
        """More than boto3 takes to give up on one request."""
        return 2.0 * self.source.attempts * (self._connect_seconds + self.source.timeout_seconds)

    @property
    def waiting_seconds(self) -> float:
        """How long an answer may still be waited for: without a deadline, until boto3 has given up."""
        if self._deadline is None:
            return self.patience_seconds
        # An answer that is under way at that moment is one more item, and no failure.
        return max(0.0, min(self.patience_seconds, self._deadline + _GRACE_SECONDS - monotonic()))

    def result(self, future: Future[Found], *, at_least: float = 0.0) -> Found:
        """What another thread found. Raises CollectError where it does not say so in time."""
        if not wait((future,), max(at_least, self.waiting_seconds)).done:
            raise self.unanswered()
        return future.result()

    def unanswered(self) -> CollectError:
        """A thread that died of want of memory leaves those who wait for it without a word."""
        if self._deadline is not None and monotonic() >= self._deadline:
            return CollectError(
                f"{self.source.name}: the time given to the run ended while the service was answering",
                hint="What was read is stored, and the next run reads on.",
            )
        return CollectError(
            f"{self.source.name}: no answer within {self.patience_seconds:.0f} seconds",
            hint="Run it again; if it stays so, see whether the machine has memory and threads to spare, "
            "and whether something in between holds answers back.",
        )

    def close(self) -> None:
        """Let go of the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _client(self, service: str, endpoint: str | None, region: str | None = None) -> Any:
        key = (service, region)
        with self._making:
            if key not in self._clients:
                with self.explained():
                    self._clients[key] = self._new_client(service, endpoint, region or self.source.region)
            return self._clients[key]

    def _new_client(self, service: str, endpoint: str | None, region: str | None) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise CollectError(
                f"{self.source.name}: reading it needs the Python package boto3",
                hint="Install dmarcwatch with its extra: pip install 'dmarcwatch[s3]'.",
            ) from error
        if self._session is None:
            self._session = boto3.session.Session(profile_name=self.source.profile)
        config = Config(
            connect_timeout=self._connect_seconds,
            read_timeout=self.source.timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": self.source.attempts},
            max_pool_connections=self.source.parallel,
            # Other stores than Amazon's rarely have a host name for each bucket.
            s3={"addressing_style": "path"} if endpoint else None,
        )
        try:
            return self._session.client(service, endpoint_url=endpoint, region_name=region, config=config)
        except ValueError as error:
            if endpoint is None:  # then it is the region, which boto3 says itself
                raise
            raise CollectError(
                f"{self.source.name}: {endpoint!r} is no address of a service",
                hint="Write the source's endpoint as a URL, such as https://s3.example.com:9000.",
            ) from error
