"""The verdict in words: what stands where, and that it can be read and copied."""

from datetime import date

import pytest

from dmarcwatch.history import Declared
from dmarcwatch.readiness.explain import explained, headline, table, text
from dmarcwatch.streams import PlaceKind
from tests.judge_build import SES, enforcing, healthy, label, network, place, stream

ESP = place("sendgrid", PlaceKind.NONE, "")
OTHER = place(name="us-east-1")
COMMAND = (
    "aws sesv2 put-email-identity-dkim-signing-attributes --email-identity example.com --region us-east-1"
)


def failing():
    return healthy().mail(OTHER, range(40), 8, "amazonses-only")


def lost(p):
    return enforcing(p).mail(OTHER, range(3), 50, "amazonses-only")


def asked():
    world = healthy()
    for reporter in ("google", "yahoo"):
        world.mail(network(), range(20), 2, "unaligned", reporter=reporter)
    return world


@pytest.mark.parametrize(
    ("world", "sentence"),
    [
        (healthy(), "example.com is ready for p=quarantine."),
        (enforcing("quarantine"), "example.com is ready for p=reject."),
        (enforcing("reject"), "example.com is safe at p=reject: keep it."),
        (failing(), "example.com is NOT ready for p=quarantine: 1 sender that is yours fails."),
        (
            failing().mail(ESP, range(30), 9, "unaligned"),
            "example.com is NOT ready for p=quarantine: 2 senders that are yours fail.",
        ),
        (
            asked(),
            "example.com is NOT ready for p=quarantine: 1 unknown sender fails again and again, say whose.",
        ),
        (
            healthy(25),
            "example.com: cannot tell yet whether p=quarantine is safe: 5 more days of reports are needed.",
        ),
        (
            healthy().publish(p="quarantine", t=True, pct=0),
            "example.com (staged: p=quarantine; t=y; pct=0) is ready for p=quarantine.",
        ),
        (lost("reject"), "example.com must step back from p=reject: 1 sender that is yours fails."),
    ],
)
def test_the_first_line_is_the_answer(world, sentence):
    verdict = world.judge()
    assert headline(verdict) == sentence
    assert text(verdict).splitlines()[0] == sentence


def test_a_sender_to_watch_is_named():
    assert headline(enforcing("reject").mail(ESP, range(10, 130), 5).judge()) == (
        "example.com: keep p=reject and watch: sendgrid has been silent for 10 days: retired, or broken "
        "before it could fail."
    )


def test_each_sender_stands_once_with_its_fix_on_lines_that_can_be_copied():
    words = text(failing().judge(fix=lambda stream, state: (COMMAND,)), width=60)
    assert words.count(COMMAND) == 1
    assert f"       {COMMAND}" in words.splitlines()


def test_no_other_line_is_wider_than_the_terminal():
    verdict = failing().mail(ESP, range(50), 9, "unaligned").judge()
    assert max(map(len, text(verdict, width=72).splitlines()[1:])) <= 72
    assert max(map(len, explained(verdict, width=72).splitlines()[1:])) <= 72


def test_colour_is_used_only_where_asked():
    verdict = failing().judge()
    assert "\x1b" not in text(verdict) + explained(verdict)
    assert text(verdict, colour=True).startswith("\x1b[1;31mexample.com is NOT ready")


def test_what_to_publish_stands_on_one_line_with_what_to_know_before():
    world = healthy()
    world.record = "v=DMARC1; p=none; rua=mailto:" + ",mailto:".join(["somebody@example.com"] * 9)
    lines = text(world.judge()).splitlines()
    (line,) = (line for line in lines if line.startswith("Publish: "))
    assert line.startswith("Publish: v=DMARC1; p=quarantine; t=y; pct=0; rua=mailto:somebody@")
    assert len(line) > 200
    assert any("stay 14 days on this rung" in line for line in lines)


def test_nothing_is_published_where_no_step_is_safe():
    assert "Publish" not in text(failing().judge())


def test_the_reader_learns_what_was_seen_and_what_cannot_be_seen():
    words = " ".join(text(healthy().judge()).split())
    assert (
        "Seen: 1,800 messages of your own in 90 reports of 3 organisations, 20 October to 18 November 2026."
        in words
    )
    assert "Not seen: mail refused at SPF -all" in words
    assert "what mailing lists do once you enforce" in words


def test_harm_is_told_by_whose_mail_it_is():
    world = failing().mail(SES, range(10), 3, "altered").mail(network(), [3], 40, "unaligned")
    words = " ".join(text(world.judge()).split())
    assert (
        "p=quarantine would have hit 240 of your own, 0 of unknown senders, 30 forwarded and 40 spoofed."
        in words
    )


def test_when_it_will_be_enough_is_a_date():
    assert "in 5 days, on 25 November 2026, if reports keep coming as they do" in " ".join(
        text(healthy(25).judge()).split()
    )


def test_questions_stand_at_the_end_and_go_when_they_are_answered():
    answers = Declared(audience="machines", critical=("x",), every=(("x", "month"),))
    assert "To answer once:" in text(healthy().judge())
    assert "To answer once:" not in text(healthy().judge(declared=answers))


def test_many_blockers_are_counted_and_not_all_shown():
    world = healthy()
    for number in range(12):
        world.mail(place(name=f"us-east-{number}"), range(40), 8, "amazonses-only")
    assert "more (--json has them all)" in text(world.judge())


def test_every_gate_is_explained_with_value_limit_and_margin():
    verdict = enforcing("quarantine").judge()
    words = explained(verdict)
    assert "Gates of p=quarantine" in words and "Gates of p=reject" in words
    assert all(gate.gate in words and gate.why for gate in verdict.gates)
    assert "ok   covered-days       100% >= 90%, margin 10%" in words
    assert "ok   longest-gap        0 <= 14, margin 14" in words


def test_a_closed_gate_shows_by_how_much_it_missed():
    words = explained(healthy(25).judge())
    assert "SHUT history            26 >= 31, margin -5" in words


def test_a_table_has_one_line_a_domain():
    lines = table([failing().judge(), healthy().judge()]).splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["example.com", "p=none", "not-ready"],
        ["example.com", "p=none", "ready-for-quarantine"],
    ]
    assert lines[2].endswith("1,800 messages of your own, none at risk")


def test_a_spanning_window_names_both_years():
    words = " ".join(text(healthy(400).judge(date(2026, 1, 10))).split())
    assert "10 December 2025 to 8 January 2026" in words


def test_a_critical_sender_that_broke_is_the_reason_to_step_back():
    world = enforcing("reject").mail(ESP, range(10, 60), 2).mail(ESP, range(4), 2, "unaligned")
    world.streams["example.com/sendgrid"] = stream(ESP, label=label(ESP, "owned", critical=True))
    assert "sendgrid is critical and broken: 8 of 8 failed this week" in text(world.judge(), width=200)
