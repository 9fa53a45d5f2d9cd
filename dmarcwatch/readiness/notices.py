"""What is worth telling about the reports themselves, and what only the user can answer."""

from collections.abc import Iterator

from dmarcwatch.errors import ConfigError
from dmarcwatch.policy import DmarcRecord, step_of
from dmarcwatch.readiness.gates.words import day_words
from dmarcwatch.readiness.published import dissent
from dmarcwatch.readiness.view import View
from dmarcwatch.text import count
from dmarcwatch.verdict import Blocker, Kind


def notices(view: View) -> tuple[Blocker, ...]:
    """Oddities of the reports; none of them changes the answer."""
    found = (*_future(view), *_disagreement(view), *_record(view), *_held_reject(view), *_rejects(view))
    found += tuple(_left_out(view))
    told = (Blocker(gate, Kind.WARNING, message, messages=amount) for gate, message, amount in found)
    return (*told, *_untrusted(view))


Notice = tuple[str, str, int | None]


def _future(view: View) -> Iterator[Notice]:
    reports = view.snapshot.timeline.future_reports
    if reports:
        found = (
            f"left out {count(reports, 'report')} of days after {'its' if reports == 1 else 'their'} arrival"
        )
        yield "unread", f"{found}: a reporter's clock is wrong", None


def _disagreement(view: View) -> Iterator[Notice]:
    others, total = dissent(view.snapshot.timeline, view.last, view.limits.recent_days)
    if others:
        text = (
            f"{others} of {count(total, 'report')} of the last week show another policy than p="
            f"{view.snapshot.published.p or 'none'}: a resolver's cache, or two records in DNS"
        )
        yield "published", text, None


def _record(view: View) -> Iterator[Notice]:
    snapshot = view.snapshot
    record, seen = snapshot.timeline.history.record, snapshot.published
    if record is None or seen.last_seen is None:
        return
    try:
        read = DmarcRecord.parse(record)
        known = step_of(read.policy("p"), pct=read.pct, testing=read.testing)
    except ConfigError as error:
        yield "published", f"the record you publish cannot be read: {'; '.join(error.problems)}", None
        return
    if known is not snapshot.rung.step:
        day, shown = day_words(seen.last_seen.toordinal()), f"p={seen.p or 'none'}"
        text = f"your record says p={read.get('p')}, reports of {day} still show {shown}"
        yield "published", f"{text}: the answer is about what they show", None


def _held_reject(view: View) -> Iterator[Notice]:
    seen = view.snapshot.published
    if seen.p == "reject" and seen.pct is not None and seen.pct < 100:
        text = f"p=reject; pct={seen.pct} is weaker than p=quarantine at some receivers: remove pct"
        yield "published", text, None


def _left_out(view: View) -> Iterator[Notice]:
    names = ", ".join(sorted(view.snapshot.ignored))
    if names:
        yield "label", f"left out of everything, as you asked: {names}", None


def _rejects(view: View) -> Iterator[Notice]:
    rejects = view.snapshot.timeline.history.rejects
    if rejects > view.limits.unread_share.at(view.target) * max(1, view.domain.reports):
        yield "unread", f"{count(rejects, 'item')} gave no report: see dmarcwatch rejects", None


def _untrusted(view: View) -> Iterator[Blocker]:
    timeline = view.snapshot.timeline
    if timeline.untrusted_reports:
        message = f"{count(timeline.untrusted_reports, 'report')} could not be verified and count for nothing"
        yield Blocker("reporters", Kind.WARNING, message, fix=_VERIFY if timeline.first is None else ())


_VERIFY = (
    "A report counts when its mail passed DMARC for its reporter's domain. Who says so:",
    "- your mail host, in the topmost Authentication-Results; Microsoft 365: microsoft_mailbox = true",
    '- or its DKIM signature, checked as it is fetched: verify_dkim = "auto", and DNS within reach',
    "Files that you name yourself count as they are: dmarcwatch fetch FOLDER",
)
"""How to make reports count where none does (JUDGEMENT 5)."""


def questions(view: View) -> tuple[str, ...]:
    """What the program would have to guess otherwise; answered in the configuration or by a label."""
    snapshot = view.snapshot
    declared, labels = snapshot.declared, snapshot.labels.values()
    asked = []
    if declared.no_mail:
        return ()
    if not view.evidence:
        asked.append("Does the domain send mail at all? If not: no_mail = true")
    if declared.audience is None:
        asked.append('Do people post to mailing lists from it? audience = "people" or "machines"')
    if not declared.critical and not any(label.critical for label in labels):
        asked.append("Which senders must never break? dmarcwatch label STREAM owned --critical")
    if not declared.every and not any(label.every for label in labels):
        asked.append("Which send monthly or less? dmarcwatch label STREAM owned --every month")
    return tuple(asked)
