"""Worker processes change how long a run takes, and nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from resource import RLIMIT_AS, setrlimit

import pytest

import dmarcwatch.workers as workers_module
from dmarcwatch.batches import BATCH_ITEMS, Batch
from dmarcwatch.collect import Item
from dmarcwatch.compose import compose
from dmarcwatch.errors import CollectError, DmarcwatchError
from dmarcwatch.hand import Task
from dmarcwatch.ingest import ALONE_BATCHES, Ingest, Kind, Plan
from dmarcwatch.workers import Workers
from tests.build import policy, record, report
from tests.database import NOW, Pile, fresh, rows, rules

ALONE = ALONE_BATCHES * BATCH_ITEMS
FILES = ALONE + 2 * BATCH_ITEMS + 7
TABLES = {
    "reports": "id, item, report_id, day, tier, status, records, messages, reporter, fingerprint",
    "records": "*",
    "stream_days": "*",
    "domain_days": "*",
    "items": "id, origin, sha256, outcome",
    "rejects": "item, reason, origin",
}


def documents(count=FILES, **changes):
    """Reports of as many days, a duplicate, and something that is no report in the middle."""
    found = []
    for number in range(count):
        begin = report().begin - timedelta(days=number)
        head = report(begin=begin, end=begin + timedelta(seconds=86399), report_id=f"{number}", **changes)
        found.append(compose(head, [record(messages=number), record(f"192.0.2.{number % 250}", 1)]))
    found[ALONE + 3] = found[5]
    found[ALONE + 50] = b"nothing to read"
    return found


def deadly_rules():
    """Rules under which a report on one domain ends whoever reads it."""
    common = rules()

    def classify(row, head):
        if head.policy.domain == "deadly.example":
            os.kill(os.getpid(), signal.SIGKILL)
        return common.classify(row, head)

    return replace(common, classify=classify)


def irreplaceable_rules(flag):
    """Deadly rules that cannot be had any more once a process died of them."""
    if flag.exists():
        raise MemoryError
    common = rules()

    def classify(row, head):
        if head.policy.domain == "deadly.example":
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return common.classify(row, head)

    return replace(common, classify=classify)


def hanging_rules():
    """Rules under which a report on one domain is never read to its end by another process."""
    common = rules()

    def classify(row, head):
        if head.policy.domain == "deadly.example" and parent_process() is not None:
            os.kill(os.getpid(), signal.SIGSTOP)
        return common.classify(row, head)

    return replace(common, classify=classify)


def hungry_rules():
    """Rules under which a report on one domain takes more memory than another process may have."""
    common = rules()

    def classify(row, head):
        if head.policy.domain == "deadly.example" and parent_process() is not None:
            setrlimit(RLIMIT_AS, (1, 1))
            bytearray(10_000_000)
        return common.classify(row, head)

    return replace(common, classify=classify)


def with_deadly(where):
    pile = documents()
    pile[ALONE + where] = compose(report(policy=policy(domain="deadly.example")), [record()])
    return pile


def run(path, pile, plan):
    with fresh(path) as database:
        ingest = Ingest(database, rules(), NOW, workers=plan)
        running = ingest.begin("pile", Kind())
        error = None
        try:
            running.read(pile)
        except CollectError as failure:
            error = failure
            running.failed(failure)
        contents = {
            name: sorted(rows(database, f"SELECT {columns} FROM {name}"), key=repr)
            for name, columns in TABLES.items()
        }
        return running.accounts, contents, error


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return run(tmp_path_factory.mktemp("alone") / "alone.db", Pile(documents()), None)


def test_two_workers_store_what_one_process_does(tmp_path, alone):
    assert run(tmp_path / "two.db", Pile(documents()), Plan(2, rules)) == alone
    assert alone[0].items == FILES
    assert (alone[0].duplicates, alone[0].rejects) == (1, 1)


def test_a_source_that_fails_midway_keeps_what_came_before(tmp_path, alone):
    broken = Pile(documents(), broken=CollectError("the line is down"))
    accounts, contents, error = run(tmp_path / "broken.db", broken, Plan(2, rules))
    assert error is broken.broken
    assert (accounts, contents) == alone[:2]


@pytest.mark.parametrize("where", [0, BATCH_ITEMS - 1, BATCH_ITEMS + 20])
def test_an_item_that_kills_its_reader_costs_only_itself(tmp_path, where):
    accounts, contents, _ = run(tmp_path / "deadly.db", Pile(with_deadly(where)), Plan(2, deadly_rules))
    only_itself(accounts, contents, where)


def only_itself(accounts, contents, where):
    assert (accounts.items, accounts.rejects) == (FILES, 2)
    assert f"pile/{ALONE + where}" in [origin for _, reason, origin in contents["rejects"]]
    assert accounts.reports + accounts.duplicates == FILES - 2


def test_an_item_for_which_its_reader_has_no_memory_costs_only_itself(tmp_path):
    accounts, contents, _ = run(tmp_path / "hungry.db", Pile(with_deadly(20)), Plan(2, hungry_rules))
    only_itself(accounts, contents, 20)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("where", [20, BATCH_ITEMS + 20])
def test_a_worker_that_died_and_cannot_be_replaced_is_done_without(tmp_path, workers, where):
    plan = Plan(workers, partial(irreplaceable_rules, tmp_path / "died"))
    accounts, contents, error = run(tmp_path / "deadly.db", Pile(with_deadly(where)), plan)
    assert error is None
    only_itself(accounts, contents, where)


def ahead(workers, items):
    """What came of the items, each given in a batch of its own."""
    batches = [Batch([item], None) for item in items]
    return [one for _, done in workers.ahead(iter(batches)) for each in done for one in each.prepared]


def origins(prepared):
    return [one.arrival.origin for one in prepared]


def refused(prepared):
    return [
        one.arrival.origin
        for one in prepared
        for part in one.parts
        if getattr(part, "reason", "") == "internal"
    ]


def test_an_item_over_which_its_reader_hangs_costs_only_itself(monkeypatch):
    items = [Item(f"{number}", "", document) for number, document in enumerate(with_deadly(2)[ALONE:][:9])]
    with closing(Workers(2, Task(hanging_rules, NOW, local=True), rules())) as workers:
        monkeypatch.setattr(workers_module, "SILENT_SECONDS", 4.0)
        [(_, done)] = workers.ahead(iter([Batch(items, None)]))
    found = [one for each in done for one in each.prepared]
    assert origins(found) == [item.origin for item in items]
    assert refused(found) == ["2"]


@pytest.mark.parametrize("size", [10, 3_000_000], ids=["small", "beyond what a pipe holds"])
def test_a_worker_that_no_longer_listens_costs_no_item(monkeypatch, size):
    monkeypatch.setattr(workers_module, "STUCK_SECONDS", 2)
    items = [Item(f"{number}", "", bytes(size)) for number in range(6)]
    with closing(Workers(2, Task(rules, NOW, local=True), rules())) as workers:
        monkeypatch.setattr(workers_module, "SILENT_SECONDS", 4.0)
        stopped = workers.pids()[0]
        os.kill(stopped, signal.SIGSTOP)
        found = ahead(workers, items)
        assert stopped not in workers.pids()
    assert origins(found) == [item.origin for item in items]
    assert refused(found) == []


LARGE = 40


def test_the_process_that_writes_holds_little_of_a_source_of_large_reports(tmp_path):
    deliver_large(tmp_path / "inbox")
    (tmp_path / "dmarcwatch.toml").write_text("workers = 2\nkeep_raw = false\n")
    program = (
        "import sys\n"
        "from dmarcwatch.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
    )
    settings = ("--config", tmp_path / "dmarcwatch.toml", "--db", tmp_path / "dmarc.db")
    command = [sys.executable, "-c", program, *settings, "fetch", "--json", tmp_path / "inbox"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    accounts, peak = done.stdout.rsplit("\n", 2)[:2]
    assert json.loads(accounts)["reports"] == LARGE
    assert int(peak) * 1024 < 180_000_000


def deliver_large(folder):
    """Two hundred megabytes in forty reports, which are comments for the most part, so that it takes no time."""
    folder.mkdir()
    held = [record(f"192.0.2.{number % 250}", number) for number in range(500)]
    comments = b"<!--%s-->" % bytes(100_000).replace(b"\0", b" ") * 50
    for number in range(LARGE):
        begin = report().begin - timedelta(days=number)
        head = report(begin=begin, end=begin + timedelta(seconds=86399), report_id=f"{number}")
        document = compose(head, held).replace(b"</feedback>", comments + b"</feedback>")
        (folder / f"{number}.xml").write_bytes(document)


def test_a_small_run_starts_no_process(tmp_path):
    def nobody():
        raise AssertionError("asked for")

    pile = [each for number, each in enumerate(documents()) if number < ALONE]
    accounts, _, _ = run(tmp_path / "small.db", Pile(pile), Plan(2, nobody))
    assert accounts.items == ALONE


def test_where_no_process_can_be_started_one_reads_alone(tmp_path, alone):
    assert run(tmp_path / "none.db", Pile(documents()), Plan(2, broken_rules)) == alone


def broken_rules():
    raise DmarcwatchError("cannot be made here")


def test_workers_end_when_the_process_that_writes_is_killed(tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(
        "import os, sys, time\n"
        "from tests.test_workers import begin\n"
        "if __name__ == '__main__':\n"
        "    workers = begin()\n"
        "    print(*[pid for pid in workers], flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    parent = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=environment
    )
    with parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    until = time.monotonic() + 20
    while any(is_there(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(is_there(pid) for pid in pids)


def begin():
    """Two workers at their work; their process ids."""
    workers = Workers(2, Task(rules, NOW, local=True), rules())
    batches = [Batch([Item("one", "one", compose(report(), [record()]))], None)] * 4
    assert len(list(workers.ahead(iter(batches)))) == 4
    begin.kept = workers
    return workers.pids()


def is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def test_a_process_that_may_use_one_processor_has_no_workers():
    program = (
        "import os; os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])\n"
        "from dmarcwatch.workers import usual_workers; print(usual_workers())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
