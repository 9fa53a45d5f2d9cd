"""A published policy that changed: asked for by the last advice or the configuration, or by nobody."""

from collections.abc import Iterator, Mapping

from dmarcwatch.alerts.values import Alert, Condition, Domain, Kind, Told
from dmarcwatch.alerts.words import day, page
from dmarcwatch.errors import ConfigError
from dmarcwatch.policy import DmarcRecord, step_of
from dmarcwatch.report import Policy

Tags = Mapping[str, str]

_ADVISED = "+"
"""Stands before the tags of the last advice in what is remembered: it is followed days later."""


def policy_condition(domain: Domain, before: Told | None) -> Iterator[Condition]:
    """The policy as reports show it; none where no report shows one.

    A tag that reports do not agree on, as on the day of a change, stays what it was.
    """
    shown = domain.policy.tags
    if not shown:
        return
    remembered = _read(before.value) if before else {}
    known = {name: value for name, value in remembered.items() if not name.startswith(_ADVISED)}
    advised = {name[1:]: value for name, value in remembered.items() if name.startswith(_ADVISED)}
    changed = {name: value for name, value in shown.items() if known.get(name, value) != value}
    yield Condition(
        key=f"policy {domain.name}",
        alert=_alert(domain, known, changed),
        value=_remember({**known, **shown}, _tags(domain.next_tags) or advised),
        changes=True,
        quiet=not changed or _asked(changed, advised) or _asked(changed, domain.policy.configured or {}),
    )


def _asked(changed: Tags, wanted: Tags) -> bool:
    """Whether a record of the wanted tags explains every change."""
    if "p" not in wanted:
        return False
    effect = effective(wanted)
    return all(effect.get(name) == value for name, value in changed.items())


def effective(tags: Tags) -> dict[str, str]:
    """A record's tags with what absent ones mean (RFC 9989 section 4.7; `pct` as RFC 7489 section 6.3)."""
    below = tags.get("sp", tags["p"])
    return {"sp": below, "np": below, "pct": "100", "t": "n", "adkim": "r", "aspf": "r", **tags}


def _alert(domain: Domain, known: Tags, changed: Tags) -> Alert:
    name, seen = domain.name, domain.policy.day
    was = "; ".join(f"{tag}={known[tag]}" for tag in changed)
    now = "; ".join(f"{tag}={value}" for tag, value in changed.items())
    weaker = _step(dict(domain.policy.tags)) < _step({**domain.policy.tags, **known})
    evidence = [f"Most reports of {day(seen)} and of the day before show it." if seen else ""]
    if domain.policy.configured:
        record = "; ".join(f"{tag}={value}" for tag, value in domain.policy.configured.items() if tag != "v")
        evidence.append(f"Your configuration says: {record}")
    return Alert(
        kind=Kind.POLICY,
        subject=name,
        title=f"{name}: the published policy is now {now}" + (", which protects less" if weaker else ""),
        happened=f"Receivers now see {now}; before it was {was}. Nothing here advised that.",
        evidence=tuple(filter(None, evidence)),
        fix=(
            f"See what is published: dmarcwatch check {name}",
            "If it was you, nothing is to be done; if not, see who may change your DNS zone.",
        ),
        page=page("domain", name=name),
        command=f"dmarcwatch verdict {name}",
    )


def _step(tags: Tags) -> int:
    policy = tags.get("p", "none")
    known = Policy(policy) if policy in set(Policy) else None
    return step_of(known, pct=int(tags.get("pct", "100")), testing=tags.get("t") == "y")


def _tags(text: str | None) -> dict[str, str]:
    """The tags of an advice; empty where there is none."""
    try:
        return dict(DmarcRecord.parse(text or "").tags)
    except ConfigError:
        return {}


def _remember(known: Tags, advised: Tags) -> str:
    parts = {**known, **{f"{_ADVISED}{name}": value for name, value in advised.items()}}
    return "; ".join(f"{name}={value}" for name, value in parts.items())


def _read(value: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in value.split("; ") if "=" in part)
