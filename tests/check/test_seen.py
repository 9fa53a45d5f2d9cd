"""What trusted reports of the last 62 days showed, read back from a real database."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dmarcwatch.compose import compose
from dmarcwatch.config import Config
from dmarcwatch.judging import Court
from dmarcwatch.report import AuthResult, Dkim, DmarcResult, Policy, Spf, SpfScope
from dmarcwatch.ses.remedy import SeenMailFrom
from dmarcwatch.sightings import NOTHING_SEEN, ReturnPathSeen, SelectorSeen, StateSeen
from dmarcwatch.store.mail_from import seen_mail_from
from dmarcwatch.store.published import keep_record, last_record
from dmarcwatch.store.seen import SEEN_DAYS, sightings
from tests.build import SES_SELECTOR, policy, record, report
from tests.database import NOW, SENDERS, feed, fresh, rows

TOKEN = "q3ra6lqwlyf4eksfcx2bdmaym3tpgvdr"
DAY = date(2026, 11, 18)
AS_OF = date(2026, 11, 20)
SES = Dkim("amazonses.com", SES_SELECTOR, AuthResult.PASS)
DEFAULT = Spf("amazonses.com", SpfScope.MFROM, AuthResult.PASS)
UNSIGNED = {
    "dkim": (SES,),
    "spf": (DEFAULT,),
    "dkim_evaluated": DmarcResult.FAIL,
    "spf_evaluated": DmarcResult.FAIL,
}
STRANGER = {
    "dkim_evaluated": DmarcResult.FAIL,
    "spf_evaluated": DmarcResult.FAIL,
    "dkim": (Dkim("example.com", "invented", AuthResult.FAIL),),
    "spf": (Spf("example.com", SpfScope.MFROM, AuthResult.FAIL),),
}


@pytest.fixture
def database(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as opened:
        yield opened


def on(days_before, *records, domain="example.com", p=Policy.NONE, **changes):
    """The report of another day."""
    begin = report().begin - timedelta(days=days_before)
    of = report(
        begin=begin,
        end=begin + timedelta(seconds=86399),
        report_id=f"{days_before} {changes}",
        policy=policy(domain=domain, p=p),
        **changes,
    )
    return compose(of, records)


def of(database, domain="example.com", as_of=AS_OF):
    return sightings(database.conn, domain, as_of=as_of)


def shown(database, stream="example.com/amazon-ses/us-east-1", as_of=AS_OF):
    return seen_mail_from(database.conn, stream, as_of=as_of)


def path(name):
    return {"spf": (Spf(name, SpfScope.MFROM, AuthResult.PASS),)}


def test_the_custom_mail_from_is_that_of_most_mail_of_its_last_day(database):
    new, stray = record(**path("mail.example.com"), messages=9), record(**path("old.example.com"))
    feed(database, on(0, record(messages=90, **UNSIGNED)), on(4, new, stray), on(9, record(messages=99)))
    assert shown(database) == SeenMailFrom("mail.example.com", "us-east-1")
    assert shown(database, as_of=DAY - timedelta(days=6)) == SeenMailFrom("bounce.example.com", "us-east-1")


def test_a_broken_mail_from_is_known_by_its_name(database):
    lost = UNSIGNED | {"spf": (Spf("mail.example.com", SpfScope.MFROM, AuthResult.NONE),)}
    feed(database, on(0, record(**lost)))
    assert shown(database) == SeenMailFrom("mail.example.com", "us-east-1")


def test_sess_own_return_path_is_no_custom_one_and_strangers_name_none(database):
    feed(database, on(0, record(**UNSIGNED)))
    feed(database, on(1, record()), local=False)
    assert shown(database) is None


def test_of_a_domain_nobody_spoke_of_nothing_was_seen(database):
    assert of(database) == NOTHING_SEEN


def test_selectors_and_return_paths_are_summed_up_with_their_days(database):
    failed = record(messages=2, dkim=(Dkim("example.com", TOKEN, AuthResult.FAIL), SES))
    feed(database, on(0, record(), failed), on(9, record(messages=5)))
    found = of(database)
    first = DAY - timedelta(days=9)
    assert (found.since, found.until) == (first, DAY)
    assert found.selectors == (
        SelectorSeen("example.com", TOKEN, "amazon-ses", "us-east-1", 8, 2, first, DAY),
    )
    assert found.return_paths == (
        ReturnPathSeen("bounce.example.com", "amazon-ses", "us-east-1", 10, 10, first, DAY),
    )
    assert found.regions == ("us-east-1",)
    assert found.header_froms == ("example.com",)
    assert found.ses_addresses == {"54.240.8.11"}


def test_states_of_ses_have_their_days(database):
    feed(database, on(0, record(), record(messages=4, **UNSIGNED)), on(3, record(messages=6, **UNSIGNED)))
    assert of(database).states == (
        StateSeen("example.com", "us-east-1", "amazonses-only", 10, DAY - timedelta(days=3), DAY),
        StateSeen("example.com", "us-east-1", "both-aligned", 3, DAY, DAY),
    )


def test_helo_names_are_no_return_paths_and_a_null_one_is_none(database):
    helo = Spf("a8-11.smtp-out.amazonses.com", SpfScope.HELO, AuthResult.PASS)
    feed(database, on(0, record(spf=(helo,), envelope_from="", spf_evaluated=DmarcResult.FAIL)))
    assert of(database).return_paths == ()


def test_strangers_keep_their_names_and_their_failures(database):
    feed(database, on(0, record("203.0.113.5", **STRANGER)))
    found = of(database)
    assert [(use.selector, use.sender, use.passed, use.failed) for use in found.selectors] == [
        ("invented", "unknown", 0, 3)
    ]
    assert [(path.domain, path.sender, path.passed) for path in found.return_paths] == [
        ("example.com", "unknown", 0)
    ]


@pytest.mark.parametrize(
    ("days_before", "counts"), [(0, True), (SEEN_DAYS - 3, True), (SEEN_DAYS - 2, False)]
)
def test_older_days_do_not_count(database, days_before, counts):
    feed(database, on(days_before, record()))
    assert bool(of(database).selectors) is counts
    assert bool(of(database).states) is counts


def test_reports_that_nobody_vouches_for_do_not_count(database):
    feed(database, on(0, record()), local=False)
    assert rows(database, "SELECT tier FROM reports") == [("unverified",)]
    assert replace(of(database), ses_addresses=frozenset()) == NOTHING_SEEN


def test_other_domains_do_not_count(database):
    feed(database, on(0, record(header_from="example.net"), domain="example.net"))
    assert of(database) == NOTHING_SEEN
    assert of(database, "example.net").states


def test_what_was_judged_of_streams_comes_with_it(database):
    """A network that lasts, and a region that lacks what another has."""
    ireland = {"dkim": (SES._replace(selector="ihchhvubuqgjsxyuhssfvqohv7z3u4hn"),)}
    region = UNSIGNED | ireland | {"spf": (Spf("eu-west-1.amazonses.com", SpfScope.MFROM, AuthResult.PASS),)}
    for number in range(20):
        stranger = record("203.0.113.5", 2, **(STRANGER | {"dkim": ()}))
        feed(
            database,
            on(number, record(), record("54.240.9.1", **region), stranger),
            on(number, stranger, org_name="b.example", org_email="d@b.example"),
            source=f"day {number}",
        )
    Court(Config(), SENDERS, NOW).judge_and_keep(database, ["example.com"])
    found = of(database)
    assert [(each.region, each.word) for each in found.findings] == [("eu-west-1", "region-gap")]
    assert [(each.network, each.messages, each.addresses) for each in found.networks] == [
        ("203.0.113.0/24", 80, ("203.0.113.5",))
    ]


def test_the_policy_is_that_of_most_reports_of_the_last_day(database):
    def found(days_before, name, p):
        return on(days_before, record(), org_name=name, org_email=f"d@{name}", p=p)

    old = [found(1, f"{number}.example", Policy.REJECT) for number in range(3)]
    last = [found(0, "a.example", Policy.NONE), found(0, "b.example", Policy.NONE)]
    feed(database, *old, *last, found(0, "c.example", Policy.QUARANTINE))
    assert of(database).policy == "none"


def test_a_record_is_kept_with_the_day_it_was_last_found(database):
    connection = database.conn
    assert last_record(connection, "example.com") is None
    keep_record(connection, "example.com", "v=DMARC1; p=none", looked_up_at=NOW)
    keep_record(connection, "example.com", "v=DMARC1; p=none", looked_up_at=NOW + timedelta(days=1))
    keep_record(connection, "example.com", "v=DMARC1; p=reject", looked_up_at=NOW + timedelta(days=2))
    assert rows(database, "SELECT record, looked_up_at FROM published ORDER BY looked_up_at") == [
        ("v=DMARC1; p=none", "2026-11-21T12:00:00Z"),
        ("v=DMARC1; p=reject", "2026-11-22T12:00:00Z"),
    ]
    assert last_record(connection, "example.com") == "v=DMARC1; p=reject"


def test_a_record_that_is_gone_is_known_to_be_gone(database):
    connection = database.conn
    keep_record(connection, "example.com", None, looked_up_at=NOW)
    assert rows(database, "SELECT * FROM published") == []
    keep_record(connection, "example.com", "v=DMARC1; p=none", looked_up_at=NOW)
    keep_record(connection, "example.com", None, looked_up_at=NOW + timedelta(days=1))
    assert last_record(connection, "example.com") is None
    keep_record(connection, "example.com", "v=DMARC1; p=none", looked_up_at=NOW + timedelta(days=2))
    assert last_record(connection, "example.com") == "v=DMARC1; p=none"


def test_two_looks_in_one_second_keep_the_later_one(database):
    keep_record(database.conn, "example.com", "a", looked_up_at=NOW)
    keep_record(database.conn, "example.com", "b", looked_up_at=NOW)
    assert last_record(database.conn, "example.com") == "b"
