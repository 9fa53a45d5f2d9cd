"""Two sources of one account: each settles its own folders, as it says and no other way."""

import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from tests.build import record, report
from tests.collectors.mail_servers import PASSWORD


def a_report(number: int) -> bytes:
    return b"Content-Type: text/xml\r\n\r\n" + compose(report(report_id=f"{number}"), [record()])


@pytest.fixture
def fetch(mailbox, tmp_path):
    def source(folder: str, rest: str) -> str:
        return (
            f'[[source]]\nkind = "imap"\nhost = "localhost"\nport = {mailbox.source.port}\n'
            f'user = "{mailbox.source.user}"\npassword = {{ command = ["echo", "{PASSWORD}"] }}\n'
            f'ca_file = "{mailbox.source.ca_file}"\nfolders = ["{folder}"]\nretry_seconds = 0.05\n{rest}\n'
        )

    def run(*sources: tuple[str, str]):
        text = 'verify_dkim = "never"\n' + "".join(source(*each) for each in sources)
        (tmp_path / "dmarcwatch.toml").write_text(text)
        options = ["--db", f"{tmp_path / 'dmarc.db'}", "--config", f"{tmp_path / 'dmarcwatch.toml'}"]
        return CliRunner().invoke(main, [*options, "fetch"])

    return run


def unsettled(folder) -> int:
    with closing(sqlite3.connect(folder / "dmarc.db")) as connection:
        return connection.execute("SELECT count(*) FROM items WHERE NOT settled").fetchone()[0]


def test_what_one_source_is_to_move_the_other_does_not_delete(mailbox, fetch, tmp_path):
    mailbox.create("Old")
    mailbox.deliver(a_report(1), a_report(2))
    old = ("Old", 'settle = "delete"')
    # No folder can lie below a name that the server refuses, so nothing can be moved there.
    refused = fetch(old, ("INBOX", 'settle = "move"\ndone = "bad~/../name"'))
    assert refused.exit_code == 4, refused.output
    assert unsettled(tmp_path) == 2
    assert len(mailbox.flags()) == 2
    done = fetch(old, ("INBOX", 'settle = "move"\ndone = "Done"'))
    assert done.exit_code == 0, done.output
    assert unsettled(tmp_path) == 0
    assert mailbox.flags() == {}
    assert len(mailbox.flags("Done")) == 2
