"""What is too new to tell: fresh failures of own senders, and unknown mail that may well be own."""

import pytest

from dmarcwatch.streams import PlaceKind, stream_id
from dmarcwatch.verdict import Kind
from tests.judge_build import SES, gates, healthy, label, network, ok, place, stream

NET = network()
VENDOR = place("unknown", PlaceKind.DOMAIN, "vendor.example")
ESP = place("mailgun", PlaceKind.NONE, "")


def blockers(verdict):
    return [blocker for blocker in verdict.blockers if blocker.gate == "unsettled"]


def unsettled(verdict):
    return {blocker.stream for blocker in blockers(verdict)}


def small_server(messages, days=(0, 20, 40)):
    """The healthy domain, with 3,720 messages of its own in 62 days, and a network that fails now and then."""
    return healthy().mail(NET, days, messages, "unaligned")


# -- senders that began to fail --------------------------------------------------------------------


def regular(failing, *, on=1, usual=10):
    """The healthy domain with a second sender, some of whose mail failed `on` days ago."""
    world = healthy().mail(ESP, range(62), usual)
    return world.mail(ESP, [on], failing, "unaligned")


@pytest.mark.parametrize(("failing", "waits"), [(3, False), (4, True)])
def test_a_twentieth_of_a_weeks_mail_that_fails_is_waited_for(failing, waits):
    # 70 messages passed in the week: three are 4.1 %, four 5.4 %.
    verdict = regular(failing).judge()
    assert (stream_id(ESP) in unsettled(verdict)) is waits
    assert verdict.verdict == ("cannot-tell" if waits else "ready-for-quarantine")


@pytest.mark.parametrize(("on", "waits"), [(-1, True), (0, True), (6, True), (7, False)])
def test_a_week_and_yesterday_are_too_new(on, waits):
    verdict = regular(4, on=on).judge()
    assert (stream_id(ESP) in unsettled(verdict)) is waits


def test_time_settles_it_and_the_gate_says_when():
    (gate,) = gates(regular(4, on=2).judge(), "unsettled")
    assert (gate.kind, gate.ok, gate.days) == (Kind.EVIDENCE, False, 5)
    assert ok(regular(4, on=7).judge(), "unsettled")


def test_what_always_failed_as_much_is_not_new():
    world = healthy().mail(ESP, range(62), 10).mail(ESP, range(0, 62, 7), 5, "unaligned")
    assert stream_id(ESP) not in unsettled(world.judge())


def test_one_message_in_a_thousand_of_the_domains_is_left_to_the_other_gates():
    world = healthy().mail(SES, range(62), 400).mail(ESP, range(62), 2).mail(ESP, [1], 2, "unaligned")
    assert stream_id(ESP) not in unsettled(world.judge())


# -- unknown mail that may be the domain's ---------------------------------------------------------


@pytest.mark.parametrize(("days", "waits"), [((0, 20), False), ((0, 20, 40), True)])
def test_a_network_on_three_days_may_be_a_small_server(days, waits):
    world = small_server(10, days).mail(network("192.0.2.0/24"), [50], 1, "unaligned")
    assert (stream_id(NET) in unsettled(world.judge())) is waits


@pytest.mark.parametrize(("messages", "waits"), [(37, False), (38, True), (185, True), (186, False)])
def test_the_only_network_that_fails_may_be_a_run_that_comes_once_a_quarter(messages, waits):
    world = small_server(messages, [50])
    assert (stream_id(NET) in unsettled(world.judge())) is waits


@pytest.mark.parametrize(("messages", "waits"), [(6, False), (7, True)])
def test_half_a_percent_of_the_own_mail_is_much(messages, waits):
    assert bool(unsettled(small_server(messages).judge())) is waits


def test_a_label_answers_the_question():
    world = small_server(10)
    (blocker,) = blockers(world.judge())
    assert blocker.fix[0].startswith(f"dmarcwatch label {stream_id(NET)} owned")
    world.streams[stream_id(NET)] = stream(NET, label=label(NET, "spoof"))
    assert not unsettled(world.judge())


@pytest.mark.parametrize(("ago_days", "waits"), [(35, True), (36, False)])
def test_a_vendors_first_run_is_waited_for_until_the_next_would_have_come(ago_days, waits):
    verdict = healthy().mail(VENDOR, [ago_days], 40, "unaligned").judge()
    assert (stream_id(VENDOR) in unsettled(verdict)) is waits


def test_domains_that_come_in_numbers_are_spoofers_throwaways():
    world = healthy().mail(VENDOR, [5], 40, "unaligned")
    world.mail(place("unknown", PlaceKind.DOMAIN, "other.example"), [20], 40, "unaligned")
    assert not unsettled(world.judge())


def test_a_wave_larger_than_a_tenth_of_the_own_mail_is_no_vendors_run():
    assert not unsettled(healthy().mail(VENDOR, [5], 2000, "unaligned").judge())


def test_where_mail_fails_from_everywhere_no_place_is_asked_about():
    world = small_server(10)
    for number in range(40):
        world.mail(network(f"198.51.{number}.0/24"), [number], 1, "unaligned")
    assert not unsettled(world.judge())


# -- faults that are long past ---------------------------------------------------------------------


@pytest.mark.parametrize(("latest", "because"), [(35, "risk"), (36, "evidence")])
def test_a_fault_unseen_for_longer_than_a_month_lacks_proof_and_harms_nobody(latest, because):
    lost = {latest, latest + 40}
    world = healthy(130).mail(ESP, set(range(130)) - lost, 10).mail(ESP, lost, 10, "unaligned")
    verdict = world.judge()
    assert verdict.because == because
    (blocker,) = (one for one in verdict.blockers if one.gate == "stream-failing")
    assert blocker.kind == because
