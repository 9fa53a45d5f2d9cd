"""The job on a real cluster of several processes, and what happens when parts of it are killed."""

import os
import signal
import time
from pathlib import Path

import dask
import pytest
from distributed import LocalCluster

from dmarcwatch.scale.cluster import cluster
from dmarcwatch.scale.engine import EngineError, InProcess
from tests.scale import poison
from tests.scale.build import differences, fetch, imported, picture, read
from tests.scale.servers import free_port, scheduler_and_workers

# Dask's own: sockets that a killed process leaves behind are found by the collector later.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def month(tmp_path_factory, ninety_days):
    """A third of the days, and the picture that `fetch` makes of them."""
    folder = tmp_path_factory.mktemp("month")
    (folder / "reports").mkdir()
    for path in sorted(ninety_days.iterdir())[::3]:
        os.link(path, folder / "reports" / path.name)
    accounts = fetch(folder / "fetched.db", [folder / "reports"])
    return folder / "reports", accounts, picture(folder / "fetched.db")


def picture_of(path):
    database = path.with_suffix(".db")
    imported(path, database)
    return picture(database)


class Striking:
    """An engine under which `strike` happens once, after so many tasks have ended."""

    def __init__(self, engine, strike, after):
        self._engine = engine
        self._strike = strike
        self._left = after

    def run(self, function, tasks):
        for pair in self._engine.run(function, tasks):
            self._left -= 1
            if self._left == 0:
                self._strike()
            yield pair


def test_processes_count_what_fetch_counts(tmp_path, month):
    reports, accounts, wanted = month
    with cluster(scheduler=None, workers=2) as engine:
        (summary,) = read(tmp_path / "set", reports, engine=engine)
    assert summary.accounts == accounts
    assert differences(picture_of(tmp_path / "set"), wanted) == {}


def test_two_jobs_on_one_machine_do_not_want_the_same_port():
    # Dask only warns of it, which is an error here.
    with cluster(scheduler=None, workers=1) as one, cluster(scheduler=None, workers=1) as other:
        assert list(one.run(len, ["abc"])) == list(other.run(len, ["abc"])) == [("abc", 3)]


def test_a_worker_killed_in_the_middle_costs_nothing(tmp_path, month):
    reports, accounts, wanted = month
    with cluster(scheduler=None, workers=2) as engine:
        before = engine._client.run(os.getpid)
        striking = Striking(engine, lambda: os.kill(min(before.values()), signal.SIGKILL), after=3)
        (summary,) = read(tmp_path / "set", reports, engine=striking, batch=10)
        assert set(engine._client.run(os.getpid).values()) != set(before.values())
    assert summary.accounts == accounts
    assert differences(picture_of(tmp_path / "set"), wanted) == {}


def test_a_report_that_ends_every_worker_is_a_reject_and_costs_no_other(tmp_path, month):
    reports, accounts, _ = month
    deadly = tmp_path / "more" / "deadly.xml"
    deadly.parent.mkdir()
    deadly.write_bytes(poison.POISON)
    with (
        dask.config.set({"distributed.worker.preload": [str(Path(poison.__file__))]}),
        cluster(scheduler=None, workers=2) as engine,
    ):
        (summary,) = read(tmp_path / "set", reports, deadly.parent, engine=engine, batch=100)
    assert summary.accounts.rejects == 1
    assert summary.accounts.messages == accounts.messages
    imported(tmp_path / "set", tmp_path / "set.db")
    ((_, _, origin, _, reason, *_),) = picture(tmp_path / "set.db")["rejects"]
    assert (origin, reason) == (str(deadly), "internal")


def test_a_lost_scheduler_is_said_and_another_one_finishes_the_job(tmp_path, month):
    reports, accounts, wanted = month
    port = free_port()
    with (
        scheduler_and_workers(tmp_path, port, workers=1) as address,
        cluster(scheduler=address, workers=None) as engine,
    ):
        end = int((tmp_path / "pid").read_text())
        striking = Striking(engine, lambda: os.kill(end, signal.SIGKILL), after=2)
        with pytest.raises(EngineError) as raised:
            read(tmp_path / "set", reports, engine=striking, batch=10)
    assert raised.value.exit_status == 4
    done = len(list((tmp_path / "set/increments/000001/parts").iterdir()))
    assert done >= 2
    (summary,) = read(tmp_path / "set", reports, engine=InProcess())
    assert summary.accounts == accounts
    assert differences(picture_of(tmp_path / "set"), wanted) == {}


def test_a_scheduler_without_workers_is_said_and_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr("dmarcwatch.scale.cluster.PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("dmarcwatch.scale.cluster._LOOK_SECONDS", 0.6)
    said = []
    with (
        LocalCluster(
            n_workers=0, host="127.0.0.1", dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        ) as empty,
        cluster(scheduler=empty.scheduler_address, workers=None, say=said.append) as engine,
        pytest.raises(EngineError, match="no worker") as raised,
    ):  # fmt: skip
        list(engine.run(len, ["abc"]))
    assert said == ["No worker is there to take a task; waiting for one."]
    assert "dask worker" in raised.value.hint


def test_a_worker_that_comes_late_does_the_work():
    said = []
    with (
        LocalCluster(
            n_workers=0, host="127.0.0.1", dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        ) as growing,
        cluster(scheduler=growing.scheduler_address, workers=None, say=lambda text: grow(text)) as engine,
    ):  # fmt: skip

        def grow(text):
            said.append(text)
            growing.scale(1)

        assert list(engine.run(len, ["abc"])) == [("abc", 3)]
    assert len(said) == 1


def test_nobody_at_the_address_is_said_with_a_hint():
    with (
        pytest.raises(EngineError, match="No scheduler answers"),
        cluster(scheduler=f"tcp://127.0.0.1:{free_port()}", workers=None),
    ):
        time.sleep(0)
