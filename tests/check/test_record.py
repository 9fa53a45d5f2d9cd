"""What receivers make of each tag of a DMARC record (RFC 9989 section 4.7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.check.record import destinations, is_record, lint, looks_like_record, read
from dmarcwatch.check.remarks import Weight

GOOD = "v=DMARC1; p=none; rua=mailto:dmarc@example.com"


def weights(text):
    return [remark.weight for remark in lint(read(text), "example.com")]


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"{GOOD};",
        "v=DMARC1;p=reject;sp=reject;np=reject;adkim=s;aspf=r;rua=mailto:a@example.com,mailto:b@example.com",
        "v = DMARC1 ; P = None ; RUA = MAILTO:a@example.com ; psd=u",
        f"{GOOD}; ruf=mailto:f@example.com; fo=1:d : s",
    ],
)
def test_a_sound_record_needs_no_remark(text):
    assert weights(text) == []


@pytest.mark.parametrize(
    ("text", "weight", "words"),
    [
        ("v=DMARC1; p=none", Weight.FIX, "asks for no reports"),
        ("v=DMARC1; p=none; rua=dmarc@example.com", Weight.FIX, "no mailto:user@host"),
        ("v=DMARC1; p=none; rua=mailto:a@example.com mailto:b@example.com", Weight.FIX, "no mailto"),
        ("v=DMARC1; p=none; rua=https://example.com/dmarc", Weight.FIX, "gets no reports"),
        ("v=DMARC1; p=none; rua=mailto:a@example.com!10m", Weight.NOTE, "!10m"),
        (f"{GOOD},mailto:b@example.com,mailto:c@example.com", Weight.WARN, "names 3 addresses"),
        ("v=DMARC1; rua=mailto:a@example.com", Weight.FIX, "has no p: receivers take it for p=none"),
        ("v=DMARC1; p=monitor; rua=mailto:a@example.com", Weight.FIX, "p=monitor is no policy"),
        ("v=DMARC1; rua=mailto:a@example.com; p=none", Weight.WARN, "right after v"),
        (f"{GOOD}; sp=off", Weight.FIX, "sp=off is not one of"),
        ("v=DMARC1; p=reject; sp=none; rua=mailto:a@example.com", Weight.WARN, "open to spoofing"),
        ("v=DMARC1; p=reject; np=quarantine; rua=mailto:a@example.com", Weight.WARN, "do not exist"),
        (f"{GOOD}; adkim=relaxed", Weight.FIX, "adkim=relaxed"),
        (f"{GOOD}; aspf=s", Weight.WARN, "never aligns with Amazon SES"),
        (f"{GOOD}; psd=y", Weight.FIX, "strangers register"),
        (f"{GOOD}; t=y", Weight.NOTE, "one policy lower"),
        (f"{GOOD}; t=yes", Weight.FIX, "t=yes"),
        (f"{GOOD}; pct=100", Weight.NOTE, "drop it"),
        ("v=DMARC1; p=reject; pct=0; rua=mailto:a@example.com", Weight.FIX, "OpenDMARC applies nothing"),
        ("v=DMARC1; p=quarantine; pct=20; rua=mailto:a@example.com", Weight.WARN, "pct=20"),
        (f"{GOOD}; pct=half", Weight.FIX, "no whole number"),
        (f"{GOOD}; ri=86400", Weight.NOTE, "ri was removed"),
        (f"{GOOD}; fo=1", Weight.NOTE, "without ruf"),
        (f"{GOOD}; ruf=mailto:f@example.com; fo=all", Weight.WARN, "fo=all"),
        (f"{GOOD}; rau=mailto:a@example.com", Weight.WARN, "No receiver knows rau"),
        (f"{GOOD}; nonsense", Weight.FIX, "'nonsense' is no tag=value"),
        (f"{GOOD}; p=reject", Weight.FIX, "p stands twice"),
        (f"{GOOD}; adkim=r aspf=r", Weight.FIX, "semicolon"),
        (f"{GOOD}; x=“a”", Weight.FIX, "outside ASCII"),
    ],
)
def test_what_is_wrong_is_said_with_its_weight(text, weight, words):
    found = lint(read(text), "example.com")
    assert any(remark.weight is weight and words in remark.message for remark in found), found
    assert {remark.about for remark in found} == {"_dmarc.example.com"}


def test_a_staged_policy_of_the_ladder_is_noted_and_nothing_to_mend():
    assert set(weights("v=DMARC1; p=quarantine; t=y; pct=0; rua=mailto:a@example.com")) == {Weight.NOTE}


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        (GOOD, "none"),
        ("v=DMARC1; p=Reject", "reject"),
        ("v=DMARC1; p=monitor; rua=mailto:a@example.com", "none"),
        ("v=DMARC1; p=monitor", None),
        ("v=DMARC1", None),
    ],
)
def test_the_policy_that_counts(text, policy):
    assert read(text).policy == policy


@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1;p=none", "v = DMARC1 ; p=none"])
def test_what_begins_with_the_version_is_a_record(text):
    assert is_record(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("v=DMARC1p=none", True),
        ("v=dmarc1; p=none", True),
        ('"v=DMARC1; p=none"', True),
        (" v=DMARC1; p=none", True),
        ("v=DMARC2; p=none", True),
        ("p=none; v=DMARC1", False),
        ("v=spf1 -all", False),
        ("", False),
    ],
)
def test_anything_else_is_none_and_may_have_been_meant_to_be(text, meant):
    assert (is_record(text), looks_like_record(text)) == (False, meant)


@given(st.text(st.sampled_from("vpsnrua=dmkfotc: ;,!@1\u2003\u00e4.-MDMARC"), max_size=60))
def test_any_text_is_read_and_remarked_on(text):
    record = read(f"v=DMARC1; {text}")
    assert record.get("v") == "DMARC1"
    assert all(remark.message for remark in lint(record, "example.com"))


def test_destinations_are_mailto_addresses():
    found = destinations(" mailto:A@Example.COM. , https://x.example, MAILTO:b@c.example!5M")
    assert [(each.address, each.host, each.size) for each in found] == [
        ("A@example.com", "example.com", None),
        ("b@c.example", "c.example", "!5M"),
    ]
