"""What a digest counts, compares and advises."""

from dataclasses import replace
from datetime import date

import pytest

from dmarcwatch.digest import words
from dmarcwatch.digest.figures import digest, period_to
from dmarcwatch.digest.values import SenderLine, Spoofing, Volume
from dmarcwatch.findings import Finding, Severity
from dmarcwatch.report import Tier
from dmarcwatch.streams import stream_id
from dmarcwatch.verdict import Answer
from tests.digest.build import judged_week
from tests.judge_build import SCATTERED, SES, TODAY, enforcing, healthy, place

FRANKFURT = place(name="eu-central-1")
NEWS = place("mailchimp", name="", header_from="news.example.com")


def test_a_week_ends_two_days_ago_because_yesterday_s_reports_are_under_way():
    week = period_to(date(2026, 11, 20))
    assert (week.first, week.last) == (date(2026, 11, 12), date(2026, 11, 18))
    assert week.before.last == date(2026, 11, 11)
    assert period_to(date(2026, 11, 20), month=True).days == 30


def test_own_mail_is_counted_in_the_week_and_in_the_one_before():
    domain, _ = judged_week(healthy())
    assert domain.own == Volume(7 * 60, 7 * 60)
    assert domain.own_passed == 7 * 60


def test_reports_that_nobody_verified_are_not_counted():
    unverified = healthy().change(lambda row: row.reporter == "google", tier=Tier.UNVERIFIED)
    assert judged_week(unverified)[0].own.messages == 7 * 40


def test_forwarded_mail_is_no_sender_s_and_no_failure():
    world = healthy().mail(SES, range(7), 5, "altered", forwarded=True)
    domain, _ = judged_week(world)
    assert domain.forwarded == Volume(35, 0)
    assert (domain.own.messages, domain.senders[0].failing) == (420, 0)


def test_senders_stand_by_volume_and_one_that_fell_silent_is_still_there():
    world = healthy().mail(FRANKFURT, range(7, 30), 50)
    domain, _ = judged_week(world)
    assert [each.name for each in domain.senders] == ["amazon-ses eu-west-1", "amazon-ses eu-central-1"]
    assert words.figures(domain.senders[1]) == "nothing, 350 before"


def test_spoofing_is_what_strangers_failed_with_and_what_became_of_it():
    world = enforcing("reject").mail(SCATTERED, range(7), 10, "unaligned", rejected=9)
    spoofing = judged_week(world)[0].spoofing
    assert spoofing == Spoofing(Volume(70, 0), quarantined=0, rejected=63)


def test_what_fails_is_to_be_mended_first_and_once_though_several_gates_say_so():
    world = healthy().mail(FRANKFURT, range(30), 40, "own-dkim-broken")
    world.mail(FRANKFURT, range(30, 60), 40)
    domain, _ = judged_week(world)
    assert domain.verdict.verdict is Answer.NOT_READY
    assert len([step for step in domain.steps if "eu-central-1" in step.text]) == 1


def test_a_domain_that_is_ready_is_told_what_to_publish():
    (step,) = judged_week(healthy())[0].steps
    assert step.text == "Publish p=quarantine; t=y; pct=0"
    assert step.notes[0].startswith("Change only these tags")


def test_a_tag_is_written_as_in_dns_where_a_note_begins_with_it():
    (step,) = judged_week(healthy())[0].steps
    begins = {note.split("=")[0].split(" ")[0] for note in step.notes}
    assert {"pct", "np"} <= begins
    assert not begins & {"Pct", "Np", "Sp"}


def test_a_domain_that_cannot_be_told_of_says_in_how_many_days_it_can():
    domain, _ = judged_week(healthy(20))
    assert domain.verdict.days_needed == 15
    (step,) = domain.steps
    assert step.text == "Wait: enough is known in 15 days, on 5 December 2026, if reports keep coming."


def test_a_verdict_that_changed_within_the_week_is_said():
    domain, _ = judged_week(healthy(35))
    assert domain.changed[0] == (
        "The verdict was: too little is known to tell. It is now: ready for p=quarantine."
    )


def test_a_sender_that_began_to_fail_this_week_is_said_and_one_that_was_mended_too():
    failing = healthy().mail(FRANKFURT, range(5, 60), 40, "own-dkim-broken")
    assert judged_week(failing)[0].changed == ()
    begun = healthy().mail(FRANKFURT, range(5), 40, "own-dkim-broken").mail(FRANKFURT, range(5, 90), 40)
    assert any(change.startswith("New: amazon-ses eu-central-1") for change in judged_week(begun)[0].changed)


def test_a_finding_of_this_week_is_said_in_place_of_the_gate_that_says_the_same():
    found = Finding("mail-from-fallback", date(2026, 11, 14), "it fell back", Severity.WARNING)
    domain, _ = judged_week(healthy(), findings={stream_id(SES): (found,)})
    assert domain.changed == ("amazon-ses eu-west-1: it fell back.",)
    old = found._replace(since=date(2026, 11, 11))
    assert judged_week(healthy(), findings={stream_id(SES): (old,)})[0].changed == ()


def test_domains_stand_in_the_order_in_which_they_need_attention():
    calm, period = judged_week(healthy())
    urgent = replace(calm, domain="b.example", verdict=replace(calm.verdict, verdict=Answer.ROLL_BACK))
    names = [each.domain for each in digest([calm, urgent], period, TODAY).domains]
    assert names == ["b.example", "example.com"]


@pytest.mark.parametrize(
    ("passed", "messages", "said"),
    [
        (10, 10, "100 %"),
        (0, 10, "0 %"),
        (99_999, 100_000, "99.9 %"),
        (1, 100_000, "0.1 %"),
        (989, 1000, "98.9 %"),
    ],
)
def test_a_hundred_percent_is_said_only_of_all(passed, messages, said):
    assert words.passing(passed, messages) == said


WEEK = period_to(TODAY)


@pytest.mark.parametrize(
    ("policy", "spoofing", "said"),
    [
        ("none", Spoofing(Volume(0, 3), 0, 0), "Nobody was seen to misuse the domain this week."),
        (
            "none",
            Spoofing(Volume(62, 64), 0, 0),
            "62 messages of strangers in your name failed DMARC, 64 the week before. "
            "p=none asks receivers to let them through.",
        ),
        (
            "reject",
            Spoofing(Volume(1200, 0), 0, 1190),
            "1,200 messages of strangers in your name failed DMARC, none the week before. 1,190 were refused.",
        ),
        (
            "quarantine",
            Spoofing(Volume(10, 10), 8, 1),
            "10 messages of strangers in your name failed DMARC, as many as the week before. "
            "1 were refused and 8 were put into the spam folder.",
        ),
        (
            "quarantine",
            Spoofing(Volume(1, 2), 0, 0),
            "1 message of strangers in your name failed DMARC, 2 the week before. None were held off.",
        ),
    ],
)
def test_spoofing_is_told_in_sentences(policy, spoofing, said):
    assert words.spoofed(spoofing, WEEK, policy) == said


def test_a_sender_is_told_in_figures_and_a_remark():
    sender = SenderLine("Mailchimp", "news.example.com", "shadow", Volume(2633, 0), 2600, new=True)
    assert words.figures(sender) == "2,633 messages, 98.7 % pass, 33 fail"
    assert words.remark(sender) == "From news.example.com, new, probably yours"
