"""How fast mail comes in: a mailbox with nothing new, a mailbox with much new, a bucket far away.

python -m bench.collectors quiet --messages 100000
python -m bench.collectors new --messages 10000
python -m bench.collectors peer --messages 10000 --peer-messages 2000 --rounds 3
python -m bench.collectors s3 --objects 2000 --round-trip-ms 30

`quiet` and `peer` measure whole processes, start-up included, by what the kernel counted; `peer` reads
mailboxes of the same mails with `dmarcwatch fetch` and with parsedmarc in turn, over TLS and without
changing anything there. dmarcwatch stores and judges; parsedmarc only parses, offline.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from bench.fetching import compare, fetch_nothing
from dmarcwatch.collect import Collector
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import ImapSource, S3Source
from tests.collectors.authority import Authority, serving
from tests.collectors.bucket import ses_name
from tests.collectors.bulk import fill_maildir
from tests.collectors.mail_servers import PASSWORD, MailServer, running_dovecot
from tests.collectors.memory import RunMemory
from tests.collectors.servers import issue_certificates
from tests.collectors.stores import ADMIN_KEYS, BULK_BUCKET, client_of, running_seaweedfs
from tests.collectors.wire import Wire

_MAIL_BYTES = 4000
"""A mail with a small report: the median of real ones."""


@contextmanager
def timed(what: str, *, count: int | None = None) -> Iterator[None]:
    """Print wall and processor time, and the rate where `count` things were done."""
    wall, cpu, memory = time.perf_counter(), time.process_time(), _peak_mib()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rate = f", {count / wall:,.0f}/s" if count else ""
    peak = f"peak {_peak_mib():.0f} MiB (+{_peak_mib() - memory:.0f})"
    print(f"{what}: {wall:.3f} s wall, {cpu:.3f} s of our processor{rate}, {peak}", flush=True)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mail(number: int) -> bytes:
    return (f"Subject: Report {number}\r\n\r\n".encode() + b"x" * 76 * (_MAIL_BYTES // 76))[:_MAIL_BYTES]


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with tempfile.TemporaryDirectory() as folder:
        certificates = issue_certificates(Path(folder))
        with serving(Authority(0), None) as authority, running_dovecot(certificates, authority) as server:
            yield server


def mailbox(server: MailServer, user: str) -> Collector:
    password = Secret(command=("echo", PASSWORD))
    return open_source(
        ImapSource(
            "localhost", user, password, port=server.tls_port, ca_file=server.ca_file, timeout_seconds=600
        )
    )


def drain(collector: Collector, memory: RunMemory) -> int:
    return sum(1 for _ in collector.items(memory))


def quiet(messages: int) -> None:
    """A mailbox of which everything was read before."""
    with mail_server() as server:
        fill_maildir(server, "bench", map(mail, range(messages)), flags="S")
        with closing(mailbox(server, "bench")) as collector:
            memory = RunMemory()
            opened = collector._session.open("INBOX")  # the server's first look at its files
            memory.written = json.dumps({"INBOX": [opened.validity, opened.next_uid]})
        with timed(f"nothing new in {opened.exists} messages, with TLS and login"):
            collector = mailbox(server, "bench")
            assert drain(collector, memory) == 0
        with timed("nothing new, on the open connection"):
            assert drain(collector, memory) == 0
        collector.close()
        fetch_nothing(server, "bench", opened)


def new(messages: int) -> None:
    """A mailbox of which nothing was read before."""
    with mail_server() as server:
        fill_maildir(server, "bench", map(mail, range(messages)))
        with closing(mailbox(server, "bench")) as collector:
            collector._session.open("INBOX")
            for run in ("first", "second"):
                with timed(f"{messages} new messages, {run} pass", count=messages):
                    assert drain(collector, RunMemory()) == messages


def peer(messages: int, peer_messages: int, rounds: int) -> None:
    """Real reports in mailboxes, read by both programs in turn."""
    with mail_server() as server:
        compare(server, messages, peer_messages, rounds)


def s3(objects: int, round_trip_ms: float) -> None:
    """A bucket of small objects, read many at once and one by one."""
    os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = ADMIN_KEYS
    with running_seaweedfs() as address:
        client_of(address).create_bucket(Bucket=BULK_BUCKET)
        with closing(HTTPConnection(address.removeprefix("http://"))) as connection:
            for number in range(objects):
                connection.request("PUT", f"/{BULK_BUCKET}/in/{ses_name()}", mail(number))
                connection.getresponse().read()
        port = int(address.rpartition(":")[2])
        with Wire("127.0.0.1", port, delay_seconds=round_trip_ms / 2000) as wire:
            endpoint = f"http://127.0.0.1:{wire.port}"
            for parallel in (32, 1):
                source = S3Source(
                    BULK_BUCKET, "in/", region="eu-west-1", endpoint=endpoint, parallel=parallel
                )
                with closing(open_source(source)) as collector:
                    what = f"{objects} objects {round_trip_ms:g} ms away, {parallel} at once"
                    with timed(what, count=objects):
                        assert drain(collector, RunMemory()) == objects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, default in (("quiet", 100_000), ("new", 10_000)):
        commands.add_parser(name).add_argument("--messages", type=int, default=default)
    both = commands.add_parser("peer")
    both.add_argument("--messages", type=int, default=10_000)
    both.add_argument("--peer-messages", type=int, default=2_000, help="fewer, because it takes minutes")
    both.add_argument("--rounds", type=int, default=3)
    bucket = commands.add_parser("s3")
    bucket.add_argument("--objects", type=int, default=2000)
    bucket.add_argument("--round-trip-ms", type=float, default=30.0)
    options = vars(parser.parse_args())
    {"quiet": quiet, "new": new, "peer": peer, "s3": s3}[options.pop("command")](**options)


if __name__ == "__main__":
    main()
