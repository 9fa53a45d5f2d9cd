"""A published policy that changed: told when nobody asked for it, and only then."""

from datetime import date

from dmarcwatch.alerts.policies import policy_condition
from dmarcwatch.alerts.values import Policy, Told
from tests.notify.build import NOW, domain

BEFORE = {"p": "none", "sp": "none", "pct": "100"}


def condition(shown, value, *, configured=None, next_tags=None):
    seen = domain(policy=Policy(shown, date(2026, 11, 19), configured), next_tags=next_tags)
    told = None if value is None else Told("policy example.com", value, NOW, NOW)
    (made,) = policy_condition(seen, told)
    return made


def test_the_first_policy_that_is_seen_is_only_noted():
    assert condition(BEFORE, None).quiet


def test_a_weaker_policy_that_nobody_asked_for_is_told_as_such():
    made = condition(BEFORE | {"p": "none"}, "p=reject; sp=none; pct=100")
    assert not made.quiet
    assert made.alert.title == "example.com: the published policy is now p=none, which protects less"
    assert "before it was p=reject" in made.alert.happened


def test_the_advised_step_is_no_news_though_it_is_followed_days_later():
    advised = condition(BEFORE, "p=none; sp=none; pct=100", next_tags="p=quarantine; t=y; pct=0")
    assert advised.quiet
    later = condition({"p": "quarantine", "sp": "quarantine", "pct": "0"}, advised.value)
    assert later.quiet


def test_half_of_the_advised_step_is_news():
    advised = condition(BEFORE, "p=none; sp=none; pct=100", next_tags="p=quarantine; t=y; pct=0")
    assert not condition({"p": "reject", "sp": "none", "pct": "100"}, advised.value).quiet


def test_what_the_configured_record_says_was_asked_for():
    record = {"v": "DMARC1", "p": "reject", "rua": "mailto:dmarc@example.com"}
    asked = condition(
        {"p": "reject", "sp": "reject", "pct": "100"}, "p=none; sp=none; pct=100", configured=record
    )
    assert asked.quiet
    other = condition({"p": "quarantine"}, "p=none", configured=record)
    assert not other.quiet
    assert other.alert.evidence[-1] == "Your configuration says: p=reject; rua=mailto:dmarc@example.com"


def test_a_tag_that_reports_do_not_agree_on_stays_what_it_was():
    made = condition({"sp": "none"}, "p=none; sp=none; pct=100")
    assert made.quiet
    assert made.value == "p=none; sp=none; pct=100"


def test_a_tag_seen_for_the_first_time_is_no_change():
    assert condition(BEFORE | {"np": "reject"}, "p=none; sp=none; pct=100").quiet


def test_no_policy_seen_is_no_condition():
    assert list(policy_condition(domain(policy=Policy()), None)) == []
