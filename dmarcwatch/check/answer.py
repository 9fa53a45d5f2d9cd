"""What `check` answers: for people the things to mend first, for programs plain values."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any

from dmarcwatch.check.discovery import Discovery
from dmarcwatch.check.examination import Checked
from dmarcwatch.check.mail_from import MailFrom
from dmarcwatch.check.remarks import Remark, Weight
from dmarcwatch.check.selectors import Key
from dmarcwatch.check.ses_account import Identity, Region

_TITLES = (
    (Weight.FIX, "To mend"),
    (Weight.WARN, "To look at"),
    (Weight.UNKNOWN, "Not known"),
    (Weight.NOTE, "Worth knowing"),
    (Weight.WELL, "Well"),
)
_COUNTED = {
    Weight.FIX: ("1 thing to mend", "{} things to mend"),
    Weight.WARN: ("1 to look at", "{} to look at"),
    Weight.UNKNOWN: ("1 not known", "{} not known"),
}


def text(checked: Checked, *, width: int) -> str:
    """The answer in lines of at most `width` columns where words allow it."""
    lines = [_head(checked), *(part for line in _seen(checked) for part in _wrapped(line, width))]
    for weight, title in _TITLES:
        remarks = [remark for remark in checked.remarks if remark.weight is weight]
        if remarks:
            body = _unknown(remarks) if weight is Weight.UNKNOWN else _listed(remarks)
            lines += ["", title, *(part for line in body for part in _wrapped(line, width))]
    return "\n".join(lines) + "\n"


def _head(checked: Checked) -> str:
    counts = {weight: sum(each.weight is weight for each in checked.remarks) for weight in _COUNTED}
    said = [
        one if counts[weight] == 1 else many.format(counts[weight])
        for weight, (one, many) in _COUNTED.items()
        if counts[weight]
    ]
    return f"{checked.domain}: {', '.join(said) or 'all well'}"


def _seen(checked: Checked) -> Iterable[str]:
    seen = checked.seen
    if seen.until is None:
        yield "No trusted report has spoken of it lately, so only what DNS itself names was asked about."
    else:
        yield f"Asked about what reports of {seen.since} to {seen.until} showed."
    if checked.account is None:
        yield f"Amazon SES was not asked: {checked.no_account}."


def _listed(remarks: Sequence[Remark]) -> Iterable[str]:
    """One remark after the other, under what they are about."""
    about = ""
    for remark in remarks:
        if remark.about != about:
            about = remark.about
            yield f"  {about}"
        yield f"    {remark.message}"
        yield from (f"      {line}" for line in remark.fix)


def _unknown(remarks: Sequence[Remark]) -> Iterable[str]:
    """What could not be asked, by reason: one dead resolver is one line."""
    names: dict[str, list[str]] = defaultdict(list)
    for remark in remarks:
        names[remark.message].append(remark.about)
    for message, about in names.items():
        yield f"  {', '.join(dict.fromkeys(about))}"
        yield f"    {message}"


def _wrapped(line: str, width: int) -> Iterable[str]:
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return wrap(line, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False)


def as_dict(checked: Checked) -> dict[str, Any]:
    """The same as plain values, for `--json`."""
    seen, account = checked.seen, checked.account
    return {
        "domain": checked.domain,
        "at": checked.at.isoformat(),
        "reports": {"since": seen.since, "until": seen.until},
        "dmarc": _discovery(checked.dns.discovery),
        "selectors": [_key(key) for key in checked.dns.keys],
        "mail_from": [_mail_from(path) for path in checked.dns.mail_from],
        "spf": [
            {"domain": each.domain, "known": each.known, "record": each.record, "lookups": each.lookups}
            for each in checked.dns.spf
        ],
        "ses": {
            "asked": account is not None,
            "why_not": checked.no_account or None,
            "regions": [_region(region) for region in account.regions] if account else [],
        },
        "remarks": [remark.as_dict() for remark in checked.remarks],
    }


def _discovery(found: Discovery) -> dict[str, Any]:
    record = found.record
    return {
        "known": found.known,
        "at": found.at,
        "record": record.text if record else None,
        "policy": record.policy if record else None,
    }


def _key(key: Key) -> dict[str, Any]:
    return {
        "domain": key.domain,
        "selector": key.selector,
        "cname": key.target,
        "present": key.present,
        "bits": key.bits,
    }


def _mail_from(path: MailFrom) -> dict[str, Any]:
    return {
        "domain": path.domain,
        "mx": list(path.exchanges),
        "sound": path.sound,
        "region": path.region,
        "spf": path.spf.record,
    }


def _region(region: Region) -> dict[str, Any]:
    return {
        "region": region.name,
        "unknown": {str(action): trouble for action, trouble in region.troubles.items()},
        "identities_known": region.whole,
        "identities": [_identity(each) for each in region.identities],
        "production": region.production,
        "enforcement": region.enforcement,
        "sending": region.sending,
        "bounce_rate": region.rates.bounce,
        "complaint_rate": region.rates.complaint,
        "dedicated": None if region.dedicated is None else sorted(region.dedicated),
        "recommendations": [each._asdict() for each in region.recommendations],
    }


def _identity(identity: Identity) -> dict[str, Any]:
    return {
        "name": identity.name,
        "known": identity.known,
        "verified": identity.verified,
        "signing": identity.signing,
        "dkim_status": identity.dkim_status,
        "selectors": list(identity.selectors),
        "mail_from": identity.mail_from,
        "mail_from_status": identity.mail_from_status,
        "configuration_set": identity.configuration_set,
    }
