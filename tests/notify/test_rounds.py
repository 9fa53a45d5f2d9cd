"""News are told once, whatever happens to channels, clocks, disks and processes on the way."""

import signal
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta

import pytest

from dmarcwatch.alerts.message import Message
from dmarcwatch.alerts.values import Kind
from dmarcwatch.errors import StoreError
from dmarcwatch.notify.rounds import deliver, look, wait
from dmarcwatch.notify.settings import Channel, Notify
from dmarcwatch.store import outbox
from dmarcwatch.store.database import open_database, transaction
from dmarcwatch.store.standings import write_verdict
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS
from dmarcwatch.verdict import Answer, Evidence, Harm, Published, Target, Verdict
from tests.notify.build import NOW
from tests.notify.servers import hook

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def give(connection, answer, now=NOW):
    """Keep a verdict on example.com."""
    verdict = Verdict(
        domain="example.com", as_of=now.date(), verdict=answer, because=None, published=Published(),
        target=Target.QUARANTINE, evidence=Evidence(), quarantine=Harm(), reject=Harm(),
        window=(date(2026, 10, 20), date(2026, 11, 18)),
    )  # fmt: skip
    with transaction(connection):
        write_verdict(connection, verdict, given_at=now, thresholds=DEFAULT_THRESHOLDS)


def settings(*endpoints, **changes):
    channels = [
        Channel(f"hook {number}", each.url, timeout_seconds=20.0) for number, each in enumerate(endpoints, 1)
    ]
    return Notify(channel=tuple(channels), **changes)


def run(connection, notify, now=NOW):
    """What each fetch does at its end."""
    assert look(connection, notify, lambda name: None, now)
    return deliver(connection, notify, now)


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "dmarcwatch.db")) as database:
        yield database.conn


@pytest.fixture
def endpoint():
    with hook() as made:
        yield made


@pytest.fixture
def changed(connection, endpoint):
    """A database whose verdict on example.com has changed since the last run."""
    give(connection, Answer.CANNOT_TELL, NOW - DAY)
    assert run(connection, settings(endpoint), NOW - DAY) == []
    give(connection, Answer.READY_FOR_QUARANTINE)
    return connection


def test_news_are_told_once_however_often_fetch_runs(changed, endpoint):
    for hour in range(5):
        run(changed, settings(endpoint), NOW + hour * HOUR)
    (body,) = endpoint.bodies
    assert "example.com: ready for p=quarantine" in body
    assert "too little is known to tell (since 19 November 2026)" in body


def test_a_channel_that_is_down_for_two_days_is_told_once_when_it_is_back(changed, endpoint):
    endpoint.mode = "broken"
    for hour in (0, 12, 24, 36):
        (sent,) = run(changed, settings(endpoint), NOW + hour * HOUR)
        assert "500" in sent.error
    (state,) = outbox.channels(changed)
    assert (state["failing_since"], state["attempts"], state["waiting"]) == ("2026-11-20T12:00:00Z", 4, 1)
    assert "500" in state["error"]
    endpoint.mode = "ok"
    for hour in (48, 49):
        run(changed, settings(endpoint), NOW + hour * HOUR)
    (body,) = endpoint.bodies
    assert "(of 20 November)" in body
    (state,) = outbox.channels(changed)
    assert (state["failing_since"], state["waiting"], state["error"]) == (None, 0, None)


def test_a_channel_that_fails_is_asked_a_dozen_times_in_two_days_by_a_fetch_every_quarter_of_an_hour():
    asked, attempts, after = 0, 0, NOW
    for quarter in range(2 * 24 * 4):
        if NOW + quarter * HOUR / 4 >= after:
            asked, after = asked + 1, NOW + quarter * HOUR / 4 + wait(attempts)
            attempts += 1
    assert asked == 12


def test_a_channel_that_fails_costs_the_other_neither_a_message_nor_a_second_one(changed, endpoint):
    with hook() as other:
        endpoint.mode = "broken"
        first = run(changed, settings(endpoint, other))
        assert run(changed, settings(endpoint, other), NOW + HOUR / 4)[0].channel == "hook 1"
        assert [bool(sent.error) for sent in first] == [True, False]
        assert len(other.bodies) == 1
        assert [state["waiting"] for state in outbox.channels(changed)] == [1, 0]


def test_quiet_hours_hold_an_alert_until_they_are_over(changed, endpoint):
    notify = settings(endpoint, quiet="12:00-18:00", timezone="UTC")
    assert run(changed, notify, NOW) == []
    assert run(changed, notify, NOW + 5 * HOUR) == []
    assert len(run(changed, notify, NOW + 6 * HOUR)) == 1


def test_a_fetch_that_runs_only_in_quiet_hours_tells_after_a_day(changed, endpoint):
    notify = settings(endpoint, quiet="22:00-13:00", timezone="UTC")
    assert run(changed, notify, NOW) == []
    assert len(run(changed, notify, NOW + DAY)) == 1


def test_quiet_hours_are_those_of_their_place(endpoint):
    berlin = settings(endpoint, quiet="22:00-07:00", timezone="Europe/Berlin")
    assert not berlin.is_quiet(NOW.replace(hour=20, minute=59))
    assert berlin.is_quiet(NOW.replace(hour=21))
    assert berlin.is_quiet(NOW.replace(hour=5, minute=59))
    assert not berlin.is_quiet(NOW.replace(hour=6))


def test_a_channel_that_left_the_configuration_is_given_up_and_said_so(changed, endpoint):
    with hook() as other:
        endpoint.mode = "broken"
        run(changed, settings(endpoint))
        other_alone = Notify(channel=(Channel("another", other.url),))
        run(changed, other_alone, NOW + HOUR)
        assert other.bodies == []
    assert outbox.channels(changed) == []
    ((dropped,),) = changed.execute("SELECT dropped_at FROM deliveries").fetchall()
    assert dropped == "2026-11-20T13:00:00Z"


def test_a_channel_that_was_down_for_a_month_hears_once_of_what_still_stands(connection, endpoint):
    endpoint.mode = "broken"
    with transaction(connection):
        connection.execute(
            "INSERT INTO items VALUES (1, 1, NULL, 'x', 'x', 'x', 1, NULL, 0, NULL, NULL, NULL, 'reject', 1)"
        )
    for day in (0, 7, 14, 28):
        with transaction(connection):
            connection.execute(
                "INSERT INTO rejects (item, name, origin, sha256, reason, message, size, received_at) "
                "VALUES (1, 'x', 'x', 'x', 'bomb', 'too large', 1, ?)",
                ((NOW + day * DAY).isoformat(),),
            )
        run(connection, settings(endpoint), NOW + day * DAY)
    endpoint.mode = "ok"
    run(connection, settings(endpoint), NOW + 32 * DAY)
    (body,) = endpoint.bodies
    assert "4 rejects (bomb) wait for a look (of 18 December, still so)" in body


def test_a_wait_that_a_wrong_clock_set_is_not_kept(changed, endpoint):
    endpoint.mode = "broken"
    look(changed, settings(endpoint), lambda name: None, NOW)
    assert deliver(changed, settings(endpoint), NOW + 400 * DAY)[0].error
    endpoint.mode = "ok"
    assert run(changed, settings(endpoint), NOW + HOUR)[0].error is None
    (state,) = outbox.channels(changed)
    assert state["sent_at"] == "2026-11-20T13:00:00Z"


def test_nothing_is_compared_while_the_clock_stands_before_the_newest_reports(changed, endpoint):
    changed.execute("INSERT INTO _reporters (id, name) VALUES (1, 'google.com'), (2, 'Yahoo')")
    changed.execute("INSERT INTO _policies (id, p) VALUES (1, 'none')")
    changed.executemany(
        "INSERT INTO _domain_days VALUES ('example.com', '2026-11-19', 1, '2026-11-20', ?, 'verified', "
        "'clean', 1, 1, 10, 0)",
        [(1,), (2,)],
    )
    assert not look(changed, settings(endpoint), lambda name: None, NOW.replace(year=1970))
    assert look(changed, settings(endpoint), lambda name: None, NOW)


def test_a_digest_is_queued_once_and_waits_like_an_alert(connection, endpoint):
    endpoint.mode = "broken"
    parcel = Message("A week", ("All of it",))
    for expected in (True, False):
        with transaction(connection):
            assert outbox.queue_digest(connection, "digest 2026-W47", parcel, ["hook 1"], NOW) is expected
    assert deliver(connection, settings(endpoint), NOW)[0].error
    endpoint.mode = "ok"
    assert [sent.error for sent in deliver(connection, settings(endpoint), NOW + HOUR)] == [None]
    assert len(endpoint.bodies) == 1


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from dmarcwatch.notify import rounds
from dmarcwatch.notify.settings import Channel, Notify
from dmarcwatch.store.database import open_database
path, url, point = sys.argv[1:]
def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)
def arm(owner, name, after):
    real = getattr(owner, name)
    setattr(owner, name, lambda *a, **o: (real(*a, **o), die()) if after else die())
arm(rounds, *{"before the comparison": ("scene", False), "before its commit": ("conditions", False),
    "before the send": ("send", False), "after the send": ("send", True)}[point])
now = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
connection = open_database(Path(path)).conn
notify = Notify(channel=(Channel("hook 1", url, timeout_seconds=20.0),))
rounds.look(connection, notify, lambda name: None, now)
rounds.deliver(connection, notify, now)
"""


@pytest.mark.parametrize(
    ("point", "messages"),
    [
        ("before the comparison", 1),
        ("before its commit", 1),
        ("before the send", 1),
        # The one window: the channel has taken it and nobody knows any more. Never lost, so once again.
        ("after the send", 2),
    ],
)
def test_a_process_killed_at_any_point_loses_no_alert(changed, endpoint, tmp_path, point, messages):
    command = (sys.executable, "-c", KILLED, str(tmp_path / "dmarcwatch.db"), endpoint.url, point)
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    for hour in (1, 2, 3):
        run(changed, settings(endpoint), NOW + hour * HOUR)
    assert len(endpoint.bodies) == messages
    assert len({body.partition("dmarcwatch, alert ")[2] for body in endpoint.bodies}) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes with a database on it, and a function that fills the rest."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)), check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a file system of one's own takes root")

    def fill():
        with (folder / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass

    try:
        with closing(open_database(folder / "dmarcwatch.db")) as database:
            yield database.conn, fill, folder
    finally:
        subprocess.run(("umount", str(folder)), check=True)


def test_what_was_sent_is_marked_though_the_disk_filled_up_while_it_was(small_disk, endpoint):
    connection, fill, folder = small_disk
    give(connection, Answer.CANNOT_TELL, NOW - DAY)
    run(connection, settings(endpoint), NOW - DAY)
    give(connection, Answer.NOT_READY)
    endpoint.before_answer = fill
    assert [sent.error for sent in run(connection, settings(endpoint))] == [None]
    (folder / "filler").unlink()
    assert run(connection, settings(endpoint), NOW + HOUR) == []
    assert len(endpoint.bodies) == 1


def test_on_a_full_disk_nothing_is_sent_that_could_not_be_marked(small_disk, endpoint):
    connection, fill, folder = small_disk
    give(connection, Answer.CANNOT_TELL, NOW - DAY)
    run(connection, settings(endpoint), NOW - DAY)
    give(connection, Answer.NOT_READY)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    fill()
    with pytest.raises((StoreError, connection.OperationalError), match="full"):
        run(connection, settings(endpoint))
    assert endpoint.bodies == []
    (folder / "filler").unlink()
    assert len(run(connection, settings(endpoint))) == 1


def test_kinds_are_the_words_of_the_configuration():
    assert {str(kind) for kind in Kind} == {
        "verdict", "stopped", "new-sender", "policy", "reporters", "source", "rejects",
    }  # fmt: skip
