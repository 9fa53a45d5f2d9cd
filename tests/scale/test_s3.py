"""Buckets of a real S3 server: listed or by their inventory, read and written, counted as `fetch` counts."""

import gzip
import hashlib
import json
from contextlib import closing

import pytest

from dmarcwatch.collect.aws import Aws
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import S3Source
from dmarcwatch.errors import CollectError
from dmarcwatch.ingest import Ingest, Kind
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.engine import InProcess
from dmarcwatch.scale.importing import Wanted, import_dataset
from dmarcwatch.scale.inventory import source_bucket
from dmarcwatch.scale.job import Job
from dmarcwatch.scale.listing import Listing, listing_of
from dmarcwatch.store.database import open_database
from tests.collectors.bucket import Bucket, credentials
from tests.collectors.stores import ADMIN_KEYS, LIST_KEYS
from tests.database import rules
from tests.mail_build import gz, mail, part, report
from tests.scale.build import NOW, RECIPE, SENDERS, differences, judge, picture, reported_on

PASSED = "Authentication-Results: amazonses.com; dmarc=pass header.from=reporter.example;"
_number = iter(range(1000))


@pytest.fixture
def bucket(seaweedfs, monkeypatch):
    credentials(monkeypatch, ADMIN_KEYS)
    source = S3Source(
        f"reports-scale-{next(_number)}", "in/", region="eu-west-1", endpoint=seaweedfs, timeout_seconds=10,
        attempts=1,
    )  # fmt: skip
    with closing(Bucket(seaweedfs, source)) as ready:
        yield ready


def deliver(bucket, *numbers):
    for number in numbers:
        bucket.put(f"in/{number:04d}", mail(part(gz(report(f"r{number}"))), PASSED))


def run(path, *listings, now=NOW):
    recipe = RECIPE.__class__(RECIPE.general, RECIPE.budgets, None, now)
    return Job(Dataset(str(path), shards=2, create=True), recipe, InProcess(), 4).run(listings)


def fetched(path, source):
    with closing(open_database(path)) as database, closing(open_source(source)) as collector:
        begun = Ingest(database, rules(), NOW).begin(source.name, Kind(ses=True))
        begun.read(collector)
        judge(database, reported_on(database))
        return begun.accounts


def taken_in(path, dataset):
    with closing(open_database(path)) as database:
        judge(database, import_dataset(database.conn, Dataset(str(dataset)), SENDERS, Wanted()).domains)


def without_order(found):
    """A bucket has no order, so the numbers of its objects differ."""
    for name in ("reports", "items", "rejects", "problems", "set_aside"):
        skip = 2 if name == "reports" else 1
        found[name] = sorted((row[skip:] for row in found[name]), key=repr)
    return found


def test_a_bucket_gives_what_fetch_makes_of_it(tmp_path, bucket):
    deliver(bucket, *range(10))
    bucket.put("in/no-report", b"Subject: hello\r\n\r\nnothing here\r\n")
    accounts = fetched(tmp_path / "fetched.db", bucket.source)
    (summary,) = run(tmp_path / "set", listing_of(bucket.source))
    assert (summary.objects, summary.accounts) == (11, accounts)
    assert (accounts.reports, accounts.rejects) == (10, 1)
    taken_in(tmp_path / "imported.db", tmp_path / "set")
    one, other = picture(tmp_path / "fetched.db"), picture(tmp_path / "imported.db")
    assert {row[21] for row in one["reports"]} == {row[21] for row in other["reports"]}
    assert differences(without_order(one), without_order(other)) == {}


def test_only_new_objects_are_read_the_next_day(tmp_path, bucket):
    deliver(bucket, 1, 2)
    run(tmp_path / "set", listing_of(bucket.source))
    deliver(bucket, 2, 3)
    (summary,) = run(tmp_path / "set", listing_of(bucket.source))
    assert (summary.objects, summary.accounts.reports) == (1, 1)


def inventory(bucket, *keys, schema="Bucket, Key, Size, ETag, StorageClass"):
    """What S3 would have written of the bucket."""
    etags = {name: etag.strip('"') for name, etag, _ in bucket.picture()}
    lines = [f'"{bucket.source.bucket}","{key}","500","{etags.get(key, "gone")}","STANDARD"' for key in keys]
    data = gzip.compress("\n".join(lines).encode())
    bucket.put("inventory/data/1.csv.gz", data)
    manifest = {
        "sourceBucket": bucket.source.bucket,
        "destinationBucket": f"arn:aws:s3:::{bucket.source.bucket}",
        "fileFormat": "CSV",
        "fileSchema": schema,
        "files": [{"key": "inventory/data/1.csv.gz", "MD5checksum": hashlib.md5(data).hexdigest()}],
    }
    bucket.put("inventory/2026-11-20/manifest.json", json.dumps(manifest).encode())
    return f"s3://{bucket.source.bucket}/inventory/2026-11-20/manifest.json"


def test_an_inventory_stands_for_the_list_and_what_is_gone_by_then_is_counted(tmp_path, bucket):
    deliver(bucket, 1, 2, 3)
    url = inventory(bucket, "in/0001", "in/0003", "in/0009")
    (summary,) = run(tmp_path / "set", Listing(bucket.source, url))
    assert (summary.objects, summary.accounts.reports, summary.vanished) == (3, 2, 1)


def test_a_half_written_inventory_is_refused(tmp_path, bucket):
    deliver(bucket, 1)
    url = inventory(bucket, "in/0001")
    bucket.put("inventory/data/1.csv.gz", b"half of")
    with pytest.raises(CollectError, match="half written"):
        run(tmp_path / "set", Listing(bucket.source, url))


@pytest.mark.parametrize("content", [b"", b'{"sourceBucket": "a', b"[]", b'{"a": 1}', b'{"sourceBucket": 1}'])
def test_a_manifest_that_is_none_is_refused_by_name(bucket, content):
    url = inventory(bucket, "in/0001")
    bucket.put("inventory/2026-11-20/manifest.json", content)
    with closing(Aws(bucket.source)) as aws, pytest.raises(CollectError, match=f"{url} is no manifest"):
        source_bucket(aws, url)


def test_a_line_of_an_inventory_that_lacks_fields_is_refused_by_file(tmp_path, bucket):
    deliver(bucket, 1)
    url = inventory(bucket, "in/0001", schema="Bucket, Key, Size, ETag, StorageClass, IsLatest")
    with pytest.raises(CollectError, match=r"inventory/data/1\.csv\.gz has a line that cannot be read"):
        run(tmp_path / "set", Listing(bucket.source, url))


def test_a_bucket_that_may_be_listed_and_not_read_ends_the_job_with_a_remedy(tmp_path, bucket, monkeypatch):
    deliver(bucket, 1, 2)
    credentials(monkeypatch, LIST_KEYS)
    with pytest.raises(CollectError, match="AccessDenied") as raised:
        run(tmp_path / "set", listing_of(bucket.source))
    assert "--iam" in raised.value.hint


def test_the_data_set_may_lie_in_a_bucket(tmp_path, bucket, monkeypatch):
    deliver(bucket, *range(6))
    place = bucket.source.endpoint.removeprefix("http://")
    uri = f"s3://{bucket.source.bucket}/set?region=eu-west-1&scheme=http&endpoint_override={place}"
    (summary,) = run(uri, listing_of(bucket.source))
    deliver(bucket, 7)
    (second,) = run(uri, listing_of(bucket.source))
    assert (summary.accounts.reports, second.accounts.reports) == (6, 1)
    taken_in(tmp_path / "imported.db", uri)
    assert len(picture(tmp_path / "imported.db")["reports"]) == 7
