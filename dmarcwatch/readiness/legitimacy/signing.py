"""Whose DKIM keys are on the mail: known operators, the home of a key, and keys of another sender."""

from collections.abc import Iterable, Iterator

from dmarcwatch.readiness.legitimacy.standing import Context
from dmarcwatch.readiness.timeline import Track
from dmarcwatch.streams import PlaceKind, SelectorUse

OPERATOR_TYPES = frozenset({"transactional", "marketing", "saas"})
"""Senders that only mail for their customers: under your From it is your mail or your vendor's."""

_HOME_DAYS = 4
"""One day of so many with most of the mail signed shows whose key it is."""


def signers(tracks: Iterable[Track], today: int) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """Who signs with which selector, as known on a day: `Context.operators` and `Context.homes`.

    A known operator is one whose mail also passes SPF for the domain, or that mails for its
    customers only. Of a selector that none of these uses, the unknown stream that signs most with
    it, and signs most of its mail on many of its days, is the home: a vendor whose key was lost for
    some runs is still the vendor.
    """
    signing = [track for track in tracks if track.totals.dkim]
    operators: dict[str, set[str]] = {}
    for track in signing:
        if track.totals.spf or track.stream.sender_type in OPERATOR_TYPES:
            for name in _selectors(track, today) | {""}:
                operators.setdefault(name, set()).add(track.stream.id)
    homes: dict[str, str] = {}
    for track in sorted(signing, key=lambda track: (track.totals.dkim, track.stream.id)):
        names = _selectors(track, today)
        if track.stream.place.kind is PlaceKind.SCATTERED or not _often_signs(track):
            continue
        if not names & operators.keys() - {""}:  # else it forwards what others signed
            homes.update((name, track.stream.id) for name in names - operators.keys())
    return {name: frozenset(ids) for name, ids in operators.items()}, homes


def _often_signs(track: Track) -> bool:
    """Whether most mail is signed on a quarter of the days: a stray forwarded message makes no home."""
    if track.totals.dkim * 2 > track.totals.evidence:
        return True
    active = [cell for cell in track.cells.values() if cell.evidence]
    signing = sum(cell.dkim * 2 > cell.evidence for cell in active)
    return signing * _HOME_DAYS >= len(active)


def signs_with(track: Track, selectors: Iterable[str], today: int) -> bool:
    """Whether the stream passes DKIM with one of the selectors."""
    return not _selectors(track, today).isdisjoint(selectors)


def _selectors(track: Track, today: int) -> set[str]:
    return _named(use.selector for use in _known(track, today) if use.passed)


def _named(selectors: Iterable[str]) -> set[str]:
    """Those that have a name, where any has: what one reporter leaves out the others say."""
    found = set(selectors)
    return (found - {""}) or found


def _known(track: Track, today: int) -> Iterator[SelectorUse]:
    """The selectors that had been seen by a day."""
    return (use for use in track.stream.selectors if use.first_seen.toordinal() <= today)


def signed_elsewhere(track: Track, context: Context) -> frozenset[str]:
    """The streams whose operator put the signatures on this mail, whether they still verify or not.

    Empty where most failing mail carries none, and where nobody else uses the selectors.
    """
    totals = track.totals
    if not totals.dkim and totals.signed * 2 <= totals.failing:
        return frozenset()
    names = _named(use.selector for use in _known(track, context.today)) or {""}
    others = frozenset[str]().union(*(context.operators.get(name, frozenset()) for name in names))
    return others - {track.stream.id}
