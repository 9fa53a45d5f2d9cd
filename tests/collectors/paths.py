"""Folders, Maildirs and mboxes on disk, as somebody else sees them."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from dmarcwatch.collect import Collector, Item, Notice
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource, Settle
from tests.collectors.memory import read_all

_number = count()


def files_below(path: Path) -> list[tuple]:
    """Names, contents and times: everything reading could have changed."""
    return sorted(
        (
            str(file),
            file.stat().st_mode,
            file.stat().st_mtime_ns,
            file.read_bytes() if file.is_file() else None,
        )
        for file in path.rglob("*")
    )


@dataclass
class Folder:
    path: Path

    def deliver(self, *mails: bytes) -> None:
        for mail in mails:
            (self.path / f"report-{next(_number):06}.eml").write_bytes(mail)

    def collector(self, settle: Settle = Settle.NOTHING) -> Collector:
        return open_source(FileSource(self.path, settle=settle, done=self.path.with_name("done")))

    def picture(self) -> object:
        return files_below(self.path)


class Maildir(Folder):
    def deliver(self, *mails: bytes) -> None:
        for mail in mails:
            number = next(_number)
            name = f"{1760000000 + number}.M{number}P1.mx"
            target = self.path / ("new" if number % 2 else "cur") / (name if number % 2 else f"{name}:2,F")
            target.write_bytes(mail)


class Mbox(Folder):
    """With `\\n` line ends, as Unix mail programs write them."""

    def deliver(self, *mails: bytes) -> None:
        with self.path.open("ab") as file:
            for mail in mails:
                file.write(b"From MAILER-DAEMON Fri Nov 20 08:00:00 2026\n" + mail + b"\n")

    def picture(self) -> object:
        return self.path.read_bytes(), self.path.stat().st_mtime_ns


def collect(path: Path, notices: list[Notice] | None = None, **options: object) -> list[Item]:
    """The items of a path, each committed."""
    notices = [] if notices is None else notices
    return read_all(open_source(FileSource(path, **options), notify=notices.append))
