"""Whose mail a stream is: one test for each line of JUDGEMENT 3 and for what must not follow from it."""

from datetime import timedelta

import pytest

from dmarcwatch.history import NOTHING_DECLARED, Declared
from dmarcwatch.readiness import Judge
from dmarcwatch.readiness.legitimacy import ActiveDay, is_own_tenant, persists
from dmarcwatch.report import Tier
from dmarcwatch.streams import Label, Legitimacy, PlaceKind, stream_id
from tests.judge_build import (
    LAST,
    SCATTERED,
    SES,
    TODAY,
    World,
    ago,
    healthy,
    label,
    network,
    place,
    row,
    stream,
)

ESP = place("sendgrid", PlaceKind.NONE, "")
GOOGLE = place("google-workspace", PlaceKind.TENANT, "example-com")
STRANGER = place("google-workspace", PlaceKind.TENANT, "stranger-com")
NET = network()


def standing(world, where, *, declared=NOTHING_DECLARED, as_of=TODAY):
    return Judge(world.history(), declared=declared).standings(as_of)[stream_id(where)]


def mailbox(where):
    return stream(where, sender_type="mailbox")


def test_aligned_spf_makes_a_stream_yours_whoever_sends_it():
    found = standing(World().mail(NET, range(5), 3, "spf-only"), NET)
    assert (found.legitimacy, found.own) == (Legitimacy.OWNED, True)
    assert "SPF" in found.because


def test_easy_dkim_with_the_default_return_path_is_yours():
    assert standing(World().mail(SES, range(5), 3, "dkim-only"), SES).legitimacy is Legitimacy.OWNED


@pytest.mark.parametrize("state", ["amazonses-only", "unaligned", "vendor-unaligned"])
def test_a_service_that_mails_for_its_customers_is_probably_yours_from_its_first_message(state):
    found = standing(World().mail(SES, [0], 1, state), SES)
    assert found.legitimacy is Legitimacy.SHADOW
    assert found.own and found.confidence < 1


def test_the_tenant_that_bears_your_name_is_probably_yours_and_a_strangers_is_not():
    world = World()
    for where in (GOOGLE, STRANGER):
        world.add(mailbox(where), [row(where, ago(day), 5, "unaligned") for day in range(20)])
    assert standing(world, GOOGLE).legitimacy is Legitimacy.SHADOW
    assert standing(world, STRANGER).legitimacy is Legitimacy.UNKNOWN


def test_a_strangers_tenant_that_was_seen_on_a_few_days_is_spoofing():
    world = World().add(mailbox(STRANGER), [row(STRANGER, ago(3 * day), 5, "unaligned") for day in range(9)])
    assert standing(world, STRANGER).legitimacy is Legitimacy.SPOOF


@pytest.mark.parametrize("state", ["strict-adkim", "strict-aspf"])
def test_mail_of_another_name_of_yours_that_strict_alignment_refuses_is_yours(state):
    where = place("google-workspace", PlaceKind.NONE)
    world = World().add(mailbox(where), [row(where, ago(day), 5, state) for day in range(20)])
    assert standing(world, where).legitimacy is Legitimacy.SHADOW


def test_spf_that_passes_for_another_name_of_yours_makes_a_network_yours():
    assert standing(World().mail(NET, range(20), 5, "strict-aspf"), NET).legitimacy is Legitimacy.SHADOW
    # A signature outlives forwarding, so it does not say whose network it is.
    assert standing(World().mail(NET, range(20), 5, "strict-adkim"), NET).legitimacy is Legitimacy.UNKNOWN


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("example.com", True),
        ("example-com", True),
        ("example.onmicrosoft.com", True),
        ("example-net", False),
        ("example-com-evil", False),
        ("", False),
    ],
)
def test_providers_write_a_tenants_domain_in_their_own_ways(name, own):
    assert is_own_tenant(mailbox(place("google-workspace", PlaceKind.TENANT, name))) is own


def test_a_network_with_the_signature_of_another_sender_and_no_aligned_spf_forwards():
    world = World()
    world.add(stream(SES, selectors=["s1"]), [row(SES, ago(day), 20) for day in range(30)])
    world.add(stream(NET, selectors=["s1"]), [row(NET, ago(day), 2, "dkim-only") for day in range(30)])
    found = standing(world, NET)
    assert found.legitimacy is Legitimacy.FORWARDED
    assert stream_id(SES) in found.because


def test_a_shared_operator_that_passes_on_signed_mail_forwards_it():
    world = World()
    world.add(stream(SES, selectors=["s1"]), [row(SES, ago(day), 20) for day in range(30)])
    gmail = place("google-workspace", PlaceKind.NONE, "")
    forwarding = stream(gmail, sender_type="mailbox", selectors=["s1"])
    world.add(forwarding, [row(gmail, ago(day), 2, "dkim-only") for day in range(30)])
    assert standing(world, gmail).legitimacy is Legitimacy.FORWARDED


def test_a_network_that_signs_with_a_key_nobody_else_uses_is_its_home():
    world = healthy()
    world.add(stream(NET, selectors=["own1"]), [row(NET, ago(day), 4, "dkim-only") for day in range(30)])
    found = standing(world, NET)
    assert found.legitimacy is Legitimacy.OWNED
    assert found.confidence < 0.9


@pytest.mark.parametrize(("signed", "home"), [((0, 90), True), ((), False)])
def test_a_vendor_whose_key_was_lost_for_some_runs_is_still_its_keys_home(signed, home):
    # Four monthly runs; where none is signed, one stray message with the key makes nobody's home.
    vendor = place("unknown", PlaceKind.DOMAIN, "vendor.example")
    world = healthy(130).add(stream(vendor, selectors=["v1"]), ())
    for day in (0, 30, 60, 90):
        world.mail(vendor, [day], 50, "dkim-only" if day in signed else "unaligned")
    world.mail(vendor, [30], 1, "dkim-only")
    assert (standing(world, vendor).legitimacy is Legitimacy.OWNED) is home


def test_a_forwarder_is_no_keys_home_however_much_it_passes_on():
    # It forwards what people sign all day, and one message of the vendor's run.
    vendor, people = (
        place("unknown", PlaceKind.DOMAIN, "vendor.example"),
        place("google-workspace", PlaceKind.NONE, ""),
    )
    world = healthy(130).mail(vendor, [0, 30], 20, "dkim-only").mail(NET, range(60), 5, "dkim-only")
    world.add(stream(vendor, selectors=["v1"]), ()).add(stream(NET, selectors=["g1", "v1"]), ())
    world.add(
        stream(people, sender_type="mailbox", selectors=["g1"]),
        [row(people, ago(day), 9) for day in range(60)],
    )
    assert standing(world, vendor).legitimacy is Legitimacy.OWNED
    assert standing(world, NET).legitimacy is Legitimacy.FORWARDED


def test_a_broken_signature_of_another_sender_alone_stays_unknown_and_is_not_asked_about():
    world = World()
    world.add(stream(SES, selectors=["s1"]), [row(SES, ago(day), 20) for day in range(30)])
    world.add(stream(NET, selectors=["s1"]), [row(NET, ago(day), 3, "own-dkim-broken") for day in range(30)])
    found = standing(world, NET)
    assert (found.legitimacy, found.asked) == (Legitimacy.UNKNOWN, False)


def test_two_signs_make_a_list_a_broken_signature_and_a_reporters_word():
    world = World()
    world.add(stream(SES, selectors=["s1"]), [row(SES, ago(day), 20) for day in range(30)])
    listed = [row(NET, ago(day), 3, "own-dkim-broken", listed=1) for day in range(30)]
    world.add(stream(NET, selectors=["s1"]), listed)
    assert standing(world, NET).legitimacy is Legitimacy.FORWARDED


def test_a_domain_of_its_own_that_reporters_call_a_list_forwards():
    where = place("unknown", PlaceKind.DOMAIN, "list.example.net")
    world = World().mail(where, range(30), 3, "own-dkim-broken", listed=1)
    assert standing(world, where).legitimacy is Legitimacy.FORWARDED


def test_a_vendor_with_a_return_path_of_its_own_is_no_forwarder_whatever_reporters_call_it():
    where = place("unknown", PlaceKind.DOMAIN, "vendor.example.net")
    world = World().mail(where, range(30), 3, "unaligned", listed=1)
    assert standing(world, where).legitimacy is not Legitimacy.FORWARDED


def test_a_reporters_word_alone_makes_no_network_a_forwarder():
    world = World().mail(NET, range(30), 3, "unaligned", listed=3)
    assert standing(world, NET).legitimacy is not Legitimacy.FORWARDED


def test_a_reporter_that_names_no_selectors_makes_no_forwarder_of_a_server():
    world = healthy().add(stream(SES, selectors=["s1"]), [row(SES, ago(day), 20) for day in range(30)])
    days = [row(NET, ago(day), 6, "dkim-only") for day in range(30)]
    broken = [row(NET, ago(day), 4, "own-dkim-broken") for day in range(30)]
    world.add(stream(NET, selectors=["srv", ""]), [*days, *broken])
    assert standing(world, NET).legitimacy is Legitimacy.OWNED


def test_a_network_that_fails_on_many_days_is_unknown_and_asked_about():
    found = standing(healthy().mail(NET, range(0, 30, 2), 2, "unaligned"), NET)
    assert (found.legitimacy, found.asked) == (Legitimacy.UNKNOWN, True)


def test_a_network_that_fails_on_a_few_days_is_spoofing():
    assert standing(healthy().mail(NET, range(5), 2, "unaligned"), NET).legitimacy is Legitimacy.SPOOF


def test_the_scattered_pool_is_spoofing_and_never_asked_about():
    found = standing(healthy().mail(SCATTERED, range(60), 50, "unaligned"), SCATTERED)
    assert (found.legitimacy, found.asked) == (Legitimacy.SPOOF, False)


def test_only_trusted_reports_make_a_stream_legitimate():
    for tier in (Tier.CONSISTENT, Tier.UNVERIFIED):
        assert standing(World().mail(SES, range(30), 5, tier=tier), SES).legitimacy is Legitimacy.UNKNOWN
    assert standing(World().mail(SES, range(30), 5, tier=Tier.LOCAL), SES).legitimacy is Legitimacy.OWNED


@pytest.mark.parametrize(
    ("word", "legitimacy"),
    [
        ("owned", Legitimacy.OWNED),
        ("forwarder", Legitimacy.FORWARDED),
        ("spoof", Legitimacy.SPOOF),
        ("ignore", Legitimacy.UNKNOWN),
    ],
)
def test_a_persons_label_outranks_every_rule(word, legitimacy):
    labelled = stream(SES, label=label(SES, word))
    found = standing(World().add(labelled, [row(SES, ago(day), 5) for day in range(30)]), SES)
    assert (found.legitimacy, found.confidence) == (legitimacy, 1.0)


def test_a_label_holds_from_the_day_it_was_given_to_the_day_before_it_expires():
    given = Label(stream_id(NET), "owned", given=ago(10), expires=ago(0))
    world = World().add(stream(NET, label=given), [row(NET, ago(day), 5, "unaligned") for day in range(60)])
    held = [standing(world, NET, as_of=ago(day)).own for day in (11, 10, 1, 0)]
    assert held == [False, True, True, False]


@pytest.mark.parametrize(
    ("where", "declared"),
    [
        (ESP, Declared(owned_senders=("sendgrid",))),
        (NET, Declared(owned_networks=("203.0.112.0/20",))),
        (NET, Declared(owned_networks=("203.0.113.7/32",))),
        (place("unknown", PlaceKind.DOMAIN, "vendor.example"), Declared(owned_domains=("vendor.example",))),
    ],
)
def test_what_the_configuration_declares_is_yours(where, declared):
    world = World().mail(where, range(5), 3, "unaligned")
    assert standing(world, where, declared=declared).legitimacy is Legitimacy.OWNED


@pytest.mark.parametrize("networks", [("198.51.100.0/24",), ("2001:db8::/32",), ("no network",)])
def test_another_network_than_the_declared_one_is_not_yours(networks):
    world = World().mail(NET, range(5), 3, "unaligned")
    assert not standing(world, NET, declared=Declared(owned_networks=networks)).own


def test_a_verdict_of_the_past_does_not_know_what_came_later():
    world = World().mail(SES, range(5), 5)
    assert standing(world, SES, as_of=ago(4)).legitimacy is Legitimacy.UNKNOWN
    assert standing(world, SES, as_of=ago(2)).legitimacy is Legitimacy.OWNED


def active(*days, failing=3, reporters=("a", "b")):
    return [
        ActiveDay((LAST - timedelta(days=day)).toordinal(), failing, frozenset(reporters))
        for day in sorted(days, reverse=True)
    ]


def keeps(days, reporters=3):
    return persists(days, last=LAST.toordinal(), reporters=reporters)


def test_ten_days_of_thirty_by_two_reporters_persist():
    assert keeps(active(*range(10)))
    assert not keeps(active(*range(9)))


def test_ten_days_by_a_single_reporter_persist_only_where_nobody_else_reports():
    days = active(*range(10), reporters=("a",), failing=0)
    assert not keeps(days, reporters=3)
    assert keeps(days, reporters=1)


def test_days_of_two_months_persist_from_the_sixth_message_on():
    # The last day judged is 18 November, so 20 days before it lies in October.
    assert keeps(active(0, 20, failing=3))
    assert not keeps(active(0, 20, failing=2))
    assert not keeps(active(0, 5, failing=30))
    assert not keeps(active(0, 62, failing=30))
