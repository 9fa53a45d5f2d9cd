"""A folder of a real mail server, as somebody else sees it."""

import imaplib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect import Collector, Notice
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import ImapSource, Settle
from tests.collectors.mail_servers import PASSWORD, MailServer


@dataclass
class Mailbox:
    """One test's own folder. It looks in through Python's own IMAP client, over one connection."""

    server: MailServer
    source: ImapSource
    folder: str = "INBOX"
    notices: list[Notice] = field(default_factory=list)
    _opened: list[Collector] = field(default_factory=list)
    _client: imaplib.IMAP4 | None = None

    def collector(
        self, settle: Settle = Settle.NOTHING, *, budgets: Budgets | None = None, **changes: object
    ) -> Collector:
        source = replace(self.source, settle=settle, **changes)
        collector = open_source(source, budgets=budgets, notify=self.notices.append)
        self._opened.append(collector)
        return collector

    def client(self, folder: str | None = None, *, readonly: bool = False) -> imaplib.IMAP4:
        """Our own view of a folder, as of now."""
        if self._client is None:
            self._client = imaplib.IMAP4("127.0.0.1", self.server.port, timeout=30)
            self._client.login(self.source.user, PASSWORD)
        status, answer = self._client.select(f'"{folder or self.folder}"', readonly=readonly)
        assert status == "OK", answer
        return self._client

    def deliver(self, *mails: bytes, folder: str | None = None) -> None:
        client = self.client(folder)
        for mail in mails:
            status, answer = client.append(f'"{folder or self.folder}"', "", "", mail)
            assert status == "OK", answer

    def create(self, *folders: str) -> None:
        client = self.client()
        for folder in folders:
            status, answer = client.create(f'"{folder}"')
            assert status == "OK", answer

    def mark(self, uid: int, flag: str) -> None:
        self.client().uid("STORE", str(uid), "+FLAGS", f"({flag})")

    def flags(self, folder: str | None = None) -> dict[int, str]:
        """The flags of each message, by UID, without those that only a session has."""
        _, lines = self.client(folder, readonly=True).uid("FETCH", "1:*", "(FLAGS)")
        told = [line.decode() for line in lines if line]
        return {
            int(line.split("UID ")[1].split()[0].rstrip(")")): line.split("FLAGS (")[1]
            .split(")")[0]
            .replace("\\Recent", "")
            .strip()
            for line in told
        }

    def renumber(self) -> None:
        """Dovecot gives new UIDs under a new UIDVALIDITY when its list of them is lost."""
        folder = self.server.mail / self.source.user
        for lost in (folder / "dovecot-uidlist", *folder.glob("dovecot.index*")):
            lost.unlink()

    def backup(self, path: Path) -> None:
        """Copy all of the user's mail, as it is now."""
        shutil.copytree(self.server.mail / self.source.user, path)

    def restore(self, path: Path) -> None:
        """Put a copy back in the place of what is there by now, as an administrator would."""
        folder = self.server.mail / self.source.user
        self.disconnect()
        shutil.rmtree(folder)
        shutil.copytree(path, folder)
        owner = folder.parent.stat()
        for each in (folder, *folder.rglob("*")):
            os.chown(each, owner.st_uid, owner.st_gid)
            if each.name.startswith("dovecot.index"):
                each.unlink()

    def allow(self, folder: str, rights: str) -> None:
        """Give Dovecot's owner of the folder only these rights (RFC 4314 section 2.1)."""
        acl = self.server.mail / self.source.user / f".{folder}" / "dovecot-acl"
        acl.write_text(f"owner {rights}\n")

    def picture(self) -> object:
        client = self.client(readonly=True)
        return client.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE)"), client.list()

    def reasons(self) -> list[str]:
        return [notice.reason for notice in self.notices]

    def close(self) -> None:
        for collector in self._opened:
            collector.close()
        self.disconnect()

    def disconnect(self) -> None:
        """Give up our own view; the next look makes a new connection."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                client.logout()
