"""Would own mail be lost, taken together? Bounds on what fails, on bad days, on what others break."""

from dmarcwatch import bounds
from dmarcwatch.bounds import Share
from dmarcwatch.readiness.faults import is_bad
from dmarcwatch.readiness.gates.measured import Measured, at_most, percent
from dmarcwatch.readiness.gates.words import since
from dmarcwatch.readiness.view import View
from dmarcwatch.text import count
from dmarcwatch.verdict import Blocker, Kind, Target


def legit_failing(view: View) -> Measured:
    """Bound on the failing share of own mail."""
    share, limit = view.pooled.failing, view.limits.failing_share.at(view.target)
    found = (
        f"{count(share.failing, 'message')} of {share.messages:,.0f} of your own fail; "
        f"the true share may be {percent(share.upper)}, {percent(limit)} is allowed"
    )
    return _bounded(view, share, limit, found)


def doubtful(view: View) -> Measured:
    """Bound on own mail that fails or whose pass cannot be believed."""
    share, limit = view.pooled.doubtful, view.limits.doubtful_share.at(view.target)
    found = (
        f"{count(share.failing, 'message')} of your own fail, pass without a visible reason or met a DNS "
        f"error; the true share may be {percent(share.upper)}, {percent(limit)} is allowed"
    )
    return _bounded(view, share, limit, found)._replace(notices=(*_odd(view), *_dns(view)))


def _odd(view: View) -> tuple[Blocker, ...]:
    if not view.odd_reporters:
        return ()
    names = ", ".join(sorted(view.odd_reporters))
    message = (
        f"{names}: DNS errors or passes without a reason that no other reporter sees, left out of `doubtful`"
    )
    return (Blocker("doubtful", Kind.WARNING, message),)


def _dns(view: View) -> tuple[Blocker, ...]:
    days = sorted(view.dns_days)
    if not days:
        return ()
    message = (
        f"the domain's DNS did not answer{since(days)}: what met an error then is left out of `doubtful`"
    )
    return (Blocker("doubtful", Kind.WARNING, message),)


def _bounded(view: View, share: Share, limit: float, found: str) -> Measured:
    absolute = view.limits.failing_messages.at(view.target)
    few = max(absolute, view.limits.failing_messages_share.at(view.target) * share.messages)
    ok = share.upper <= limit or share.failing <= few
    return Measured(share.upper, limit, ok, found, messages=round(share.failing))


def bad_days(view: View) -> Measured:
    """Bound on the share of days on which own mail is lost in earnest."""
    limits = view.limits
    days = view.pooled.days.values()
    bad = sum(is_bad(messages, failing, limits.bad_day_failures, limits) for messages, failing in days)
    value = bounds.upper(bad, max(bad, len(view.covered_days)))
    limit = limits.bad_days_share.at(view.target)
    found = f"on {count(bad, 'day')} of {len(view.covered_days)} much of your mail failed"
    return Measured(value, limit, bad <= limits.bad_days or value <= limit, found)


def forwarded(view: View) -> Measured:
    """Forwarded mail that arrives broken, which the owner cannot mend."""
    toll = view.toll
    broken, total = max(0, toll.forwarded - toll.spared), toll.passed_on
    value = broken / max(1.0, view.pooled.failing.messages)
    limit = view.limits.forwarded_share.at(view.target)
    found = f"{broken:,} of {count(total, 'forwarded message')} arrive broken, {percent(value)} of your mail"
    if view.target is Target.QUARANTINE:
        return Measured(value, None, True, found, messages=broken)
    return at_most(value, limit, found)._replace(messages=broken)


def people(view: View) -> Measured | None:
    """People post to mailing lists, and lists break DMARC: reject would lose what they write."""
    if view.target is Target.QUARANTINE:
        return None
    declared, limit = view.snapshot.declared, view.limits.listed_share
    value = view.toll.listed / max(1.0, view.pooled.failing.messages)
    if declared.accept_listed:
        return Measured(value, limit, True, "you accept that mailing lists lose mail")
    found = f"{percent(value)} of your mail came by mailing lists"
    if declared.audience == "people":
        found = "people write from this domain: lists would lose what they post, stay at quarantine"
        return Measured(value, limit, False, found, messages=view.toll.listed)
    return Measured(value, limit, value < limit, found, messages=view.toll.listed)
