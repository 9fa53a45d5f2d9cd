import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.domains import (
    aligned,
    is_public_suffix,
    normal_domain,
    organizational_domain,
    same_organisation,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.com", "example.com"),
        (" Example.COM.\n", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"),
        ("example。com", "example.com"),
        ("straße.de", "xn--strae-oqa.de"),
        ("localhost", "localhost"),
        (".".join(["a" * 63] * 3 + ["b" * 61]) + ".", ".".join(["a" * 63] * 3 + ["b" * 61])),
    ],
)
def test_a_name_has_one_normal_form(text, name):
    assert normal_domain(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "example..com",
        ".example.com",
        "example.com..",
        "user@example.com",
        "exa mple.com",
        "<script>.example.com",
        "a" * 64 + ".com",
        ".".join(["a" * 63] * 4),
        "ü" * 64 + ".de",
        "☃.example",
        "example.com\x00",
        "[192.0.2.1]",
        "=cmd.example.com",
        "\ud800.example.com",
    ],
)
def test_what_is_no_name_has_no_normal_form(text):
    assert normal_domain(text) is None


@given(st.text(max_size=300))
def test_the_normal_form_is_its_own_normal_form(text):
    name = normal_domain(text)
    assert name is None or (normal_domain(name) == name and name.isascii() and len(name) <= 253)


@pytest.mark.parametrize(
    ("name", "organization"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("shop.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("com", "com"),
        ("one.github.io", "one.github.io"),
        ("mail.example.invalid", "example.invalid"),
        ("localhost", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("www.xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("eu-west-1.amazonses.com", "amazonses.com"),
    ],
)
def test_an_organization_is_one_label_below_a_public_suffix(name, organization):
    assert organizational_domain(name) == organization


def test_public_suffixes_are_those_under_which_strangers_register():
    assert [is_public_suffix(name) for name in ("com", "co.uk", "github.io", "example.com")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("authenticated", "header_from", "strict", "relaxed"),
    [
        ("example.com", "example.com", True, True),
        ("mail.example.com", "example.com", False, True),
        ("example.com", "news.example.com", False, True),
        ("a.example.com", "b.example.com", False, True),
        ("amazonses.com", "example.com", False, False),
        ("notexample.com", "example.com", False, False),
        ("a.co.uk", "b.co.uk", False, False),
        ("192.0.2.1", "198.51.2.1", False, False),
        (None, "example.com", None, None),
        ("example.com", None, None, None),
        ("", "example.com", None, None),
    ],
)
def test_strict_wants_the_same_name_and_relaxed_the_same_organization(
    authenticated, header_from, strict, relaxed
):
    for policy_domain in (None, "example.com"):
        assert aligned(authenticated, header_from, strict=True, policy_domain=policy_domain) is strict
        assert aligned(authenticated, header_from, strict=False, policy_domain=policy_domain) is relaxed


def test_names_below_the_place_of_the_policy_share_an_organization_unless_it_is_a_public_suffix():
    tenants = ("a.github.io", "b.github.io")
    assert not same_organisation(*tenants, "github.io")
    assert not same_organisation(*tenants, None)
    deep = ("x.one.github.io", "y.one.github.io")
    assert same_organisation(*deep, "one.github.io")


def test_the_tree_joins_what_the_list_of_public_suffixes_splits():
    # A private suffix under a name that publishes its own policy: the list sees two registrants.
    one, two, policy = "a.s3.amazonaws.com", "b.s3.amazonaws.com", "amazonaws.com"
    assert organizational_domain(one) != organizational_domain(two)
    assert aligned(one, two, strict=False, policy_domain=policy) is True
    assert aligned(one, two, strict=False, policy_domain=None) is False
    assert aligned(one, two, strict=True, policy_domain=policy) is False


@given(st.ip_addresses())
def test_an_address_is_its_own_organization(address):
    assert organizational_domain(str(ipaddress.ip_address(address))) == str(address)
