"""An mbox that grows is read once, mail by mail, as `fetch` reads it."""

import os

import pytest

from dmarcwatch.compose import compose_mail
from tests.build import record, report
from tests.scale.build import differences, fetch, imported, picture, read

BROKEN = (
    b"From: x@y.example\nSubject: Report Domain: example.com\nMIME-Version: 1.0\n"
    b"Content-Type: application/gzip\nContent-Disposition: attachment; filename=a.xml.gz\n"
    b"Content-Transfer-Encoding: base64\n\nH4sIAAAA\n"
)


def mail(number):
    return compose_mail(report(report_id=f"r{number}"), [record(f"10.0.0.{number}")])


def append(mbox, *mails):
    with mbox.open("ab") as out:
        for data in mails:
            out.write(b"From x@y.example Thu Nov 19 03:00:00 2026\n" + data.replace(b"\r\n", b"\n") + b"\n\n")


@pytest.fixture
def inbox(tmp_path):
    """An mbox of two reports and a mail that cannot be read."""
    (tmp_path / "in").mkdir()
    append(tmp_path / "in/a.mbox", mail(1), mail(2), BROKEN)
    return tmp_path / "in"


def test_only_the_new_mails_of_an_mbox_are_read(tmp_path, inbox):
    fetch(tmp_path / "f.db", [inbox])
    (first,) = read(tmp_path / "set", inbox)
    assert (first.items, first.accounts.reports, first.accounts.rejects) == (3, 2, 1)
    append(inbox / "a.mbox", mail(3))
    fetch(tmp_path / "f.db", [inbox])
    (second,) = read(tmp_path / "set", inbox)
    found = second.accounts
    assert (second.items, found.reports, found.rejects, found.duplicates) == (1, 1, 0, 0)
    imported(tmp_path / "set", tmp_path / "i.db")
    different = differences(picture(tmp_path / "f.db"), picture(tmp_path / "i.db"))
    different.pop("verdicts", None)  # `fetch` has given one more, after its first run
    assert different == {}


def test_an_mbox_that_was_only_touched_brings_nothing(tmp_path, inbox):
    read(tmp_path / "set", inbox)
    os.utime(inbox / "a.mbox", (1, 1))
    (summary,) = read(tmp_path / "set", inbox)
    assert (summary.objects, summary.empty, summary.vanished, summary.items) == (1, 1, 0, 0)
    assert read(tmp_path / "set", inbox) == []
