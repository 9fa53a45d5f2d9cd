"""Is enough known? Days, messages and reporters of the domain's own mail, and what was not read."""

from datetime import date
from itertools import pairwise
from math import ceil

from dmarcwatch import bounds
from dmarcwatch.policy import Step
from dmarcwatch.readiness.gates.measured import Measured, at_least, at_most, percent
from dmarcwatch.readiness.gates.words import day_words
from dmarcwatch.readiness.view import Judged, View
from dmarcwatch.text import count
from dmarcwatch.verdict import Target


def history(view: View) -> Measured:
    """Days since the first report."""
    value, limit = view.snapshot.history_days, view.limits.history_days.at(view.target)
    found = f"reports reach back {count(value, 'day')}, {limit} are asked for"
    return at_least(value, limit, found, days=limit - value)


def enforced(view: View) -> Measured | None:
    """Days at full quarantine, before reject is asked for."""
    rung = view.snapshot.rung
    if view.target is not Target.REJECT or rung.step is Step.REJECT:
        return None
    since = rung.enforcing_since
    value = 0 if since is None else view.snapshot.as_of.toordinal() - since
    limit = view.limits.enforced_days
    found = f"p=quarantine has been in full force for {count(value, 'day')}, {limit} are asked for"
    return at_least(value, limit, found, days=limit - value if since is not None else None)


def covered_days(view: View) -> Measured | None:
    """Share of the expected days that brought own mail."""
    expected = view.expected_days
    if expected < view.limits.few_expected_days:
        return None
    covered = view.covered_expected(view.first)
    value, limit = min(1.0, covered / expected), view.limits.covered_share
    missing = ceil(limit * expected) - covered
    days = ceil(missing * 7 / max(1, len(view.snapshot.expected_weekdays)))
    found = f"reports cover {covered} of {expected} days on which the domain usually mails"
    return at_least(value, limit, found, days=days)


def longest_gap(view: View) -> Measured | None:
    """Calendar days in a row without own mail."""
    if view.expected_days < view.limits.few_expected_days:
        return None
    gap, end = widest_gap(view)
    limit = view.limits.longest_gap_days
    # A gap that reaches into the present ends when reports come back, and nobody knows when.
    days = None if end > view.last else end - limit - view.first
    return at_most(
        gap, limit, f"for {count(gap, 'day')} in a row no report shows the domain's own mail", days=days
    )


def widest_gap(view: View) -> tuple[int, int]:
    """The most days in a row of the window without own mail, and the day after them.

    Days before the first report are no gap: `history` asks about them.
    """
    first = max(view.first, view.snapshot.timeline.first or view.first)
    marks = [first - 1, *view.covered_days, view.last + 1]
    gaps = [(later - day - 1, later) for day, later in pairwise(marks)]
    return max(gaps)


def messages(view: View) -> Measured:
    """Own messages in the window, or in a longer time for a small domain."""
    limits, snapshot = view.limits, view.snapshot
    value, limit = view.evidence, limits.messages.at(view.target)
    patient_days, least = limits.patient_days.at(view.target), limits.patient_messages.at(view.target)
    patient = False
    if value < limit and snapshot.history_days >= patient_days:
        first = snapshot.last - patient_days + 1
        patient = round(sum(n for day, n in snapshot.coverage.items() if day >= first)) >= least
    found = (
        f"{count(value, 'message')} of your own, {limit} are asked for (or {least} in {patient_days} days)"
    )
    days = _days_to_messages(view, limit, patient_days, least) if value < limit else None
    return Measured(value, limit, value >= limit or patient, found, at_least=True, days=days, messages=value)


def _days_to_messages(view: View, limit: int, patient_days: int, least: int) -> int | None:
    """Until either number is reached at the present rate; None if neither is."""
    history, window = view.snapshot.history_days, view.limits.window_days.at(view.target)
    rate = view.evidence / max(1, min(history, window))
    if not rate:
        return None
    ways = []
    if rate * window >= limit:
        ways.append(ceil(limit / rate) - min(history, window))
    if rate * patient_days >= least:
        ways.append(max(patient_days, ceil(least / rate)) - history)
    return max(1, min(ways)) if ways else None


def month_turn(view: View) -> Measured:
    """Turns of a month since the first report."""
    first, last = view.snapshot.timeline.first, view.last
    limit = view.limits.month_turns.at(view.target)
    value = 0 if first is None else turns(first, last)
    found = f"reports span {count(value, 'turn')} of a month (28th to 3rd), {limit} asked for"
    if first is None or value >= limit:
        return at_least(value, limit, found)
    ahead = last
    while turns(first, ahead) < limit:
        ahead += 1
    return at_least(
        value, limit, f"{found}: enough with the reports of {day_words(ahead)}", days=ahead - last
    )


def turns(first: int, last: int) -> int:
    """Turns of a month, from the 28th to the 3rd, that lie within the days from `first` to `last`."""
    start, end = date.fromordinal(first), date.fromordinal(last)
    begun = start.year * 12 + start.month + (start.day > 28)
    ended = end.year * 12 + end.month - (end.day < 3)
    return max(0, ended - begun)


def reporters(view: View) -> Measured:
    """Organisations that reported on own mail."""
    limits, snapshot = view.limits, view.snapshot
    value = len(view.reporters)
    monthly = view.evidence * 30 / max(1, view.last - view.first + 1)
    limit = limits.reporters_small if monthly < limits.small_monthly else limits.reporters
    total = sum(track.totals.evidence for track in snapshot.own)
    if snapshot.history_days >= limits.lone_reporter_days and total >= limits.lone_reporter_messages:
        limit = 1
    names = ", ".join(sorted(view.reporters)[:5]) or "nobody"
    found = f"{count(value, 'organisation')} reported on your own mail ({names}), {limit} asked for"
    days = None
    if 0 < value < limit and view.evidence:
        rate = view.evidence / (view.last - view.first + 1)
        days = max(
            limits.lone_reporter_days - snapshot.history_days,
            ceil((limits.lone_reporter_messages - total) / rate),
        )
    return at_least(value, limit, found, days=days)


def unread(view: View) -> Measured:
    """Messages and reports of the window that could not be read in full."""
    seen = view.domain
    total = max(1.0, seen.messages + seen.unread)
    value, limit = max(seen.unread, view.in_part) / total, view.limits.unread_share.at(view.target)
    found = (
        f"{count(seen.unread, 'message')} could not be read and {count(seen.recovered, 'report')} "
        f"only in part, {percent(value)} of all; at most {percent(limit)} may be so"
    )
    return at_most(min(1.0, value), limit, found)


def thin(view: View) -> Measured:
    """Share of own mail that comes from streams too small to prove anything."""
    unproven = [judged for judged in view.own if _is_thin(judged, view)]
    amount = sum(cell.messages for judged in unproven for _, cell in view.days_of(judged.track, view.first))
    value = amount / max(1.0, view.pooled.failing.messages)
    limit = view.limits.thin_share.at(view.target)
    names = ", ".join(judged.stream.name for judged in unproven[:5])
    found = f"{percent(value)} of your mail comes from senders too rarely seen to prove anything"
    return at_most(value, limit, f"{found} ({names})" if names else found)


def _is_thin(judged: Judged, view: View) -> bool:
    """Whether the effective sample is small; most streams show that it is not within days."""
    if not any(cell.failing for _, cell in judged.cells):
        sample, rho = 0.0, view.limits.rho
        for _, cell in judged.cells:
            sample += bounds.worth(cell.messages, rho=rho)
            if sample >= view.limits.thin_sample:
                return False
        return True
    cells = (bounds.Cell(cell.messages, cell.failing) for _, cell in judged.cells)
    return bounds.effective_sample(cells, rho=view.limits.rho) < view.limits.thin_sample


def quiet(view: View) -> Measured:
    """Days since the last new sender of the domain, one that was set up before it sent excepted."""
    limit = view.limits.quiet_days.at(view.target)
    beginning = view.snapshot.timeline.first or view.last
    new = [
        (track.first, judged.stream.name)
        for judged in view.own
        for track in (judged.track,)
        if track.first is not None and beginning < track.first <= view.last and not _set_up(judged, view)
    ]
    latest, name = max(new, default=(view.last - limit, ""))
    value = view.last - latest
    found = (
        f"the newest sender, {name}, has been seen for {count(value, 'day')}" if name else "no sender is new"
    )
    return at_least(min(value, limit), limit, f"{found}; {limit} are asked for", days=limit - value)


def _set_up(judged: Judged, view: View) -> bool:
    first = judged.track.cells.get(judged.track.first or 0)
    return first is not None and first.dkim >= view.limits.quiet_dkim_share * first.evidence > 0
