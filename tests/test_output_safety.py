"""What strangers write reaches a terminal, a log, a file or a browser as harmless text or not at all."""

import asyncio
import os
import stat
import subprocess
import sys

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.serve import Listen, app
from dmarcwatch.store.database import open_database
from tests.build import record, report
from tests.mail_build import gz, mail, part

NASTY = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\u2066\u200b\x00\r\nroot: "
"""A title for the terminal, a colour by a C1 control, a name written backwards, a forged log line."""
HARMFUL = {*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B} - {10}


def harmful(text: str) -> list[str]:
    return [hex(ord(char)) for char in text if ord(char) in HARMFUL]


def nasty_report(number: int) -> bytes:
    """A report whose every text is hostile, as far as XML can hold it."""
    marked = NASTY.translate(dict.fromkeys((0, 7, 27))).replace("&", "&amp;")
    text = compose(
        report(org_name="ORG", report_id=f"ID{number}", extra_contact_info="INFO", errors=("ERR",)),
        [record(envelope_to="to.example", header_from="example.com")],
    ).decode()
    for word in ("ORG", f"ID{number}", "INFO", "ERR", "to.example"):
        text = text.replace(word, f"{word}{marked}{number}")
    return text.replace("</row>", f"<strange{number}>{marked}</strange{number}></row>").encode()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A database fed from files with hostile names, contents and mail headers."""
    folder = tmp_path_factory.mktemp("nasty")
    inbox = folder / "inbox"
    inbox.mkdir()
    name = NASTY.replace("\x00", "").replace("/", "")
    (inbox / f"{name}.xml").write_bytes(nasty_report(1))
    (inbox / f"{name}.xml.gz").write_bytes(b"\x1f\x8b\x08" + b"\0" * 20)
    (inbox / "part.eml").write_bytes(
        mail(part(gz(b"<html/>"), name=name.replace("\r\n", "")), f"Subject: {name}".replace("\r\n", ""))
    )
    (inbox / "cut.xml").write_bytes(nasty_report(2)[:-30])
    run(folder, "-v", "fetch", str(inbox))
    return folder


def run(folder, *arguments):
    return CliRunner().invoke(main, ["--db", str(folder / "a.db"), *arguments])


COMMANDS = [
    ("verdict",),
    ("verdict", "--explain"),
    ("verdict", "--json"),
    ("verdict", "--all"),
    ("sources",),
    ("sources", "--json"),
    ("status",),
    ("status", "--json"),
    ("rejects",),
    ("rejects", "--json"),
    ("rejects", "--held"),
    ("rejects", "--retry"),
    ("show", "1"),
    ("show", "1", "--json"),
    ("show", "2"),
    ("simulate", "example.com", "--policy", "p=reject"),
    ("label", "--list"),
    ("fetch", "NASTY"),
    ("sources", "NASTY"),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_writes_what_a_terminal_obeys(attacked, arguments):
    given = [each.replace("NASTY", NASTY.replace("\x00", "")) for each in arguments]
    done = run(attacked, *given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.output
    assert harmful(done.output) == []


def test_a_fetch_that_talks_says_nothing_that_a_terminal_obeys(attacked, tmp_path):
    done = run(tmp_path, "-v", "fetch", str(attacked / "inbox"))
    assert done.exit_code == 6
    assert harmful(done.output) == []


PLACES = {
    ("_sources", "name"),
    ("runs", "source"),
    ("runs", "error"),
    ("items", "origin"),
    ("items", "token"),
    ("reports", "origin"),
    ("rejects", "origin"),
}


def test_the_database_holds_no_such_text(attacked):
    database = open_database(attacked / "a.db")
    texts = [
        value
        for table in database.table_names()
        for row in database[table].rows
        for name, value in row.items()
        # Where an item lies is kept as it is: it has to be found there again.
        if isinstance(value, str) and (table, name) not in PLACES
    ]
    database.close()
    assert any("owned" in text for text in texts)
    assert [text for text in texts if harmful(text.replace("\n", ""))] == []


def test_what_is_written_can_be_read_by_its_owner_alone(attacked):
    written = [path for path in attacked.iterdir() if path.name.startswith("a.db")]
    assert len(written) >= 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


# Secrets.

SECRET = "correct-horse-battery"


def test_a_secret_is_in_no_output_no_database_and_no_process_list(tmp_path):
    """The server does not exist: the error that names it is where a password would slip out."""
    config = tmp_path / "dmarcwatch.toml"
    config.write_text(
        '[[source]]\nkind = "imap"\nhost = "127.0.0.1"\nport = 9\nuser = "me"\npassword.env = "RUA_PASSWORD"\n'
    )
    command = [sys.executable, "-m", "dmarcwatch", "-v", "--db", "a.db", "--config", str(config), "fetch"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "RUA_PASSWORD": SECRET}, capture_output=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert SECRET.encode() not in done.stdout + done.stderr
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET not in " ".join(command)


# SQL.


def asked(path, url, **options):
    async def get():
        return await app(path, **options).client.get(url)

    return asyncio.run(get())


ENDLESS = "with+recursive+n(x)+as+(select+1+union+all+select+x%2B1+from+n)+select+count(*)+from+n"


def test_sql_has_an_end(attacked):
    assert app(attacked / "a.db").setting("sql_time_limit_ms") <= 5000
    answer = asked(attacked / "a.db", f"/a.json?sql={ENDLESS}&_timelimit=50")
    assert answer.status_code == 400
    assert "interrupted" in answer.text.lower()


def test_only_what_is_already_asked_is_answered_where_others_can_reach_the_server(attacked):
    path = attacked / "a.db"
    assert asked(path, "/a.json?sql=select+1&_shape=array").json() == [{"1": 1}]
    closed = asked(path, "/a.json?sql=select+1&_shape=array", exposed=True)
    assert closed.status_code == 403
    assert asked(path, "/a/policy-history.json?domain=", exposed=True).status_code == 200
    assert asked(path, "/-/dmarcwatch", exposed=True).status_code in (200, 302)


@pytest.mark.parametrize(
    ("listen", "exposed"),
    [
        (Listen(), False),
        (Listen(password="x"), False),
        (Listen(host="0.0.0.0", password="x"), True),
        (Listen(host="::", password="x"), True),
        (Listen(names=("reports.example.com",)), True),
    ],
)
def test_a_server_is_exposed_where_it_answers_beyond_this_machine(listen, exposed):
    assert listen.exposed is exposed
