"""`fetch`, `notify`, `digest --send` and `status` as a person or cron calls them."""

import email
import email.policy
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmarcwatch import demo
from dmarcwatch.cli import main
from tests.notify.build import TODAY
from tests.notify.servers import Mailbox, free_port, hook, mail_server


class Place:
    """A folder with a configuration, some days of reports and a database."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "reports").mkdir()
        files = list(demo.ninety_days(TODAY))[:60]
        for name, data in files:
            (folder / "reports" / name).write_bytes(data)

    def configure(self, *channels, more=""):
        tables = [f'[[notify.channel]]\nname = "{name}"\nurl = "{url}"\n' for name, url in channels]
        source = f'[[source]]\nkind = "files"\npath = "{self.folder}/reports"\n'
        (self.folder / "dmarcwatch.toml").write_text(source + more + "".join(tables))

    def run(self, *words):
        before = ["--db", f"{self.folder}/d.db", "--config", f"{self.folder}/dmarcwatch.toml"]
        return CliRunner().invoke(main, [*before, *words])


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_fetch_tells_what_needs_to_be_told_and_the_next_one_is_quiet(place):
    with hook() as endpoint:
        place.configure(("hook", endpoint.url))
        assert place.run("fetch").exit_code == 0
        (body,) = endpoint.bodies
        assert "Amazon SES us-east-1 is not set up for DKIM" in json.loads(body)["message"]
        assert place.run("fetch").exit_code == 0
        assert len(endpoint.bodies) == 1


def test_a_fetch_ends_as_it_would_have_ended_and_status_says_which_channel_fails(place):
    place.configure(("hook", f"json://127.0.0.1:{free_port()}/s3cr3t-t0ken"))
    (place.folder / "reports" / "junk.xml").write_bytes(b"<html>no report</html>")
    done = place.run("fetch", "--json")
    assert done.exit_code == 6
    assert json.loads(done.stdout)["rejects"] == 1
    assert "dmarcwatch: the channel hook took nothing: " in done.stderr
    assert "s3cr3t" not in done.output
    (channel,) = json.loads(place.run("status", "--json").stdout)["channels"]
    assert channel["channel"] == "hook"
    assert channel["failing_since"]
    assert channel["waiting"] > 0
    assert "refused" in channel["error"]
    assert "Channels that are told" in place.run("status").stdout


def test_without_a_channel_nothing_is_looked_for(place):
    place.configure()
    assert place.run("fetch").exit_code == 0
    assert "Nothing was told yet." in place.run("notify", "--list").stdout


def test_notify_test_says_of_each_channel_whether_it_took_it(place):
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        good = f"mailto://127.0.0.1:{port}/?from=dmarc@example.com&to=ops@example.net"
        place.configure(("mail", good), ("gone", f"json://127.0.0.1:{free_port()}/s3cr3t-t0ken"))
        done = place.run("notify", "--test")
    assert done.exit_code == 4
    assert "mail: took the test message" in done.stdout
    assert "gone: FAILED: " in done.stdout
    assert "s3cr3t" not in done.output
    assert len(mailbox.messages) == 1


def test_notify_sends_at_once_what_waits_and_the_list_says_who_has_it(place):
    with hook() as endpoint:
        endpoint.mode = "broken"
        place.configure(("hook", endpoint.url), more='[notify]\nquiet = "00:00-23:59"\n')
        assert place.run("fetch").exit_code == 0
        assert endpoint.bodies == []
        assert '"hook": null' in place.run("notify", "--list", "--json").stdout
        endpoint.mode = "ok"
        assert place.run("notify").stdout == "1 channel took what waited.\n"
        assert len(endpoint.bodies) == 1
        assert place.run("notify").stdout == "Nothing waits.\n"
        assert "waits for" in place.run("notify", "--list").stdout


def test_a_digest_by_mail_is_html_with_a_text_beside_it_and_is_sent_once(place):
    mailbox = Mailbox()
    day = (TODAY - timedelta(days=60)).isoformat()
    place.configure()
    assert place.run("fetch").exit_code == 0
    with mail_server(mailbox) as port:
        place.configure(("mail", f"mailto://127.0.0.1:{port}/?from=dmarc@example.com&to=ops@example.net"))
        assert place.run("digest", "--send", "--as-of", day).exit_code == 0
        again = place.run("digest", "--send", "--as-of", day)
    assert again.exit_code == 0
    assert "not sent to a channel twice" in again.stderr
    (raw,) = mailbox.messages
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"].startswith("DMARC, 13 to 19 September 2026: ")
    assert "<table" in mail.get_body(("html",)).get_content()
    assert "example.com" in mail.get_body(("plain",)).get_content()


def test_a_digest_that_a_channel_does_not_take_waits_for_the_next_fetch(place):
    place.configure()
    place.run("fetch")
    with hook() as endpoint:
        endpoint.mode = "broken"
        place.configure(("hook", endpoint.url), more='[notify]\noff = ["stopped", "new-sender"]\n')
        assert place.run("digest", "--send").exit_code == 4
        endpoint.mode = "ok"
        assert place.run("notify").exit_code == 0
        assert [json.loads(body)["title"][:6] for body in endpoint.bodies] == ["DMARC,"]


def test_a_digest_goes_to_standard_output_or_a_file(place):
    place.configure()
    place.run("fetch")
    day = (TODAY - timedelta(days=80)).isoformat()
    shown = place.run("digest", "--domain", "example.com", "--as-of", day)
    assert shown.stdout.splitlines()[1] == "1 domain: 1 not ready."
    target = place.folder / "digest.html"
    assert place.run("digest", "--html", "--output", str(target), "--as-of", day).stdout == ""
    assert target.read_text("utf-8").startswith("<!DOCTYPE html>")
    refused = place.run("digest", "--output", f"{place.folder}/no/such/folder")
    assert (refused.exit_code, "cannot be written" in refused.stderr) == (1, True)


def test_a_domain_without_reports_is_named_with_near_ones(place):
    place.configure()
    place.run("fetch")
    done = place.run("digest", "--domain", "exmaple.com")
    assert done.exit_code == 2
    assert "Near it: example.com" in done.stderr


@pytest.mark.parametrize("words", [("notify",), ("notify", "--test"), ("digest", "--send")])
def test_who_has_no_channel_is_told_how_to_write_one(place, words):
    place.configure()
    place.run("fetch")
    done = place.run(*words)
    assert done.exit_code == 2
    assert "[[notify.channel]]" in done.stderr


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('quiet = "late"', "quiet: 'late' is not like 22:00-07:00"),
        ('timezone = "Mars"', "timezone: 'Mars' is not one"),
        ('off = ["verdicts"]', "notify.off[1]: 'verdicts' is not one of"),
        ("repeat_days = -1", "repeat_days is 0 or more"),
        ('pages = "dmarc.example.com"', "pages begins with http:// or https://"),
        ('[[notify.channel]]\nname = "a"\nurl = 5', "notify.channel[1].url: what stands there is not"),
        (
            '[[notify.channel]]\nname = "a"\nurl = "json://h/s3cr3t"\n[[notify.channel]]\nname = "a"\nurl = "x"',
            "two channels are named a",
        ),
    ],
)
def test_mistakes_in_notify_are_named_by_key_and_without_urls(place, keys, said):
    place.configure(more=f"[notify]\n{keys}\n")
    done = place.run("fetch")
    assert done.exit_code == 2
    assert said in done.stderr
    assert "s3cr3t" not in done.output


WITHOUT = """
import sys
sys.path[:0] = sys.argv[1:3]
from dmarcwatch.cli import main
main(sys.argv[3:])
"""


def test_without_the_extra_fetch_goes_on_and_says_what_to_install(place, tmp_path):
    packages = Path(__import__("click").__file__).parent.parent
    bare = tmp_path / "packages"
    bare.mkdir()
    for entry in packages.iterdir():
        if not entry.name.startswith("apprise"):
            (bare / entry.name).symlink_to(entry)
    place.configure(("hook", "json://127.0.0.1:1/"))
    root = Path(__file__).parent.parent.parent
    before = ("--db", f"{place.folder}/d.db", "--config", f"{place.folder}/dmarcwatch.toml")
    command = (sys.executable, "-I", "-S", "-c", WITHOUT, str(root), str(bare), *before)
    done = subprocess.run((*command, "fetch"), capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Install it: pip install 'dmarcwatch[notify]'" in done.stderr
    tried = subprocess.run((*command, "notify", "--test"), capture_output=True, text=True, check=False)
    assert tried.returncode == 2
    assert "apprise, which is not installed" in tried.stderr


def test_fetch_loads_no_apprise(place):
    place.configure(("hook", "json://127.0.0.1:1/"))
    program = "import sys, dmarcwatch.cli.fetch; print('apprise' in sys.modules)"
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
