"""The benchmark measures what it says: the same reports for everybody, all of them read, by real usage."""

import asyncio
import gzip
import sqlite3
import subprocess
import sys
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from bench.compare import Job, measure, run
from bench.generate import Set, generate
from bench.queries import show
from bench.scale_db import LAST_DAY, Scale, fill
from bench.storage import MOST_BYTES, storage


def inflated(archive: bytes) -> bytes:
    if archive.startswith(b"PK"):
        with ZipFile(BytesIO(archive)) as opened:
            return opened.read(opened.namelist()[0])
    return gzip.decompress(archive)


def attached(mail: bytes) -> bytes:
    parts = message_from_bytes(mail, policy=policy.default).walk()
    return next(part.get_content() for part in parts if part.get_content_maintype() == "application")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_seed_gives_the_same_bytes_each_time(tmp_path):
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        generate(Set.B, 30, tmp_path / name, seed=seed)
    assert contents(tmp_path / "first") == contents(tmp_path / "again")
    assert contents(tmp_path / "first") != contents(tmp_path / "other")


def test_set_b_is_set_a_in_mails(tmp_path):
    generate(Set.A, 60, tmp_path / "a", seed=3)
    generate(Set.B, 60, tmp_path / "b", seed=3)
    files = sorted(inflated(data) for data in contents(tmp_path / "a").values())
    mails = sorted(inflated(attached(data)) for data in contents(tmp_path / "b").values())
    assert files == mails
    assert len(files) == 60


@pytest.mark.parametrize(("which", "count"), [(Set.A, 80), (Set.C, 700), (Set.D, 2)])
def test_a_set_holds_as_many_records_as_it_says(tmp_path, which, count):
    tally = generate(which, count, tmp_path, seed=4)
    documents = [ElementTree.fromstring(inflated(data)) for data in contents(tmp_path).values()]
    assert len(documents) == tally.reports
    assert sum(len(document.findall("record")) for document in documents) == tally.records


def test_no_two_reports_of_a_set_share_reporter_domain_and_day(tmp_path):
    generate(Set.A, 400, tmp_path, seed=5)
    assert len(contents(tmp_path)) == 400


def test_a_child_s_processor_time_and_memory_are_the_kernel_s_figures(tmp_path):
    program = 'held = b"x" * 200_000_000; sum(range(3_000_000))'
    usage = run(Job("burner", (sys.executable, "-c", program)), tmp_path)
    assert usage.cpu_seconds > 0
    assert usage.peak_mb > 200


def test_only_what_a_program_left_behind_is_waited_for(tmp_path):
    with subprocess.Popen(["sleep", "1000"]) as other:
        usage = run(Job("quick", (sys.executable, "-c", "pass")), tmp_path)
        assert usage.wall_seconds < 100
        assert other.poll() is None
        other.kill()


def test_a_program_that_fails_is_no_measurement(tmp_path):
    with pytest.raises(RuntimeError, match=r"ended with 3:\nno such set"):
        run(
            Job("bad", (sys.executable, "-c", "import sys; print('no such set', file=sys.stderr); exit(3)")),
            tmp_path,
        )


def test_the_first_large_reports_take_less_than_a_third_more_than_many_may(tmp_path):
    generate(Set.D, 6, tmp_path / "set", seed=1)
    size = storage(tmp_path / "set", tmp_path, reports=6)
    assert size.records == 30_000
    # Every address and all evidence is new to them: 180 bytes a record, where sixty reports take 122.
    assert MOST_BYTES / 2 < size.bytes_a_record < MOST_BYTES * 4 / 3


def test_a_program_that_reads_too_few_reports_is_no_measurement():
    def prepare(folder: Path) -> Job:
        return Job("lazy", (sys.executable, "-c", "print('{\"reports\": 9}')"), 10, folder / "stdout")

    with pytest.raises(RuntimeError, match="lazy read 9 reports of 10"):
        measure([prepare], rounds=1)


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    path = tmp_path_factory.mktemp("scale") / "scale.db"
    return path, fill(path, Scale(records=3_000, domains=3, seed=1))


def test_a_scaled_database_holds_what_it_says_and_its_roll_ups_hold_the_same_messages(scaled):
    path, records = scaled
    connection = sqlite3.connect(path)
    messages = connection.execute("SELECT count(*), sum(messages) FROM records").fetchone()
    assert messages == (records, connection.execute("SELECT sum(messages) FROM stream_days").fetchone()[0])
    reports = connection.execute("SELECT count(*), sum(records), sum(messages) FROM reports").fetchone()
    assert reports[1:] == messages
    assert reports[0] == connection.execute("SELECT sum(reports) FROM domain_days").fetchone()[0]
    connection.close()


def test_strangers_of_a_scaled_database_stay_in_the_pool(scaled):
    connection = sqlite3.connect(scaled[0])
    kinds = {kind for (kind,) in connection.execute("SELECT place_kind FROM streams")}
    connection.close()
    assert "scattered" in kinds
    assert "network" not in kinds


def test_every_question_has_an_answer_on_a_scaled_database(scaled, capsys):
    asyncio.run(show(scaled[0], ["domain0001.example"], LAST_DAY.isoformat(), 1))
    assert "verdict domain0001.example" in capsys.readouterr().out
