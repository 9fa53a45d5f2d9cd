"""Ninety days of the demo, a fetch every noon: each alert reaches the channel once, on its day."""

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from dmarcwatch import demo
from dmarcwatch.cli.announcing import announce
from dmarcwatch.cli.context import Settings
from dmarcwatch.cli.reading import fetch_all
from dmarcwatch.collect.sources import FileSource
from dmarcwatch.demo import days as drawn
from dmarcwatch.demo.world import world
from dmarcwatch.report import Policy
from tests.notify.servers import hook

AS_OF = date(2025, 11, 20)
DAY = timedelta(days=1)

# What the demo's world does not hold by itself.
ENFORCED = (date(2025, 10, 5), date(2025, 10, 19))
"""Days on which example.org is published with p=reject, as advised; then somebody takes it back."""
SILENT_FROM = date(2025, 10, 1)
"""GMX, which reports on example.net every other day, stops."""
AWAY = (date(2025, 10, 24), date(2025, 10, 26))
"""The folder with the reports cannot be reached at noon of these days."""
JUNK = date(2025, 11, 10)
"""Something arrives that is no report."""

EXPECTED = [
    # Nobody set up the region: its first working day's mail says so, and one day more makes the verdict.
    ("2025-08-23", "example.com: Amazon SES us-east-1 is not set up for DKIM"),
    ("2025-08-24", "example.com: not ready for p=quarantine"),
    # The scanner has mailed on ten days.
    ("2025-09-06", "example.com: Unknown, 192.0.2.0/24 sends as you and fails"),
    # A month is known.
    ("2025-09-22", "example.net: ready for p=quarantine"),
    # The step that was advised is no alert of its own; the verdict follows it, and the step back is news.
    ("2025-10-07", "example.org: safe as it is"),
    # Twenty reports in 39 days, then seven such intervals of none, and two days that may be under way.
    ("2025-10-15", "example.net: no reports from gmx.net since 29 September 2025"),
    ("2025-10-23", "example.org: ready for p=reject"),
    ("2025-10-23", "example.org: the published policy is now p=none, which protects less"),
    ("2025-10-25", "REPORTS has not been read since 24 October 2025, 12:00 UTC"),
    # Its MX was lost on 30 October; two days show it.
    ("2025-11-01", "example.com: Amazon SES eu-central-1 fell back to SES's own return path"),
    ("2025-11-10", "1 reject (no-report) waits for a look"),
]


def files_of(day):
    """What has come by the morning after `day`."""
    for domain in world().domain:
        for reporter, records in drawn._seen(domain, day, (AS_OF - day).days).items():
            if reporter.org_name == "GMX" and domain.name == "example.net" and day >= SILENT_FROM:
                continue
            report = drawn._report(reporter, domain, day)
            if domain.name == "example.org" and ENFORCED[0] <= day <= ENFORCED[1]:
                report = _enforced(report)
            yield drawn._file(reporter, report, records)
    if day == JUNK - DAY:
        yield "junk.xml", b"<html>this is no report</html>"


def _enforced(report):
    return _with(report, policy=_with(report.policy, p=Policy.REJECT))


def _with(value, **changes):
    names = type(value).__annotations__
    return type(value)(**{name: getattr(value, name) for name in names} | changes)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Day and title of every alert in the order in which the channel got them."""
    folder = tmp_path_factory.mktemp("replay")
    here, away = folder / "reports", folder / "away"
    here.mkdir()
    got = []
    with hook() as endpoint:
        channel = f"[notify]\nrepeat_days = 0\n[[notify.channel]]\nname = 'hook'\nurl = '{endpoint.url}'\n"
        (folder / "dmarcwatch.toml").write_text(demo.config() + channel)
        for before in range(world().days, 0, -1):
            day = AS_OF - before * DAY
            for name, data in files_of(day):
                (here / name).write_bytes(data)
            noon = datetime.combine(day + DAY, time(12), UTC)
            hidden = AWAY[0] <= noon.date() <= AWAY[1]
            if hidden:
                here.rename(away)
            run(folder, noon)
            if hidden:
                away.rename(here)
            got += [(str(noon.date()), title) for body in endpoint.bodies for title in titles(body)]
            endpoint.bodies.clear()
    return [(day, title.replace(str(here), "REPORTS")) for day, title in got]


def run(folder, now):
    settings = Settings(folder / "d.db", folder / "dmarcwatch.toml", verbose=False, quiet=True, clock=now)
    fetch_all(settings, (FileSource(folder / "reports", trusted=True),))
    announce(settings)


def titles(body):
    """The first part of a message, and each that follows where another alert ended."""
    parts = json.loads(body)["message"].split("\n\n")
    return [part for before, part in pairwise(["See", *parts[:-1]]) if before.startswith("See")]


def test_each_alert_comes_once_and_on_its_day(told):
    assert told == EXPECTED
