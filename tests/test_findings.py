from dataclasses import replace
from datetime import date, timedelta

import pytest

from dmarcwatch.findings import Severity, findings
from dmarcwatch.remedy import remedy
from dmarcwatch.report import Grade, Tier
from dmarcwatch.ses.remedy import Case
from dmarcwatch.streams import Place, PlaceKind, SelectorUse, Stream, StreamDay, stream_id
from tests.records import SENDERS, TOKEN

FIRST = date(2026, 9, 1)


def on(number):
    """The day of that number, the first being 0."""
    return FIRST + timedelta(days=number)


def ses(region="eu-west-1", *, sender="amazon-ses", kind=PlaceKind.REGION, seen=(0, 59), selectors=()):
    place = Place("example.com", "example.com", sender, kind, region)
    return Stream(
        id=stream_id(place),
        place=place,
        name=f"{sender} {region}".strip(),
        sender_type="transactional",
        first_seen=on(seen[0]),
        last_seen=on(seen[1]),
        selectors=selectors,
    )


def use(selector, first, last, *, passed=10, domain="example.com"):
    return SelectorUse(selector, domain, passed, 0, on(first), on(last))


def day(number, state, messages=10, *, reporter="google.com", tier=Tier.VERIFIED, forwarded=False):
    return StreamDay(
        stream="s", day=on(number), span_days=1, received_day=on(number + 1), reporter=reporter, tier=tier,
        grade=Grade.CLEAN, state=state, forwarded=forwarded, messages=messages, dmarc_pass=0, dkim_aligned=0,
        spf_aligned=0, both_aligned=0, unverified=0, indeterminate=0, unknown=0, listed=0, spared=0,
        quarantined=0, rejected=0,
    )  # fmt: skip


def series(*parts, **settings):
    """Days in order: (state, how many days) or (state, messages, state, messages, how many days)."""
    days, number = [], 0
    for *states, length in parts:
        pairs = [(states[0], 10)] if len(states) == 1 else list(zip(states[::2], states[1::2], strict=True))
        for _ in range(length):
            days += [day(number, state, messages, **settings) for state, messages in pairs]
            number += 1
    return days


def found(days, stream=None, siblings=()):
    return {finding.word: finding for finding in findings(stream or ses(), days, siblings)}


def test_steady_mail_shows_nothing():
    assert found(series(("both-aligned", 60))) == {}


def test_a_mail_from_that_fell_back_is_found_with_its_first_day():
    fallen = found(series(("both-aligned", 40), ("dkim-only", 20)))
    assert list(fallen) == ["mail-from-fallback"]
    assert fallen["mail-from-fallback"].since == on(40)
    assert fallen["mail-from-fallback"].severity is Severity.WARNING


def test_a_fallback_without_a_signature_of_ones_own_blocks():
    fallen = found(series(("spf-only", 40), ("amazonses-only", 20)))["mail-from-fallback"]
    assert (fallen.since, fallen.severity) == (on(40), Severity.BLOCKER)


def test_mail_of_the_old_kind_on_the_day_of_the_change_does_not_hide_a_fallback():
    days = series(("both-aligned", 40), ("both-aligned", 5, "dkim-only", 5, 1), ("dkim-only", 10))
    assert found(days)["mail-from-fallback"].since == on(41)


@pytest.mark.parametrize(
    "days",
    [
        series(("both-aligned", 40), ("dkim-only", 20), ("both-aligned", 5)),
        series(("both-aligned", 40), ("dkim-only", 1)),
        series(("dkim-only", 60)),
        series(("both-aligned", 2), ("dkim-only", 20)),
    ],
    ids=["restored", "one day only", "never set up", "hardly set up"],
)
def test_what_is_no_fallback(days):
    assert "mail-from-fallback" not in found(days)


def test_both_return_paths_on_the_same_days_are_mixed():
    mixed = found(series(("both-aligned", 50), ("both-aligned", 8, "dkim-only", 2, 10)))
    assert list(mixed) == ["mail-from-mixed"]
    assert mixed["mail-from-mixed"].since == on(50)


def test_two_reporters_that_see_different_states_are_no_mixture():
    days = [*series(("both-aligned", 60)), *series(("dkim-only", 60), reporter="no-spf.example")]
    assert found(days) == {}


def test_a_mixture_that_was_not_seen_for_two_weeks_is_over():
    days = series(("both-aligned", 40), ("both-aligned", 8, "dkim-only", 2, 5), ("both-aligned", 14))
    assert found(days) == {}
    assert "mail-from-mixed" in found(days[:-1])


def test_unsigned_mail_beside_signed_mail_blocks_however_little_it_is():
    mixed = found(series(("dkim-only", 50), ("dkim-only", 500, "amazonses-only", 1, 2), ("dkim-only", 3)))
    assert list(mixed) == ["own-dkim-mixed"]
    assert mixed["own-dkim-mixed"].severity is Severity.BLOCKER
    assert "2 messages" in mixed["own-dkim-mixed"].message


def test_one_day_of_unsigned_mail_is_a_day_of_change():
    assert found(series(("dkim-only", 50), ("dkim-only", 9, "amazonses-only", 1, 1))) == {}


@pytest.mark.parametrize(
    ("here", "there", "severity"),
    [
        ("amazonses-only", "both-aligned", Severity.BLOCKER),
        ("amazonses-only", "dkim-only", Severity.BLOCKER),
        ("dkim-only", "both-aligned", Severity.WARNING),
    ],
)
def test_a_region_that_is_less_well_set_up_than_another_is_a_gap(here, there, severity):
    sibling = (ses("us-east-1"), series((there, 60)))
    gap = found(series((here, 60)), siblings=[sibling])
    assert list(gap) == ["region-gap"]
    assert gap["region-gap"].severity is severity
    assert "us-east-1" in gap["region-gap"].message


@pytest.mark.parametrize("here", ["both-aligned", "dkim-only"])
def test_a_region_as_good_as_the_others_is_no_gap(here):
    sibling = (ses("us-east-1"), series(("dkim-only", 60)))
    assert found(series((here, 60)), siblings=[sibling]) == {}


def test_mail_whose_region_no_reporter_names_is_compared_with_none():
    nowhere = (ses("unknown-region", selectors=(use(TOKEN, 0, 59),)), series(("both-aligned", 60)))
    here = ses(selectors=(use(TOKEN, 0, 59),))
    assert found(series(("dkim-only", 60)), here, [nowhere]) == {}
    assert found(series(("dkim-only", 60)), nowhere[0], [(here, nowhere[1])]) == {}


def test_a_signature_that_broke_and_then_was_gone_lost_its_cnames():
    gone = found(series(("dkim-only", 40), ("own-dkim-broken", 3), ("amazonses-only", 10)))
    assert gone["own-dkim-vanished"].since == on(43)
    assert gone["own-dkim-vanished"].severity is Severity.BLOCKER


@pytest.mark.parametrize(
    ("selector", "lost"), [(TOKEN, "its CNAMEs are gone"), ("mail2024", "the TXT of its key is gone")]
)
def test_what_vanished_is_called_what_it_is(selector, lost):
    broke = ses(selectors=(replace(use(selector, 0, 43), failed=3),))
    days = series(("dkim-only", 40), ("own-dkim-broken", 3), ("amazonses-only", 10))
    assert found(days, broke)["own-dkim-vanished"].message.endswith(f": {lost}")


@pytest.mark.parametrize(
    "days",
    [
        series(("dkim-only", 40), ("own-dkim-broken", 3), ("amazonses-only", 5), ("dkim-only", 5)),
        series(("dkim-only", 40), ("amazonses-only", 10)),
        series(("dkim-only", 40), ("own-dkim-broken", 10)),
    ],
    ids=["signed again", "never broken", "still signed"],
)
def test_what_is_no_vanished_signature(days):
    assert "own-dkim-vanished" not in found(days)


@pytest.mark.parametrize(("selector", "kind"), [(TOKEN, "replica"), ("mail2024", "key of your own")])
def test_one_selector_in_two_regions_is_shared(selector, kind):
    sibling = (ses("us-east-1", selectors=(use(selector, 5, 59),)), series(("dkim-only", 60)))
    shared = found(series(("dkim-only", 60)), ses(selectors=(use(selector, 0, 59),)), [sibling])
    assert list(shared) == ["shared-selector"]
    assert shared["shared-selector"].since == on(5)
    assert kind in shared["shared-selector"].message


def test_a_selector_that_never_passed_elsewhere_is_not_shared():
    sibling = (ses("us-east-1", selectors=(use(TOKEN, 5, 59, passed=0),)), series(("dkim-only", 60)))
    assert found(series(("dkim-only", 60)), ses(selectors=(use(TOKEN, 0, 59),)), [sibling]) == {}


def test_more_than_three_tokens_are_of_more_than_one_identity():
    tokens = tuple(use(letter * 32, number, 59) for number, letter in enumerate("abcd"))
    many = found(series(("dkim-only", 60)), ses(selectors=tokens))
    assert list(many) == ["many-tokens"]
    assert many["many-tokens"].since == on(3)
    assert found(series(("dkim-only", 60)), ses(selectors=tokens[:3])) == {}


def test_tokens_that_went_out_of_use_or_sign_another_name_are_not_counted():
    tokens = [use(letter * 32, 0, 100) for letter in "abc"]
    former = use("d" * 32, 0, 5)
    other = use("e" * 32, 0, 100, domain="news.example.com")
    days = series(("dkim-only", 101))
    assert found(days, ses(selectors=(*tokens, former, other), seen=(0, 100))) == {}


def test_a_region_that_appears_beside_older_streams_is_new():
    sibling = (ses("us-east-1", seen=(0, 59)), ())
    new = found(series(("both-aligned", 60)), ses(seen=(40, 59)), [sibling])
    assert (list(new), new["new-stream"].since) == (["new-stream"], on(40))
    assert new["new-stream"].severity is Severity.REVIEW


@pytest.mark.parametrize(
    ("stream", "siblings"),
    [
        (ses(seen=(10, 59)), [(ses("us-east-1", seen=(0, 59)), ())]),
        (ses(seen=(5, 20)), [(ses("us-east-1", seen=(0, 20)), ())]),
        (ses(seen=(50, 59)), []),
        (ses("203.0.113.0/24", sender="unknown", kind=PlaceKind.NETWORK, seen=(50, 59)), [(ses(), ())]),
        (ses("", sender="sendgrid", kind=PlaceKind.SCATTERED, seen=(50, 59)), [(ses(), ())]),
    ],
    ids=["a month old", "reports have just begun", "the only one", "unknown", "the pool"],
)
def test_what_is_not_new(stream, siblings):
    assert found(series(("both-aligned", 60)), stream, siblings) == {}


def test_another_named_sender_is_new_as_well():
    vendor = ses("", sender="sendgrid", kind=PlaceKind.NONE, seen=(50, 59))
    assert list(found(series(("unaligned", 60)), vendor, [(ses(), ())])) == ["new-stream"]


@pytest.mark.parametrize("order", [(TOKEN, "mail2024"), ("mail2024", TOKEN)])
def test_a_change_of_the_signing_method_leaves_mail_unsigned_meanwhile(order):
    stream = ses(selectors=(use(order[0], 0, 39), use(order[1], 43, 59)))
    days = series(("dkim-only", 40), ("amazonses-only", 3), ("dkim-only", 17))
    switched = found(days, stream)
    assert list(switched) == ["dkim-method-switch"]
    assert switched["dkim-method-switch"].since == on(40)


def test_a_change_of_method_without_unsigned_mail_is_none():
    stream = ses(selectors=(use(TOKEN, 0, 39), use("mail2024", 43, 59)))
    assert found(series(("dkim-only", 60)), stream) == {}


def test_reports_that_are_not_trusted_and_forwarded_mail_show_nothing():
    for settings in ({"tier": Tier.UNVERIFIED}, {"tier": Tier.CONSISTENT}, {"forwarded": True}):
        assert found(series(("both-aligned", 40), ("amazonses-only", 20), **settings)) == {}


def test_the_gravest_finding_comes_first():
    sibling = (ses("us-east-1", selectors=(use(TOKEN, 0, 59),), seen=(0, 59)), series(("both-aligned", 60)))
    days = series(("both-aligned", 40), ("both-aligned", 5, "amazonses-only", 5, 20))
    ordered = findings(ses(selectors=(use(TOKEN, 0, 59),)), days, [sibling])
    assert [finding.severity for finding in ordered] == [Severity.BLOCKER, Severity.WARNING, Severity.INFO]


def test_every_finding_that_can_be_mended_has_a_remedy():
    for word in (
        "mail-from-fallback",
        "mail-from-mixed",
        "own-dkim-mixed",
        "region-gap",
        "own-dkim-vanished",
    ):
        assert remedy(word, Case("example.com", "eu-west-1"), SENDERS.get("amazon-ses"))
