"""`dmarcwatch fetch` and parsedmarc as whole processes on mailboxes of a real Dovecot.

`python -m bench.collectors` calls this; the figures come from the kernel (`os.wait4`).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

from bench.compare import Job, Usage, count_reports
from bench.generate import Set, generate
from dmarcwatch.collect.imap_session import Opened
from dmarcwatch.collect.secret import Secret
from dmarcwatch.collect.sources import ImapSource
from dmarcwatch.store.database import open_database, transaction
from dmarcwatch.store.memory import SourceMemory
from tests.collectors.bulk import fill_maildir
from tests.collectors.mail_servers import PASSWORD, MailServer

OURS, ALONE, THEIRS = "dmarcwatch", "dmarcwatch in one process", "parsedmarc"
"""Processes that read ahead are not among those that the kernel counts for us, so their seconds of the
processor are only told of one process."""
_RUNS = 7
"""Of a fetch that finds nothing: it is short, so it can be run often."""
_MEASURE = """
import json, pathlib, sys
from bench.compare import Job, run
print(json.dumps(run(Job(sys.argv[1], tuple(sys.argv[3:])), pathlib.Path(sys.argv[2]))))
"""
"""In a process of its own: a child's peak memory begins at its parent's, and servers' clients are large."""
_PARSEDMARC = """
import json, sys
from parsedmarc import get_dmarc_reports_from_mailbox
from parsedmarc.mail import IMAPConnection
host, port, user, password, processes = sys.argv[1:]
connection = IMAPConnection(host, user, password, port=int(port), timeout=600)
found = get_dmarc_reports_from_mailbox(
    connection, test=True, offline=True, batch_size=0, create_folders=False, n_procs=int(processes)
)
print(json.dumps({"reports": len(found["aggregate_reports"])}))
"""
"""As its own command calls it, on messages that stay where they are."""


def fetch_job(
    server: MailServer, user: str, folder: Path, *, reports: int, workers: int | None = None
) -> Job:
    """`dmarcwatch fetch` with the database `bench.db` of the folder; `workers` as in the configuration."""
    config = folder / "dmarcwatch.toml"
    config.write_text(
        ("" if workers is None else f"workers = {workers}\n")
        + f'[[source]]\nkind = "imap"\nhost = "localhost"\nport = {server.tls_port}\nuser = "{user}"\n'
        f'password = {{ command = ["echo", "{PASSWORD}"] }}\nca_file = "{server.ca_file}"\n'
        "timeout_seconds = 600\n"
    )
    argv = (sys.executable, "-m", "dmarcwatch", "--db", str(folder / "bench.db"), "-q", "fetch", "--json")
    return Job("dmarcwatch", argv, reports, folder / "stdout")


def parsedmarc_job(server: MailServer, user: str, folder: Path, *, reports: int, processes: int = 1) -> Job:
    """parsedmarc's own reading of a mailbox."""
    told = ("localhost", str(server.tls_port), user, PASSWORD, str(processes))
    return Job("parsedmarc", (sys.executable, "-c", _PARSEDMARC, *told), reports, folder / "stdout")


def measured(server: MailServer, job: Job, folder: Path) -> Usage:
    """Run a job to its end. Raises RuntimeError where it fails or read too few reports."""
    environment = os.environ | {"SSL_CERT_FILE": str(server.ca_file)}  # what parsedmarc trusts
    command = [sys.executable, "-c", _MEASURE, job.name, str(folder), *job.argv]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    if (found := count_reports(job)) != job.reports:
        raise RuntimeError(f"{job.name} read {found} reports of {job.reports}")
    return Usage(*json.loads(done.stdout))


def fetch_nothing(server: MailServer, user: str, opened: Opened) -> None:
    """`dmarcwatch fetch` as cron runs it, on a database that knows every message there is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = fetch_job(server, user, folder, reports=0)
        password = Secret(command=("echo", PASSWORD))
        source = ImapSource("localhost", user, password, port=server.tls_port)
        _remember(folder / "bench.db", source.name, opened)
        usages = [measured(server, job, folder) for _ in range(_RUNS)]
    best = min(usage.wall_seconds for usage in usages)
    print(f"dmarcwatch fetch, nothing new in {opened.exists} messages: {_figures(usages)}, best {best:.2f} s")


def compare(server: MailServer, messages: int, peer_messages: int, rounds: int) -> None:
    """The same mails in mailboxes of different size, read by both programs in turn."""
    with tempfile.TemporaryDirectory() as name:
        generate(Set.B, max(messages, peer_messages), Path(name), seed=1)
        mails = sorted(Path(name).iterdir())
        fill_maildir(server, "ours", (path.read_bytes() for path in mails[:messages]))
        fill_maildir(server, "theirs", (path.read_bytes() for path in mails[:peer_messages]))
    jobs = {
        OURS: partial(fetch_job, server, "ours", reports=messages),
        ALONE: partial(fetch_job, server, "ours", reports=messages, workers=0),
        THEIRS: partial(parsedmarc_job, server, "theirs", reports=peer_messages),
    }
    usages: dict[str, list[Usage]] = {name: [] for name in jobs}
    for number in range(rounds):
        for program in list(jobs) if number % 2 else reversed(list(jobs)):
            with tempfile.TemporaryDirectory() as folder:
                job = jobs[program](Path(folder))
                usages[program].append(measured(server, job, Path(folder)))
    _show(usages, {OURS: messages, ALONE: messages, THEIRS: peer_messages})


def _remember(path: Path, source: str, opened: Opened) -> None:
    """A database that knows the messages of the folder, as reading them would have left it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with closing(open_database(path).conn) as connection, transaction(connection):
        memory = SourceMemory(connection, source)
        connection.executemany(
            "INSERT INTO items (source, origin, token, sha256, size, received_at, local, outcome, settled) "
            f"VALUES ({memory.id}, ?, ?, ?, 4000, '{now}', 0, 'duplicate', 1)",
            (
                (f"{source}/{uid}", f"{opened.name}/{opened.validity}/{uid}", f"{uid:064x}")
                for uid in range(1, opened.exists + 1)
            ),
        )
        memory.write(json.dumps({opened.name: [opened.validity, opened.next_uid]}))


def _show(usages: dict[str, list[Usage]], messages: dict[str, int]) -> None:
    """Rates, and what the peer's are of ours, round by round: machines drift."""
    for program, rounds in usages.items():
        rate = median(messages[program] / usage.wall_seconds for usage in rounds)
        print(f"{program}: {messages[program]} messages, {_figures(rounds)}: {rate:,.0f}/s")
    for ours, name in ((OURS, "wall_seconds"), (ALONE, "wall_seconds"), (ALONE, "cpu_seconds")):
        ratio = median(
            (messages[ours] / getattr(mine, name)) / (messages[THEIRS] / getattr(theirs, name))
            for mine, theirs in zip(usages[ours], usages[THEIRS], strict=True)
        )
        print(f"{ours} has {ratio:.1f} times parsedmarc's rate by {name.replace('_', ' ')}")


def _figures(usages: Sequence[Usage]) -> str:
    wall, cpu, peak = (
        median(getattr(usage, name) for usage in usages)
        for name in ("wall_seconds", "cpu_seconds", "peak_mb")
    )
    return f"{wall:.2f} s wall, {cpu:.2f} s of the processor, peak {peak:.0f} MB"
