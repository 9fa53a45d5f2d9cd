"""What reports showed beside what the account says: the sentence that names the cause."""

from datetime import date
from types import MappingProxyType

import pytest

from dmarcwatch.check.join import joined, ses_remarks
from dmarcwatch.check.mail_from import MailFrom
from dmarcwatch.check.remarks import Weight
from dmarcwatch.check.ses_account import Account, Identity, Rates, Recommendation, Region
from dmarcwatch.check.ses_calls import NOT_HERE, Action
from dmarcwatch.check.ses_remarks import account_remarks
from dmarcwatch.check.spf import SpfFound
from dmarcwatch.sightings import NOTHING_SEEN, SelectorSeen, Sightings, StateSeen

IRELAND = "eu-west-1"
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
FIRST, LAST = date(2026, 11, 3), date(2026, 11, 20)
DENIED = MappingProxyType({Action.GET_IDENTITY: "not permitted: ses:GetEmailIdentity is missing"})


def identity(name="example.com", **changes):
    settings = {
        "verified": True,
        "signing": True,
        "dkim_status": "SUCCESS",
        "selectors": (TOKEN,),
        "mail_from": "bounce.example.com",
        "mail_from_status": "SUCCESS",
        "configuration_set": "default",
        "forwards_feedback": True,
    }
    return Identity(name, True, **settings | changes)


def region(*identities, name=IRELAND, **changes):
    settings = {
        "troubles": {},
        "production": True,
        "enforcement": "HEALTHY",
        "sending": True,
        "destinations": {"default": ("topic",)},
    }
    return Region(name, identities=identities, **settings | changes)


def state(word, messages=40, *, last=LAST, header_from="example.com"):
    return StateSeen(header_from, IRELAND, word, messages, FIRST, last)


def selector(name=TOKEN, passed=40, failed=0, last=LAST):
    return SelectorSeen("example.com", name, "amazon-ses", IRELAND, passed, failed, FIRST, last)


def seen(*states, selectors=()):
    return Sightings(FIRST, LAST, selectors=tuple(selectors), states=states)


def said(sightings, *regions, mail_from=()):
    return joined(sightings, Account(regions), mail_from)


def only(remarks):
    (remark,) = remarks
    return remark.weight, remark.message


UNSIGNED = seen(state("amazonses-only"))
SHOWED = "Reports show 40 messages from eu-west-1 without your DKIM since 3 November; "


@pytest.mark.parametrize(
    ("here", "weight", "words"),
    [
        (
            region(identity(signing=False)),
            Weight.FIX,
            f"{SHOWED}example.com there has DKIM SUCCESS but signing is off.",
        ),
        (
            region(identity(dkim_status="FAILED")),
            Weight.FIX,
            f"{SHOWED}DKIM of the identity example.com there is FAILED.",
        ),
        (region(identity(dkim_status="PENDING")), Weight.FIX, "is PENDING."),
        (
            region(identity(), identity("shop@example.com", signing=False)),
            Weight.FIX,
            f"{SHOWED}an address that is an identity of its own overrides the domain's: shop@example.com.",
        ),
        (region(identity("shop@example.com", signing=False)), Weight.FIX, "overrides the domain's"),
        (region(identity(), Identity("shop@example.com", known=False)), Weight.WARN, "signs now"),
        (region(identity()), Weight.WARN, "signs now, so it was switched on since, or another account"),
        (region(), Weight.WARN, "no identity of example.com there: another account of yours"),
        (region(whole=False, troubles=DENIED), Weight.UNKNOWN, "not permitted: ses:GetEmailIdentity"),
        (region(Identity("example.com", known=False), troubles=DENIED), Weight.UNKNOWN, "not permitted"),
        (region(identity(dkim_status=None, signing=None)), Weight.UNKNOWN, "was not told"),
    ],
)
def test_unsigned_mail_has_its_cause_in_the_account(here, weight, words):
    assert only(said(UNSIGNED, here))[0] is weight
    assert words in only(said(UNSIGNED, here))[1]


def test_switching_signing_on_is_one_command():
    (remark,) = said(UNSIGNED, region(identity(signing=False)))
    assert [line.split()[0] for line in remark.fix] == ["aws", "--email-identity", "--signing-enabled"]


def test_a_region_that_was_not_asked_is_not_known():
    assert only(said(UNSIGNED, region(identity(), name="us-east-1"))) == (
        Weight.UNKNOWN,
        "not known: the region was not asked",
    )


def test_mail_of_a_subdomain_is_its_own_identitys_or_its_parents():
    subdomain = seen(state("amazonses-only", header_from="news.example.com"))
    parent, own = identity(), identity("news.example.com", signing=False)
    assert "news.example.com there has DKIM" in only(said(subdomain, region(parent, own)))[1]
    assert "identity example.com there signs now" in only(said(subdomain, region(parent)))[1]


def test_what_was_over_two_weeks_ago_is_over():
    old = seen(state("amazonses-only", last=date(2026, 11, 5)), state("both-aligned"))
    assert only(said(old, region(identity()))) == (
        Weight.WELL,
        "example.com signs, DKIM SUCCESS, MAIL FROM bounce.example.com SUCCESS.",
    )


@pytest.mark.parametrize(
    ("here", "weight", "words"),
    [
        (region(identity(mail_from=None, mail_from_status=None)), Weight.NOTE, "no custom MAIL FROM is set"),
        (
            region(identity(mail_from_status="FAILED")),
            Weight.FIX,
            "MAIL FROM bounce.example.com there is FAILED",
        ),
        (region(identity(mail_from_status="PENDING")), Weight.FIX, "is PENDING"),
        (
            region(identity(), identity("shop@example.com", mail_from=None)),
            Weight.WARN,
            "identities of their own have no MAIL FROM: shop@example.com",
        ),
        (region(identity(), Identity("shop@example.com", known=False)), Weight.WELL, "signs"),
        (region(identity()), Weight.WELL, "signs"),
    ],
)
def test_sess_own_return_path_has_its_cause_in_the_account(here, weight, words):
    found = only(said(seen(state("dkim-only"), selectors=[selector()]), here))
    assert found[0] is weight
    assert words in found[1]


def test_the_parents_identity_that_signs_a_subdomain_is_the_one_to_set_up():
    here = region(identity(mail_from=None, mail_from_status=None))
    (remark,) = said(seen(state("dkim-only", header_from="news.example.com"), selectors=[selector()]), here)
    assert "  --email-identity example.com \\" in remark.fix
    assert not any("news.example.com" in line for line in remark.fix)


def test_a_key_that_verifies_in_another_region_keeps_its_record():
    elsewhere = selector(passed=900)._replace(region="eu-south-1")
    fails = seen(state("own-dkim-broken"), selectors=[selector(passed=0, failed=40), elsewhere])
    remark = next(each for each in said(fails, region(identity())) if each.fix)
    assert not any("CNAME" in line for line in remark.fix)
    assert "  Amazon SES eu-south-1: leave its DNS record as it is." in remark.fix


@pytest.mark.parametrize(("sound", "says"), [(True, True), (False, False), (None, False)])
def test_a_failed_mail_from_whose_exchange_is_right_again_needs_only_to_be_set_up_again(sound, says):
    path = MailFrom("bounce.example.com", (), sound, IRELAND, SpfFound("", None, True, 0, (), ()), ())
    failed = region(identity(mail_from_status="FAILED"))
    (remark,) = said(seen(state("dkim-only")), failed, mail_from=[path])
    assert ("though its MX is right today" in remark.message) is says
    assert "--mail-from-domain bounce.example.com" in "".join(remark.fix)


@pytest.mark.parametrize(
    ("use", "here", "words"),
    [
        (selector("z" * 32), region(identity()), "no identity of this account has it"),
        (selector("z" * 32, last=date(2026, 11, 4)), region(identity()), ""),
        (selector("z" * 32), region(identity(), whole=False), ""),
        (selector("z" * 32), region(identity(selectors=())), ""),
        (selector("z" * 32), region(identity(), Identity("a@example.com", known=False)), ""),
        (selector(), region(identity()), ""),
        (selector("z" * 32, passed=0, failed=1), region(identity()), ""),
    ],
)
def test_a_key_that_no_identity_has_is_another_accounts_where_all_are_known(use, here, words):
    found = [
        remark.message for remark in said(seen(state("both-aligned"), selectors=[use]), here)
        if remark.weight is Weight.WARN
    ]  # fmt: skip
    assert [words in each for each in found] == ([True] if words else [])


def test_regions_that_are_not_enabled_hold_no_key():
    closed = region(name="me-south-1", whole=False, troubles={Action.LIST_IDENTITIES: NOT_HERE})
    sightings = seen(state("both-aligned"), selectors=[selector("z" * 32)])
    (remark,) = said(sightings, region(identity()), closed)
    assert "no identity of this account has it" in remark.message


@pytest.mark.parametrize(
    ("here", "weights"),
    [
        (region(), [Weight.WARN]),
        (region(whole=False, troubles=DENIED), [Weight.UNKNOWN]),
        (region(Identity("example.com", known=False), troubles=DENIED), [Weight.UNKNOWN]),
        (region(identity(dkim_status=None)), [Weight.UNKNOWN]),
        (region(identity(dkim_status="FAILED")), []),
        (region(identity()), [Weight.WELL]),
    ],
)
def test_where_reports_show_nothing_wrong_the_account_is_held_against_that(here, weights):
    assert [remark.weight for remark in said(seen(state("both-aligned")), here)] == weights


@pytest.mark.parametrize(
    ("use", "here", "weight", "words"),
    [
        (selector(failed=5), region(identity()), Weight.WARN, "5 of 45 signatures with selector"),
        (selector("z" * 32, 0, 9), region(identity()), Weight.WARN, f"has others now: {TOKEN}"),
        (selector(failed=5), region(whole=False, troubles=DENIED), Weight.UNKNOWN, "not permitted"),
        (selector(passed=1000, failed=5), region(identity()), Weight.WELL, "signs"),
    ],
)
def test_broken_signatures_are_held_against_the_identitys_keys(use, here, weight, words):
    remarks = said(seen(state("own-dkim-broken"), selectors=[use]), here)
    assert any(remark.weight is weight and words in remark.message for remark in remarks)


def test_mail_from_a_region_where_the_account_is_in_the_sandbox_is_anothers():
    assert any("another account sends it" in remark.message for remark in said(
        seen(state("both-aligned")), region(identity(), production=False)
    ))  # fmt: skip


def test_nothing_is_mended_twice():
    remarks = ses_remarks(UNSIGNED, Account((region(identity(signing=False)),)), ())
    assert len([remark for remark in remarks if remark.weight is Weight.FIX]) == 1


def alone(here, sightings=NOTHING_SEEN):
    return account_remarks(Account((here,)), sightings)


@pytest.mark.parametrize(
    ("here", "weight", "words"),
    [
        (region(identity(), enforcement="PROBATION"), Weight.FIX, "under review"),
        (region(identity(), enforcement="SHUTDOWN"), Weight.FIX, "Sending is paused"),
        (region(identity(), sending=False), Weight.FIX, "Sending is paused"),
        (region(identity(), production=False), Weight.NOTE, "sandbox"),
        (region(identity(), rates=Rates(0.05, None)), Weight.FIX, "bounce rate is 5 %: SES reviews"),
        (region(identity(), rates=Rates(None, 0.001)), Weight.FIX, "complaint rate is 0.1 %: SES reviews"),
        (region(identity(), rates=Rates(0.049, None)), Weight.NOTE, "bounce rate is 4.9 %; SES reviews"),
        (region(identity(), rates=Rates(None, 0.0)), Weight.NOTE, "complaint rate is 0 %; SES"),
        (region(identity(verified=False)), Weight.WARN, "not verified"),
        (region(identity(signing=False)), Weight.FIX, "signing is off"),
        (region(identity(dkim_status="FAILED")), Weight.FIX, "DKIM is FAILED"),
        (region(identity(mail_from_status="TEMPORARY_FAILURE")), Weight.FIX, "is TEMPORARY_FAILURE"),
        (region(identity(), identity("a@example.com", signing=False)), Weight.WARN, "without DKIM,"),
        (
            region(identity(), identity("a@example.com", mail_from=None)),
            Weight.WARN,
            "without the MAIL FROM of its domain",
        ),
        (region(identity(configuration_set=None)), Weight.NOTE, "no default configuration set"),
        (
            region(identity(configuration_set=None, forwards_feedback=False)),
            Weight.WARN,
            "bounces may go unheard",
        ),
        (region(identity(), destinations={"default": ()}), Weight.NOTE, "sends no events"),
        (
            region(identity(), recommendations=(Recommendation("BIMI", "None found.", "LOW"),)),
            Weight.NOTE,
            "recommends (BIMI): None found.",
        ),
        (
            region(identity(), recommendations=(Recommendation("DKIM", "Broken.", "HIGH"),)),
            Weight.WARN,
            "recommends (DKIM)",
        ),
        (region(identity()), Weight.NOTE, "no report has shown mail from there"),
        (region(troubles=DENIED), Weight.UNKNOWN, "not permitted"),
    ],
)
def test_the_account_by_itself(here, weight, words):
    assert any(remark.weight is weight and words in remark.message for remark in alone(here)), alone(here)


def test_a_sound_account_needs_nothing():
    sightings = seen(state("both-aligned"))
    assert alone(region(identity(), identity("a@example.com")), sightings) == []


def test_event_destinations_that_are_not_known_are_not_missing():
    assert not any(
        "events" in remark.message for remark in alone(region(identity(), destinations={"default": None}))
    )


def test_dedicated_addresses_are_told_apart_by_what_reports_showed():
    sightings = Sightings(FIRST, LAST, ses_addresses=frozenset({"192.0.2.1", "192.0.2.3"}))
    found = [
        remark.message for remark in alone(region(dedicated=frozenset({"192.0.2.1", "192.0.2.2"})), sightings)
    ]
    assert found == [
        "Dedicated addresses that reports showed: 192.0.2.1.",
        "Dedicated addresses that no report showed: 192.0.2.2.",
    ]


def test_regions_that_are_not_enabled_and_not_used_are_one_line():
    closed = [
        region(name=name, whole=False, troubles={Action.LIST_IDENTITIES: NOT_HERE})
        for name in ("me-south-1", "af-south-1", IRELAND)
    ]
    found = account_remarks(Account(tuple(closed)), seen(state("both-aligned")))
    assert [remark.about for remark in found] == [
        f"Amazon SES {IRELAND}",
        "Amazon SES me-south-1, af-south-1",
    ]
