"""The demo's ninety days: reproducible, made of reserved names, and telling what demo.toml says they tell."""

import json
from collections import Counter
from datetime import date, timedelta
from ipaddress import ip_network
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from dmarcwatch import demo
from dmarcwatch.budgets import Budgets
from dmarcwatch.classify import network_of
from dmarcwatch.cli import main
from dmarcwatch.demo.world import world
from dmarcwatch.parse import read
from dmarcwatch.report import Dialect
from dmarcwatch.ses import is_ses_address
from dmarcwatch.streams import covered
from dmarcwatch.unpack import unpack

AS_OF = date(2025, 11, 20)
RESERVED_NAMES = ("example.com", "example.net", "example.org", "example", "invalid")
RESERVED_NETWORKS = [
    ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32")
]
OPERATORS = ("amazonses.com", "mcsv.net")


def readings(files):
    for name, data in files:
        for document in unpack(data, Budgets()).documents:
            reading = read(document.chunks)
            yield name, reading.report, [record for batch in reading.batches() for record in batch]


@pytest.fixture(scope="module")
def week():
    """What was reported on the seven days from the eightieth before `AS_OF` on, by reporter."""
    found = {}
    first = AS_OF - timedelta(days=80)
    for _, report, records in readings(islice(demo.ninety_days(AS_OF), 200)):
        if timedelta() <= report.begin.date() - first < timedelta(days=7):
            found.setdefault(report.org_name, []).append((report, records))
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What fetch, verdict and sources say of the ninety days."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "dmarcwatch.toml").write_text(demo.config())
    files = demo.write(folder / "reports", AS_OF)
    before = ["--db", str(folder / "demo.db"), "--config", str(folder / "dmarcwatch.toml")]

    def run(*words):
        result = CliRunner().invoke(main, [*before, *words, "--json"])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return json.loads(result.stdout), result.exit_code

    accounts = run("fetch", str(folder / "reports"))
    verdicts = run("verdict", "--as-of", AS_OF.isoformat())
    return {"files": files, "fetch": accounts, "verdict": verdicts, "sources": run("sources")[0]}


def verdict_on(told, domain):
    return next(verdict for verdict in told["verdict"][0] if verdict["domain"] == domain)


def source(told, stream):
    return next(row for row in told["sources"] if row["id"] == stream)


def test_a_day_gives_the_same_files_each_time_and_another_day_gives_others():
    first = list(islice(demo.ninety_days(AS_OF), 40))
    assert first == list(islice(demo.ninety_days(AS_OF), 40))
    assert first != list(islice(demo.ninety_days(AS_OF + timedelta(days=7)), 40))


def test_the_world_s_own_names_are_reserved():
    streams = [(domain, stream) for domain in world().domain for stream in domain.stream]
    names = {domain.name for domain, _ in streams} | {stream.header_from or "" for _, stream in streams}
    for _, stream in streams:
        for mail in stream.mail:
            names |= {result.split()[0] for result in (mail.spf, *mail.dkim)}
    strange = [
        name
        for name in names - {""}
        if not any(name == known or name.endswith(f".{known}") for known in (*RESERVED_NAMES, *OPERATORS))
    ]
    assert not strange


def test_addresses_are_amazon_ses_s_where_the_mail_is_and_reserved_ones_elsewhere():
    for domain in world().domain:
        for stream in domain.stream:
            operated = [mail for mail in stream.mail if any("amazonses.com" in each for each in mail.dkim)]
            direct = bool(operated) and not stream.mail[0].spf.startswith("alumni")
            for network in map(ip_network, stream.networks):
                assert is_ses_address(str(network[0])) is direct, network
                if not direct:
                    own = [each for each in RESERVED_NETWORKS if each.version == network.version]
                    assert any(network.subnet_of(each) for each in own), network


def test_no_network_of_strangers_comes_back():
    days = {}
    for _, report, records in readings(demo.ninety_days(AS_OF)):
        for record in records:
            if not record.evidence.dkim and not record.source_ip.startswith("192.0.2."):
                day, _ = covered(report.begin, report.end)
                days.setdefault((report.policy.domain, network_of(record.source_ip)), set()).add(day)
    assert len(days) > 500
    assert all(len(seen) == 1 for seen in days.values())


def test_google_names_no_scope_and_ses_no_selector(week):
    google = [record.evidence for _, records in week["google.com"] for record in records]
    assert all(spf.scope is None for evidence in google for spf in evidence.spf)
    assert all(dkim.selector for evidence in google for dkim in evidence.dkim)
    ses = [record.evidence for _, records in week["AMAZON-SES"] for record in records]
    assert any(evidence.dkim for evidence in ses)
    assert all(dkim.selector is None for evidence in ses for dkim in evidence.dkim)


def test_each_reporter_keeps_its_own_dialect_and_end_of_day(week):
    reports = {name: found[0][0] for name, found in week.items()}
    assert reports["GMX"].dialect is Dialect.RFC9990
    assert reports["Yahoo"].dialect is Dialect.DRAFT
    assert (reports["google.com"].end - reports["google.com"].begin).total_seconds() == 86_399
    assert (reports["Outlook.com"].end - reports["Outlook.com"].begin).total_seconds() == 86_400


def test_the_files_are_mails_archives_and_gzip(told):
    endings = Counter(Path(name).suffix for name, _ in islice(demo.ninety_days(AS_OF), 100))
    assert set(endings) == {".eml", ".gz", ".zip"}
    assert 300 < told["files"] < 1000


def test_every_file_is_read_and_what_came_twice_counts_once(told):
    accounts, status = told["fetch"]
    assert status == 0
    assert accounts["items"] == told["files"]
    assert (accounts["duplicates"], accounts["rejects"], accounts["problems"]) == (2, 0, 0)
    assert accounts["reports"] == told["files"] - 2


def test_example_com_is_held_back_by_the_forgotten_region_and_the_scanner_alone(told):
    verdict = verdict_on(told, "example.com")
    assert (verdict["verdict"], verdict["because"]) == ("not-ready", "risk")
    assert {blocker["stream"] for blocker in verdict["blockers"]} == {
        "example.com/amazon-ses/us-east-1",
        "example.com/unknown/192.0.2.0-24",
    }
    assert told["verdict"][1] == 1


def test_the_forgotten_region_is_about_one_percent_of_the_domain_s_own_mail(told):
    failing = verdict_on(told, "example.com")["projection"]["quarantine"]["legitimate"]
    assert 0.005 < failing / verdict_on(told, "example.com")["evidence"]["messages"] < 0.02


def test_the_return_path_that_fell_back_is_found_where_it_did(told):
    assert "mail-from-fallback" in source(told, "example.com/amazon-ses/eu-central-1")["findings"]
    assert "mail-from-fallback" not in source(told, "example.com/amazon-ses/eu-west-1")["findings"]


def test_forwarded_receipts_stay_in_their_region_and_the_list_is_not_the_owner_s_fault(told):
    assert source(told, "example.com/unknown/lists.example")["legitimacy"] == "forwarded"
    assert source(told, "example.com/amazon-ses/eu-west-1")["states"]["dkim-only"] > 0


def test_example_net_is_ready_for_quarantine(told):
    verdict = verdict_on(told, "example.net")
    assert verdict["verdict"] == "ready-for-quarantine"
    assert verdict["blockers"] == []


def test_example_org_sends_nothing_and_may_reject_at_once(told):
    assert verdict_on(told, "example.org")["verdict"] == "ready-for-reject"
    assert verdict_on(told, "example.org")["evidence"]["messages"] == 0


def test_the_fixtures_show_the_world_that_is_packaged():
    root = Path(__file__).parent.parent
    assert (root / "fixtures/demo.toml").read_bytes() == (root / "dmarcwatch/demo/demo.toml").read_bytes()
