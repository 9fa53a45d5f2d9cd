"""`dmarcwatch check` from the command line to the exit status, against real servers on loopback."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from dmarcwatch.check.ses_calls import Action
from dmarcwatch.cli import main
from dmarcwatch.compose import compose
from dmarcwatch.config import Config
from dmarcwatch.judging import Court
from dmarcwatch.report import AuthResult, Dkim, DmarcResult, Spf, SpfScope
from dmarcwatch.store.database import transaction
from dmarcwatch.store.published import last_record
from tests.build import SES_SELECTOR, record, report
from tests.check.aws_server import aws
from tests.check.dns_server import Fault, serving, txt
from tests.check.test_selectors import KEY
from tests.database import SENDERS, feed, fresh, rows

TOKEN = "q3ra6lqwlyf4eksfcx2bdmaym3tpgvdr"
RECORD = "v=DMARC1; p=none; rua=mailto:d@example.com"
SOUND = {
    "_dmarc.example.com TXT": txt(RECORD),
    "example.com MX": "10 mail.example.com.",
    "amazonses.com TXT": txt("v=spf1 ip4:54.240.0.0/18 -all"),
    f"{TOKEN}._domainkey.example.com CNAME": f"{TOKEN}.dkim.amazonses.com.",
    f"{TOKEN}.dkim.amazonses.com TXT": KEY,
    "bounce.example.com MX": "10 feedback-smtp.us-east-1.amazonses.com.",
    "bounce.example.com TXT": txt("v=spf1 include:amazonses.com ~all"),
}
NO_AWS = {
    "AWS_ACCESS_KEY_ID": None,
    "AWS_SECRET_ACCESS_KEY": None,
    "AWS_PROFILE": None,
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
}
NOW = datetime.now(UTC).replace(microsecond=0)
STRANGER = {
    "dkim": (),
    "spf": (Spf("example.com", SpfScope.MFROM, AuthResult.FAIL),),
    "dkim_evaluated": DmarcResult.FAIL,
    "spf_evaluated": DmarcResult.FAIL,
}
UNSIGNED = {
    "dkim": (Dkim("amazonses.com", SES_SELECTOR, AuthResult.PASS),),
    "spf": (Spf("amazonses.com", SpfScope.MFROM, AuthResult.PASS),),
    "dkim_evaluated": DmarcResult.FAIL,
    "spf_evaluated": DmarcResult.FAIL,
}


def day(number, *records):
    begin = (NOW - timedelta(days=number)).replace(hour=0, minute=0, second=0)
    of = report(begin=begin, end=begin + timedelta(seconds=86399), report_id=f"day {number}")
    return compose(of, records)


@pytest.fixture
def path(tmp_path):
    """A database in which example.com is sent well through us-east-1."""
    path = tmp_path / "dmarcwatch.db"
    with fresh(path) as database:
        feed(database, *(day(number, record()) for number in range(2, 5)), now=NOW)
    return path


def check(path, zone, *options, env=NO_AWS, domain="example.com", **settings):
    with serving(zone, **settings) as server:
        where = ("--resolver", f"127.0.0.1:{server.port}", "--timeout", "20")
        arguments = ["--db", str(path), "check", domain, *where, *options]
        return CliRunner(env=env).invoke(main, arguments)


def test_all_well_ends_with_0_and_keeps_the_record(path):
    done = check(path, SOUND)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("example.com: all well\n")
    assert "Amazon SES was not asked: no AWS credentials were found." in done.stdout
    assert f"{TOKEN}._domainkey.example.com" in done.stdout
    with fresh(path) as database:
        assert last_record(database.conn, "example.com") == RECORD
        assert rows(database, "SELECT operator FROM addresses") == [("Amazon.com, Inc.",)]


def test_something_to_mend_ends_with_1_and_stands_first(path):
    done = check(path, SOUND | {"bounce.example.com MX": []})
    assert done.exit_code == 1
    assert done.stdout.startswith("example.com: 1 thing to mend\n")
    assert "DNS: bounce.example.com MX 10 feedback-smtp.us-east-1.amazonses.com" in done.stdout


def test_nothing_that_could_be_looked_up_ends_with_3(path):
    with serving({}, otherwise=Fault.SILENT) as server:
        where = ("--resolver", f"127.0.0.1:{server.port}", "--timeout", "0.3")
        done = CliRunner(env=NO_AWS).invoke(main, ["--db", str(path), "check", "example.com", *where])
    assert done.exit_code == 3, done.output
    assert "To mend" not in done.stdout
    with fresh(path) as database:
        assert rows(database, "SELECT * FROM published") == []


def test_a_resolver_that_lies_ends_with_3(path):
    done = check(path, SOUND, otherwise="anything")
    assert done.exit_code == 3
    assert "answers for dmarcwatch.invalid, a name that cannot exist" in done.stdout


def test_a_part_that_is_not_known_is_said_and_is_nothing_to_mend(path):
    done = check(path, SOUND | {f"{TOKEN}._domainkey.example.com TXT": Fault.SERVFAIL})
    assert done.exit_code == 0
    assert done.stdout.startswith("example.com: 1 not known\n")
    assert "SERVFAIL" in done.stdout


def test_without_a_database_dns_is_asked_and_none_is_made(tmp_path):
    done = check(tmp_path / "none.db", SOUND)
    assert done.exit_code == 0
    assert "No trusted report has spoken of it lately" in done.stdout
    assert not (tmp_path / "none.db").exists()


def test_a_database_that_somebody_writes_to_costs_nobody_the_answer(path):
    with fresh(path) as database, transaction(database.conn):
        done = check(path, SOUND)
    assert done.exit_code == 5
    assert done.stdout.startswith("example.com: all well\n")
    assert "locked" in done.stderr


def test_a_record_that_is_gone_is_forgotten(path):
    check(path, SOUND)
    gone = check(path, {key: value for key, value in SOUND.items() if "_dmarc" not in key})
    assert gone.exit_code == 1
    with fresh(path) as database:
        assert last_record(database.conn, "example.com") is None


def test_the_same_for_programs(path):
    done = check(path, SOUND, "--json")
    answer = json.loads(done.stdout)
    assert answer["dmarc"] == {"known": True, "at": "example.com", "record": RECORD, "policy": "none"}
    assert answer["selectors"] == [
        {
            "domain": "example.com",
            "selector": TOKEN,
            "cname": f"{TOKEN}.dkim.amazonses.com",
            "present": True,
            "bits": 2048,
        }
    ]
    assert answer["mail_from"][0]["sound"] is True
    assert answer["ses"] == {"asked": False, "why_not": "no AWS credentials were found", "regions": []}
    assert {remark["weight"] for remark in answer["remarks"]} == {"well"}


def account(region, **identity):
    """What one region of the account answers."""
    found = {
        "VerifiedForSendingStatus": True,
        "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS", "Tokens": [TOKEN]},
        "MailFromAttributes": {
            "MailFromDomain": "bounce.example.com",
            "MailFromDomainStatus": "SUCCESS",
            "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
        },
    }
    listed = {"EmailIdentities": [{"IdentityName": "example.com"}]}
    return {
        (region, "/v2/email/identities"): listed,
        (region, "/v2/email/list-identities"): listed,  # where botocore asks since 1.44
        (region, "/v2/email/identities/example.com"): found | identity,
        (region, "/v2/email/account"): {"ProductionAccessEnabled": True, "EnforcementStatus": "HEALTHY"},
        (region, "/v2/email/dedicated-ips"): {"DedicatedIps": []},
    }


def test_the_account_is_asked_region_by_region_and_a_denied_one_is_not_known(path):
    options = ("--region", "us-east-1", "--region", "eu-west-1")
    with aws(account("us-east-1")) as env:
        done = check(path, SOUND, "--json", *options, env=NO_AWS | env)
    assert done.exit_code == 0, done.output
    good, denied = json.loads(done.stdout)["ses"]["regions"]
    assert (good["region"], good["identities"][0]["dkim_status"], good["enforcement"]) == (
        "us-east-1", "SUCCESS", "HEALTHY",
    )  # fmt: skip
    assert good["identities_known"] is True
    assert list(good["unknown"]) == [str(Action.GET_METRICS)]
    assert (denied["region"], denied["identities_known"], denied["identities"]) == ("eu-west-1", False, [])
    assert denied["unknown"] == {
        "ses:ListEmailIdentities": "not permitted: ses:ListEmailIdentities is missing"
    }


def test_the_cause_is_named_where_reports_and_the_account_know_it(path):
    with fresh(path) as database:
        feed(database, *(day(number, record(**UNSIGNED)) for number in (5, 6)), now=NOW, source="later")
    off = {"DkimAttributes": {"SigningEnabled": False, "Status": "SUCCESS", "Tokens": [TOKEN]}}
    with aws(account("us-east-1", **off)) as env:
        done = check(path, SOUND, "--region", "us-east-1", env=NO_AWS | env)
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    assert "Reports show 6 messages from us-east-1 without your DKIM since" in text
    assert "example.com there has DKIM SUCCESS but signing is off." in text


def test_amazon_is_not_asked_where_that_was_switched_off(path):
    with aws(account("us-east-1")) as env:
        done = check(path, SOUND, "--no-ses", env=NO_AWS | env)
    assert "Amazon SES was not asked: --no-ses." in done.stdout


@pytest.mark.parametrize(("options", "asked"), [((), False), (("--reverse-dns",), True)])
def test_host_names_of_unknown_networks_are_asked_for_only_on_request(path, options, asked):
    with fresh(path) as database:
        for number in range(2, 22):
            stranger = record("5.9.0.7", 2, **STRANGER)
            feed(database, day(number + 10, stranger), now=NOW, source=f"stranger {number}")
        Court(Config(), SENDERS, NOW).judge_and_keep(database, ["example.com"])
    zone = SOUND | {
        "7.0.9.5.in-addr.arpa PTR": "mail.your-server.de.",
        "mail.your-server.de A": "5.9.0.7",
    }
    text = " ".join(check(path, zone, *options).stdout.split())
    assert "40 messages of example.com came from Hetzner Online GmbH (AS24940, DE)" in text
    assert ("5.9.0.7 is mail.your-server.de (Hetzner)" in text) is asked


def test_the_policy_is_printed_without_asking_anybody(tmp_path):
    done = CliRunner().invoke(main, ["--db", str(tmp_path / "none.db"), "check", "--iam"])
    assert done.exit_code == 0
    statements = json.loads(done.stdout)["Statement"]
    assert {action for each in statements for action in each["Action"]} == set(map(str, Action))


@pytest.mark.parametrize(
    "arguments", [[], ["localhost"], ["not a domain"], ["example.com", "--resolver", "dns.example"]]
)
def test_what_cannot_be_asked_about_is_a_usage_error(tmp_path, arguments):
    done = CliRunner(env=NO_AWS).invoke(main, ["--db", str(tmp_path / "none.db"), "check", *arguments])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
