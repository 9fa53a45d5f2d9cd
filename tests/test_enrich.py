"""Who operates an address: offline for all of them, by reverse DNS only where somebody asked for it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dmarcwatch.check.hosts import Bounds, host_names
from dmarcwatch.check.operators import built_at, operator_of, sender_name
from dmarcwatch.check.resolver import Servers
from dmarcwatch.compose import compose
from dmarcwatch.report import AuthResult, DmarcResult, Spf, SpfScope
from dmarcwatch.sightings import NO_OPERATOR, Operator
from dmarcwatch.store.operators import (
    WANDERING_DAYS,
    addresses_without_host,
    host_of,
    keep_hosts,
    keep_operators,
    wandering_operator,
)
from tests.build import record, report
from tests.check.dns_server import Fault, serving
from tests.database import NOW, feed, fresh, rows

STRANGER = {
    "dkim_evaluated": DmarcResult.FAIL,
    "spf_evaluated": DmarcResult.FAIL,
    "dkim": (),
    "spf": (Spf("example.com", SpfScope.MFROM, AuthResult.FAIL),),
}
AS_OF = date(2026, 11, 20)
CLOUD = Operator(64500, "Example Cloud", "DE")
HOSTER = Operator(64501, "Example Hosting", "US")
PAST = datetime(2026, 1, 1, tzinfo=UTC)


def operator(ip):
    """10.1.* is the cloud's, 10.2.* the hoster's, and nobody knows the rest."""
    return {"10.1": CLOUD, "10.2": HOSTER}.get(".".join(ip.split(".")[:2]), NO_OPERATOR)


@pytest.fixture
def database(tmp_path):
    with fresh(tmp_path / "dmarcwatch.db") as opened:
        yield opened


def day(days_before, *records, **changes):
    begin = report().begin - timedelta(days=days_before)
    name = f"{days_before} {changes}"
    return compose(
        report(begin=begin, end=begin + timedelta(seconds=86399), report_id=name, **changes), records
    )


def test_the_packaged_database_names_operator_and_country():
    assert operator_of("54.240.8.11").name == "Amazon.com, Inc."
    found = operator_of("2a00:1450:4001:81b::200e")
    assert (found.asn, found.name, len(found.country)) == (15169, "Google LLC", 2)
    assert built_at() > PAST


@pytest.mark.parametrize("ip", ["192.0.2.1", "10.0.0.1", "::1", "nonsense", ""])
def test_an_address_it_does_not_know_has_no_operator(ip):
    assert operator_of(ip) == NO_OPERATOR


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("a8-11.smtp-out.eu-west-1.amazonses.com", "Amazon SES"),
        ("static.1.2.3.4.clients.your-server.de.", "Hetzner"),
        ("MAIL.HETZNER.COM", "Hetzner"),
        ("mail.example.com", None),
        ("", None),
    ],
)
def test_a_host_name_belongs_to_a_sender_by_its_base_domain(host, name):
    assert sender_name(host) == name


def test_every_address_is_looked_up_once_and_again_when_the_database_is_newer(database):
    feed(database, day(0, record("10.1.0.1", **STRANGER), record("10.2.0.1", **STRANGER), record("10.3.0.1")))
    connection = database.conn
    assert keep_operators(connection, operator, built_at=PAST, now=NOW) == 3
    assert rows(database, "SELECT source_ip, country, asn, operator, ptr FROM addresses ORDER BY 1") == [
        ("10.1.0.1", "DE", 64500, "Example Cloud", None),
        ("10.2.0.1", "US", 64501, "Example Hosting", None),
        ("10.3.0.1", None, None, None, None),
    ]
    assert keep_operators(connection, operator, built_at=PAST, now=NOW) == 0
    newer = NOW + timedelta(days=1)
    assert keep_operators(connection, operator, built_at=newer, now=newer) == 3


def test_hosts_are_kept_beside_operators_and_neither_overwrites_the_other(database):
    feed(database, day(0, record("10.1.0.1", **STRANGER)))
    connection = database.conn
    keep_hosts(connection, [("10.1.0.1", "a.cloud.example")], now=NOW)
    keep_operators(connection, operator, built_at=PAST, now=NOW)
    keep_hosts(connection, [("10.1.0.1", "b.cloud.example")], now=NOW)
    assert rows(database, "SELECT operator, ptr FROM addresses") == [("Example Cloud", "b.cloud.example")]
    assert host_of(connection)("10.1.0.1") == "b.cloud.example"
    assert host_of(connection)("10.9.9.9") is None


def test_addresses_of_unknown_senders_are_asked_for_and_an_answer_holds_for_a_while(database):
    known = record("54.240.8.11")
    feed(
        database, day(0, known, record("10.1.0.1", 1, **STRANGER), record("10.2.0.1", 5, **STRANGER))
    )  # fmt: skip
    connection = database.conn

    def wanted(limit=9, older_than=NOW):
        return addresses_without_host(connection, "example.com", older_than=older_than, limit=limit)

    assert wanted() == ["10.2.0.1", "10.1.0.1"]
    assert wanted(limit=1) == ["10.2.0.1"]
    keep_hosts(connection, [("10.2.0.1", None)], now=NOW)
    assert wanted() == ["10.1.0.1"]
    assert wanted(older_than=NOW + timedelta(days=30)) == ["10.2.0.1", "10.1.0.1"]


ZONE = {
    "1.0.0.10.in-addr.arpa PTR": "Mail.Example.com.",
    "mail.example.com A": ["10.0.0.9", "10.0.0.1"],
    "2.0.0.10.in-addr.arpa PTR": "claimed.example.com.",
    "claimed.example.com A": "10.0.0.77",
    "3.0.0.10.in-addr.arpa PTR": "gone.example.com.",
    "5.0.0.10.in-addr.arpa PTR": Fault.SERVFAIL,
    "6.0.0.10.in-addr.arpa PTR": ["claimed.example.com.", "six.example.com."],
    "six.example.com A": "10.0.0.6",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR": "six.example.com.",
    "six.example.com AAAA": "2001:db8::1",
}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", {"10.0.0.1": "mail.example.com"}),
        ("10.0.0.2", {"10.0.0.2": None}),
        ("10.0.0.3", {"10.0.0.3": None}),
        ("10.0.0.4", {"10.0.0.4": None}),
        ("10.0.0.5", {}),
        ("10.0.0.6", {"10.0.0.6": "six.example.com"}),
        ("2001:db8::1", {"2001:db8::1": "six.example.com"}),
    ],
)
def test_a_host_name_is_believed_only_where_it_leads_back(address, expected):
    with serving(ZONE) as server:
        assert host_names([address], Servers((("127.0.0.1", server.port),), 20)) == expected


def test_no_more_addresses_are_asked_than_allowed_and_each_once():
    with serving(ZONE) as server:
        servers = Servers((("127.0.0.1", server.port),), 20)
        found = host_names(["10.0.0.1", "10.0.0.1", "10.0.0.4", "10.0.0.6"], servers, Bounds(max_addresses=2))
    assert found == {"10.0.0.1": "mail.example.com", "10.0.0.4": None}
    assert len([name for name, kind in server.asked if kind == "PTR"]) == 2


def test_what_is_not_answered_in_time_stays_unknown():
    with serving({}, otherwise=Fault.SILENT) as server:
        servers = Servers((("127.0.0.1", server.port),), 60)
        assert host_names(["10.0.0.1", "10.0.0.2"], servers, Bounds(seconds=0.2)) == {}


def test_nothing_is_asked_for_no_addresses():
    assert host_names([], Servers((("127.0.0.1", 9),))) == {}


def wandering(database, *, as_of=AS_OF):
    return wandering_operator(database.conn, "example.com", as_of=as_of, operator_of=operator)


def wander(database, days, *, network="10.1", others=0, first=0, **changes):
    """A sender with an address in another network each day, and strangers from many networks."""
    for number in range(first, first + days):
        strays = [record(f"10.{50 + n}.{number}.1", 1, **STRANGER) for n in range(others)]
        feed(
            database,
            day(number, record(f"{network}.{number}.7", 4, **STRANGER | changes), *strays),
            source=f"{network} {number}",
        )


def test_most_scattered_mail_from_one_operator_on_ten_days_is_told_with_its_numbers(database):
    wander(database, WANDERING_DAYS, others=3)
    found = wandering(database)
    assert found.operator == CLOUD
    assert (found.messages, found.of, found.days, found.networks) == (40, 70, 10, 10)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"days": WANDERING_DAYS - 1}, "too few days"),
        ({"days": WANDERING_DAYS, "others": 4}, "only half of the mail"),
        ({"days": WANDERING_DAYS, "network": "10.3"}, "an operator that nobody knows"),
        ({"days": WANDERING_DAYS, "first": 24}, "too long ago"),
        ({"days": WANDERING_DAYS, "dkim_evaluated": DmarcResult.PASS}, "it passes"),
    ],
)
def test_less_is_nothing_to_warn_of(database, settings, why):
    wander(database, **settings)
    assert wandering(database) is None, why


def test_days_that_reports_still_come_in_for_do_not_count(database):
    wander(database, WANDERING_DAYS)
    assert wandering(database, as_of=AS_OF) is not None
    assert wandering(database, as_of=AS_OF - timedelta(days=1)) is None
