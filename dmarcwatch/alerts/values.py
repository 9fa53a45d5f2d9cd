"""The words of alerts: what stands now, what was told before, and what is to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from dmarcwatch.ses.remedy import Key, SeenMailFrom


class Kind(StrEnum):
    """What an alert is about; each can be switched off."""

    VERDICT = "verdict"
    """The verdict on a domain is another one."""
    STOPPED = "stopped"
    """A sender that aligned has stopped to, wholly or by one of its two mechanisms."""
    NEW_SENDER = "new-sender"
    """A sender that was not there before fails."""
    POLICY = "policy"
    """Reports show another policy, and nobody asked for it."""
    REPORTERS = "reporters"
    """Organisations that reported regularly are silent."""
    SOURCE = "source"
    """A mailbox, bucket or folder has not been read for a day."""
    REJECTS = "rejects"
    """Items came that could not be read."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell: what happened, what shows it, what to do, where to look."""

    kind: Kind
    subject: str
    """The domain, stream or source that it is about."""
    title: str
    """One line."""
    happened: str
    """One or two sentences."""
    evidence: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    """Lines to copy; empty where there is nothing to mend."""
    page: str = ""
    """The page below `/-/dmarcwatch/`, such as `domain?name=example.com`."""
    command: str = ""
    """What shows the same on the command line."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that stands now, and the alert that tells of it."""

    key: str
    """The same for as long as it stands."""
    alert: Alert
    value: str = ""
    """What may change while it stands."""
    changes: bool = False
    """True for what always stands, such as a verdict: it is told when `value` changes, never when it is
    seen for the first time. False for what comes and goes: it is told when it comes."""
    grows: bool = False
    """Told again after a while only where `value` changed since."""
    quiet: bool = False
    """A change of `value` is noted and not told."""


class Told(NamedTuple):
    """What is known of a condition since an earlier run."""

    key: str
    value: str
    since: datetime
    """When it was first seen, or when its value last changed; aware UTC."""
    told_at: datetime
    """When it was last told."""
    alert: int | None = None
    """Number of the last alert on it; None where it was only noted."""


class Queued(NamedTuple):
    """An alert that waits to be sent."""

    number: int
    """Its number in the table `alerts`, so that who gets one twice can tell."""
    alert: Alert
    raised_at: datetime
    over_at: datetime | None = None
    """When what it tells of was over; None while it stands."""
    repeated: bool = False


class Note(NamedTuple):
    """A finding of a stream while it lasts (`streams.notes`)."""

    word: str
    since: str
    message: str
    severity: str


class Block(NamedTuple):
    """A blocker or warning of a verdict."""

    gate: str
    stream: str | None
    message: str
    fix: tuple[str, ...] = ()
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """One stream as it stands, all messages it ever had together."""

    id: str
    name: str
    header_from: str
    place: str
    """The region where it is one of Amazon SES."""
    legitimacy: str
    first_seen: str
    messages: int
    passed: int
    """Of `messages`, those that pass DMARC."""
    notes: tuple[Note, ...] = ()
    keys: tuple[Key, ...] = ()
    """Those of own signatures seen, newest first."""
    mail_from: SeenMailFrom | None = None
    """The custom MAIL FROM seen last."""
    recent: tuple[int, int] = (0, 0)
    """Messages of the last active days, and those of them that pass; zeros where nobody needs to know."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy as trusted reports show it; a tag that they do not agree on yet is left out."""

    tags: Mapping[str, str] = field(default_factory=dict)
    day: date | None = None
    """The last day with reports."""
    configured: Mapping[str, str] | None = None
    """The tags of the record that the user wrote into the configuration; None where there is none."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain as the newest verdict left it."""

    name: str
    as_of: str
    verdict: str
    target: str
    evidence: Mapping[str, int]
    """`messages`, `reports`, `reporters` and `days_covered` of the window."""
    blockers: tuple[Block, ...] = ()
    warnings: tuple[Block, ...] = ()
    next_record: str | None = None
    next_tags: str | None = None
    days_needed: int | None = None
    senders: tuple[Sender, ...] = ()
    policy: Policy = Policy()


class Reporter(NamedTuple):
    """A regular reporter of a domain."""

    domain: str
    name: str
    last_day: date
    days: int
    """Days that it reported on within the time looked at."""
    span: int
    """Days from the first of them to the last."""


class Failing(NamedTuple):
    """A source whose last runs all failed."""

    name: str
    since: datetime
    """When the first of them began, aware UTC."""
    last_tried: datetime
    last_success: datetime | None
    error: str
    runs: int


class Rejected(NamedTuple):
    """Items that could not be read, for one reason."""

    reason: str
    rejects: int
    last_arrived: str
    message: str
    """What was said of the last one."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that alerts look at, as it stands after a run."""

    today: date
    domains: tuple[Domain, ...] = ()
    reporters: tuple[Reporter, ...] = ()
    failing: tuple[Failing, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    blind: bool = False
    """No source was read well lately, so that silence says nothing about reporters."""
