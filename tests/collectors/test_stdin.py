import io
import os
import subprocess
import sys

from dmarcwatch.collect.files import StreamCollector
from dmarcwatch.collect.sources import StdinSource
from tests.collectors.memory import RunMemory, read_all
from tests.collectors.paths import collect


def piped(data: bytes, memory: RunMemory | None = None) -> list:
    return read_all(StreamCollector(lambda: io.BytesIO(data), "-"), memory)


def test_standard_input_is_one_item_or_the_mails_of_an_mbox():
    assert [item.data for item in piped(b"<feedback/>")] == [b"<feedback/>"]
    assert len(piped(b"From a\nSubject: 1\n\n\nFrom b\nSubject: 2\n\n")) == 2


def test_nothing_on_standard_input_is_no_item():
    assert piped(b"") == []


def test_the_same_piped_twice_is_known():
    memory = RunMemory()
    assert len(piped(b"<feedback/>", memory)) == 1
    assert piped(b"<feedback/>", memory) == []


def test_dash_reads_the_standard_input_of_the_process():
    program = (
        "from dmarcwatch.collect.opening import open_source\n"
        "from dmarcwatch.collect.address import parse_source\n"
        "from tests.collectors.memory import read_all\n"
        "print([item.data for item in read_all(open_source(parse_source('-')))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], input=b"<feedback/>", capture_output=True, check=True
    )
    assert ran.stdout.decode().strip() == "[b'<feedback/>']"


def test_a_named_pipe_is_read_like_standard_input(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["/bin/sh", "-c", f"echo '<feedback/>' > '{tmp_path}/pipe'"]):
        assert [item.data for item in collect(tmp_path / "pipe")] == [b"<feedback/>\n"]


def test_standard_input_has_a_name():
    assert StreamCollector(io.BytesIO, StdinSource().name).source == "-"
