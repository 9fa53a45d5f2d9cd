"""The texts of a record of known shape -> what it states, if all of it is as the RFCs want it.

`evidence.read_record` reads any record; this is the short way for the usual one. A text is taken here
only where its value is beyond doubt; at the first that is not the record is left to the long way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeAlias, TypeVar

from dmarcwatch.budgets import Budgets
from dmarcwatch.domains import normal_domain
from dmarcwatch.parse import evidence, words
from dmarcwatch.parse.elements import DKIM, GROUP_OF, REASON, SPF
from dmarcwatch.parse.evidence import MAX_SHARED, Statement, read_reasons, shared
from dmarcwatch.parse.shapes import Place
from dmarcwatch.parse.words import NO_DOMAIN, Notes, Vocabulary
from dmarcwatch.report import Dkim, Evidence, Reason, Spf

Value = TypeVar("Value")

_OWN = (
    evidence.DISPOSITION,
    evidence.DKIM_EVALUATED,
    evidence.SPF_EVALUATED,
    evidence.HEADER_FROM,
    evidence.ENVELOPE_FROM,
    evidence.ENVELOPE_TO,
)
_REASON = (evidence.REASON_TYPE, evidence.REASON_COMMENT)
_DKIM = (evidence.DKIM_DOMAIN, evidence.DKIM_SELECTOR, evidence.DKIM_RESULT)
_SPF = (evidence.SPF_DOMAIN, evidence.SPF_SCOPE, evidence.SPF_RESULT)
_Values: TypeAlias = tuple[str | None, ...]
_Pick: TypeAlias = Callable[[Sequence[str | None]], _Values]
"""Picks several of a record's values."""


class Plan(NamedTuple):
    """Which text is which value; a number beyond those of the record's texts is one of `fixed`."""

    fixed: _Values
    """Texts that are part of the shape, and at last None, for what the shape does not have."""
    own: _Pick
    reasons: _Pick | None
    """Those of one reason after the other; None where there is none."""
    dkim: _Pick | None
    spf: _Pick | None


class _DoubtError(Exception):
    """A text is not as the RFCs want it."""


def make_plan(places: Iterable[Place], texts: int, budgets: Budgets) -> Plan | None:
    """The plan of a shape with so many texts; None where anything in it is strange, repeated or too much."""
    own: dict[str, int] = {}
    group: dict[str, int] = {}
    groups: dict[str, list[dict[str, int]]] = {REASON: [], DKIM: [], SPF: []}
    fixed: list[str | None] = []
    for path, what in places:
        if what is None:
            if path not in groups:
                return None
            groups[path].append(group)
            group = {}
            continue
        numbers = group if path in GROUP_OF else own
        if path in numbers:
            return None
        numbers[path] = what if isinstance(what, int) else texts + len(fixed)
        if isinstance(what, str):
            fixed.append(what)
    if max(map(len, groups.values())) > min(MAX_SHARED // 2, budgets.max_signatures, budgets.max_reasons):
        return None
    return Plan(
        (*fixed, None),
        itemgetter(*_numbers(own, _OWN)),
        _pick(groups[REASON], _REASON),
        _pick(groups[DKIM], _DKIM),
        _pick(groups[SPF], _SPF),
    )


def state(plan: Plan, texts: Sequence[str], budgets: Budgets) -> Statement | None:
    """What a record with these texts states; None where that takes a closer look."""
    values = (*texts, *plan.fixed)
    disposition, dkim, spf, header_from, envelope_from, envelope_to = plan.own(values)
    try:
        found = Evidence(
            disposition=_DISPOSITIONS[disposition],
            dkim_evaluated=_EVALUATED[dkim],
            spf_evaluated=_EVALUATED[spf],
            reasons=_reasons(plan.reasons(values), budgets) if plan.reasons else (),
            header_from=_name(header_from),
            # Present and empty is a null reverse-path.
            envelope_from=_name(envelope_from) if envelope_from else envelope_from,
            envelope_to=_name(envelope_to),
            dkim=_signatures(plan.dkim(values)) if plan.dkim else (),
            spf=_spf(plan.spf(values)) if plan.spf else (),
        )
    except (KeyError, _DoubtError):
        return None
    return Statement(shared(found), False, ())


def _numbers(found: Mapping[str, int], paths: Iterable[str]) -> tuple[int, ...]:
    return tuple(found.get(path, -1) for path in paths)


def _pick(groups: Iterable[Mapping[str, int]], paths: Sequence[str]) -> _Pick | None:
    numbers = [number for group in groups for number in _numbers(group, paths)]
    return itemgetter(*numbers) if numbers else None


def _groups(values: _Values, size: int) -> Iterable[_Values]:
    return zip(*[iter(values)] * size, strict=True)


def _reasons(values: _Values, budgets: Budgets) -> tuple[Reason, ...]:
    notes = Notes()
    texts = [
        {path: text.strip() for path, text in zip(_REASON, group, strict=True) if text is not None}
        for group in _groups(values, len(_REASON))
    ]
    found = read_reasons(texts, notes, budgets)
    if notes.repaired:
        raise _DoubtError
    return found


# Much mail has the same signatures and return path; texts are no longer than a record of known shape.
@lru_cache(maxsize=1 << 11)
def _signatures(values: _Values) -> tuple[Dkim, ...]:
    found = tuple(
        Dkim(
            _present(domain),
            _name(selector) if selector else None,
            _DKIM_RESULTS[result],
        )
        for domain, selector, result in _groups(values, len(_DKIM))
    )
    if len(found) > 1 and len(set(found)) < len(found):
        raise _DoubtError
    return found


@lru_cache(maxsize=1 << 11)
def _spf(values: _Values) -> tuple[Spf, ...]:
    found = (
        Spf(_name(domain), _SCOPES[scope], _SPF_RESULTS[result])
        for domain, scope, result in _groups(values, len(_SPF))
    )
    return tuple(dict.fromkeys(result for result in found if any(result)))


def _present(text: str | None) -> str:
    name = _name(text)
    if name is None:
        raise _DoubtError
    return name


@lru_cache(maxsize=1 << 12)
def _name(text: str | None) -> str | None:
    """The name in its normal form; None where absent."""
    name = normal_domain(text) if text is not None else None
    if name in NO_DOMAIN or (name is None and text is not None):
        raise _DoubtError
    return name


def _exact(vocabulary: Vocabulary[Value]) -> dict[str | None, Value | None]:
    return {None: None} | dict(vocabulary.words)


_DISPOSITIONS = _exact(words.DISPOSITIONS)
_EVALUATED = _exact(words.EVALUATED)
_SCOPES = _exact(words.SCOPES)
_DKIM_RESULTS = _exact(words.DKIM_RESULTS)
_SPF_RESULTS = _exact(words.SPF_RESULTS)
