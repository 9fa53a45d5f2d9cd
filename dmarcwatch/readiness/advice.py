"""What to publish next, and what to know before doing so (JUDGEMENT 6, the ladder)."""

from collections.abc import Mapping
from typing import NamedTuple

from dmarcwatch.errors import ConfigError
from dmarcwatch.policy import STAGED_TAGS, DmarcRecord, Step, next_step, previous_step, tags_text
from dmarcwatch.readiness.gates.words import day_words
from dmarcwatch.readiness.snapshot import Snapshot
from dmarcwatch.report import Policy
from dmarcwatch.verdict import Answer

REJECT_TAGS: Mapping[str, str | None] = {"p": "reject", "t": None, "pct": None}
"""For a domain that sends nothing: no rung in between has a purpose."""


class Advice(NamedTuple):
    """The next record, or only the tags where the present one is not known."""

    record: str | None
    tags: str | None
    notes: tuple[str, ...]


def advise(answer: Answer, snapshot: Snapshot) -> Advice:
    """The step that the answer calls for; empty where it calls for none."""
    changes = _changes(answer, snapshot)
    if not changes:
        return Advice(None, None, ())
    record, unknown = _next_record(snapshot.timeline.history.record, changes)
    notes = (*_removed(snapshot, changes), *unknown, *_before(answer, snapshot, changes))
    if answer is not Answer.ROLL_BACK:
        notes += (*_lagging(snapshot, changes), *_absent(snapshot))
    return Advice(record, tags_text(changes), notes)


def _changes(answer: Answer, snapshot: Snapshot) -> Mapping[str, str | None]:
    step = snapshot.rung.step
    if answer is Answer.ROLL_BACK:
        return previous_step(step, sp=snapshot.published.sp)
    if answer is Answer.READY_FOR_REJECT:
        return REJECT_TAGS
    return next_step(step) if answer is Answer.READY_FOR_QUARANTINE else {}


def _next_record(record: str | None, changes: Mapping[str, str | None]) -> tuple[str | None, tuple[str, ...]]:
    keep = "change only these tags: keep your rua and all others"
    if record is None:
        return None, (keep,)
    try:
        known = DmarcRecord.parse(record)
        if not known.begins_right:
            raise ConfigError(["it does not begin with v=DMARC1"])
        return str(known.with_tags(changes)), ()
    except ConfigError as error:
        return None, (
            f"the record you publish cannot be read ({'; '.join(error.problems)}): mend it first",
            keep,
        )


def _removed(snapshot: Snapshot, changes: Mapping[str, str | None]) -> tuple[str, ...]:
    published = snapshot.published
    held = {"t": bool(published.t), "pct": published.pct is not None and published.pct < 100}
    removed = [name for name, value in changes.items() if value is None and held.get(name)]
    return (f"remove {' and '.join(removed)}",) if removed else ()


def _before(answer: Answer, snapshot: Snapshot, changes: Mapping[str, str | None]) -> tuple[str, ...]:
    if answer is Answer.ROLL_BACK:
        return ("mend the sender named first, then judge again",)
    if changes is STAGED_TAGS:
        return (
            f"stay {snapshot.limits.staged_days} days on this rung: mailing lists rewrite From already, and "
            "receivers quarantine nothing unless they ignore both t and pct",
            "pct below 100 suspends a BIMI logo, if you have one",
            _TTL,
        )
    if answer is Answer.READY_FOR_REJECT and not snapshot.declared.no_mail:
        return (
            "you may publish p=reject; t=y without pct first: new receivers quarantine, old ones reject",
            _TTL,
        )
    return (*_staged_until(snapshot), _TTL)


def _lagging(snapshot: Snapshot, changes: Mapping[str, str | None]) -> tuple[str, ...]:
    """What holds for subdomains where `sp` stays behind the step."""
    sp, words = snapshot.sp, [str(policy) for policy in Policy]
    if sp not in words or words.index(sp) >= words.index(changes.get("p") or "none"):
        return ()
    return (f"sp={sp} stays as it is: raise it once mail from your subdomains passes",)


def _absent(snapshot: Snapshot) -> tuple[str, ...]:
    """What may be said about names that do not exist (`np`), where the record does not say it yet.

    Reports do not tell whether a name exists; only that own mail comes from it.
    """
    if snapshot.published.np is not None:
        return ()
    places = (track.stream.place for track in snapshot.own)
    below = sorted({place.header_from for place in places if place.header_from != place.policy_domain})
    if below:
        return (f"np=reject rejects names that do not exist: add it if DNS knows {', '.join(below)}",)
    return ("np=reject may go along: no mail of yours comes from a subdomain",)


_TTL = "lower the TTL of the record to 300 to 3600 seconds before, so that you can go back fast"


def _staged_until(snapshot: Snapshot) -> tuple[str, ...]:
    rung = snapshot.rung
    if rung.step is not Step.STAGED or rung.since is None:
        return ()
    until = rung.since + snapshot.limits.staged_days
    if until <= snapshot.as_of.toordinal():
        return ()
    return (f"better wait until {day_words(until)}: two weeks on the staged rung",)
