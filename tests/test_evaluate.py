import pytest

from dmarcwatch.classify.evaluate import context_of, essence_of, evaluate
from dmarcwatch.classify.outcome import Flag, effective
from dmarcwatch.report import AuthResult, Dkim, DmarcResult, Spf, SpfScope
from dmarcwatch.ses import ReturnPath
from dmarcwatch.streams import Outcome
from tests.records import CUSTOM, FAIL, OWN, OWN_BROKEN, PASS, SES, record, report

ERROR = AuthResult.TEMPERROR


def evaluated(of, about=None):
    context = context_of(about or report())
    return evaluate(essence_of(of.evidence, context), context)


@pytest.mark.parametrize(
    ("said", "ours", "outcome", "flag"),
    [
        ("pass", True, Outcome.PASS, None),
        ("pass", False, Outcome.PASS_UNVERIFIED, Flag.PASS_UNSUPPORTED),
        ("pass", None, Outcome.PASS_UNVERIFIED, Flag.NO_AUTH_RESULTS),
        ("fail", True, Outcome.FAIL, Flag.FAIL_BUT_ALIGNED),
        ("fail", False, Outcome.FAIL, None),
        ("fail", None, Outcome.FAIL, Flag.NO_AUTH_RESULTS),
        (None, True, Outcome.PASS_UNVERIFIED, Flag.EVALUATION_MISSING),
        (None, False, Outcome.UNKNOWN, Flag.EVALUATION_MISSING),
        (None, None, Outcome.UNKNOWN, Flag.EVALUATION_MISSING),
    ],
)
def test_the_reporters_word_beside_ours_for_one_mechanism(said, ours, outcome, flag):
    word = DmarcResult(said) if said else None
    assert effective(word, ours, dns_error=False) == (outcome, flag)
    assert effective(word, ours, dns_error=True) == (Outcome.INDETERMINATE, Flag.DNS_ERROR)


@pytest.mark.parametrize(
    ("dkim", "spf", "said", "outcome"),
    [
        (OWN, None, ("pass", "fail"), Outcome.PASS),
        (OWN_BROKEN, CUSTOM, ("fail", "pass"), Outcome.PASS),
        (OWN_BROKEN, CUSTOM, ("pass", "fail"), Outcome.PASS_UNVERIFIED),
        (OWN._replace(result=ERROR), None, ("fail", "fail"), Outcome.INDETERMINATE),
        (OWN._replace(result=ERROR), CUSTOM, ("fail", "pass"), Outcome.PASS),
        (SES._replace(result=ERROR), None, ("fail", "fail"), Outcome.FAIL),
        (OWN_BROKEN, CUSTOM._replace(result=ERROR), ("fail", "fail"), Outcome.INDETERMINATE),
        (OWN_BROKEN, None, ("fail", None), Outcome.UNKNOWN),
        (OWN_BROKEN, CUSTOM._replace(result=FAIL), ("fail", "fail"), Outcome.FAIL),
        (OWN._replace(result=None), None, ("fail", "fail"), Outcome.FAIL),
    ],
)
def test_a_record_passes_by_either_mechanism_and_fails_only_where_nothing_is_doubtful(
    dkim, spf, said, outcome
):
    assert evaluated(record(dkim=(dkim,), spf=(spf,) if spf else (), evaluated=said)).outcome is outcome


def test_an_unsigned_message_leaves_no_result_out():
    failing = CUSTOM._replace(result=FAIL)
    assert evaluated(record(dkim=(), spf=(failing,), evaluated=("fail", "fail"))).flags == frozenset()


def test_a_record_without_any_results_says_so():
    assert evaluated(record(dkim=(), spf=(), evaluated=("fail", "fail"))).flags == {Flag.NO_AUTH_RESULTS}


def test_alignment_is_strict_only_where_the_policy_says_so():
    below = Dkim("mail.example.com", "s", PASS)
    path = Spf("bounce.example.com", None, PASS)
    relaxed = evaluated(record(dkim=(below,), spf=(path,)))
    strict = evaluated(record(dkim=(below,), spf=(path,)), report(adkim="s", aspf="s"))
    assert (relaxed.dkim_aligned, relaxed.spf_aligned) == (True, True)
    assert (strict.dkim_aligned, strict.spf_aligned) == (False, False)
    assert strict.return_path is ReturnPath.OWN


def test_one_aligned_pass_among_many_results_is_enough():
    signatures = (OWN_BROKEN, Dkim("other.example.net", "s", PASS), OWN)
    paths = (Spf("other.example.net", None, PASS), Spf("example.com", None, PASS))
    found = evaluated(record(dkim=signatures, spf=paths))
    assert (found.dkim_aligned, found.spf_aligned) == (True, True)
    assert found.foreign == (signatures[1],)
    assert found.spf == paths[1]


def test_the_result_for_mail_from_stands_before_an_unscoped_one():
    paths = (Spf("a.example.net", None, PASS), Spf("b.example.net", SpfScope.MFROM, FAIL))
    assert evaluated(record(spf=paths)).spf == paths[1]


def test_a_result_without_a_domain_is_no_return_path():
    found = evaluated(record(spf=(Spf(None, None, PASS),), evaluated=("pass", "fail")))
    assert (found.spf, found.return_path, found.spf_aligned) == (None, ReturnPath.NONE, None)
    assert found.flags == {Flag.NO_AUTH_RESULTS}
