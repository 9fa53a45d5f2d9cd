"""The SES account as AWS's own models describe it: what a region tells, and what it keeps to itself."""

import os
import subprocess
import sys

import pytest

from dmarcwatch.check.ses_account import Account, Identity, read_account
from dmarcwatch.check.ses_calls import Action, policy
from tests.check.aws import DENIED, HEALTHY, NOW, TOKEN, Aws, dkim, identity, mail_from

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def read(aws, *regions, used=(IRELAND,)) -> Account:
    return read_account(aws, "example.com", regions=regions or (IRELAND,), used=frozenset(used), now=NOW)


def one(aws):
    (region,) = read(aws).regions
    return region


def test_a_region_that_is_set_up_well():
    aws = Aws().region(IRELAND, {"example.com": identity()})
    region = one(aws)
    aws.assert_all_was_asked()
    assert (region.whole, region.troubles) == (True, {})
    assert region.identities == (
        Identity(
            "example.com", True, True, True, "SUCCESS", (TOKEN,), None, "bounce.example.com", "SUCCESS",
            "default", True,
        ),
    )  # fmt: skip
    assert (region.production, region.enforcement, region.sending) == (True, "HEALTHY", True)
    assert region.destinations == {"default": ("topic",)}
    assert (region.rates.bounce, region.rates.complaint, region.dedicated) == (0.01, 0.0001, frozenset())


def test_identities_of_the_organisation_are_looked_at_domains_first_and_others_left_alone():
    found = {"example.com": identity(), "mail.example.com": identity(), "Boss@Example.com": identity()}
    names = ("other.net", "Boss@Example.com", "mail.example.com", "x@other.net", "example.com")
    aws = Aws().region(IRELAND, found, listed=names)
    assert [each.name for each in one(aws).identities] == [
        "example.com", "mail.example.com", "boss@example.com",
    ]  # fmt: skip
    aws.assert_all_was_asked()


@pytest.mark.parametrize(
    ("attributes", "signs"),
    [
        (dkim(), True),
        (dkim(signing=False), False),
        (dkim("PENDING"), False),
        (dkim("FAILED"), False),
        (dkim("TEMPORARY_FAILURE"), False),
        (dkim("NOT_STARTED", signing=False), False),
        ({}, None),
    ],
)
def test_an_identity_signs_where_signing_is_on_and_dns_was_found(attributes, signs):
    aws = Aws().region(IRELAND, {"example.com": identity(DkimAttributes=attributes)})
    assert one(aws).identities[0].signs is signs


def test_a_region_without_identities_that_nothing_was_seen_from_is_asked_no_further():
    aws = Aws()
    account = read(aws, VIRGINIA)
    aws.assert_all_was_asked()
    region = account.region(VIRGINIA)
    assert (region.whole, region.identities, region.enforcement) == (True, (), None)
    assert account.region(IRELAND) is None


def test_a_region_that_reports_showed_is_asked_though_it_has_no_identity():
    aws = Aws().region(IRELAND, {}, dedicated=("192.0.2.9",))
    region = one(aws)
    assert (region.whole, region.identities, region.dedicated) == (True, (), frozenset({"192.0.2.9"}))


def test_one_region_of_five_without_permission_leaves_the_rest_answered():
    aws = Aws()
    good = (VIRGINIA, "us-west-2", "eu-central-1", "ap-south-1")
    for name in good:
        aws.region(name, {"example.com": identity()})
    aws.region(
        IRELAND,
        {"example.com": DENIED},
        listed=DENIED,
        account=DENIED,
        dedicated=DENIED,
        rates="AccessDenied",
    )
    account = read(aws, *good, IRELAND)
    assert all(account.region(name).identities[0].signs for name in good)
    denied = account.region(IRELAND)
    assert not denied.whole
    assert denied.troubles == {
        action: f"not permitted: {action} is missing"
        for action in (
            Action.LIST_IDENTITIES,
            Action.GET_IDENTITY,
            Action.GET_ACCOUNT,
            Action.GET_DEDICATED_IPS,
            Action.GET_METRICS,
        )
    }
    assert denied.identities == (Identity("example.com", known=False),)
    assert (denied.enforcement, denied.production, denied.dedicated) == (None, None, None)
    assert denied.rates == (None, None)


def test_without_the_list_the_domain_itself_is_asked_about_all_the_same():
    aws = Aws().region(IRELAND, {"example.com": identity()}, listed=DENIED)
    region = one(aws)
    assert (region.whole, region.identities[0].signs) == (False, True)


def test_an_identity_that_does_not_exist_is_absent_and_no_trouble():
    aws = Aws().region(IRELAND, {"example.com": "NotFoundException"}, listed=DENIED)
    region = one(aws)
    assert (region.identities, set(region.troubles)) == ((), {Action.LIST_IDENTITIES})


@pytest.mark.parametrize(
    ("answers", "action", "absent"),
    [
        ({"account": DENIED}, Action.GET_ACCOUNT, lambda region: region.enforcement),
        ({"destinations": DENIED}, Action.GET_DESTINATIONS, lambda region: region.destinations["default"]),
        ({"dedicated": DENIED}, Action.GET_DEDICATED_IPS, lambda region: region.dedicated),
        ({"rates": "AccessDenied"}, Action.GET_METRICS, lambda region: region.rates.bounce),
    ],
)
def test_each_call_may_be_denied_alone_and_is_then_not_known(answers, action, absent):
    region = one(Aws().region(IRELAND, {"example.com": identity()}, **answers))
    assert set(region.troubles) == {action}
    assert absent(region) is None
    assert region.identities[0].known


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("UnrecognizedClientException", "not enabled in this account"),
        ("ExpiredTokenException", "expired"),
        ("TooManyRequestsException", "too many requests"),
        ("InternalFailure", "InternalFailure"),
    ],
)
def test_why_a_call_failed_is_said(code, words):
    aws = Aws().region(VIRGINIA, {}, listed=code)
    (region,) = read(aws, VIRGINIA).regions
    assert not region.whole
    assert words in region.troubles[Action.LIST_IDENTITIES]


def test_metrics_that_were_never_written_are_not_known():
    region = one(Aws().region(IRELAND, {"example.com": identity()}, rates=(None, 0.004)))
    assert region.rates == (None, 0.004)


def test_the_advisor_is_asked_only_where_it_is_switched_on():
    """It costs money, so it is never switched on here."""
    open_ = {
        "Type": "BIMI",
        "Description": "No BIMI record was found.",
        "Impact": "LOW",
        "Status": "OPEN",
        "ResourceArn": "arn:aws:ses:eu-west-1:111122223333:identity/example.com",
    }
    others = open_ | {"ResourceArn": "arn:aws:ses:eu-west-1:111122223333:identity/other.net"}
    advised = HEALTHY | {"VdmAttributes": {"VdmEnabled": "ENABLED"}}
    aws = Aws().region(IRELAND, {"example.com": identity()}, account=advised, advice=[open_, others])
    assert one(aws).recommendations == (("BIMI", "No BIMI record was found.", "LOW"),)
    aws.assert_all_was_asked()


def test_without_mail_from_there_is_none():
    aws = Aws().region(IRELAND, {"example.com": identity(MailFromAttributes=mail_from(domain=""))})
    assert one(aws).identities[0].mail_from is None


def test_the_policy_permits_every_call_that_is_made_and_nothing_that_writes():
    statements = policy()["Statement"]
    actions = [action for statement in statements for action in statement["Action"]]
    assert sorted(actions) == sorted(map(str, Action))
    assert all(action.partition(":")[2].startswith(("Get", "List")) for action in actions)


def test_without_credentials_the_reason_is_said(tmp_path):
    """In a process of its own, because credentials come from the environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nothing = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    program = "from dmarcwatch.check.ses_calls import session_client; print(session_client())"
    done = subprocess.run(
        [sys.executable, "-c", program], env=kept | nothing, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(None, 'no AWS credentials were found')"
