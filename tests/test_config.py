"""The configuration names all of its mistakes at once, with file and key."""

import pytest

from dmarcwatch.collect.sources import ImapSource, Security
from dmarcwatch.config import Config, load
from dmarcwatch.errors import ConfigError


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "dmarcwatch.toml"
        path.write_text(text, "utf-8")
        return load(path)

    return write


def test_no_file_is_needed_to_begin(tmp_path):
    assert load(tmp_path / "none.toml") == Config()


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "none.toml", must_exist=True)


def test_a_mailbox_is_read_as_written(config):
    found = config("""
        database = "/var/lib/dmarcwatch/dmarcwatch.db"
        domains = ["example.com", "*.example.net"]
        [[source]]
        kind = "imap"
        host = "imap.example.com"
        user = "rua"
        password = { env = "RUA_PASSWORD" }
        security = "starttls"
        folders = ["INBOX", "DMARC/*"]
        [domain."example.com"]
        record = "v=DMARC1; p=none; rua=mailto:rua@example.com"
        audience = "machines"
        every = { "example.com/amazon-ses/us-east-1" = "month" }
        [thresholds]
        rho = 0.1
    """)
    (source,) = found.sources
    assert isinstance(source, ImapSource)
    assert (source.host, source.security, source.folders) == (
        "imap.example.com", Security.STARTTLS, ("INBOX", "DMARC/*"),
    )  # fmt: skip
    assert found.for_domain("example.com").record.startswith("v=DMARC1")
    assert found.for_domain("example.com").declared.every == (("example.com/amazon-ses/us-east-1", "month"),)
    assert found.for_domain("example.org").record is None
    assert found.thresholds.rho == 0.1


@pytest.mark.parametrize(
    ("domain", "ours"),
    [("example.com", True), ("a.example.net", True), ("example.net", False), ("x.org", False)],
)
def test_only_reports_on_the_users_domains_are_the_users(config, domain, ours):
    assert config('domains = ["example.com", "*.example.net"]').is_ours(domain) is ours


def test_without_a_list_every_domain_is_the_users():
    assert Config().is_ours("anything.example")


def test_three_mistakes_are_named_at_once_with_file_and_key(config, tmp_path):
    with pytest.raises(ConfigError) as caught:
        config("""
            database = 3
            [[source]]
            kind = "imap"
            host = "imap.example.com"
            usr = "rua"
            [[source]]
            kind = "pigeon"
            [thresholds]
            rho = "much"
        """)
    path = tmp_path / "dmarcwatch.toml"
    assert [problem.partition(": ")[2] for problem in caught.value.problems] == [
        "database: 3 is not a path in quotes",
        "source[1].user: is missing",
        caught.value.problems[2].partition(": ")[2],
        "source[2].kind: is not one of imap, files, s3",
        "thresholds.rho: 'much' is not a number",
    ]
    assert caught.value.problems[2].startswith(f"{path}: source[1].usr: is unknown; known are ")
    assert caught.value.exit_status == 2


def test_a_password_in_the_file_is_refused_without_repeating_it(config):
    with pytest.raises(ConfigError) as caught:
        config('[[source]]\nkind = "imap"\nhost = "h"\nuser = "u"\npassword = "hunter2"')
    assert "source[1].password" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "record", ["p=none; rua=mailto:d@example.com", "p=none; v=DMARC1", "v=DMARC12; p=none"]
)
def test_a_record_that_receivers_would_pass_over_is_refused_by_its_domain(config, record):
    with pytest.raises(ConfigError) as caught:
        config(f'[domain."example.com"]\nrecord = "{record}"')
    assert (
        'domain."example.com".record: does not begin with v=DMARC1: copy it from _dmarc.example.com'
        in str(caught.value)
    )


@pytest.mark.parametrize("name", ["münchen.de", "MÜNCHEN.de.", "xn--mnchen-3ya.de", "Xn--Mnchen-3ya.de"])
def test_a_domain_may_be_written_as_people_do(config, name):
    found = config(f"""domains = ["{name}", "*.{name}"]
        [domain."{name}"]
        audience = "machines" """)
    assert found.for_domain("xn--mnchen-3ya.de").declared.audience == "machines"
    assert found.is_ours("xn--mnchen-3ya.de")
    assert found.is_ours("news.xn--mnchen-3ya.de")
    assert not found.is_ours("xn--mnchen-3ya.example")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[domain."two words"]', 'domain."two words": is no domain name'),
        ('[domain."münchen.de"]\n[domain."xn--mnchen-3ya.de"]', "stands twice"),
    ],
)
def test_a_domain_is_a_name_and_stands_once(config, text, words):
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text", ["database = ", "source = 1", "domain = 1", '[domain]\n"example.com" = 1', "[[thresholds]]"]
)
def test_what_is_no_configuration_is_refused_in_words(config, text):
    with pytest.raises(ConfigError, match=r"dmarcwatch\.toml: "):
        config(text)
