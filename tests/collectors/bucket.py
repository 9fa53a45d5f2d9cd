"""A bucket of a real S3 server, as somebody else sees it."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from botocore.exceptions import ClientError

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Collector, Notice
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import S3Source, Settle
from tests.collectors.stores import client_of

_number = count()


def credentials(monkeypatch: pytest.MonkeyPatch, keys: tuple[str, str]) -> None:
    """What boto3's own chain finds first."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[1])


def ses_name() -> str:
    """Forty characters in no order, as SES names mails; another one each time."""
    return hashlib.sha256(str(next(_number)).encode()).hexdigest()[:38] + "01"


@dataclass
class Bucket:
    """A bucket of one test, seen through boto3 itself."""

    address: str
    source: S3Source
    notices: list[Notice] = field(default_factory=list)
    _opened: list[Collector] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = client_of(self.address)
        # Asked again after an answer that took too long, it is there already.
        with suppress(self.client.exceptions.BucketAlreadyOwnedByYou):
            self.client.create_bucket(Bucket=self.source.bucket)

    def put(self, key: str, data: bytes, **options: object) -> None:
        self.client.put_object(Bucket=self.source.bucket, Key=key, Body=data, **options)

    def deliver(self, *mails: bytes) -> None:
        for mail in mails:
            self.put(f"in/{ses_name()}", mail)

    def collector(
        self, settle: Settle = Settle.NOTHING, *, budgets: Budgets | None = None, **changes: object
    ) -> Collector:
        source = replace(self.source, settle=settle, **changes)
        self._opened.append(open_source(source, budgets=budgets, notify=self.notices.append))
        return self._opened[-1]

    def names(self) -> list[str]:
        return [name for name, *_ in self.picture()]

    def picture(self) -> list[tuple]:
        told = self.client.list_objects_v2(Bucket=self.source.bucket).get("Contents", [])
        return [(entry["Key"], entry["ETag"], entry["LastModified"]) for entry in told]

    def reasons(self) -> list[str]:
        return [notice.reason for notice in self.notices]

    def close(self) -> None:
        # Each bucket has a volume, and SeaweedFS has as many as there are gigabytes on the disk.
        with suppress(ClientError):
            self.client.delete_bucket(Bucket=self.source.bucket)
        self.client.close()
        self.hang_up()

    def hang_up(self) -> None:
        for collector in self._opened:
            collector.close()
