"""Which of the things that stand are worth an alert, and what it says."""

from datetime import timedelta

import pytest

from dmarcwatch.alerts.standing import conditions
from dmarcwatch.alerts.values import Block, Failing, Kind, Rejected, Reporter, Told
from tests.notify.build import NOW, SES, TODAY, domain, note, scene, sender


def found(*domains, told=None, **changes):
    return {each.key: each for each in conditions(scene(*domains, **changes), told or {})}


def of_senders(*senders, **changes):
    keys = found(domain(senders=senders, **changes))
    return {key: each for key, each in keys.items() if key.startswith(("failing", "weaker"))}


def test_a_healthy_domain_has_a_verdict_and_a_policy_and_nothing_else():
    assert set(found()) == {"verdict example.com", "policy example.com"}


def test_a_verdict_says_what_it_was_and_what_to_publish():
    before = Told("verdict example.com", "not-ready quarantine", NOW - timedelta(days=17), NOW)
    told = {"verdict example.com": before}
    alert = found(domain(next_tags="p=quarantine; t=y; pct=0"), told=told)["verdict example.com"].alert
    assert alert.title == "example.com: ready for p=quarantine"
    assert "Until now it was: not ready for p=quarantine (since 3 November 2026)." in alert.happened
    assert alert.fix == ("Publish: p=quarantine; t=y; pct=0",)
    assert alert.evidence[0] == "91,223 messages of your own in 402 reports of 6 organisations, on 30 days"


def test_a_verdict_names_each_sender_once_and_leaves_long_fixes_to_its_page():
    blocks = tuple(Block(gate, SES, f"Amazon SES eu-central-1: {gate}", ("line",) * 20) for gate in
                   ("stream-failing", "state-failing"))  # fmt: skip
    alert = found(domain(verdict="not-ready", blockers=blocks))["verdict example.com"].alert
    assert alert.evidence[1:] == ("Amazon SES eu-central-1: stream-failing",)
    assert alert.fix == ()


def test_a_verdict_that_cannot_tell_says_how_long_to_wait():
    alert = found(domain(verdict="cannot-tell", days_needed=12))["verdict example.com"].alert
    assert alert.fix == ("Wait: enough is known in 12 days, on 2 December 2026.",)


def test_a_return_path_that_fell_back_while_dkim_holds_is_the_lesser_alert():
    (condition,) = of_senders(sender(notes=(note("mail-from-fallback", "warning"),))).values()
    assert condition.key == f"weaker {SES}"
    assert condition.alert.kind is Kind.STOPPED
    assert condition.alert.title == "example.com: Amazon SES eu-central-1 fell back to SES's own return path"
    assert any("feedback-smtp.eu-central-1.amazonses.com" in line for line in condition.alert.fix)


@pytest.mark.parametrize("word", ["own-dkim-vanished", "mail-from-fallback", "region-gap"])
def test_a_sender_that_nothing_aligns_any_more_is_the_graver_alert(word):
    (condition,) = of_senders(sender(notes=(note(word),))).values()
    assert (condition.key, condition.alert.kind) == (f"failing {SES}", Kind.STOPPED)
    assert condition.alert.fix


def test_a_region_that_only_lacks_a_mail_from_is_no_news():
    assert of_senders(sender(notes=(note("region-gap", "warning"),))) == {}


@pytest.mark.parametrize("legitimacy", ["spoof", "forwarded", "unknown"])
def test_findings_of_what_is_not_yours_are_not_told(legitimacy):
    assert of_senders(sender(legitimacy=legitimacy, notes=(note("own-dkim-vanished"),))) == {}


def test_what_several_gates_say_of_one_sender_is_one_alert():
    blocks = tuple(Block(gate, SES, f"Amazon SES eu-central-1: {gate}") for gate in
                   ("stream-failing", "state-failing", "regressed"))  # fmt: skip
    failing = sender(passed=900, recent=(60, 0))
    (condition,) = of_senders(failing, blockers=blocks).values()
    assert condition.key == f"failing {SES}"
    assert condition.alert.happened == "Amazon SES eu-central-1: regressed."


def test_spf_lost_while_dkim_holds_is_the_lesser_alert_for_any_sender():
    lost = Block("regressed", SES, "Amazon SES eu-central-1: SPF is no longer aligned")
    assert set(of_senders(sender(), warnings=(lost,))) == {f"weaker {SES}"}


def test_dkim_lost_while_spf_holds_becomes_the_graver_alert_when_mail_fails():
    lost = Block("regressed", SES, "Amazon SES eu-central-1: its mail carried a passing signature")
    assert set(of_senders(sender(recent=(60, 60)), blockers=(lost,))) == {f"weaker {SES}"}
    assert set(of_senders(sender(recent=(60, 20)), blockers=(lost,))) == {f"failing {SES}"}


def test_a_new_sender_that_fails_is_told_and_one_that_passes_is_not():
    new = (note("new-stream", "review"),)
    (condition,) = of_senders(sender(legitimacy="shadow", passed=0, notes=new)).values()
    assert (condition.key, condition.alert.kind) == (f"failing {SES}", Kind.NEW_SENDER)
    assert of_senders(sender(notes=new)) == {}
    assert of_senders(sender(legitimacy="spoof", passed=0, notes=new)) == {}


def test_a_sender_that_never_passed_is_new_and_one_that_did_has_stopped():
    block = Block("state-failing", SES, "Amazon SES eu-central-1: 12 messages", ("do this",))
    (never,) = of_senders(sender(passed=0), blockers=(block,)).values()
    (once,) = of_senders(sender(passed=988), blockers=(block,)).values()
    assert (never.alert.kind, once.alert.kind) == (Kind.NEW_SENDER, Kind.STOPPED)
    assert never.key == once.key
    assert never.alert.fix == ("do this",)


def test_a_network_inside_the_pool_that_asks_for_an_answer_is_told():
    block = Block(
        "unknown-persistent", "example.com/unknown/192.0.2.0-24", "192.0.2.0/24: 12 messages failed"
    )
    (condition,) = of_senders(blockers=(block,)).values()
    assert condition.alert.title == "example.com: 192.0.2.0/24 sends as you and fails"


def reporter(name="google.com", *, days=60, span=60, silent=12):
    return Reporter("example.com", name, TODAY - timedelta(days=silent), days, span)


def silent_keys(*reporters, blind=False):
    return {key for key in found(reporters=reporters, blind=blind) if key.startswith("reporters")}


def test_a_daily_reporter_is_silent_after_a_week_and_the_two_days_that_are_under_way():
    goes_on = reporter("Yahoo", silent=1)
    assert silent_keys(reporter(silent=9), goes_on) == {"reporters example.com google.com"}
    assert silent_keys(reporter(silent=8), goes_on) == set()


def test_a_reporter_that_comes_every_fifth_day_is_given_five_times_as_long():
    rare = reporter("AMAZON-SES", days=12, span=60, silent=36)
    assert silent_keys(rare, reporter(silent=1)) == set()
    assert silent_keys(rare._replace(last_day=TODAY - timedelta(days=37)), reporter(silent=1)) != set()


def test_all_reporters_silent_at_once_is_one_alert_about_your_own_record():
    both = (reporter(), reporter("Yahoo"))
    assert silent_keys(*both) == {"reporters example.com *"}
    alert = found(reporters=both)["reporters example.com *"].alert
    assert alert.title == "example.com: no reports at all since 8 November 2026"


def test_silence_says_nothing_while_the_mailbox_cannot_be_read():
    assert silent_keys(reporter(), blind=True) == set()


def failing(hours, runs=24):
    since = NOW - timedelta(hours=hours)
    return Failing("imap://dmarc@example.com", since, NOW, since - timedelta(hours=1), "login refused", runs)


def test_a_source_is_told_after_a_day_of_failing_runs():
    assert "source imap://dmarc@example.com" not in found(failing=(failing(23),))
    alert = found(failing=(failing(24),))["source imap://dmarc@example.com"].alert
    assert alert.title == "imap://dmarc@example.com has not been read since 19 November 2026, 12:00 UTC"
    assert "login refused" in alert.evidence[0]


def test_a_source_named_once_by_hand_that_failed_is_no_alert():
    assert "source imap://dmarc@example.com" not in found(failing=(failing(48, runs=1),))


def test_rejects_are_told_by_reason_and_again_only_when_more_came():
    condition = found(rejected=(Rejected("bomb", 3, "2026-11-19", "too large"),))["rejects bomb"]
    assert condition.alert.title == "3 rejects (bomb) wait for a look"
    assert (condition.value, condition.grows) == ("3", True)
