"""The risk gates about each own sender, open and closed at their limits."""

from dataclasses import replace

import pytest

from dmarcwatch.history import Declared
from dmarcwatch.streams import PlaceKind, stream_id
from dmarcwatch.thresholds import DEFAULT_THRESHOLDS, Days
from dmarcwatch.verdict import Target
from tests.judge_build import (
    SES,
    ago,
    blocked_by,
    enforcing,
    healthy,
    label,
    ok,
    place,
    row,
    stream,
    warned_by,
)

ESP = place("sendgrid", PlaceKind.NONE, "")
SUB = place(header_from="news.example.com")
BROKEN = "own-dkim-broken"


def blockers(verdict, gate):
    return [blocker for blocker in verdict.blockers if blocker.gate == gate]


@pytest.mark.parametrize(
    ("failing", "days", "blocks"), [(1, 1, False), (1, 2, True), (2, 1, False), (3, 1, True)]
)
def test_a_small_sender_that_fails_blocks_whatever_its_share(failing, days, blocks):
    verdict = healthy(per_reporter=2000).mail(ESP, range(days), failing, "unaligned").judge()
    assert bool(blockers(verdict, "stream-failing")) is blocks
    assert verdict.verdict == (
        "not-ready" if blocks else "cannot-tell" if blockers(verdict, "quiet") else "ready-for-quarantine"
    )


@pytest.mark.parametrize(("passing", "blocks"), [(146, True), (147, False)])
def test_a_stream_may_fail_by_two_percent(passing, blocks):
    # 3 failing among 150 are exactly 2 %.
    world = healthy().mail(ESP, range(40), 20).mail(ESP, [], 0)
    world.rows = [one for one in world.rows if one.stream != stream_id(ESP)]
    each, rest = divmod(passing, 21)
    world.mail(ESP, range(21), each).mail(ESP, [1], rest).mail(ESP, [2, 9, 16], 1, "unaligned")
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


@pytest.mark.parametrize(("passing", "blocks"), [(296, True), (297, False)])
def test_a_critical_stream_may_fail_by_one_percent(passing, blocks):
    world = healthy()
    each, rest = divmod(passing, 21)
    world.streams[stream_id(ESP)] = stream(ESP, label=label(ESP, "owned", critical=True))
    world.mail(ESP, range(21), each).mail(ESP, [1], rest).mail(ESP, [2, 9, 16], 1, "unaligned")
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


def test_a_stream_is_critical_by_declaration_as_well():
    world = healthy().mail(ESP, range(21), 10).mail(ESP, [2, 9, 16], 1, "unaligned")
    declared = Declared(critical=(stream_id(ESP),))
    assert not blockers(world.judge(), "stream-failing")
    assert blockers(world.judge(declared=declared), "stream-failing")


def test_a_stream_active_on_few_days_is_judged_over_two_months():
    world = healthy(per_reporter=200).mail(ESP, range(0, 62, 10), 4, "unaligned")
    (blocker,) = blockers(world.judge(), "stream-failing")
    assert blocker.messages == 28


@pytest.mark.parametrize(("apart", "blocks"), [(6, False), (7, True)])
def test_days_of_lost_mail_a_week_apart_are_a_rhythm(apart, blocks):
    # Two days of 60 messages among thousands: far below any share, 1 of 60 days lost is chance.
    world = healthy().mail(SES, [5, 5 + apart], 100, "unaligned")
    world.mail(SES, range(100), 400)
    for day in (5, 5 + apart):
        world.change(
            lambda one, day=day: one.day == ago(day) and one.messages in (400, 20), messages=0, dmarc_pass=0
        )
    found = blockers(world.judge(), "stream-failing")
    assert any("apart" in blocker.message for blocker in found) is blocks


@pytest.mark.parametrize(("messages", "blocks"), [(2, False), (3, True)])
def test_three_messages_of_a_forgotten_identity_block_inside_any_stream(messages, blocks):
    world = healthy(per_reporter=5000).mail(SES, range(0, messages * 5, 5), 1, "amazonses-only")
    (*found,) = blockers(world.judge(), "state-failing")
    assert bool(found) is blocks


@pytest.mark.parametrize(("away", "blocks"), [(13, True), (14, False)])
def test_a_failing_state_seen_day_by_day_is_over_after_two_weeks(away, blocks):
    world = healthy(per_reporter=5000).mail(SES, range(away, away + 20), 5, "amazonses-only")
    assert bool(blockers(world.judge(), "state-failing")) is blocks


@pytest.mark.parametrize(("away", "blocks"), [(29, True), (30, False)])
def test_a_failing_state_that_pauses_is_over_after_half_as_long_again_as_its_longest_pause(away, blocks):
    world = healthy(per_reporter=5000).mail(SES, range(away, away + 21, 20), 5, "amazonses-only")
    assert bool(blockers(world.judge(), "state-failing")) is blocks


@pytest.mark.parametrize(("away", "blocks"), [(61, True), (62, False)])
def test_a_fault_that_came_three_times_is_over_after_two_months(away, blocks):
    world = healthy(200).mail(SES, [away, away + 17, away + 39], 300, "unaligned")
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize(("away", "blocks"), [(35, True), (36, False)])
def test_a_run_beside_the_usual_mail_may_come_back_in_a_month(length, away, blocks):
    world = healthy().mail(SES, range(away, away + length), 30, "amazonses-only")
    assert bool(blockers(world.judge(), "state-failing")) is blocks


@pytest.mark.parametrize(("away", "blocks"), [(27, True), (28, False)])
def test_an_incident_that_went_by_itself_is_over_after_four_weeks(away, blocks):
    world = healthy()
    for day in (away, away + 1):
        world.change(
            lambda one, day=day: one.stream == stream_id(SES) and one.day == ago(day),
            state="amazonses-only",
            dmarc_pass=0,
            dkim_aligned=0,
            spf_aligned=0,
        )
    assert bool(blockers(world.judge(), "state-failing")) is blocks


def test_signatures_that_break_at_random_prove_nothing():
    assert not blockers(healthy().mail(SES, range(0, 60, 9), 1, BROKEN).judge(), "state-failing")
    assert blockers(healthy().mail(SES, range(60), 2, BROKEN).judge(), "state-failing")


def test_random_breaks_after_a_repair_do_not_keep_the_fault_open():
    world = healthy(130).mail(SES, range(20, 30), 60, BROKEN).mail(SES, range(0, 20, 5), 1, BROKEN)
    assert not blockers(world.judge(), "state-failing")


@pytest.mark.parametrize("state", ["altered", "forged-return-path", "unaligned"])
def test_states_that_prove_no_fault_of_the_domain_block_by_share_only(state):
    assert not blockers(healthy(per_reporter=500).mail(SES, range(40), 2, state).judge(), "state-failing")


def test_an_own_state_that_passes_is_no_fault():
    verdict = (
        healthy().mail(SES, range(60), 30, "mail-from-spf-broken", dmarc_pass=30, dkim_aligned=30).judge()
    )
    assert verdict.verdict == "ready-for-quarantine"


@pytest.mark.parametrize(("away", "ready"), [(13, False), (14, True)])
def test_two_weeks_after_a_repair_the_old_failures_no_longer_count(away, ready):
    world = healthy().change(
        lambda one: one.day <= ago(away), state="amazonses-only", dmarc_pass=0, dkim_aligned=0, spf_aligned=0
    )
    verdict = world.judge()
    assert (verdict.verdict == "ready-for-quarantine") is ready


def test_being_mended_is_shown_and_not_assumed():
    # A sender that mails on every second day and failed on every fourth of them.
    world = healthy().mail(ESP, range(20, 62, 2), 30).mail(ESP, range(20, 62, 8), 30, "unaligned")
    world.mail(ESP, range(0, 18, 2), 30)
    limits = replace(DEFAULT_THRESHOLDS, passing_days=Days(14, 31))
    assert blockers(world.judge(limits=limits), "stream-failing")
    assert not blockers(world.mail(ESP, [1], 30).judge(limits=limits), "stream-failing")


@pytest.mark.parametrize(("good", "blocks"), [(2, True), (3, False)])
def test_a_rare_sender_that_always_failed_shows_it_sooner(good, blocks):
    world = healthy().mail(ESP, range(20, 60, 4), 4, "unaligned").mail(ESP, range(0, 4 * good, 4), 4)
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


@pytest.mark.parametrize(("good", "blocks"), [(2, True), (3, False)])
def test_a_rare_senders_fault_that_took_every_day_needs_three_good_ones(good, blocks):
    # Three lost days show by their lower bound no more than 37 %: by chance alone seven good ones would do.
    world = healthy().mail(ESP, [31, 35, 39], 4, "unaligned").mail(ESP, range(1, 1 + 5 * good, 5), 4)
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


@pytest.mark.parametrize(("passing", "blocks"), [(19, True), (20, False)])
def test_a_monthly_sender_shows_by_its_next_run_that_it_is_mended(passing, blocks):
    world = healthy(130).mail(ESP, [40, 70], 50, "unaligned").mail(ESP, [9], passing)
    assert bool(blockers(world.judge(), "stream-failing")) is blocks
    world = healthy(130).mail(ESP, [40], 50, "unaligned").mail(ESP, [9], passing)
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


def test_a_monthly_sender_that_failed_each_time_does_not_lapse_between_its_runs():
    assert blockers(healthy(130).mail(ESP, [20, 50, 80], 50, "unaligned").judge(), "stream-failing")


def test_faults_of_two_kinds_are_no_rhythm():
    def lost(day, state, world):
        return world.change(
            lambda one: one.stream == stream_id(ESP) and one.day == ago(day),
            state=state,
            dmarc_pass=0,
            dkim_aligned=0,
            spf_aligned=0,
        )

    world = lost(70, "unaligned", lost(30, "unaligned", healthy(130).mail(ESP, range(130), 10)))
    assert blockers(world.judge(), "stream-failing")
    other = lost(70, BROKEN, lost(30, "unaligned", healthy(130).mail(ESP, range(130), 10)))
    assert not blockers(other.judge(), "stream-failing")


def test_a_fault_that_pauses_is_mended_after_half_as_long_again_as_its_longest_pause():
    world = healthy(130).mail(SES, [17, 29], 40, BROKEN)
    assert not ok(world.judge(), "bad-days")
    assert ok(healthy(130).mail(SES, [18, 30], 40, BROKEN).judge(), "bad-days")


@pytest.mark.parametrize(("away", "blocks"), [(13, True), (14, False)])
def test_a_fault_that_came_to_stay_was_mended_whatever_came_before(away, blocks):
    # A key that was lost for two weeks, and an incident a month before: no rhythm.
    world = healthy(130).mail(ESP, range(130), 10)
    for day in (*range(away, away + 14), away + 44, away + 45):
        world.change(
            lambda one, day=day: one.stream == stream_id(ESP) and one.day == ago(day),
            state="unaligned",
            dmarc_pass=0,
            dkim_aligned=0,
            spf_aligned=0,
        )
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


def test_a_forgotten_identitys_run_at_the_turn_of_the_month_is_waited_for_once_more():
    # The last of November's days judged is the 18th; the 1st to 3rd are 15 to 17 days before it. What
    # failed day by day until the 24th was another identity, and mended.
    world = healthy(per_reporter=5000).mail(SES, range(25, 40), 3, "amazonses-only")
    assert not blockers(world.judge(), "state-failing")
    assert blockers(world.mail(SES, [15, 16, 17], 9, "amazonses-only").judge(), "state-failing")


@pytest.mark.parametrize(("away", "blocks"), [(13, True), (14, False)])
def test_a_sender_never_set_up_lapses_when_it_falls_silent(away, blocks):
    world = healthy().mail(ESP, range(away, away + 12), 5, "unaligned")
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


@pytest.mark.parametrize(("messages", "blocks"), [(2, False), (3, True)])
def test_a_rare_senders_latest_run_that_was_lost_blocks_whatever_came_before(messages, blocks):
    # Three runs of a hundred passed; of the fourth few receivers reported.
    world = healthy(130).mail(ESP, [35, 65, 95], 100).mail(ESP, [5], messages, "unaligned")
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


@pytest.mark.parametrize(("away", "blocks"), [(35, True), (36, False)])
def test_a_newsletter_seen_once_does_not_lapse_before_its_next_run(away, blocks):
    world = healthy().mail(ESP, range(away, away + 2), 50, "unaligned")
    assert bool(blockers(world.judge(), "stream-failing")) is blocks


@pytest.mark.parametrize(
    ("p", "share", "fine"),
    [("none", 0.94, False), ("none", 0.96, True), ("quarantine", 0.97, False), ("quarantine", 0.985, True)],
)
def test_reject_must_not_rely_on_spf_alone(p, share, fine):
    world = enforcing(p).change(
        lambda one: True, messages=1000, dmarc_pass=1000, dkim_aligned=round(1000 * share), spf_aligned=1000
    )
    verdict = world.judge()
    assert ok(verdict, "dkim") is fine
    assert ("dkim" in blocked_by(verdict)) is (p == "quarantine" and not fine)
    assert ("dkim" in warned_by(verdict)) is (p == "none" and not fine)


def test_two_unsigned_messages_prove_nothing_about_a_small_stream():
    world = enforcing("quarantine").mail(ESP, range(20, 80, 5), 2)
    assert ok(world.mail(ESP, [30, 40], 1, "spf-only").judge(), "dkim")
    assert not ok(world.mail(ESP, [50], 1, "spf-only").judge(), "dkim")


def test_a_subdomain_that_fails_blocks_and_sp_none_is_proposed():
    verdict = healthy().mail(SUB, range(30), 10, "amazonses-only").judge()
    (blocker,) = blockers(verdict, "subdomains")
    assert "news.example.com" in blocker.message
    assert "sp=none" in blocker.fix[0]


def test_a_subdomain_that_sp_none_leaves_out_blocks_nothing():
    world = healthy().mail(SUB, range(30), 10, "amazonses-only").publish(sp="none")
    world.record = "v=DMARC1; p=none; sp=none"
    verdict = world.judge()
    assert verdict.verdict == "ready-for-quarantine"
    assert verdict.quarantine.legitimate == 0
    assert "subdomains" in warned_by(verdict)
    assert "sp=none" in verdict.next_record


@pytest.mark.parametrize("record", [None, "v=DMARC1; p=none"])
def test_a_subdomain_policy_that_reporters_fill_in_leaves_no_subdomain_out(record):
    """RFC 7489's schema asks for `sp`, so Google and Microsoft write it as `p` where a record has none."""
    world = healthy().mail(SUB, range(30), 10, "amazonses-only").publish(sp="none")
    world.record = record
    verdict = world.judge()
    assert verdict.verdict == "not-ready"
    assert "subdomains" in blocked_by(verdict)


def test_a_subdomain_policy_that_differs_from_the_domains_is_in_the_record():
    world = healthy().mail(SUB, range(30), 10, "amazonses-only")
    verdict = world.publish(p="quarantine", t=True, sp="none").judge()
    assert verdict.verdict == "ready-for-quarantine"


def test_a_subdomain_that_passes_inherits_safely():
    assert ok(healthy().mail(SUB, range(100), 10).judge(), "subdomains")


def named(stream, state):
    """A fix that names its state."""
    return (f"mend {state} in {stream.place.name}",)


def test_messages_and_days_of_a_failing_state_are_of_the_same_window():
    (found,) = blockers(healthy(130).mail(SES, range(70), 30, "amazonses-only").judge(), "state-failing")
    assert found.messages == 62 * 30
    assert "1,860 messages on 62 days, last on 18 November" in found.message


def test_a_failing_state_below_the_domain_names_its_from_domain():
    world = healthy().mail(SES, range(30), 5, "amazonses-only").mail(SUB, range(30), 5, "amazonses-only")
    named = sorted(one.message.partition(":")[0] for one in blockers(world.judge(), "state-failing"))
    assert named == ["amazon-ses eu-west-1", "amazon-ses eu-west-1 (news.example.com)"]


def low_dkim(verdict):
    return next(one for one in (*verdict.warnings, *verdict.blockers) if one.gate == "dkim")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("spf-only", "the rest breaks whenever it is forwarded"),
        ("spf-only-dkim-broken", "the rest breaks whenever it is forwarded"),
        ("amazonses-only", "most of the rest fails: signed by amazonses.com only, not by your domain"),
        (BROKEN, "most of the rest fails: your DKIM signature is there and does not verify"),
    ],
)
def test_low_dkim_is_mended_by_the_state_of_what_lacks_it(state, words):
    passing = 12 * state.startswith("spf-only")
    warning = low_dkim(healthy().mail(SES, range(60), 12, state, dmarc_pass=passing).judge(fix=named))
    assert warning.fix == (f"mend {state} in eu-west-1",)
    assert warning.message.endswith(f"passing DKIM signature of yours; {words}")


@pytest.mark.parametrize(("adkim", "state"), [("s", "strict-adkim"), ("r", "spf-only")])
def test_a_parents_signature_that_strict_adkim_does_not_align_is_named_so(adkim, state):
    sub = stream(SUB, selectors=("mail",))  # signs as example.com
    rows = (row(SUB, ago(day), 12, "spf-only") for day in range(60))
    world = healthy().publish(adkim=adkim).add(sub, rows)
    assert low_dkim(world.judge(fix=named)).fix == (f"mend {state} in eu-west-1",)


def test_a_blocker_names_the_stream_its_numbers_and_the_way_to_mend_it():
    world = healthy().mail(place(name="us-east-1"), range(30), 5, "amazonses-only")
    verdict = world.judge(fix=lambda stream, state: (f"mend {state} in {stream.place.name}",))
    worst = verdict.blockers[0]
    assert worst.stream == "example.com/amazon-ses/us-east-1"
    assert worst.fix == ("mend amazonses-only in us-east-1",)
    assert "not by your domain" in worst.message
    assert (worst.messages, worst.threshold) in [(150, 0.02), (150, 2)]


def test_the_worst_comes_first_and_what_it_adds_up_to_last():
    world = healthy().mail(place(name="us-east-1"), range(30), 5, "amazonses-only")
    world.mail(place(name="us-west-2"), range(30), 50, "amazonses-only")
    streams = [blocker.stream for blocker in world.judge().blockers]
    assert streams[0] == "example.com/amazon-ses/us-west-2"
    assert streams.index(None) > streams.index("example.com/amazon-ses/us-east-1")


def test_reject_gates_stand_beside_those_of_quarantine_while_enforcing():
    verdict = enforcing("quarantine").judge()
    assert {gate.target for gate in verdict.gates} == {Target.QUARANTINE, Target.REJECT}
    assert {gate.target for gate in enforcing("reject").judge().gates} == {Target.REJECT}


def test_a_stream_is_named_as_people_call_it():
    assert healthy().mail(ESP, range(30), 9, "unaligned").judge().blockers[0].message.startswith("sendgrid: ")
