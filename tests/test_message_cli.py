"""`dmarcwatch message`: one mail from a file or standard input, with the keys of today where asked for."""

import json

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.store.published import keep_record
from tests.check.dns_server import Fault, serving, txt
from tests.database import NOW, fresh
from tests.test_arrival import record, signed
from tests.test_message import GOOGLE, MICROSOFT, SIGNATURES

BARE = b"From: Shop <orders@example.com>\r\nTo: a@customer.example\r\nSubject: Hello\r\n\r\nHello\r\n"
FIELDS = [b"from", b"to", b"subject"]
KEY = {"s1._domainkey.example.com TXT": txt(record().decode())}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "dmarcwatch.db"


def message(path, data, *options):
    data = data if isinstance(data, bytes) else data.encode()
    return CliRunner().invoke(main, ["--db", str(path), "message", "-", *options], input=data)


def verified(path, data, zone, *options):
    with serving(zone) as server:
        return message(path, data, "--verify", "--resolver", f"127.0.0.1:{server.port}", *options)


def our_mail():
    return signed(BARE, domain="example.com", fields=FIELDS)


def test_a_mail_is_read_from_a_file(path, tmp_path):
    (tmp_path / "mail.eml").write_text(GOOGLE)
    done = CliRunner().invoke(main, ["--db", str(path), "message", str(tmp_path / "mail.eml")])
    assert done.exit_code == 0
    assert done.stdout.startswith("From example.com, sent by amazon-ses eu-west-1")
    assert "DMARC passes; mx.google.com says pass." in done.stdout
    assert "put-email-identity-mail-from-attributes" in done.stdout


def test_a_mail_is_read_from_standard_input_and_no_database_is_made(path):
    assert message(path, GOOGLE).stdout.startswith("From example.com, sent by amazon-ses")
    assert not path.exists()


def test_the_same_for_programs(path):
    answer = json.loads(message(path, GOOGLE, "--json").stdout)
    assert (answer["state"], answer["passes"], answer["verified"]) == ("dkim-only", True, None)


def test_a_strict_record_that_check_found_is_held_against_it(path):
    with fresh(path) as database:
        keep_record(database.conn, "example.com", "v=DMARC1; p=none; aspf=s", looked_up_at=NOW)
    assert json.loads(message(path, MICROSOFT, "--json").stdout)["state"] == "strict-aspf"


def test_a_strict_record_of_the_configuration_is_held_against_it(path, tmp_path):
    config = tmp_path / "dmarcwatch.toml"
    config.write_text('[domain."example.com"]\nrecord = "v=DMARC1; p=none; aspf=s"\n')
    arguments = ["--db", str(path), "--config", str(config), "message", "-", "--json"]
    done = CliRunner().invoke(main, arguments, input=MICROSOFT.encode())
    assert json.loads(done.stdout)["state"] == "strict-aspf"


def test_a_record_without_modes_is_relaxed(path):
    with fresh(path) as database:
        keep_record(database.conn, "example.com", "v=DMARC1; p=reject", looked_up_at=NOW)
    assert json.loads(message(path, MICROSOFT, "--json").stdout)["state"] == "both-aligned"


def test_nobody_is_asked_for_keys_unless_that_is_switched_on(path):
    with serving(KEY) as server:
        message(path, our_mail(), "--resolver", f"127.0.0.1:{server.port}")
    assert server.asked == []


def test_a_mail_that_no_host_checked_is_checked_with_the_keys_of_today(path):
    unchecked = json.loads(message(path, our_mail(), "--json").stdout)
    assert (unchecked["checked"], unchecked["passes"], unchecked["verified"]) == (False, False, None)
    checked = json.loads(verified(path, our_mail(), KEY, "--json").stdout)
    assert (checked["passes"], checked["dkim_aligned"], checked["verified"]) == (True, True, ["example.com"])
    assert "Verified now: d=example.com." in verified(path, our_mail(), KEY).stdout


def test_an_mbox_line_on_top_is_no_part_of_the_mail(path):
    data = b"From shop@example.com Fri Nov 20 12:00:00 2026\r\n" + our_mail()
    assert json.loads(verified(path, data, KEY, "--json").stdout)["verified"] == ["example.com"]


@pytest.mark.parametrize(
    ("data", "zone"),
    [
        (our_mail().replace(b"Hello\r\n", b"Help!\r\n"), KEY),
        (our_mail(), {}),
        (our_mail(), {"s1._domainkey.example.com TXT": Fault.SERVFAIL}),
        (SIGNATURES.encode(), KEY),
    ],
)
def test_what_does_not_verify_is_not_said_to_be_broken(path, data, zone):
    done = verified(path, data, zone, "--json")
    answer = json.loads(done.stdout)
    assert (answer["verified"], answer["checked"], answer["passes"]) == ([], False, False)
    assert "Verified now: no signature as example.com." in verified(path, data, zone).stdout


def test_the_mail_hosts_own_word_stands_beside_what_verifies_today(path):
    done = json.loads(verified(path, GOOGLE, {}, "--json").stdout)
    assert (done["passes"], done["authserv_id"], done["verified"]) == (True, "mx.google.com", [])


@pytest.mark.parametrize("data", [b"", b"no mail at all", b"Subject: x\r\n\r\n"])
def test_what_is_no_mail_is_a_sentence_and_exit_1(path, data):
    done = message(path, data)
    assert done.exit_code == 1
    assert "no mail with one From domain" in done.stderr
    assert "Traceback" not in done.output


def test_a_mail_beyond_the_budget_is_refused(path, tmp_path):
    config = tmp_path / "dmarcwatch.toml"
    config.write_text("[budgets]\nmax_message_bytes = 100\n")
    arguments = ["--db", str(path), "--config", str(config), "message", "-"]
    done = CliRunner().invoke(main, arguments, input=BARE + b"x" * 100)
    assert (done.exit_code, "more than 100 bytes" in done.stderr) == (1, True)


def test_a_file_that_is_not_there_is_a_usage_error(path, tmp_path):
    done = CliRunner().invoke(main, ["--db", str(path), "message", str(tmp_path / "none.eml")])
    assert done.exit_code == 2


def test_control_characters_of_a_mail_do_not_reach_the_terminal(path):
    data = GOOGLE.replace("s=abc", "s=\x1b[31mabc").replace("header.s=", "header.s=\x1b[31m")
    done = message(path, data)
    assert "\x1b" not in done.stdout
