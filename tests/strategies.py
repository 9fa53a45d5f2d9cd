"""Any report and any record that a reporter could write down."""

import string
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from dmarcwatch import report as rfc
from dmarcwatch.domains import normal_domain
from dmarcwatch.text import clean

words = st.text(max_size=30).map(lambda text: clean(text, 30)).filter(bool)
labels = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=12)
domains = (
    st.lists(labels, min_size=1, max_size=4).map(".".join).filter(lambda name: normal_domain(name) == name)
)
named_domains = domains.filter(lambda name: name != "null")


def maybe(strategy):
    return st.none() | strategy


def enum(words):
    return maybe(st.sampled_from(words))


signatures = st.builds(
    rfc.Dkim,
    named_domains,
    maybe(domains),
    maybe(st.sampled_from([result for result in rfc.AuthResult if result is not rfc.AuthResult.SOFTFAIL])),
)
spf_results = st.builds(rfc.Spf, maybe(named_domains), enum(rfc.SpfScope), enum(rfc.AuthResult)).filter(any)
reasons = st.builds(rfc.Reason, enum(rfc.ReasonType), maybe(words))

evidence = st.builds(
    rfc.Evidence,
    disposition=enum(rfc.Disposition),
    dkim_evaluated=enum(rfc.DmarcResult),
    spf_evaluated=enum(rfc.DmarcResult),
    reasons=st.lists(reasons, max_size=3).map(tuple),
    header_from=maybe(named_domains),
    envelope_from=maybe(st.just("") | named_domains),
    envelope_to=maybe(named_domains),
    dkim=st.lists(signatures, max_size=4, unique=True).map(tuple),
    spf=st.lists(spf_results, max_size=3, unique=True).map(tuple),
)
addresses = st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).filter(lambda ip: not ip.ipv4_mapped).map(
    str
)
records = st.builds(rfc.Record, maybe(addresses), st.integers(0, 100_000_000), evidence)

_NEW = ("np", "testing", "discovery_method")


@st.composite
def reports(draw):
    begin = draw(st.datetimes(datetime(2012, 1, 1), datetime(2090, 1, 1)))
    begin = begin.replace(microsecond=0, tzinfo=UTC)
    policy = draw(
        st.builds(
            rfc.PolicyPublished,
            domain=named_domains,
            adkim=enum(rfc.AlignmentMode),
            aspf=enum(rfc.AlignmentMode),
            p=enum(rfc.Policy),
            sp=enum(rfc.Policy),
            np=enum(rfc.Policy),
            pct=maybe(st.integers(0, 100)),
            fo=maybe(st.sampled_from(["0", "1", "1:d:s"])),
            testing=maybe(st.booleans()),
            discovery_method=enum(["psl", "treewalk"]),
        )
    )
    generator = draw(maybe(words))
    new = generator is not None or any(getattr(policy, name) is not None for name in _NEW)
    return rfc.Report(
        org_name=draw(maybe(words)),
        org_email=draw(maybe(words)),
        report_id=draw(maybe(words)),
        begin=begin,
        end=begin + timedelta(seconds=draw(st.integers(0, 35 * 86400))),
        policy=policy,
        dialect=rfc.Dialect.RFC9990 if new else draw(st.sampled_from(rfc.Dialect)),
        extra_contact_info=draw(maybe(words)),
        errors=draw(st.lists(words, max_size=3).map(tuple)),
        generator=generator,
    )
