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
from tests.build import SES_SELECTOR, record, report
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
