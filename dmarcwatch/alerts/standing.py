"""What stands now and may have to be told: one function for each kind of alert, senders excepted."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from dmarcwatch.alerts.policies import policy_condition
from dmarcwatch.alerts.senders import sender_conditions
from dmarcwatch.alerts.values import (
    Alert,
    Block,
    Condition,
    Domain,
    Failing,
    Kind,
    Rejected,
    Reporter,
    Scene,
    Told,
)
from dmarcwatch.alerts.words import answer, day, in_days, page
from dmarcwatch.text import count

UNREACHABLE_HOURS = 24
"""A source is named after failing this long: mail hosts are down for an hour now and then."""
SILENT_DAYS = 7
"""At the least: a week holds every weekday."""
SILENT_INTERVALS = 7.0
"""A reporter is silent after as many of its usual intervals: where reports come at random, chance leaves
such a gap once in a thousand times (exp(-7))."""
UNDERWAY_DAYS = 2
"""Reports of yesterday may still be under way (JUDGEMENT 6)."""
ALL = "*"
"""Stands for all regular reporters of a domain."""
_SHOWN = 3
"""Blockers that an alert quotes; its page has them all."""
_LINES = 4


def conditions(scene: Scene, told: Mapping[str, Told]) -> Iterator[Condition]:
    """Everything that stands, of all kinds; `told` is what earlier runs knew."""
    for domain in scene.domains:
        yield _verdict(domain, told.get(f"verdict {domain.name}"))
        yield from sender_conditions(domain)
        yield from policy_condition(domain, told.get(f"policy {domain.name}"))
    yield from _reporters(scene)
    yield from (_source(failing) for failing in scene.failing if _is_unreachable(failing))
    yield from map(_rejects, scene.rejected)


def _verdict(domain: Domain, before: Told | None) -> Condition:
    says = answer(domain.verdict, domain.target)
    was = "" if before is None else f" Until now it was: {_former(before)}."
    page_of = page("domain", name=domain.name)
    alert = Alert(
        kind=Kind.VERDICT,
        subject=domain.name,
        title=f"{domain.name}: {says}",
        happened=f"The verdict on {domain.name} is now: {says}.{was}",
        evidence=(_rests_on(domain), *(block.message for block in _once_a_sender(domain.blockers)[:_SHOWN])),
        fix=_next_step(domain),
        page=page_of,
        command=f"dmarcwatch verdict {domain.name}",
    )
    return Condition(f"verdict {domain.name}", alert, f"{domain.verdict} {domain.target}", changes=True)


def _once_a_sender(blocks: tuple[Block, ...]) -> list[Block]:
    """Each sender's worst blocker, and those that are about no sender."""
    found: dict[str, Block] = {}
    for block in blocks:
        found.setdefault(block.stream or block.message, block)
    return list(found.values())


def _former(before: Told) -> str:
    verdict, _, target = before.value.partition(" ")
    return f"{answer(verdict, target)} (since {day(before.since.date())})"


def _rests_on(domain: Domain) -> str:
    seen = domain.evidence
    return (
        f"{count(seen['messages'], 'message')} of your own in {count(seen['reports'], 'report')} of "
        f"{count(seen['reporters'], 'organisation')}, on {count(seen['days_covered'], 'day')}"
    )


def _next_step(domain: Domain) -> tuple[str, ...]:
    """What to publish, else what to mend first, else how long to wait."""
    if domain.next_record or domain.next_tags:
        return (f"Publish: {domain.next_record or domain.next_tags}",)
    mends = next((block.fix for block in domain.blockers if block.fix), ())
    if mends:
        # A long one stands in the alert on the sender itself, and on its page.
        return mends if len(mends) <= _LINES else ()
    if domain.days_needed is not None:
        return (f"Wait: enough is known {in_days(domain.days_needed, date.fromisoformat(domain.as_of))}.",)
    return ()


def _reporters(scene: Scene) -> Iterator[Condition]:
    if scene.blind:
        return
    regular: dict[str, list[Reporter]] = defaultdict(list)
    for reporter in scene.reporters:
        regular[reporter.domain].append(reporter)
    for domain, reporters in regular.items():
        silent = [each for each in reporters if _is_silent(each, scene.today)]
        if len(silent) == len(reporters) > 1:
            yield _all_silent(domain, silent)
        else:
            yield from map(_silent, silent)


def _is_silent(reporter: Reporter, today: date) -> bool:
    missing = (today - reporter.last_day).days - UNDERWAY_DAYS
    return missing >= max(SILENT_DAYS, SILENT_INTERVALS * reporter.span / reporter.days)


def _silent(reporter: Reporter) -> Condition:
    domain, name = reporter.domain, reporter.name
    alert = Alert(
        kind=Kind.REPORTERS,
        subject=domain,
        title=f"{domain}: no reports from {name} since {day(reporter.last_day)}",
        happened=f"{name} reported on {domain} regularly and has stopped.",
        evidence=(
            f"{count(reporter.days, 'day')} reported of the {reporter.span} up to {day(reporter.last_day)}",
        ),
        fix=(
            "If other reporters go on, the change is on its side, or you no longer write to its users.",
            "Look for its mails in the mailbox's spam folder.",
        ),
        page=page("reporters", domain=domain),
        command="dmarcwatch status",
    )
    return Condition(f"reporters {domain} {name}", alert)


def _all_silent(domain: str, silent: list[Reporter]) -> Condition:
    last = max(reporter.last_day for reporter in silent)
    names = ", ".join(reporter.name for reporter in sorted(silent, key=lambda each: -each.days)[:_SHOWN])
    more = f" and {len(silent) - _SHOWN} more" if len(silent) > _SHOWN else ""
    alert = Alert(
        kind=Kind.REPORTERS,
        subject=domain,
        title=f"{domain}: no reports at all since {day(last)}",
        happened=f"All {len(silent)} regular reporters of {domain} have stopped at once.",
        evidence=(f"Last heard of: {names}{more}",),
        fix=(
            f"Look whether the record of _dmarc.{domain} still names your address in rua, and whether mail",
            f"to that address still arrives: dmarcwatch check {domain}",
        ),
        page=page("reporters", domain=domain),
        command="dmarcwatch status",
    )
    return Condition(f"reporters {domain} {ALL}", alert)


def _is_unreachable(failing: Failing) -> bool:
    """Tried again and again for a day: a source that was named once by hand is none."""
    lasted = (failing.last_tried - failing.since).total_seconds()
    return failing.runs > 1 and lasted >= UNREACHABLE_HOURS * 3600


def _source(failing: Failing) -> Condition:
    success = _moment(failing.last_success) if failing.last_success else "never"
    alert = Alert(
        kind=Kind.SOURCE,
        subject=failing.name,
        title=f"{failing.name} has not been read since {_moment(failing.since)}",
        happened=f"Reading {failing.name} failed {count(failing.runs, 'time')} in a row; what lies there "
        "waits and is not lost.",
        evidence=(f"The last error: {failing.error}", f"Last read well: {success}"),
        fix=("Run it by hand to see it fail: dmarcwatch -v fetch",),
        page="inbox",
        command="dmarcwatch status",
    )
    return Condition(f"source {failing.name}", alert)


def _moment(when: datetime) -> str:
    return f"{day(when.date())}, {when:%H:%M} UTC"


def _rejects(rejected: Rejected) -> Condition:
    waits = "waits" if rejected.rejects == 1 else "wait"
    alert = Alert(
        kind=Kind.REJECTS,
        subject=rejected.reason,
        title=f"{count(rejected.rejects, 'reject')} ({rejected.reason}) {waits} for a look",
        happened=f"{count(rejected.rejects, 'item')} could not be read as a report and "
        f"{'is' if rejected.rejects == 1 else 'are'} kept.",
        evidence=(f"The last one arrived on {rejected.last_arrived}: {rejected.message}",),
        fix=("List them: dmarcwatch rejects", "After an upgrade read them again: dmarcwatch rejects --retry"),
        page="inbox",
        command="dmarcwatch rejects",
    )
    return Condition(f"rejects {rejected.reason}", alert, str(rejected.rejects), grows=True)
