from hypothesis import given, settings
from hypothesis import strategies as st

from dmarcwatch.classify import UNALIGNED, Classifier
from dmarcwatch.report import AuthResult, Dkim, Evidence, Reason, ReasonType, Record, Spf, SpfScope
from dmarcwatch.report import DmarcResult as Said
from dmarcwatch.ses import SesState
from dmarcwatch.streams import Outcome, PlaceKind, stream_id
from tests.records import FAIL, IRELAND, SENDERS, SES_IP, STRANGER, TOKEN, VIRGINIA, report

DOMAINS = st.sampled_from(
    [
        "example.com", "mail.example.com", "amazonses.com", "eu-west-1.amazonses.com", "sendgrid.net",
        "a27-5.smtp-out.us-west-2.amazonses.com", "other-org.20230601.gappssmtp.com", "other.example.net",
        "contoso.onmicrosoft.com", "send.example.com", "localhost",
    ]
)  # fmt: skip
SELECTORS = st.sampled_from([None, TOKEN, IRELAND, VIRGINIA, "resend", "google", "s1", "selector1", "x.y"])
RESULTS = st.sampled_from([None, *AuthResult])
DKIM = st.lists(st.builds(Dkim, DOMAINS, SELECTORS, RESULTS), max_size=4).map(tuple)
SPF = st.lists(
    st.builds(Spf, st.none() | DOMAINS, st.sampled_from([None, *SpfScope]), RESULTS), max_size=2
).map(tuple)
REASONS = st.lists(
    st.builds(Reason, st.sampled_from([None, *ReasonType]), st.sampled_from([None, "arc=pass", "x"])),
    max_size=2,
).map(tuple)
EVIDENCE = st.builds(
    Evidence,
    disposition=st.none(),
    dkim_evaluated=st.sampled_from([None, *Said]),
    spf_evaluated=st.sampled_from([None, *Said]),
    reasons=REASONS,
    header_from=st.sampled_from([None, "example.com", "shop.example.com", "amazonses.com"]),
    envelope_from=st.sampled_from([None, "", "example.com"]),
    envelope_to=st.none(),
    dkim=DKIM,
    spf=SPF,
)
ADDRESSES = st.sampled_from([None, SES_IP, STRANGER, "209.85.220.41", "2001:db8::1"])
REPORTS = st.builds(report, adkim=st.sampled_from([None, "r", "s"]), aspf=st.sampled_from([None, "r", "s"]))
WORDS = {*map(str, SesState), UNALIGNED}
USED = Classifier(SENDERS)
"""Lives through all examples, so that its caches are asked."""


@settings(max_examples=150, deadline=None)
@given(EVIDENCE, ADDRESSES, REPORTS)
def test_every_record_gets_a_known_state_an_outcome_that_fits_it_and_a_stream(evidence, ip, about):
    found = USED.classify(Record(ip, 1, evidence), about)
    assert found.state in WORDS
    assert stream_id(found.place).startswith("example.com")
    if found.outcome is Outcome.PASS:
        assert found.dkim_aligned or found.spf_aligned
    if found.state in (SesState.BOTH_ALIGNED, SesState.DKIM_ONLY):
        assert found.dkim_aligned
    if found.state in (SesState.AMAZONSES_ONLY, SesState.OWN_DKIM_BROKEN, UNALIGNED):
        assert not found.dkim_aligned
        assert not found.spf_aligned
    assert (found.place.name == "") == (found.place.kind is PlaceKind.NONE)


@settings(max_examples=80, deadline=None)
@given(EVIDENCE, ADDRESSES, REPORTS)
def test_what_was_classified_before_does_not_change_what_is_found(evidence, ip, about):
    record = Record(ip, 1, evidence)
    assert USED.classify(record, about) == Classifier(SENDERS).classify(record, about)


@settings(max_examples=80, deadline=None)
@given(EVIDENCE, ADDRESSES, st.randoms(use_true_random=False))
def test_the_order_of_signatures_changes_neither_state_nor_outcome(evidence, ip, random):
    shuffled = list(evidence.dkim)
    random.shuffle(shuffled)
    other = Evidence(
        None, evidence.dkim_evaluated, evidence.spf_evaluated, evidence.reasons, evidence.header_from,
        evidence.envelope_from, None, tuple(shuffled), evidence.spf,
    )  # fmt: skip
    one, two = (USED.classify(Record(ip, 1, each), report()) for each in (evidence, other))
    assert (one.state, one.outcome, one.flags, one.forwarded) == (
        two.state,
        two.outcome,
        two.flags,
        two.forwarded,
    )


@settings(max_examples=80, deadline=None)
@given(EVIDENCE, ADDRESSES)
def test_a_strangers_failing_signature_says_nothing(evidence, ip):
    noise = Dkim("noise.example.org", "google", FAIL)
    other = Evidence(
        None, evidence.dkim_evaluated, evidence.spf_evaluated, evidence.reasons, evidence.header_from,
        evidence.envelope_from, None, (*evidence.dkim, noise), evidence.spf,
    )  # fmt: skip
    one, two = (USED.classify(Record(ip, 1, each), report()) for each in (evidence, other))
    assert (one.place, one.state, one.forwarded, one.because) == (
        two.place,
        two.state,
        two.forwarded,
        two.because,
    )
