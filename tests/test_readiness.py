from tests.judge_build import SES, blocked_by, healthy, ok


def test_a_domain_whose_mail_all_passes_is_ready_for_quarantine():
    verdict = healthy().judge()
    assert (verdict.verdict, verdict.because, verdict.blockers) == ("ready-for-quarantine", None, ())


def test_a_young_domain_cannot_be_told_and_says_how_many_days_are_missing():
    verdict = healthy(25).judge()
    assert (verdict.verdict, verdict.because) == ("cannot-tell", "evidence")
    assert not ok(verdict, "history")
    assert verdict.days_needed == 5


def test_a_sender_that_fails_blocks():
    verdict = healthy().mail(SES, range(0, 40, 4), 4, "amazonses-only").judge()
    assert (verdict.verdict, verdict.because) == ("not-ready", "risk")
    assert "state-failing" in blocked_by(verdict)
