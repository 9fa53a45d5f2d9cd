"""What to do about a stream, with what the domain's other streams show."""

from dataclasses import replace

import pytest

from dmarcwatch.mending import Mender
from dmarcwatch.ses.remedy import SeenMailFrom
from dmarcwatch.streams import SelectorUse
from tests.judge_build import LAST, SES, ago, place, stream
from tests.records import SENDERS, TOKEN

IRELAND, OHIO = stream(SES, selectors=(TOKEN,)), stream(place(name="us-east-2"), selectors=(TOKEN,))
NEWS = stream(place(header_from="news.example.com"))
SEEN = {IRELAND.id: SeenMailFrom("mail.example.com", "eu-west-1")}


def mender(*streams, seen=SEEN):
    return Mender(streams, SENDERS, lambda one: seen.get(one.id))


def test_a_custom_mail_from_is_named_as_it_was_seen_in_the_stream():
    assert "DNS: mail.example.com MX" in "\n".join(mender(IRELAND, OHIO).fix(IRELAND, "mail-from-fallback"))


def test_another_region_is_given_the_mail_from_that_serves_the_first():
    found = mender(IRELAND, OHIO, NEWS).fix(OHIO, "region-gap")
    assert "  --mail-from-domain mail.example.com \\" in found
    assert any("for eu-west-1" in line for line in found)


def test_another_from_domain_has_its_own():
    assert "bounce.news.example.com" in "\n".join(mender(IRELAND, NEWS).fix(NEWS, "dkim-only"))


def test_several_findings_that_one_way_mends_name_it_once():
    found = mender(IRELAND).fixes(IRELAND, ["own-dkim-mixed", "amazonses-only", "shared-selector"])
    assert found == mender(IRELAND).fix(IRELAND, "amazonses-only")


def signing(one, *, right=None, last=LAST, selector=TOKEN, domain="example.com"):
    """A stream with one key, whose signatures verified last on a day."""
    return replace(one, selectors=(SelectorUse(selector, domain, 9, 9, ago(90), last, right),))


BROKEN = signing(IRELAND)


@pytest.mark.parametrize("right", [LAST, ago(1)])
def test_a_key_that_verifies_in_another_region_keeps_its_record(right):
    found = mender(BROKEN, signing(OHIO, right=right)).fix(BROKEN, "own-dkim-broken")
    assert not any(line.startswith("DNS:") for line in found)
    assert "  amazon-ses us-east-2: leave its DNS record as it is." in found
    assert "region (us-east-2) and its status be SUCCESS:" in found
    assert "aws sesv2 get-email-identity --region eu-west-1 \\" in found


def test_a_key_that_verifies_for_another_from_domain_keeps_its_record():
    found = mender(BROKEN, signing(NEWS, right=LAST)).fix(BROKEN, "own-dkim-broken")
    assert "  amazon-ses eu-west-1 (From news.example.com): leave its DNS record as it is." in found
    assert not any("replica" in line for line in found)


@pytest.mark.parametrize(
    "other",
    [
        signing(OHIO, right=ago(3)),
        signing(OHIO),
        signing(OHIO, right=ago(8), last=ago(8)),
        signing(OHIO, right=LAST, selector="mail"),
        signing(OHIO, right=LAST, domain="news.example.com"),
    ],
    ids=["broke there as well", "never verified", "not seen lately", "another key", "another name"],
)
def test_what_does_not_show_the_key_to_be_right(other):
    found = mender(BROKEN, other).fix(BROKEN, "own-dkim-broken")
    assert f"DNS: {TOKEN}._domainkey.example.com CNAME" in found


def test_of_several_keys_those_that_fail_are_mended():
    good = SelectorUse("mail", "example.com", 9, 0, ago(90), LAST, LAST)
    both = replace(BROKEN, selectors=(good, *BROKEN.selectors))
    assert not any("mail._domainkey" in line for line in mender(both).fix(both, "own-dkim-broken"))
