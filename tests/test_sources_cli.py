"""`dmarcwatch sources`: what stands under a stream that is not as it should be."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.config import Config
from dmarcwatch.judging import Court
from dmarcwatch.report import AuthResult, Dkim, DmarcResult, Spf, SpfScope
from tests.build import SES_SELECTOR, policy, record, report
from tests.database import NOW, SENDERS, feed, fresh

STREAM = "example.com/amazon-ses/us-east-1"
DAYS = 40
SES = Dkim("amazonses.com", SES_SELECTOR, AuthResult.PASS)
DEFAULT = Spf("amazonses.com", SpfScope.MFROM, AuthResult.PASS)
DKIM_ONLY = {"spf": (DEFAULT,), "spf_evaluated": DmarcResult.FAIL}
UNSIGNED = {"dkim": (SES,), "dkim_evaluated": DmarcResult.FAIL, **DKIM_ONLY}


@pytest.fixture
def told(tmp_path):
    """What `sources` says of a domain whose days hold these records, the last day first."""

    def ask(records_of, *arguments):
        path = tmp_path / "dmarcwatch.db"
        (tmp_path / "empty.toml").touch()
        with fresh(path) as database:
            feed(database, *(on(number, *records_of(number)) for number in range(DAYS)))
            Court(Config(), SENDERS, NOW).judge_and_keep(database, ["example.com"])
        before = ["--db", str(path), "--config", str(tmp_path / "empty.toml")]
        done = CliRunner().invoke(main, [*before, *arguments])
        assert done.exit_code in (0, 1, 3), done.output
        return done.stdout

    return ask


def on(days_before, *records):
    begin = report().begin - timedelta(days=days_before)
    return compose(
        report(begin=begin, end=begin + timedelta(seconds=86399), report_id=str(days_before)), records
    )


def fallen(number):
    """A MAIL FROM that was lost twenty days ago."""
    path = Spf("mail.example.com", SpfScope.MFROM, AuthResult.PASS)
    return [record(messages=30, **(DKIM_ONLY if number < 20 else {"spf": (path,)}))]


def test_a_lost_mail_from_is_restored_under_the_name_it_had(told):
    words = told(fallen, "sources", "--stream", STREAM)
    assert "SES lost the MX of the MAIL FROM domain" in words
    assert "DNS: mail.example.com MX 10 feedback-smtp.us-east-1.amazonses.com" in words
    assert "bounce.example.com" not in words


def test_a_verdict_has_a_note_on_what_mail_that_passes_has_lost(told):
    (verdict,) = json.loads(told(fallen, "verdict", "example.com", "--json", "--as-of", "2026-11-20"))
    assert any(
        note.endswith(f"to mend it: dmarcwatch sources --stream {STREAM}") for note in verdict["notes"]
    )


def cure(words):
    """The name of the stream's line on what to do, and the lines below it."""
    rest = words.partition("\n  Amazon SES us-east-1 ")[2]
    first, *lines = rest.splitlines()
    return first, "\n".join(lines)


def mostly(state, messages=4):
    """Most mail passes by DKIM, a part of each day is in another state."""
    return lambda number: [record(messages=40, **DKIM_ONLY), record(messages=messages, **state)]


def test_what_fails_is_mended_and_not_what_could_be_better(told):
    purpose, lines = cure(told(mostly(UNSIGNED), "sources", "--stream", STREAM))
    assert purpose == "fails. To mend it:"
    assert lines.lstrip().startswith("SES let this sender use example.com")
    assert "survives forwarding" not in lines


def test_a_failing_part_below_two_percent_is_named_too(told):
    def records_of(number):
        return mostly(UNSIGNED)(number) if number == 3 else [record(messages=40, **DKIM_ONLY)]

    purpose, lines = cure(told(records_of, "sources", "--stream", STREAM))
    assert purpose == "fails with 4 messages. To mend it:"
    assert "aws sesv2 list-email-identities" in lines


BROKEN = UNSIGNED | {"dkim": (Dkim("example.com", "q3ra6lqwlyf4eksfcx2bdmaym3tpgvdr", AuthResult.FAIL), SES)}
ELSEWHERE = {"source_ip": "203.0.113.9", "spf": (Spf("list.example", SpfScope.MFROM, AuthResult.PASS),)}


@pytest.mark.parametrize("state", [UNSIGNED | ELSEWHERE, BROKEN | ELSEWHERE], ids=["forwarded", "altered"])
def test_what_others_forwarded_or_altered_is_not_to_be_mended(told, state):
    purpose, lines = cure(told(mostly(state), "sources", "--stream", STREAM))
    assert purpose == "could be better. To make it so:"
    assert "survives forwarding" in lines


def test_a_signature_that_broke_by_chance_is_none_to_mend(told):
    def records_of(number):
        broken = [record(messages=4, **BROKEN)] if number == 3 else []
        return [record(messages=400, **DKIM_ONLY), *broken]

    assert cure(told(records_of, "sources", "--stream", STREAM))[0] == "could be better. To make it so:"


def test_what_was_repaired_a_month_ago_is_over(told):
    def records_of(number):
        return [record(messages=40, **(UNSIGNED if number > 32 else DKIM_ONLY))]

    assert cure(told(records_of, "sources", "--stream", STREAM))[0] == "could be better. To make it so:"


def test_commands_and_records_stay_whole_on_a_narrow_terminal(told, monkeypatch):
    monkeypatch.setattr("dmarcwatch.cli.sources.width", lambda: 40)
    _, lines = cure(told(mostly(UNSIGNED), "sources", "--stream", STREAM))
    assert "    aws sesv2 put-email-identity-dkim-signing-attributes --region us-east-1 \\" in lines
    assert "      --signing-attributes NextSigningKeyLength=RSA_2048_BIT" in lines
    assert all(len(line) <= 40 for line in lines.splitlines() if line.startswith("    Find"))


def test_a_domain_may_be_named_in_the_letters_people_read(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as database:
        of = report(policy=policy(domain="xn--mnchen-3ya.de"))
        feed(database, compose(of, [record(header_from="xn--mnchen-3ya.de")]))
        Court(Config(), SENDERS, NOW).judge_and_keep(database, ["xn--mnchen-3ya.de"])
    done = CliRunner().invoke(main, ["--db", str(tmp_path / "dmarcwatch.db"), "sources", "München.de"])
    assert "xn--mnchen-3ya.de" in done.stdout, done.output


def test_a_key_that_vanished_is_mended_before_its_mail_is_looked_for(told):
    own = Dkim("example.com", "mail2024", AuthResult.FAIL)

    def records_of(number):
        if number > 12:
            return [record(messages=40, dkim=(own._replace(result=AuthResult.PASS), SES), **DKIM_ONLY)]
        return [record(messages=40, **(UNSIGNED if number < 9 else UNSIGNED | {"dkim": (own, SES)}))]

    purpose, lines = cure(told(records_of, "sources", "--stream", STREAM))
    assert purpose == "fails. To mend it:"
    assert lines.lstrip().startswith("The key disappeared from DNS")
    assert "DNS: mail2024._domainkey.example.com TXT" in lines
