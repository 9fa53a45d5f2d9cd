import re
from datetime import date

import pytest

from dmarcwatch.errors import ConfigError
from dmarcwatch.fingerprints import SUFFIX_KEYS
from dmarcwatch.senders import Senders
from tests.records import SENDERS, TOKEN

ENTRY = """[[sender]]
id = "acme-mail"
name = "Acme Mail"
type = "transactional"
as_of = 2026-11-01
source = "our contract"
align = "both"
remedy = "Ask the operations desk."
"""


def refused(overlay: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        Senders.load(overlay, file="mine.toml")
    return list(error.value.problems)


def test_the_longest_suffix_names_the_sender():
    assert SENDERS.by_host("mta-1.sparkpostmail.com").sender.id == "sparkpost"
    assert SENDERS.by_host("mta-1.intercom.com.sparkpostmail.com").sender.id == "intercom"


@pytest.mark.parametrize("name", ["notsendgrid.net", "sendgrid.net.example.com", "net", ""])
def test_suffixes_match_on_label_boundaries(name):
    assert SENDERS.by_dkim(name) is None


def test_numbered_names_are_matched_by_expression():
    assert SENDERS.by_return_path("cmail19.com").sender.id == "campaign-monitor"
    assert SENDERS.by_host("mo7.cmail204.com").sender.id == "campaign-monitor"
    assert SENDERS.by_return_path("xcmail19.com") is None


def test_a_cname_into_a_senders_zone_names_it():
    assert SENDERS.by_cname(f"{TOKEN}.dkim.custom-email-domain.stripe.com").sender.id == "stripe"
    assert SENDERS.by_cname(f"{TOKEN}.dkim.amazonses.com").sender.id == "amazon-ses"


@pytest.mark.parametrize(
    ("ip", "sender"),
    [
        ("209.85.128.0", "google-workspace"),
        ("209.85.255.255", "google-workspace"),
        ("209.85.127.255", None),
        ("2607:f8b0:4864:20::132", "google-workspace"),
        ("2607:f8b1::1", None),
        ("40.93.255.255", "microsoft-365"),
        ("40.94.0.0", None),
        ("203.0.113.7", None),
    ],
)
def test_published_ranges_name_mailbox_operators(ip, sender):
    found = SENDERS.by_address(ip)
    assert (found.id if found else None) == sender


def test_a_selector_of_ones_own_is_a_hint():
    assert SENDERS.hinted(["zendesk1"], "example.com").sender.id == "zendesk"
    assert SENDERS.hinted(["nobodys"], "example.com") is None


@pytest.mark.parametrize(
    "selector", ["mail", "default", "dkim", "s", "k", "k1", "key1", "smtp", "api", "s1", "selector1"]
)
def test_generic_selectors_never_name_a_sender_alone(selector):
    assert SENDERS.hinted([selector], "example.com") is None


def test_a_shared_selector_counts_where_the_return_path_agrees():
    assert SENDERS.hinted(["s1"], "em1234.example.com").sender.id == "sendgrid"
    assert SENDERS.hinted(["s12345"], "em12345.example.com").sender.id == "smtp2go"


def test_a_sender_whose_return_path_never_aligns_is_not_hinted_at():
    assert SENDERS.get("mailchimp").own_selector
    assert SENDERS.hinted(["k2"], "example.com") is None


def test_a_selector_that_points_to_two_senders_names_none():
    assert SENDERS.hinted(["zendesk1", "scph0120"], "example.com") is None


def test_every_packaged_entry_is_dated_and_sourced_and_fits_a_line():
    assert len(list(SENDERS)) >= 44
    for sender in SENDERS:
        assert isinstance(sender.as_of, date)
        assert sender.source
        assert len(sender.remedy) <= 110


def test_no_two_packaged_senders_claim_one_suffix():
    for key in SUFFIX_KEYS:
        claims = [suffix for sender in SENDERS for suffix in getattr(sender, key)]
        assert len(claims) == len(set(claims))


def test_amazonaws_is_nobodys_because_every_server_rented_there_has_such_a_name():
    assert SENDERS.by_host("ec2-54-1-2-3.compute-1.amazonaws.com") is None
    assert SENDERS.by_dkim("amazonaws.com") is None


def test_an_entry_of_the_users_own_is_known_beside_the_packaged_ones():
    senders = Senders.load(ENTRY + 'dkim_d = ["acme-mail.example"]\n')
    assert senders.by_dkim("x.acme-mail.example").sender.name == "Acme Mail"
    assert senders.by_dkim("sendgrid.net").sender.id == "sendgrid"


def test_an_entry_with_a_packaged_id_replaces_it_whole():
    senders = Senders.load(ENTRY.replace("acme-mail", "sendgrid") + 'dkim_d = ["acme-mail.example"]\n')
    assert senders.by_dkim("sendgrid.net") is None
    assert senders.by_dkim("acme-mail.example").sender.id == "sendgrid"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('selectors = ["x"]', "selectors is unknown; known are "),
        ('dkim_d = ["sendgrid.net"]', "dkim_d: sendgrid.net is sendgrid's"),
        ('dkim_d = ["Acme.Example"]', "dkim_d: 'Acme.Example' is not a domain in lower case"),
        ('dkim_d = [".acme.example"]', "dkim_d: '.acme.example' is not a domain"),
        ('dkim_d = "acme.example"', "dkim_d: is not a list"),
        ('own_selector = ["acme"]', "own_selector: 'acme' is not anchored"),
        ('own_selector = ["^Acme$"]', "own_selector: '^Acme$' can never match"),
        ('own_selector = ["^acme("]', "own_selector: '^acme(' is not a regular expression"),
        ('own_selector = ["^(acme)$"]', "own_selector: '^(acme)$' has a group that captures"),
        ('networks = ["192.0.2.1/24"]', "networks: '192.0.2.1/24' is not a network"),
        ('networks = ["0.0.0.0/0"]', "networks: '0.0.0.0/0' is wider than one operator's"),
        ('via = "nobody"', "via: nobody is no sender's id"),
    ],
)
def test_a_mistake_is_refused_with_its_file_and_line(line, complaint):
    [problem] = refused(ENTRY + line + "\n")
    assert problem.startswith(f"mine.toml:9: {complaint}")


def test_an_entry_that_nobody_looked_at_for_years_is_refused():
    [problem] = refused(ENTRY.replace("2026-11-01", "2019-11-01"))
    assert problem.startswith("mine.toml:5: as_of: 2019-11-01 is stale beside 2026-")


def test_all_mistakes_are_named_at_once():
    broken = ENTRY.replace("2026-11-01", '"2026-11-01"').replace('type = "transactional"', 'type = "mailer"')
    assert [problem.partition(": ")[0] for problem in refused(broken + broken)] == [
        "mine.toml:4",
        "mine.toml:5",
        "mine.toml:12",
        "mine.toml:13",
    ]


def test_a_missing_key_is_named_at_the_head_of_its_entry():
    second = ENTRY.replace('source = "our contract"\n', "").replace("acme-mail", "other-mail")
    assert refused(ENTRY + second) == ["mine.toml:9: source is missing"]


def test_one_id_may_not_stand_in_a_file_twice():
    assert refused(ENTRY + ENTRY) == ["mine.toml:10: acme-mail stands in the file twice"]


def test_what_is_no_toml_is_refused_with_its_place():
    [problem] = refused("[[sender]\n")
    assert re.match(r"mine\.toml: is not TOML: .*line 1", problem)


def test_a_table_of_another_name_is_refused():
    assert refused("[sendrs]\n") == ["mine.toml: sendrs is unknown; write each sender as [[sender]]"]
