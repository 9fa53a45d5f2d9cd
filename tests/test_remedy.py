import shlex

import pytest

from dmarcwatch.remedy import remedy
from dmarcwatch.ses import SesState, facts
from dmarcwatch.ses.remedy import Case, Key, SeenMailFrom
from tests.records import SENDERS, TOKEN

SES = SENDERS.get("amazon-ses")


def lines(state, *, region="eu-west-1", selectors=(TOKEN,), sender=SES, signer="shop.example", **known):
    keys = tuple(Key(selector, signer) for selector in selectors)
    return remedy(state, Case("shop.example", region, keys, **known), sender)


def commands(found):
    """The commands among the lines, each split into its words as a shell would."""
    joined = "\n".join(found).replace(" \\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.startswith("aws ")]


KEY, NAMED = Key(TOKEN, "shop.example"), Key("mail2024", "shop.example")
EASY_DKIM = "put-email-identity-dkim-signing-attributes"
MAIL_FROM = "put-email-identity-mail-from-attributes"


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        ("dkim-only", [MAIL_FROM]),
        ("spf-only", [EASY_DKIM, "put-email-identity-dkim-attributes"]),
        ("strict-adkim", ["create-email-identity"]),
        (
            "amazonses-only",
            [
                "list-email-identities",
                EASY_DKIM,
                "put-email-identity-dkim-attributes",
                "delete-email-identity",
            ],
        ),
        ("mail-from-spf-broken", []),
        ("own-dkim-broken", []),
        ("mail-from-fallback", [MAIL_FROM]),
        ("mail-from-mixed", ["list-email-identities"]),
        ("own-dkim-vanished", [EASY_DKIM, "put-email-identity-dkim-attributes"]),
        ("region-gap", [MAIL_FROM]),
    ],
)
def test_a_state_of_ses_is_mended_by_these_commands(state, steps):
    found = commands(lines(state))
    assert [words[2] for words in found] == steps
    for words in found:
        assert words[:2] == ["aws", "sesv2"]
        assert words[words.index("--region") + 1] == "eu-west-1"


def test_commands_carry_the_users_own_names():
    [words] = commands(lines("dkim-only"))
    assert words[3:] == [
        "--region", "eu-west-1", "--email-identity", "shop.example", "--mail-from-domain", "bounce.shop.example",
        "--behavior-on-mx-failure", "USE_DEFAULT_VALUE",
    ]  # fmt: skip


def test_a_custom_mail_from_needs_one_mx_of_its_region_and_one_txt():
    found = lines("mail-from-spf-broken", region="ap-south-2")
    assert (
        "DNS: bounce.shop.example MX 10 feedback-smtp.ap-south-2.amazonses.com (this MX and no other)"
        in found
    )
    assert 'DNS: bounce.shop.example TXT "v=spf1 include:amazonses.com ~all"' in found


SEEN = SeenMailFrom("mail.shop.example", "eu-west-1")


@pytest.mark.parametrize(
    "word", ["dkim-only", "mail-from-spf-broken", "mail-from-fallback", "mail-from-mixed", "region-gap"]
)
def test_the_mail_from_that_was_in_use_is_restored_by_its_name(word):
    found = lines(word, seen=SEEN)
    mx = "DNS: mail.shop.example MX 10 feedback-smtp.eu-west-1.amazonses.com (this MX and no other)"
    assert mx in found
    assert not any("bounce." in line for line in found)
    assert [
        each[each.index("--mail-from-domain") + 1] for each in commands(found) if each[2] == MAIL_FROM
    ] in (
        [],
        ["mail.shop.example"],
    )


def test_a_mail_from_of_another_region_keeps_the_one_mx_it_has():
    found = lines("region-gap", seen=SeenMailFrom("mail.shop.example", "us-east-1"))
    assert "  --mail-from-domain mail.shop.example \\" in found
    assert not any(line.startswith("DNS:") for line in found)
    assert "mail.shop.example has its MX and TXT, for us-east-1: one MX serves all regions, so" in found


def test_a_region_without_any_own_signature_needs_dkim_before_the_mail_from():
    steps = ["create-email-identity", EASY_DKIM, "put-email-identity-dkim-attributes", MAIL_FROM]
    assert [words[2] for words in commands(lines("region-gap", selectors=()))] == steps


@pytest.mark.parametrize(("region", "zone"), [("eu-west-1", "dkim"), ("il-central-1", "dkim.il-central-1")])
def test_a_token_is_published_in_the_zone_of_its_region(region, zone):
    found = lines("own-dkim-broken", region=region)
    at = found.index(f"DNS: {TOKEN}._domainkey.shop.example CNAME")
    assert found[at + 1].strip() == f"{TOKEN}.{zone}.amazonses.com"


def test_a_selector_with_a_name_is_a_key_of_ones_own():
    found = lines("spf-only-dkim-broken", selectors=("", "mail2024"))
    assert "DNS: mail2024._domainkey.shop.example TXT, its p= the public half of the key" in found
    assert not any("CNAME" in line for line in found)


def test_a_key_is_looked_up_at_the_name_that_signs_and_mended_at_its_identity():
    found = remedy("own-dkim-broken", Case("news.shop.example", "eu-west-1", (KEY, NAMED)), SES)
    assert found[0].startswith("The signature of shop.example does not verify.")
    assert f"DNS: {TOKEN}._domainkey.shop.example CNAME" in found
    assert "DNS: mail2024._domainkey.shop.example TXT, its p= the public half of the key" in found
    assert "SES console, region eu-west-1: Configuration > Identities > shop.example >" in found


def test_a_key_of_ones_own_that_vanished_is_published_again_and_not_replaced_by_tokens():
    found = lines("own-dkim-vanished", selectors=("mail2024",))
    [words] = commands(found)
    assert words[words.index("--signing-attributes-origin") + 1] == "EXTERNAL"
    assert "DNS: mail2024._domainkey.shop.example TXT, its p= the public half of the key" in found
    assert not any("CNAME" in line for line in found)


def test_the_most_specific_signer_above_the_from_domain_is_the_identity():
    signers = ("shop.example", "eu.shop.example", "other.shop.example", "op.example")
    keys = tuple(Key(TOKEN, signer) for signer in signers)
    assert Case("news.eu.shop.example", "eu-west-1", keys).identity == "eu.shop.example"
    assert Case("news.eu.shop.example", "eu-west-1").identity == "news.eu.shop.example"


def test_a_subdomain_that_its_parent_signs_gets_an_identity_of_its_own_under_strict_adkim():
    [words] = commands(remedy("strict-adkim", Case("news.shop.example", "eu-west-1", (KEY,)), SES))
    assert words[words.index("--email-identity") + 1] == "news.shop.example"


def test_without_any_own_signature_a_broken_return_path_is_mended_by_signing_too():
    assert commands(lines("strict-aspf")) == []
    assert commands(lines("strict-aspf", selectors=()))[0][2] == EASY_DKIM


def test_a_region_that_nothing_of_the_domain_signs_in_may_need_an_identity_first():
    found = [words[2] for words in commands(lines("amazonses-only", selectors=()))]
    assert found.index("create-email-identity") < found.index(EASY_DKIM)
    assert "create-email-identity" not in [words[2] for words in commands(lines("amazonses-only"))]


@pytest.mark.parametrize("region", ["", "unknown-region", "203.0.113.0/24"])
def test_a_region_that_no_report_names_is_left_to_the_user(region):
    [words] = commands(lines("dkim-only", region=region))
    assert words[words.index("--region") + 1] == "<region>"


@pytest.mark.parametrize("state", ["both-aligned", "null-return-path", "no-such-state"])
def test_what_is_in_order_needs_nothing(state):
    assert lines(state) == ()
    assert lines(state, sender=SENDERS.get("sendgrid")) == lines(state, sender=None) == ()


def test_forged_mail_is_left_to_enforcement_whoever_sent_it():
    assert lines("forged-return-path") == lines("forged-return-path", sender=None)
    assert len(lines("forged-return-path")) == 1


@pytest.mark.parametrize("state", ["unaligned", "own-dkim-broken", "spf-only"])
def test_other_senders_are_mended_in_their_own_panel(state):
    sender = SENDERS.get("zendesk")
    assert lines(state, sender=sender)[-1] == sender.remedy
    assert commands(lines(state, sender=sender)) == []


@pytest.mark.parametrize("state", sorted(set(SesState) - {"both-aligned", "null-return-path", "altered"}))
def test_a_vendor_on_ses_is_mended_in_its_own_panel_and_not_in_the_users_account(state):
    found = lines(state, sender=SENDERS.get("resend"))
    assert commands(found) == []
    assert state in ("foreign-return-path", "forged-return-path") or "resend._domainkey" in found[-1]


def test_spf_is_not_asked_for_where_it_cannot_align():
    assert lines("dkim-only", sender=SENDERS.get("mailchimp")) == ()
    assert lines("dkim-only", sender=SENDERS.get("mailgun")) != ()
    assert lines("dkim-only", sender=None) == ()


def test_an_unknown_sender_is_asked_about():
    assert "dmarcwatch label" in lines("unaligned", sender=None)[-1]


def test_lines_fit_a_terminal():
    words = [*SesState, "unaligned", "mail-from-fallback", "mail-from-mixed", "region-gap", "own-dkim-mixed"]
    for state in words:
        for region in facts().regions:
            assert all(len(line) <= 100 for line in lines(state, region=region)), state
