"""The gates of the verdict (JUDGEMENT 6): each asks one question and knows no other."""

from dmarcwatch.readiness.gates import change, evidence, pools, senders, strangers, unsettled
from dmarcwatch.readiness.gates.measured import Finding, Question, answer
from dmarcwatch.verdict import Kind

__all__ = ["GATES", "Finding", "Question", "answer"]

GATES: tuple[Question, ...] = (
    Question("history", Kind.EVIDENCE, "a month each: RFC 9989 section 7.4", evidence.history),
    Question(
        "history", Kind.EVIDENCE, "a month at quarantine first: RFC 9989 section 7.4", evidence.enforced
    ),
    Question("covered-days", Kind.EVIDENCE, "silence is not evidence", evidence.covered_days),
    Question("longest-gap", Kind.EVIDENCE, "silence is not evidence", evidence.longest_gap),
    Question("messages", Kind.EVIDENCE, "a share of few messages says little", evidence.messages),
    Question("month-turn", Kind.EVIDENCE, "payroll and invoices go out then", evidence.month_turn),
    Question("reporters", Kind.EVIDENCE, "one evaluator's bug must not decide", evidence.reporters),
    Question("unread", Kind.EVIDENCE, "what could not be read may fail", evidence.unread),
    Question("thin", Kind.EVIDENCE, "senders seen too rarely are unproven", evidence.thin),
    Question("dominant-reporter", Kind.WARNING, "one evaluator's bug", change.dominant_reporter),
    Question("quiet", Kind.EVIDENCE, "a new sender needs watching", evidence.quiet),
    Question("unsettled", Kind.EVIDENCE, "what began days ago needs watching", unsettled.unsettled),
    Question(
        "legit-failing", Kind.RISK, "a bound and not a share: few messages prove little", pools.legit_failing
    ),
    Question("bad-days", Kind.RISK, "rare whole-day failures hide in a share", pools.bad_days),
    Question("stream-failing", Kind.RISK, "a small sender that fails must block", senders.stream_failing),
    Question("state-failing", Kind.RISK, "forgotten identities hide in good senders", senders.state_failing),
    Question("unknown-persistent", Kind.RISK, "ask, do not guess", strangers.unknown_persistent),
    Question("unknown-failing", Kind.RISK, "a bound on misjudged mail", strangers.unknown_failing),
    Question("doubtful", Kind.RISK, "reporters' bugs and DNS errors", pools.doubtful),
    Question("dkim", Kind.RISK, "RFC 9989 section 7.4: reject must not rely on SPF alone", senders.dkim),
    Question("forwarded", Kind.RISK, "its owner cannot mend it", pools.forwarded),
    Question("people", Kind.RISK, "RFC 9989 section 7.4: mailing lists", pools.people),
    Question("regressed", Kind.RISK, "a break must be seen at once", change.regressed),
    Question("silent", Kind.WARNING, "retired, or broken before it could fail", change.silent),
    Question("subdomains", Kind.RISK, "subdomains inherit the policy", senders.subdomains),
)
"""In the order of the specification's table."""
