"""What is too new to tell: fresh failures of own senders, and unknown mail that may well be own.

Neither is a risk yet. Days settle it: a failure lasts or does not, a run comes back or does not. The
evidence of a domain on which something is unsettled is not complete.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from dmarcwatch.readiness.gates.measured import Measured, none_open, percent
from dmarcwatch.readiness.gates.unclaimed import Stranger, label_steps, strangers_of
from dmarcwatch.readiness.gates.words import day_words
from dmarcwatch.readiness.legitimacy import ActiveDay
from dmarcwatch.readiness.view import Judged, View
from dmarcwatch.streams import PlaceKind
from dmarcwatch.text import count
from dmarcwatch.verdict import Blocker, Kind

_Waits = tuple[Blocker, int]
"""What is unsettled, and in how many days it is settled by time alone."""


def unsettled(view: View) -> Measured:
    """Senders of the domain that began to fail, and strangers that may be senders of the domain."""
    fresh = (_fresh(view, judged) for judged in view.own)
    found = [*filter(None, fresh), *_unclaimed(view)]
    if not found:
        return none_open((), "nothing is too new to tell")
    ranked = tuple(sorted((blocker for blocker, _ in found), key=lambda one: -(one.messages or 0)))
    words = f"{count(len(ranked), 'sender is', 'senders are')} too new to tell"
    return none_open(ranked, words)._replace(days=max(days for _, days in found))


def _fresh(view: View, judged: Judged) -> _Waits | None:
    """Failures of the last days, yesterday's included, where the sender's mail passed before.

    A share far above what it lost before, for a fault begins with its first day; how large it is, and
    whether it is one, the gates for risks see days later.
    """
    limits, cells, last = view.limits, judged.track.cells, view.last
    recent = range(last - limits.fresh_days + 1, view.snapshot.as_of.toordinal())
    bad = [day for day in recent if day in cells and cells[day].failing]
    if not bad:
        return None
    failing = sum(cells[day].failing for day in bad)
    share = failing / sum(cells[day].messages for day in recent if day in cells)
    if (
        share < limits.fresh_share
        or failing < limits.fresh_own_share * view.own_mail(limits.baseline_days).messages
    ):
        return None
    if share < limits.fresh_ratio * _share_before(view, judged):
        return None
    message = (
        f"{judged.stream.name}: {count(failing, 'message')} failed since {day_words(bad[0])}, "
        "more of its mail than before: days will tell whether that lasts"
    )
    blocker = Blocker(
        "unsettled", Kind.EVIDENCE, message, judged.stream.id, share, limits.fresh_share, failing
    )
    return blocker, bad[-1] + limits.fresh_days - last


def _share_before(view: View, judged: Judged) -> float:
    """Failing share of the month before the last days."""
    limits, cells = view.limits, judged.track.cells
    until = view.last - limits.fresh_days + 1
    before = [cells[day] for day in range(until - limits.baseline_days, until) if day in cells]
    messages = sum(cell.messages for cell in before)
    return sum(cell.failing for cell in before) / messages if messages else 0.0


def _unclaimed(view: View) -> Iterator[_Waits]:
    """Strangers that are much beside the domain's own mail, though too little to ask about as a risk.

    A network on several days is a small server more often than a spoofer, who takes fresh ones. A domain
    that authenticates, seen once, is a vendor's first run or a spoofer's throwaway: the latter comes with
    others of its kind, and with more. Where mail fails from everywhere no single place says anything.
    """
    limits = view.limits
    # No more than are counted: some domains have thousands.
    strangers = list(islice(strangers_of(view, least_days=1), limits.unclaimed_many + 1))
    if len(strangers) > limits.unclaimed_many:
        return
    domains = sum(one.kind is PlaceKind.DOMAIN for one in strangers)
    for one in strangers:
        if one.kind is PlaceKind.NETWORK:
            yield from _unclaimed_network(view, one, alone=len(strangers) == 1)
        elif one.kind is PlaceKind.DOMAIN and domains <= limits.lone_domains:
            yield from _unclaimed_domain(view, one)


def _unclaimed_network(view: View, network: Stranger, *, alone: bool) -> Iterator[_Waits]:
    """A small server; or, where nobody else fails at all, a run that comes once a quarter."""
    limits, window = view.limits, view.limits.long_days
    days = [day for day in network.days if day.day > view.last - window]
    share, least = _share(view, days, window), limits.unclaimed_share.at(view.target)
    if len(days) >= limits.unclaimed_days and share > least:
        settled = days[-limits.unclaimed_days].day
    elif alone and days and 2 * least < share < limits.lone_share / 2:
        settled = days[-1].day
    else:
        return
    yield _question(view, network, days, window=window), settled + window - view.last


def _unclaimed_domain(view: View, domain: Stranger) -> Iterator[_Waits]:
    limits, window = view.limits, view.limits.lone_run_days
    days = [day for day in domain.days if day.day > view.last - window]
    least = limits.unclaimed_share.at(view.target)
    if 0 < len(days) < limits.unclaimed_days and least < _share(view, days, window) < limits.lone_share:
        yield _question(view, domain, days, window=window), days[-1].day + window - view.last


def _share(view: View, days: Sequence[ActiveDay], window: int) -> float:
    """Failing messages of a place beside the domain's own of the same days."""
    return sum(day.failing for day in days) / max(1, view.own_mail(window).messages)


def _question(view: View, stranger: Stranger, days: Sequence[ActiveDay], *, window: int) -> Blocker:
    amount, share = sum(day.failing for day in days), _share(view, days, window)
    message = (
        f"{stranger.name}: {count(amount, 'message')} failed since {day_words(days[0].day)}, as many as "
        f"{percent(share)} of your own mail. Yours and forgotten, or a stranger's? Say so, or wait and see "
        "whether more comes"
    )
    limit, fix = view.limits.unclaimed_share.at(view.target), label_steps(stranger)
    return Blocker("unsettled", Kind.EVIDENCE, message, stranger.id, share, limit, amount, fix)
