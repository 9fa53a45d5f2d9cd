"""Records, the ladder, and what receivers make of a policy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.errors import ConfigError
from dmarcwatch.policy import (
    DmarcRecord,
    Population,
    Step,
    next_step,
    previous_step,
    requested,
    shares,
    step_of,
    tags_text,
)
from dmarcwatch.readiness.projection import project
from dmarcwatch.report import Policy
from dmarcwatch.streams import Legitimacy
from tests.judge_build import SCATTERED, SES, TODAY, World, place

RECORD = "v=DMARC1; p=none; rua=mailto:dmarc@example.com; fo=1; future=kept"


def test_a_record_keeps_its_order_and_the_tags_nobody_knows():
    assert str(DmarcRecord.parse(RECORD)) == RECORD
    assert str(DmarcRecord.parse("v=DMARC1;p=none ; rua = mailto:a@example.com;")) == (
        "v=DMARC1; p=none; rua=mailto:a@example.com"
    )


def test_changed_tags_keep_their_place_and_new_ones_follow_the_policy():
    changed = DmarcRecord.parse(RECORD).with_tags({"p": "quarantine", "t": "y", "pct": "0"})
    assert str(changed) == (
        "v=DMARC1; p=quarantine; t=y; pct=0; rua=mailto:dmarc@example.com; fo=1; future=kept"
    )
    assert str(changed.with_tags({"t": None, "pct": None, "p": "none"})) == RECORD


def test_tag_names_may_be_written_in_capitals():
    record = DmarcRecord.parse("V=DMARC1; P=Reject; PCT=50; T=Y")
    assert (record.policy("p"), record.pct, record.testing) == (Policy.REJECT, 50, True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("p=block", "p=block: one of none, quarantine, reject is known"),
        ("p=none; sp=", "sp=: one of none, quarantine, reject is known"),
        ("p=none; pct=101", "pct=101: a whole number from 0 to 100"),
        ("p=none; pct=-1", "pct=-1: a whole number from 0 to 100"),
        ("p=none; pct=٥", "pct=٥: a whole number from 0 to 100"),
        ("p=none; t=1", "t=1: y or n"),
        ("v=DMARC2; p=none", "v=DMARC2: DMARC1 is known"),
        ("p=none; p=reject", "tag p stands twice"),
        ("reject", "not a tag: 'reject'"),
    ],
)
def test_what_cannot_be_meant_is_named(text, problem):
    with pytest.raises(ConfigError) as caught:
        DmarcRecord.parse(text)
    assert problem in caught.value.problems


def test_all_mistakes_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        DmarcRecord.parse("p=block; pct=x; nonsense")
    assert len(caught.value.problems) == 3


@settings(max_examples=50)
@given(st.dictionaries(st.from_regex(r"\A[a-z]{3,8}\Z"), st.from_regex(r"\A[a-z0-9:@.]{1,12}\Z"), max_size=6))
def test_reading_what_was_written_gives_the_same_record(tags):
    record = DmarcRecord(
        (("v", "DMARC1"), ("p", "none"), *(pair for pair in tags.items() if pair[0] != "pct"))
    )
    assert DmarcRecord.parse(str(record)) == record


@pytest.mark.parametrize(
    ("p", "pct", "testing", "step"),
    [
        (None, None, None, Step.MONITORING),
        ("none", None, True, Step.MONITORING),
        ("quarantine", None, None, Step.QUARANTINE),
        ("quarantine", 100, False, Step.QUARANTINE),
        ("quarantine", 0, None, Step.STAGED),
        ("quarantine", 99, None, Step.STAGED),
        ("quarantine", None, True, Step.STAGED),
        ("reject", None, True, Step.QUARANTINE),
        ("reject", 50, None, Step.QUARANTINE),
        ("reject", 100, False, Step.REJECT),
    ],
)
def test_a_policy_held_back_stands_a_rung_lower(p, pct, testing, step):
    assert step_of(p, pct=pct, testing=testing) is step


def test_the_ladder_leads_from_none_to_reject_and_never_by_reject_with_pct_0():
    steps = []
    record = DmarcRecord.parse("v=DMARC1; p=none")
    while True:
        step = step_of(record.policy("p"), pct=record.pct, testing=record.testing)
        changes = next_step(step)
        if not changes:
            break
        record = record.with_tags(changes)
        steps.append(str(record))
    assert steps == [
        "v=DMARC1; p=quarantine; t=y; pct=0",
        "v=DMARC1; p=quarantine",
        "v=DMARC1; p=reject",
    ]


@pytest.mark.parametrize(
    ("step", "sp", "tags"),
    [
        (Step.REJECT, None, "p=quarantine"),
        (Step.REJECT, "reject", "p=quarantine; sp=quarantine"),
        (Step.REJECT, "none", "p=quarantine"),
        (Step.QUARANTINE, "quarantine", "p=none; sp=none"),
    ],
)
def test_going_back_takes_a_stricter_subdomain_policy_along(step, sp, tags):
    assert tags_text(previous_step(step, sp=sp)) == tags


@pytest.mark.parametrize(
    ("policy", "subdomain", "asked"),
    [
        ("p=reject; sp=none", False, Policy.REJECT),
        ("p=reject; sp=none", True, Policy.NONE),
        ("p=reject", True, Policy.REJECT),
        ("p=none; np=reject", True, Policy.REJECT),
        ("p=quarantine; sp=none; np=reject", True, Policy.REJECT),
        ("sp=reject", False, Policy.NONE),
    ],
)
def test_subdomains_inherit_and_of_sp_and_np_the_stricter_is_assumed(policy, subdomain, asked):
    assert requested(DmarcRecord.parse(policy), subdomain=subdomain) is asked


@pytest.mark.parametrize(
    ("policy", "population", "quarantined", "rejected"),
    [
        ("p=reject", Population.NEW, 0.0, 1.0),
        ("p=reject; t=y", Population.NEW, 1.0, 0.0),
        ("p=reject; t=y", Population.OLD, 0.0, 1.0),
        ("p=reject; pct=25", Population.OLD, 0.75, 0.25),
        ("p=reject; pct=25", Population.NEW, 0.0, 1.0),
        ("p=quarantine; t=y", Population.NEW, 0.0, 0.0),
        ("p=quarantine; pct=0", Population.OLD, 0.0, 0.0),
        ("p=quarantine; pct=25", Population.OLD, 0.25, 0.0),
        ("p=quarantine; t=y; pct=0", Population.WORST, 1.0, 0.0),
        ("p=none", Population.WORST, 0.0, 0.0),
    ],
)
def test_new_receivers_honour_t_and_old_ones_pct(policy, population, quarantined, rejected):
    record = DmarcRecord.parse(policy)
    assert shares(record, requested(record, subdomain=False), population) == (quarantined, rejected)


SUB = place(header_from="news.example.com")


def world():
    mail = World().mail(SES, range(30), 10).mail(SES, range(30), 4, "amazonses-only", spared=1)
    mail.mail(SUB, range(30), 2, "amazonses-only")
    mail.mail(SES, range(30), 3, "altered", spared=2)
    mail.mail(SES, range(30), 1, "dkim-only", dmarc_pass=0, indeterminate=1)
    return mail.mail(SCATTERED, range(30), 100, "unaligned")


def test_a_policy_touches_what_fails_and_nothing_else():
    projection = project(world().history(), "p=reject; sp=none", as_of=TODAY)
    fates = {fate.stream: fate for fate in projection.streams}
    ses = fates["example.com/amazon-ses/eu-west-1"]
    assert (ses.messages, ses.failing, ses.spared, ses.expected, ses.undecided) == (540, 210, 90, 120, 30)
    assert [(fate.quarantined, fate.rejected) for fate in ses.fates] == [(0, 210)] * 3
    below = fates["example.com:news.example.com/amazon-ses/eu-west-1"]
    assert (below.policy, below.fates[0].rejected) == (Policy.NONE, 0)
    assert projection.touched(Legitimacy.SPOOF) == 3000
    assert projection.touched(Legitimacy.OWNED) == 210


@pytest.mark.parametrize(("failing", "old"), [(1, (1, 0)), (3, (1, 2)), (4, (2, 2))])
def test_no_message_is_both_quarantined_and_rejected(failing, old):
    few = World().mail(SES, [0], failing, "amazonses-only")
    (fate,) = project(few.history(), "p=reject; pct=50", as_of=TODAY).streams
    assert [(each.quarantined, each.rejected) for each in fate.fates if each.population == "old"] == [old]


def test_streams_that_are_called_alike_have_their_from_domain():
    named = {
        (fate.name, fate.header_from) for fate in project(world().history(), "p=none", as_of=TODAY).streams
    }
    assert {("amazon-ses eu-west-1", "example.com"), ("amazon-ses eu-west-1", "news.example.com")} <= named


def test_the_projection_reads_the_window_only():
    old = World().mail(SES, range(30, 60), 5, "amazonses-only").mail(SES, [0], 1)
    (fate,) = project(old.history(), "p=reject", as_of=TODAY).streams
    assert (fate.messages, fate.failing) == (1, 0)


def test_most_touched_streams_come_first_and_all_can_be_written_as_json():
    found = project(world().history(), "p=quarantine; t=y; pct=0", as_of=TODAY).as_dict()
    assert [stream["failing"] for stream in found["streams"]] == [3000, 210, 60]
    assert found["streams"][0]["fates"] == {
        "new": {"quarantined": 0, "rejected": 0},
        "old": {"quarantined": 0, "rejected": 0},
        "worst": {"quarantined": 3000, "rejected": 0},
    }
    assert found["touched"]["shadow"] == 60
