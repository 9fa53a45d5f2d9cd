"""What to do about a stream, with what the domain's other streams show."""

from dmarcwatch.mending import Mender
from dmarcwatch.ses.remedy import SeenMailFrom
from tests.judge_build import SES, place, stream
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
