"""What `check` prints: the things to mend first, one dead resolver on one line, and as documented."""

from datetime import UTC, date, datetime
from pathlib import Path

from dmarcwatch.check.answer import text
from dmarcwatch.check.discovery import Discovery
from dmarcwatch.check.dnscheck import DnsFound
from dmarcwatch.check.examination import Checked
from dmarcwatch.check.join import joined
from dmarcwatch.check.mail_from import mail_from_of
from dmarcwatch.check.remarks import Remark, Weight, fix, note, unknown, well
from dmarcwatch.check.ses_account import Account, Identity, Region
from dmarcwatch.cli.check import command
from dmarcwatch.sightings import NOTHING_SEEN, Sightings, StateSeen
from tests.check.dns_server import asking, txt

DOCS = (Path(__file__).parent.parent.parent / "docs" / "check.md").read_text("utf-8")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DISCOVERY = Discovery("example.com", True, None, None, ())
DNS = DnsFound(DISCOVERY, (), (), (), ())


def printed(*remarks: Remark, seen=NOTHING_SEEN, width=100) -> str:
    return text(Checked("example.com", NOW, seen, DNS, None, "--no-ses", remarks), width=width)


def test_what_is_to_be_mended_stands_first_and_what_is_well_last():
    shown = printed(well("a", "Good."), note("b", "By the way."), fix("c", "Broken.", "DNS: c"))
    assert shown.index("To mend\n  c\n    Broken.\n      DNS: c") < shown.index("Worth knowing\n  b")
    assert shown.endswith("Well\n  a\n    Good.\n")


def test_the_first_line_counts():
    remarks = [fix("a", "x"), fix("b", "y"), unknown("c", "z"), well("d", "w")]
    assert printed(*remarks).splitlines()[0] == "example.com: 2 things to mend, 1 not known"
    assert printed(well("d", "w")).splitlines()[0] == "example.com: all well"


def test_what_is_not_known_for_one_reason_stands_together():
    shown = printed(unknown("a", "no resolver answers"), unknown("b", "no resolver answers"))
    assert "Not known\n  a, b\n    not known: no resolver answers\n" in shown


def test_long_lines_are_broken_between_words():
    shown = printed(fix("a", "word " * 60, f"DNS: {'x' * 150}"), width=40)
    long = [line for line in shown.splitlines() if len(line) > 40]
    assert [line.strip() for line in long] == ["x" * 150]


def test_the_documentation_shows_what_is_printed():
    showed = StateSeen(
        "example.com", "eu-west-1", "amazonses-only", 1834, date(2026, 11, 3), date(2026, 11, 19)
    )
    seen = Sightings(date(2026, 9, 22), date(2026, 11, 19), states=(showed,))
    off = Identity(
        "example.com",
        known=True,
        signing=False,
        dkim_status="SUCCESS",
        mail_from="bounce.example.com",
        mail_from_status="SUCCESS",
    )
    account = Account((Region("eu-west-1", {}, (off,), production=True),))
    zone = {
        "login.example.com TXT": txt("v=spf1 include:amazonses.com ~all"),
        "amazonses.com TXT": txt("v=spf1 -all"),
    }
    with asking(zone) as dns:
        path = mail_from_of(dns, "login.example.com", region="eu-central-1")
    shown = printed(*joined(seen, account, ()), *path.remarks, seen=seen)
    block = shown[shown.index("To mend") : shown.index("\nWell")]
    assert block in DOCS


def test_every_option_is_documented():
    for option in command.params:
        if option.param_type_name == "option":
            assert f"`{option.opts[0]}" in DOCS, option.opts[0]


def test_every_heading_is_documented():
    shown = printed(*(Remark(weight, "a", str(weight)) for weight in Weight))
    headings = [line for line in shown.splitlines()[3:] if line and not line.startswith(" ")]
    assert len(headings) == len(Weight)
    assert all(f"\n| {heading} |" in DOCS for heading in headings)
