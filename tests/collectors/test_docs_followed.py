"""The first steps of the documentation, followed to the first verdict on servers of this machine.

What a page cannot know is put in its place: host, port, name, password and certificates.
"""

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.report import Report
from tests.build import record, report

DOCS = Path(__file__).parent.parent.parent / "docs"
FIRST = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def configuration(page: str, changes: dict[str, str], added: str) -> str:
    """The page's first configuration with some of its values replaced and lines added to its source."""
    text = FIRST.search((DOCS / page).read_text("utf-8"))[1]
    for old, new in changes.items():
        assert old in text, f"{page} no longer says {old}"
        text = text.replace(old, new)
    tomllib.loads(text + added)
    return text + added


def yesterday(number: int) -> Report:
    begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=number)
    return report(
        org_name="google.com",
        org_email="noreply-dmarc-support@google.com",
        report_id=f"{number}",
        begin=begin,
        end=begin + timedelta(seconds=86399),
    )


def mail(number: int, authentication_results: str) -> bytes:
    """A report as Google sends it, with what the receiving host says of its mail."""
    head = (
        f"{authentication_results}\r\n"
        "From: noreply-dmarc-support@google.com\r\nTo: dmarc@example.com\r\n"
        f"Subject: Report domain: example.com Submitter: google.com Report-ID: {number}\r\n"
        f"Message-ID: <{number}@google.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/xml\r\n\r\n"
    )
    return head.encode() + compose(yesterday(number), [record(messages=40), record("54.240.8.12", 2)])


class Followed:
    """A configuration, and commands that run by it."""

    def __init__(self, folder: Path, text: str) -> None:
        self._before = ["--config", str(folder / "dmarcwatch.toml"), "--db", str(folder / "dmarcwatch.db")]
        (folder / "dmarcwatch.toml").write_text(text)

    def run(self, *words: str, expected: int = 0) -> str:
        done = CliRunner().invoke(main, [*self._before, *words])
        assert done.exit_code == expected, done.output
        return done.stdout

    def holds_to_the_first_verdict(self) -> None:
        """Three reports are read and believed, and the verdict says how much is missing."""
        assert self.run("fetch").startswith("3 items: 3 reports stored, ")
        assert self.run("fetch").startswith("0 items")
        self.run("status", "--max-age", "1h")
        [verdict] = json.loads(self.run("verdict", "--json", expected=3))
        assert (verdict["verdict"], verdict["because"]) == ("cannot-tell", "evidence")
        assert verdict["evidence"]["reports"] == 3
        [stream] = json.loads(self.run("sources", "--json"))
        assert (stream["sender"], stream["state"]) == ("amazon-ses", "both-aligned")


def test_dovecot(mailbox, tmp_path):
    source = mailbox.source
    text = configuration(
        "start-dovecot.md",
        {
            "imap.example.com": source.host,
            '"dmarc@example.com"': f'"{source.user}"',
            "/etc/dmarcwatch/password": str(source.password.file),
        },
        f'port = {source.port}\nca_file = "{source.ca_file}"\n',
    )
    word = "Authentication-Results: mx.example.com; dmarc=pass header.from=google.com"
    mailbox.deliver(*(mail(number, word) for number in (3, 4, 5)))
    before = mailbox.picture()
    Followed(tmp_path, text).holds_to_the_first_verdict()
    assert mailbox.picture() == before


def test_ses_into_s3(bucket, tmp_path):
    text = configuration(
        "start-ses-s3.md",
        {"example-dmarc-reports": bucket.source.bucket, "rua/": "in/"},
        f'endpoint = "{bucket.address}"\n',
    )
    word = "Authentication-Results: amazonses.com; dkim=pass header.i=@google.com; dmarc=pass header.from=google.com;"
    bucket.deliver(*(mail(number, word) for number in (3, 4, 5)))
    before = bucket.picture()
    Followed(tmp_path, text).holds_to_the_first_verdict()
    assert bucket.picture() == before


@pytest.mark.parametrize("kind", ["xml", "maildir"])
def test_the_same_machine(tmp_path, kind):
    """The second configuration of the Dovecot page: a folder of this machine."""
    text = FIRST.findall((DOCS / "start-dovecot.md").read_text("utf-8"))[1]
    folder = tmp_path / "Maildir"
    for part in ("cur", "new", "tmp") if kind == "maildir" else ("",):
        (folder / part).mkdir(parents=True, exist_ok=True)
    text = text.replace("/var/vmail/example.com/dmarc/Maildir", str(folder))
    word = "Authentication-Results: mx.example.com; dmarc=pass header.from=google.com"
    for number in (3, 4, 5):
        # A Maildir's names begin with the second of delivery.
        name = f"{int(datetime.now(UTC).timestamp())}.{number}.host"
        place = folder / "new" / name if kind == "maildir" else folder / f"{number}.eml"
        place.write_bytes(mail(number, word))
    Followed(tmp_path, text).holds_to_the_first_verdict()
