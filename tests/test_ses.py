from itertools import product

import pytest

from dmarcwatch.ses import (
    Own,
    ReturnPath,
    SesSigns,
    SesState,
    Signed,
    dkim_zone,
    facts,
    is_easy_dkim_selector,
    is_ses_address,
    is_ses_host,
    ses_return_path,
    ses_state,
)

# The list of states as data, each line written so that no other line matches as well: order is the
# implementation's way, exclusion is this test's. SPF is "aligned", "pass" (for something else) or "no".
LINES = [
    (1, "dkim-only", {"forwarded": [True], "own": ["aligned"]}),
    (2, "altered", {"forwarded": [True], "own": ["broken"], "spf": ["pass", "no"]}),
    (3, "amazonses-only", {"forwarded": [True], "own": ["absent"], "spf": ["pass", "no"]}),
    (4, "both-aligned", {"forwarded": [False], "own": ["aligned"], "path": ["own"], "spf": ["aligned"]}),
    (5, "strict-aspf", {"forwarded": [False], "own": ["aligned"], "path": ["own"], "spf": ["pass"]}),
    (
        6,
        "mail-from-spf-broken",
        {"forwarded": [False], "own": ["aligned"], "path": ["own"], "spf": ["no"], "direct": [True]},
    ),
    (7, "null-return-path", {"forwarded": [False], "own": ["aligned"], "path": ["helo"]}),
    (8, "foreign-return-path", {"forwarded": [False], "own": ["aligned"], "path": ["foreign"]}),
    (9, "dkim-only", {"forwarded": [False], "own": ["aligned"], "path": ["default", "none"]}),
    (
        9,
        "dkim-only",
        {"forwarded": [False], "own": ["aligned"], "path": ["own"], "spf": ["no"], "direct": [False, None]},
    ),
    (10, "spf-only", {"own": ["absent", "unaligned"], "spf": ["aligned"]}),
    (11, "spf-only-dkim-broken", {"own": ["broken"], "spf": ["aligned"]}),
    (12, "strict-adkim", {"own": ["unaligned"], "spf": ["pass", "no"]}),
    (
        13,
        "own-dkim-broken",
        {"forwarded": [False], "own": ["broken"], "spf": ["pass", "no"], "ses": ["passed"]},
    ),
    (
        13,
        "own-dkim-broken",
        {"own": ["broken"], "spf": ["pass", "no"], "ses": ["absent"], "direct": [True]},
    ),
    (
        13,
        "own-dkim-broken",
        {
            "own": ["broken"],
            "path": ["default"],
            "spf": ["pass"],
            "ses": ["absent"],
            "direct": [False, None],
        },
    ),
    (14, "altered", {"own": ["broken"], "spf": ["pass", "no"], "ses": ["failed"]}),
    (
        14,
        "altered",
        {"own": ["broken"], "path": ["helo"], "spf": ["pass"], "ses": ["absent"], "direct": [False, None]},
    ),
    (15, "strict-aspf", {"forwarded": [False], "own": ["absent"], "path": ["own"], "spf": ["pass"]}),
    (16, "mail-from-spf-broken", {"forwarded": [False], "own": ["absent"], "path": ["own"], "spf": ["no"]}),
    (
        17,
        "vendor-unaligned",
        {
            "forwarded": [False],
            "own": ["absent"],
            "path": ["default", "helo", "foreign", "none"],
            "spf": ["pass", "no"],
            "vendor": [True],
        },
    ),
    (
        18,
        "amazonses-only",
        {
            "forwarded": [False],
            "own": ["absent"],
            "path": ["default", "helo", "foreign", "none"],
            "spf": ["pass", "no"],
            "vendor": [False],
        },
    ),
]
SENT = [
    {"ses": ["passed"]},
    {"ses": ["absent", "failed"], "direct": [True]},
    {
        "ses": ["absent", "failed"],
        "direct": [False, None],
        "path": ["default", "helo"],
        "spf": ["aligned", "pass"],
    },
]
FORGED = {"own": ["absent", "broken", "unaligned"], "path": ["default", "helo"]}

VALUES = {
    "own": ["absent", "broken", "unaligned", "aligned"],
    "ses": ["absent", "failed", "passed"],
    "path": ["default", "helo", "own", "foreign", "none"],
    "spf": ["aligned", "pass", "no"],
    "direct": [True, False, None],
    "vendor": [True, False],
}


def every_combination():
    for values in product(*VALUES.values()):
        signs = dict(zip(VALUES, values, strict=True))
        signs["forwarded"] = signs["ses"] == "passed" and signs["direct"] is False
        yield signs


def fits(signs, pattern):
    return all(signs[name] in allowed for name, allowed in pattern.items())


def asked(signs):
    return ses_state(
        SesSigns(
            own=Own(signs["own"]),
            ses=Signed(signs["ses"]),
            return_path=ReturnPath(signs["path"]),
            spf_pass=signs["spf"] != "no",
            spf_aligned=signs["spf"] == "aligned",
            direct=signs["direct"],
            vendor=signs["vendor"],
        )
    )


def test_every_combination_of_signs_matches_one_line_and_gets_its_state():
    seen = set()
    for signs in every_combination():
        if sum(fits(signs, pattern) for pattern in SENT) == 0:
            continue
        matching = {(line, state) for line, state, pattern in LINES if fits(signs, pattern)}
        assert len(matching) == 1, (signs, matching)
        [(line, state)] = matching
        seen.add(line)
        assert asked(signs) == (SesState(state), True, signs["forwarded"]), (line, signs)
    assert seen == set(range(1, 19))


def test_what_is_not_mail_of_ses_is_forged_or_nothing_to_it():
    for signs in every_combination():
        if any(fits(signs, pattern) for pattern in SENT):
            continue
        state = SesState.FORGED_RETURN_PATH if fits(signs, FORGED) else None
        assert asked(signs) == (state, False, False), signs


def test_an_unknown_address_is_never_called_forwarded():
    assert not any(asked(signs).forwarded for signs in every_combination() if signs["direct"] is None)


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("54.240.0.0", True),
        ("54.240.127.255", True),
        ("54.240.128.0", False),
        ("98.77.255.255", True),
        ("98.78.0.0", False),
        ("199.255.191.255", False),
        ("199.255.195.255", True),
        ("52.94.124.4", False),
        ("2600:1f18::1", False),
    ],
)
def test_ses_sends_from_its_published_ipv4_ranges_only(ip, expected):
    assert is_ses_address(ip) is expected


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("amazonses.com", (ReturnPath.DEFAULT, "us-east-1")),
        ("eu-west-1.amazonses.com", (ReturnPath.DEFAULT, "eu-west-1")),
        ("ap-southeast-5.amazonses.com", (ReturnPath.DEFAULT, "ap-southeast-5")),
        ("us-gov-west-1.amazonses.com", (ReturnPath.DEFAULT, "us-gov-west-1")),
        ("eusc-de-east-1.amazonses.com", (ReturnPath.DEFAULT, None)),
        ("a27-5.smtp-out.us-west-2.amazonses.com", (ReturnPath.HELO, "us-west-2")),
        ("a8-31.smtp-out.amazonses.com", (ReturnPath.HELO, "us-east-1")),
        ("notamazonses.com", None),
        ("amazonses.com.example.net", None),
        ("amazonaws.com", None),
    ],
)
def test_the_default_return_path_names_its_region_except_in_us_east_1(domain, expected):
    assert ses_return_path(domain) == expected


@pytest.mark.parametrize(
    ("host", "ip", "expected"),
    [
        ("a27-5.smtp-out.us-west-2.amazonses.com", "54.240.27.5", True),
        ("b224-9.smtp-out.eu-central-1.amazonses.com", "69.169.224.9", True),
        ("a27-5.smtp-out.us-west-2.amazonses.com", "54.240.27.6", False),
        ("a27-5.smtp-out.us-west-2.amazonses.com", "203.0.27.5", False),
        ("f160-1.smtp-out.eu-west-1.amazonses.com", "216.221.160.1", True),
        ("ec2-54-1-2-3.compute-1.amazonaws.com", "54.1.2.3", False),
    ],
)
def test_a_host_name_of_ses_carries_its_own_address(host, ip, expected):
    assert is_ses_host(host, ip) is expected


def test_eleven_regions_have_an_easy_dkim_zone_of_their_own():
    own = [region for region in facts().regions if dkim_zone(region) != "dkim.amazonses.com"]
    assert len(own) == 10  # The eleventh is us-gov-east-1, which is no commercial region.
    assert dkim_zone("us-gov-east-1") == "dkim.us-gov-east-1.amazonses.com"
    assert dkim_zone("eu-west-1") == dkim_zone(None) == "dkim.amazonses.com"


def test_easy_dkim_tokens_have_32_base32_characters():
    assert is_easy_dkim_selector("a2" * 16)
    assert not is_easy_dkim_selector("a2" * 15)
    assert not is_easy_dkim_selector("a1" * 16)


def test_every_service_selector_has_the_form_of_a_token_and_names_a_region_of_ses():
    for selector, region in facts().service_regions.items():
        assert is_easy_dkim_selector(selector)
        assert region in facts().regions
