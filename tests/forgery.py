"""A mailbox with genuine reports, and one in which a forger writes beside them; both are read by `fetch`.

The mail host stamps what it found: genuine reports pass DMARC for their reporter's domain, the forger's
fail for the names it borrows and pass for domains of its own.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import Wrapping, compose_mail
from dmarcwatch.report import (
    AuthResult,
    Disposition,
    Dkim,
    DmarcResult,
    Policy,
    Record,
    Report,
    Spf,
    SpfScope,
)
from tests.build import EVIDENCE, policy, record, report

DOMAIN = "example.com"
AS_OF = date(2026, 11, 20)
HOST = "mx.example.com"
REPORTERS = {
    "google.com": "noreply-dmarc-support@google.com",
    "Outlook.com": "dmarcreport@microsoft.com",
    "Yahoo": "dmarchelp@yahooinc.com",
}
SENDS_FROM = {"google.com": "google.com", "Outlook.com": "microsoft.com", "Yahoo": "dmarc.yahoo.com"}

PASSING = record("54.240.8.11", 40)
UNSIGNED = {"dkim_evaluated": DmarcResult.FAIL, "spf_evaluated": DmarcResult.FAIL}
FORGOTTEN = record(
    "54.240.27.5",
    12,
    **UNSIGNED,
    envelope_from="eu-central-1.amazonses.com",
    dkim=(Dkim("amazonses.com", "uku4taia5b5tsbglxyj6zym32efj7xqv", AuthResult.PASS),),
    spf=(Spf("eu-central-1.amazonses.com", SpfScope.MFROM, AuthResult.PASS),),
)
"""An SES region whose identity was forgotten: no signature of the domain's own."""


def genuine(days: int, *records: Record) -> Iterator[tuple[datetime, bytes]]:
    """The reports of each of the last days by each reporter, with the moment they arrived."""
    for number in range(days):
        for org in REPORTERS:
            head = head_of(org, number)
            yield head.end + timedelta(hours=4), _stamped(head, records, SENDS_FROM[org], passes=True)


def head_of(org: str, number: int, **changes: object) -> Report:
    """The head of a reporter's report on a day, `number` days before the last one that is judged."""
    begin = datetime(2026, 11, 18, tzinfo=UTC) - timedelta(days=number)
    known = {"org_name": org, "org_email": REPORTERS.get(org, f"dmarc@{org}"), "report_id": f"{org}-{number}"}
    return report(**{**known, "begin": begin, "end": begin + timedelta(seconds=86399), **changes})


class Forger:
    """Whoever may send what they like to the address in public DNS."""

    def __init__(self, days: int, a_day: int, *, seed: int = 1) -> None:
        self._days = days
        self._a_day = a_day
        self._random = random.Random(seed)

    def mails(self, *truth: Record) -> Iterator[tuple[datetime, bytes]]:
        """Each day's forgeries, before the genuine reports of that day; `truth` is what they will say."""
        for number in range(self._days):
            for nth in range(self._a_day):
                yield self._mail(number, nth, truth)

    def _mail(self, number: int, nth: int, truth: tuple[Record, ...]) -> tuple[datetime, bytes]:
        org = sorted(REPORTERS)[nth % 3] if nth % 2 else f"forger-{nth}.example"
        head = head_of(org, number)
        if nth % 2 and nth % 5:
            # Not the identity that the genuine report will have.
            head = head._replace(report_id=f"forged-{nth}")
        records = truth if nth % 7 == 1 else self._records()
        if nth % 4 == 0:
            head = head._replace(policy=policy(p=self._random.choice(list(Policy)), pct=nth % 101))
        if nth % 11 == 0:
            head = head._replace(policy=policy(domain="other.example"))
        own = org if org not in REPORTERS and nth % 4 else None
        moment = head.end + timedelta(minutes=self._random.randint(-600, 200))
        return moment, _stamped(head, records, own or SENDS_FROM.get(org, org), passes=own is not None)

    def _records(self) -> tuple[Record, ...]:
        """Whatever might make a verdict turn: passes in plenty, failures of every kind, borrowed selectors."""
        draw = self._random
        messages = draw.choice((1, 7, 40, 900, 90_000))
        selector = draw.choice((EVIDENCE.dkim[0].selector, "s1", "forged"))
        own = Dkim(DOMAIN, selector, draw.choice((AuthResult.PASS, AuthResult.FAIL)))
        address = draw.choice(("54.240.8.11", "54.240.27.5", f"198.51.{draw.randint(0, 99)}.9", "45.83.64.9"))
        kind = draw.choice((FORGOTTEN, PASSING))
        changed = kind.evidence._replace(dkim=(own, *kind.evidence.dkim[1:]), disposition=Disposition.NONE)
        return (Record(address, messages, changed), record(f"203.0.{draw.randint(0, 99)}.7", 3, **UNSIGNED))


def _stamped(head: Report, records: tuple[Record, ...], sender: str, *, passes: bool) -> bytes:
    result = f"{HOST}; dmarc={'pass' if passes else 'fail'} header.from={sender}"
    return compose_mail(head, records, Wrapping(sender=f"dmarc@{sender}", authentication_results=result))


class Mailbox:
    """A Maildir with its database and configuration, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("cur", "new", "tmp"):
            (folder / "mail" / part).mkdir(parents=True)
        self.database = folder / "dmarcwatch.db"
        self.config = folder / "dmarcwatch.toml"
        self.config.write_text(
            f'verify_dkim = "never"\n[[source]]\nkind = "files"\npath = "{folder / "mail"}"\n'
        )

    def deliver(self, mails: list[tuple[datetime, bytes]]) -> None:
        """Put mails in, under names that sort as they arrived."""
        for number, (moment, data) in enumerate(sorted(mails, key=lambda mail: mail[0])):
            (self.folder / "mail" / "new" / f"{int(moment.timestamp())}.{number:06}.host").write_bytes(data)

    def run(self, *arguments: str):
        """One command, as from a shell."""
        where = ("--db", str(self.database), "--config", str(self.config))
        return CliRunner().invoke(main, [*where, *arguments])

    def answer(self, *arguments: str):
        """What a command prints as JSON."""
        done = self.run(*arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return json.loads(done.stdout)


def fetched(folder: Path, mails: list[tuple[datetime, bytes]]) -> Mailbox:
    """A mailbox with these mails, read."""
    mailbox = Mailbox(folder)
    mailbox.deliver(mails)
    assert mailbox.run("-q", "fetch").exit_code == 0
    return mailbox


def decided(mailbox: Mailbox) -> dict:
    """The verdict without what only tells how much came that decides nothing."""
    (verdict,) = mailbox.answer("verdict", DOMAIN, "--as-of", AS_OF.isoformat(), "--json")
    return {name: verdict[name] for name in verdict if name not in ("tiers", "warnings")}
