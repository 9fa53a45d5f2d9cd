"""Nobody who may write to the mailbox moves a verdict, by what they forge or by sending it first.

An attacker sends reports every day, with borrowed identities and from domains of its own that pass DMARC.
"""

import sqlite3

import pytest

from tests.forgery import DOMAIN, FORGOTTEN, PASSING, Forger, Mailbox, decided, fetched, genuine

DAYS = 70
TRUTHS = {"ready": (PASSING,), "not-ready": (PASSING, FORGOTTEN)}


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory) -> dict[str, Mailbox]:
    return {
        name: fetched(tmp_path_factory.mktemp(name), list(genuine(DAYS, *truth)))
        for name, truth in TRUTHS.items()
    }


@pytest.fixture(scope="module")
def attacked(tmp_path_factory) -> dict[str, Mailbox]:
    return {
        name: fetched(
            tmp_path_factory.mktemp(f"{name}-attacked"),
            [*genuine(DAYS, *truth), *Forger(60, 15).mails(*truth)],
        )
        for name, truth in TRUTHS.items()
    }


def trusted(mailbox: Mailbox, table: str) -> list[tuple]:
    names = {"stream_days": "stream, day, received_day, reporter, state, messages, dmarc_pass", "domain_days": "day, received_day, reporter, p, reports, messages"}  # fmt: skip
    connection = sqlite3.connect(mailbox.database)
    rows = connection.execute(f"SELECT {names[table]} FROM {table} WHERE tier = 'verified'").fetchall()
    connection.close()
    return sorted(rows, key=repr)


def test_the_two_domains_are_what_they_are(left_alone):
    assert decided(left_alone["ready"])["verdict"] == "ready-for-quarantine"
    assert decided(left_alone["not-ready"])["verdict"] == "not-ready"


@pytest.mark.parametrize("truth", TRUTHS)
def test_no_domain_becomes_ready_and_none_ceases_to_be(left_alone, attacked, truth):
    assert decided(attacked[truth]) == decided(left_alone[truth])


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("table", ["stream_days", "domain_days"])
def test_no_genuine_report_is_suppressed_or_counted_twice(left_alone, attacked, truth, table):
    assert trusted(attacked[truth], table) == trusted(left_alone[truth], table)


def test_forged_reports_are_kept_and_shown_beside(attacked):
    (verdict,) = attacked["ready"].answer("verdict", DOMAIN, "--as-of", "2026-11-20", "--json")
    assert verdict["tiers"]["verified"] == 3 * DAYS
    assert verdict["tiers"]["unverified"] > 0 < verdict["tiers"]["consistent"]
    assert sum(verdict["tiers"].values()) < 3 * DAYS + 60 * 15
    assert attacked["ready"].answer("status", "--json")["held"]


def test_the_command_line_says_how_much_rests_on_whom(attacked):
    text = attacked["ready"].run("verdict", DOMAIN, "--as-of", "2026-11-20").stdout
    assert f"Rests on: {3 * DAYS} verified reports and 0 from files you named; beside them" in text
    sources = attacked["ready"].run("sources", DOMAIN).stdout
    assert "of verified reports" in sources
    assert "of reports nobody vouches for, which decide nothing" in sources
    tiers = [source["tiers"] for source in attacked["ready"].answer("sources", DOMAIN, "--json")]
    assert {"verified", "unverified"} <= set().union(*tiers)


def test_held_reports_are_listed_and_a_person_may_let_one_through(attacked):
    mailbox = attacked["not-ready"]
    held = mailbox.answer("rejects", "--held", "--json")
    assert {one["why"] for one in held} >= {"policy"}
    assert "reports are held: dmarcwatch rejects --held" in mailbox.run("rejects").stdout
    before = decided(mailbox)
    assert mailbox.run("rejects", "--release", str(held[0]["id"])).exit_code == 0
    assert len(mailbox.answer("rejects", "--held", "--json")) == len(held) - 1
    assert decided(mailbox) == before
    assert mailbox.run("rejects", "--release", str(held[0]["id"])).exit_code == 2


def test_reports_on_domains_of_strangers_stand_in_no_answer_to_all(attacked, left_alone):
    """Else anybody could turn the exit status of a nightly `verdict` from 0 to 3."""
    day = ("--as-of", "2026-11-20", "--json")
    assert [each["domain"] for each in attacked["ready"].answer("verdict", *day)] == [DOMAIN]
    assert attacked["ready"].run("verdict", *day).exit_code == 0
    assert [each["verdict"] for each in attacked["ready"].answer("verdict", "other.example", *day)] == [
        "cannot-tell"
    ]
