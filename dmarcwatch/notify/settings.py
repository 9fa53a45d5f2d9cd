"""`[notify]` of the configuration: the channels, and when which of them is told what."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from dmarcwatch.alerts.values import Kind
from dmarcwatch.collect.secret import Secret
from dmarcwatch.errors import ConfigError

LONGEST_HOLD = timedelta(days=1)
"""Quiet hours hold an alert back at most so long: a `fetch` that runs only at night would never send it."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Where to tell: one address, room or hook."""

    name: str
    """What `status` calls it."""
    url: Secret | str = field(repr=False)
    """An apprise URL such as `ntfys://ntfy.example.com/dmarc`, or where it lies: `{ env = "NAME" }`,
    `{ file = "/path" }` or `{ command = ["program", "argument"] }`. It names one place alone."""
    alerts: bool = True
    """Whether alerts go there."""
    digest: bool = True
    """Whether `digest --send` goes there."""
    timeout_seconds: float = 30.0
    """How long to wait for it in one run, all in all."""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ConfigError(["a channel needs a name"])
        if self.timeout_seconds <= 0:
            raise ConfigError([f"{self.name}: timeout_seconds is more than 0"])


@dataclass(frozen=True, slots=True)
class Notify:
    """The keys of `[notify]`; without a channel nothing is looked for and nothing is told."""

    channel: tuple[Channel, ...] = ()
    """Each as `[[notify.channel]]`."""
    pages: str | None = None
    """Where `dmarcwatch serve` is reached, such as `https://dmarc.example.com`: alerts link to it."""
    quiet: str | None = None
    """Hours in which nothing is sent, such as `22:00-07:00`. What waited for a day is sent all the same."""
    timezone: str | None = None
    """Of `quiet`, such as `Europe/Berlin`. None: the machine's."""
    repeat_days: int = 14
    """What still stands is told again after so many days; 0 for never."""
    off: tuple[Kind, ...] = ()
    """Kinds of alerts that are not told."""

    def __post_init__(self) -> None:
        problems = [*_quiet_problems(self.quiet), *_zone_problems(self.timezone)]
        names = [channel.name for channel in self.channel]
        problems += [
            f"two channels are named {name}" for name in sorted({n for n in names if names.count(n) > 1})
        ]
        if self.repeat_days < 0:
            problems.append("repeat_days is 0 or more")
        if self.pages is not None and not self.pages.startswith(("http://", "https://")):
            problems.append("pages begins with http:// or https://")
        if problems:
            raise ConfigError(problems)

    @property
    def repeat(self) -> timedelta:
        """After how long an alert is told again."""
        return timedelta(days=self.repeat_days) if self.repeat_days else timedelta.max

    def is_quiet(self, now: datetime) -> bool:
        """Whether `now` (aware) lies in the quiet hours."""
        if self.quiet is None:
            return False
        begin, end = _hours(self.quiet)
        local = now.astimezone(ZoneInfo(self.timezone) if self.timezone else None).time()
        return begin <= local < end if begin <= end else local >= begin or local < end


def _hours(text: str) -> tuple[time, time]:
    begin, _, end = text.partition("-")
    return time.fromisoformat(begin.strip()), time.fromisoformat(end.strip())


def _quiet_problems(text: str | None) -> list[str]:
    if text is None:
        return []
    try:
        begin, end = _hours(text)
    except ValueError:
        return [f"quiet: {text!r} is not like 22:00-07:00"]
    return [] if begin != end else [f"quiet: {text!r} leaves no hour to send in"]


def _zone_problems(name: str | None) -> list[str]:
    if name is None:
        return []
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return [f"timezone: {name!r} is not one, such as Europe/Berlin"]
    return []


NO_CHANNELS = Notify()
"""Nobody to tell."""
