"""Objects that could not be read are counted, named and told by the exit status, in every run."""

import json

import pytest

from dmarcwatch.scale.accounts import NAMED
from tests.scale.build import read
from tests.scale.test_cli import run
from tests.scale.test_faults import Before, EngineError, write


@pytest.fixture
def inbox(tmp_path):
    """Thirty reports in a folder."""
    (tmp_path / "in").mkdir()
    for number in range(30):
        write(tmp_path / "in", number)
    return tmp_path / "in"


def test_what_cannot_be_listed_is_left_in_every_run(tmp_path, inbox):
    (inbox / "circle.xml").symlink_to("circle.xml")
    for said in ("Increment 1: 31 objects, 0 vanished, 1 left.", "There is nothing new: 0 vanished, 1 left."):
        done = run("scale", tmp_path / "set", inbox, "--workers", 1)
        assert (done.returncode, said in done.stdout) == (6, True), done.stdout
        assert f"{inbox}/circle.xml cannot be read" in done.stderr
    (found,) = json.loads(run("scale", tmp_path / "set", inbox, "--workers", 1, "--json").stdout)
    assert (found["increment"], found["objects"], found["left"]) == (None, 1, {"unreadable": 1})


def test_what_vanished_is_counted_and_the_first_are_named(tmp_path, inbox):
    def unmount():
        inbox.rename(tmp_path / "away")

    (summary,) = read(tmp_path / "set", inbox, engine=Before("read_batch", unmount))
    assert (summary.objects, summary.vanished, summary.left) == (30, 30, {})
    assert (len(summary.unread), summary.unnamed) == (NAMED, 30 - NAMED)


def test_how_many_vanished_is_said(tmp_path, inbox):
    with pytest.raises(EngineError):
        read(tmp_path / "set", inbox, engine=Before("read_batch", gone))
    for path in sorted(inbox.iterdir())[:25]:
        path.unlink()
    done = run("scale", tmp_path / "set", inbox, "--workers", 1)
    assert done.stdout.startswith("Increment 1: 30 objects, 25 vanished, 0 left."), done.stdout
    assert (done.returncode, done.stderr.count("went away")) == (0, 20)
    assert "And 5 more" in done.stderr


def gone():
    raise EngineError("gone")
