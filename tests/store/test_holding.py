"""Reports that cannot be what they say are kept and not counted, and a person may let them through."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.compose import compose, compose_mail
from dmarcwatch.errors import ConfigError
from dmarcwatch.rebuild import rebuild_facts
from dmarcwatch.report import AuthResult, Dkim, Policy
from dmarcwatch.store.holding import held_reasons, held_reports
from dmarcwatch.store.release import release
from dmarcwatch.store.retention import prune_records
from tests.build import policy, record, report
from tests.database import NOW, SENDERS, feed, fresh, rows, rules

GENUINE = "google.com"


@pytest.fixture
def database(tmp_path):
    with fresh(tmp_path / "d.db") as database:
        yield database


def day(number, org="stranger.example", **changes):
    """The report of a day so many days ago."""
    begin = datetime(2026, 11, 18, tzinfo=UTC) - timedelta(days=number)
    known = {"org_name": org, "org_email": f"dmarc@{org}", "report_id": f"{org} {number}"}
    return report(**known | {"begin": begin, "end": begin + timedelta(seconds=86399)} | changes)


def mailed(head, *records, sender=None, received=None):
    """A mail whose host says that it passed DMARC for `sender`, or that it failed."""
    who = sender or head.org_email.rpartition("@")[2]
    result = f"dmarc={'pass' if sender else 'fail'} header.from={who}"
    field = f"Authentication-Results: mx.example.com; {result}\n".encode()
    return field + compose_mail(head, records or [record()])


def forged(number, *records, **changes):
    return mailed(day(number, **changes), *records)


def genuine(number, *records):
    return mailed(day(number, GENUINE), *records, sender=GENUINE)


def seen(database):
    return rows(database, "SELECT status, tier FROM reports ORDER BY id")


def reasons(database):
    return [one["why"] for one in held_reports(database.conn)]


def test_what_strangers_invent_beside_what_is_known_is_held_with_its_reason(database):
    feed(database, *(genuine(number) for number in range(9)), local=False, source="a")
    selector = Dkim("example.com", "never-published", AuthResult.PASS)
    feed(
        database,
        forged(1, policy=policy(p=Policy.REJECT)),
        forged(2, record("10.0.0.1", 99)),
        forged(3, record("54.240.8.12", 5, dkim=(selector,))),
        forged(4),
        local=False,
        source="b",
    )
    assert reasons(database) == ["selector", "addresses", "policy"]
    assert seen(database)[9:] == [("held", "unverified")] * 3 + [("counted", "unverified")]
    assert rows(database, "SELECT sum(reports) FROM domain_days") == [(10,)]
    assert held_reasons(database.conn)[0]["reports"] == 1


SELECTORS = ("never-published", "q3ra6lqwlyf4eksfcx2bdmaym3tpgvdr")
arrivals = st.lists(
    st.one_of(
        st.builds(genuine, st.integers(0, 3)),
        st.builds(
            lambda number, org, p, address, selector: forged(
                number,
                record(address, 9, dkim=(Dkim("example.com", selector, AuthResult.PASS),)),
                org=org,
                policy=policy(p=p),
            ),
            st.integers(0, 3),
            st.sampled_from(["stranger.example", GENUINE]),
            st.sampled_from([Policy.NONE, Policy.REJECT]),
            st.sampled_from(["54.240.8.12", "10.0.0.1"]),
            st.sampled_from(SELECTORS),
        ),
    ),
    max_size=8,
)


@settings(max_examples=40)
@given(arrivals)
def test_what_came_before_is_known_within_one_transaction_as_after_many(tmp_path_factory, mails):
    found = []
    for several in (False, True):
        with fresh(tmp_path_factory.mktemp("db") / "d.db") as database:
            for number, part in enumerate([[mail] for mail in mails] if several else [mails]):
                feed(database, *part, local=False, source=f"{number}")
            found.append((seen(database), held_reports(database.conn)))
    assert found[0] == found[1]


def test_a_reporter_that_suddenly_tells_of_millions_is_held(database):
    feed(database, *(forged(number) for number in range(2, 8)), local=False, source="a")
    feed(database, forged(1, record("54.240.8.12", 1_000_000)), local=False, source="b")
    assert reasons(database) == ["surge"]


def test_a_surge_is_held_against_reports_whose_records_are_gone(database):
    feed(database, *(forged(number) for number in range(2, 8)), local=False, source="a")
    assert prune_records(database.conn, NOW.date()).reports == 6
    feed(database, forged(1, record("54.240.8.12", 1_000_000)), local=False, source="b")
    assert reasons(database) == ["surge"]


def test_a_report_that_names_days_to_come_is_held_whoever_sent_it(database):
    feed(database, mailed(day(-9, GENUINE), sender=GENUINE), local=False)
    assert seen(database) == [("held", "verified")]
    assert reasons(database) == ["early"]


def test_facts_read_anew_are_held_alike(database):
    items = [genuine(1), forged(1, policy=policy(p=Policy.REJECT)), genuine(2), forged(2), genuine(3)]
    feed(database, *items, local=False)
    before = seen(database), reasons(database)
    assert before[1] == ["policy"]
    rebuild_facts(database, rules())
    assert (seen(database), reasons(database)) == before


def test_a_person_may_let_a_held_report_through_for_good(database):
    feed(database, genuine(1), genuine(2), forged(1, policy=policy(p=Policy.REJECT)), local=False)
    identity = held_reports(database.conn)[0]["id"]
    assert release(database, SENDERS, identity, now=NOW) == {"example.com"}
    assert seen(database)[2] == ("counted", "unverified")
    assert rows(database, "SELECT sum(reports) FROM domain_days") == [(3,)]
    assert held_reports(database.conn) == []
    rebuild_facts(database, rules())
    assert seen(database)[2] == ("counted", "unverified")


@pytest.mark.parametrize("identity", [1, 99])
def test_only_what_is_held_can_be_let_through(database, identity):
    feed(database, genuine(1), local=False)
    with pytest.raises(ConfigError):
        release(database, SENDERS, identity, now=NOW)


def test_a_report_without_its_records_cannot_be_let_through(database):
    feed(database, genuine(1), forged(1, policy=policy(p=Policy.REJECT)), local=False)
    identity = held_reports(database.conn)[0]["id"]
    prune_records(database.conn, NOW.date())
    before = rows(database, "SELECT * FROM domain_days")
    with pytest.raises(ConfigError, match="its records are not in this database"):
        release(database, SENDERS, identity, now=NOW)
    assert reasons(database) == ["policy"]
    assert rows(database, "SELECT count(*) FROM _released") == [(0,)]
    assert rows(database, "SELECT * FROM domain_days") == before


def test_a_held_report_keeps_its_records_from_the_day_it_came(database):
    feed(database, *(genuine(number) for number in range(100, 109)), local=False, source="a")
    feed(database, b"Date: Thu, 19 Nov 2026 08:00:00 +0000\n" + forged(101), local=False, source="b")
    assert reasons(database) == ["late"]
    before = NOW.date() - timedelta(days=90)
    assert prune_records(database.conn, before).reports == 9
    assert release(database, SENDERS, held_reports(database.conn)[0]["id"], now=NOW) == {"example.com"}


# Whoever guesses a report and sends it first must not keep the genuine one out.


def test_a_guessed_copy_sent_too_early_does_not_keep_the_report_out(database):
    head, text = day(1, GENUINE), [record(messages=1)]
    before = NOW - timedelta(days=6)
    feed(database, mailed(head, *text), local=False, source="forger", now=before)
    assert reasons(database) == ["early"]
    feed(database, mailed(head, *text, sender=GENUINE), local=False, source="google")
    assert seen(database) == [("counted", "verified")]
    assert held_reports(database.conn) == []
    assert rows(database, "SELECT received_day, tier, messages FROM stream_days") == [
        ("2026-11-18", "verified", 1)
    ]


def test_a_guessed_copy_behind_another_forgery_does_not_keep_the_report_out(database):
    head, text = day(1, GENUINE), [record(messages=1)]
    decoy = mailed(head, record("54.240.8.99", 50))
    feed(database, decoy, mailed(head, *text), local=False, source="forger")
    assert seen(database) == [("counted", "unverified"), ("conflict", "unverified")]
    feed(database, mailed(head, *text, sender=GENUINE), local=False, source="google")
    assert seen(database) == [("superseded", "unverified"), ("counted", "verified")]
    assert rows(database, "SELECT tier, sum(messages) FROM stream_days GROUP BY tier") == [("verified", 1)]


def test_a_guessed_copy_that_a_larger_forgery_replaced_counts_again(database):
    head, text = day(1, GENUINE), [record(messages=1)]
    larger = mailed(head, *text, record("54.240.8.99", 50))
    feed(database, mailed(head, *text), larger, local=False, source="forger")
    assert seen(database) == [("superseded", "unverified"), ("counted", "unverified")]
    feed(database, mailed(head, *text, sender=GENUINE), local=False, source="google")
    assert seen(database) == [("counted", "verified"), ("superseded", "unverified")]


def test_selectors_are_known_from_reports_that_count_alone(database):
    selector = Dkim("example.com", "invented", AuthResult.PASS)
    feed(database, forged(3, record("54.240.8.12", 5, dkim=(selector,))), local=False, source="a")
    assert rows(database, "SELECT * FROM _selector_days") == []
    feed(database, compose(day(4), [record()]), source="b")
    assert {row[2] for row in rows(database, "SELECT * FROM _selector_days")} == {
        "q3ra6lqwlyf4eksfcx2bdmaym3tpgvdr"
    }
