"""What alerts see of the database: trusted reports, runs that failed, rejects, and nothing else."""

from contextlib import closing
from datetime import date, timedelta

import pytest

from dmarcwatch.alerts.values import Rejected
from dmarcwatch.store.database import open_database, transaction
from dmarcwatch.store.scene import scene
from dmarcwatch.verdict import Answer
from tests.notify.build import NOW, TODAY
from tests.notify.test_rounds import give

HOUR = timedelta(hours=1)
NAME = "imap://dmarc@example.com"


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "dmarcwatch.db")) as database:
        yield database.conn


def look(connection, now=NOW):
    return scene(connection, now, lambda name: None)


def ran(connection, began, *, error=None, ended=True):
    text = began.strftime("%Y-%m-%dT%H:%M:%SZ")
    connection.execute(
        "INSERT INTO runs (source, started_at, ended_at, error) VALUES (?, ?, ?, ?)",
        (NAME, text, text if ended else None, error),
    )


def test_a_source_fails_since_the_first_run_after_its_last_good_one(connection):
    ran(connection, NOW - 30 * HOUR)
    ran(connection, NOW - 25 * HOUR, error="refused")
    ran(connection, NOW - HOUR, error="timed out")
    (failing,) = look(connection).failing
    assert (failing.since, failing.last_tried) == (NOW - 25 * HOUR, NOW - HOUR)
    assert (failing.last_success, failing.runs, failing.error) == (NOW - 30 * HOUR, 2, "timed out")
    assert look(connection).blind


def test_a_run_that_was_killed_is_no_good_one(connection):
    ran(connection, NOW - HOUR, ended=False)
    (failing,) = look(connection).failing
    assert (failing.last_success, failing.error) == (None, "it did not end")


def test_a_source_that_works_again_does_not_fail(connection):
    ran(connection, NOW - 25 * HOUR, error="refused")
    ran(connection, NOW - HOUR)
    assert look(connection).failing == ()
    assert not look(connection).blind


def test_a_source_that_nobody_tries_any_more_is_forgotten(connection):
    ran(connection, NOW - 100 * HOUR, error="refused")
    ran(connection, NOW - 60 * HOUR, error="refused")
    assert look(connection).failing == ()


def test_without_a_good_run_lately_silence_says_nothing(connection):
    assert look(connection).blind
    ran(connection, NOW - 49 * HOUR)
    assert look(connection).blind


def reported(connection, day, *, tier="verified", reporter=1, policy=1, reports=1):
    connection.execute(
        "INSERT INTO _domain_days VALUES ('example.com', ?, 1, ?, ?, ?, 'clean', ?, ?, 10, 0)",
        (day.isoformat(), (day + timedelta(days=1)).isoformat(), reporter, tier, policy, reports),
    )


@pytest.fixture
def policies(connection):
    give(connection, Answer.KEEP)
    connection.execute("INSERT INTO _reporters (id, name) VALUES (1, 'google.com'), (2, 'Yahoo')")
    connection.execute(
        "INSERT INTO _policies (id, p, sp, pct) VALUES (1, 'none', 'none', 100), (2, 'reject', NULL, 100)"
    )
    return connection


def shown(connection):
    return dict(look(connection).domains[0].policy.tags)


def test_a_policy_is_what_most_reports_of_two_days_state_tag_by_tag(policies):
    for back in (1, 2):
        reported(policies, TODAY - timedelta(days=back), reports=3)
        reported(policies, TODAY - timedelta(days=back), reporter=2, policy=2)
    assert shown(policies) == {"p": "none", "sp": "none", "pct": "100"}


def test_on_the_day_of_a_change_a_tag_is_left_open(policies):
    reported(policies, TODAY - timedelta(days=2))
    reported(policies, TODAY - timedelta(days=1), policy=2)
    assert shown(policies) == {"pct": "100"}


def test_nobody_can_forge_a_policy_by_mailing_a_report(policies):
    reported(policies, TODAY - timedelta(days=1), tier="unverified", policy=2, reports=100)
    assert shown(policies) == {}


def test_nobody_can_forge_a_sender_by_mailing_a_report(policies):
    notes = '[{"word": "region-gap", "since": "2026-11-01", "message": "m", "severity": "blocker"}]'
    policies.execute(
        "INSERT INTO streams (key, id, policy_domain, header_from, sender, place_kind, place, name, sender_type, "
        "legitimacy, notes) VALUES (1, 's', 'example.com', 'example.com', 'amazon-ses', 'region', 'eu-west-1', "
        "'Amazon SES eu-west-1', 'transactional', 'owned', ?)",
        (notes,),
    )
    row = "INSERT INTO _stream_days VALUES (1, ?, 1, ?, 1, ?, 'clean', 'amazonses-only', 0, 5, {})"
    counts = ", ".join("0" * 11)
    day = date(2026, 11, 18).isoformat()
    policies.execute(row.format(counts), (day, day, "unverified"))
    assert look(policies).domains[0].senders == ()
    policies.execute(row.format(counts), (day, day, "verified"))
    (sender,) = look(policies).domains[0].senders
    assert (sender.messages, sender.passed, sender.first_seen, sender.recent) == (5, 0, day, (5, 0))


def test_a_reporter_is_regular_after_ten_days(policies):
    for back in range(1, 10):
        reported(policies, TODAY - timedelta(days=back))
    assert look(policies).reporters == ()
    reported(policies, TODAY - timedelta(days=20))
    (reporter,) = look(policies).reporters
    assert (reporter.name, reporter.days, reporter.span) == ("google.com", 10, 20)


def test_rejects_stand_by_reason_with_the_last_of_each(connection):
    with transaction(connection):
        for number, reason in enumerate(["bomb", "bomb", "no-report"]):
            connection.execute(
                "INSERT INTO rejects (item, name, origin, sha256, reason, message, size, received_at) "
                "VALUES (1, 'x', 'x', 'x', ?, ?, 1, ?)",
                (reason, f"message {number}", f"2026-11-1{number}T08:00:00Z"),
            )
    assert look(connection).rejected == (
        Rejected("bomb", 2, "2026-11-11", "message 1"),
        Rejected("no-report", 1, "2026-11-12", "message 2"),
    )
