"""A second opinion: parsedmarc 11 on every fixture, and on the public samples where they are.

Both readers must tell the same, or differ in a way that has a sentence below. A sentence that explains
nothing any more fails as well.
"""

import json
import os
import re
from pathlib import Path

import pytest

from dmarcwatch.domains import normal_domain, organizational_domain
from dmarcwatch.errors import UnpackError
from dmarcwatch.unpack import unpack
from tests.reading import FIXTURES
from tests.second_opinion import ours, theirs

REFUSED_HERE = {
    "no-date-range": "without a period nothing can be said of any day",
    "no-policy-domain": "a report on no domain",
    "no-feedback": "not a report",
    "doctype": "no report needs a document type",
}
REFUSED_THERE = {
    r"Missing field: 'record'": "a day without messages is evidence too",
    r"Missing field: 'feedback'": "prefixes are legal, and read here by local name",
    r"Missing field: '(org_name|email|policy_published|identifiers|spf|auth_results)'|Source IP address is empty": (
        "one absent field costs that field here, and the report there"
    ),
    r"Report missing required section": "recovery there loses the sections behind a broken tag",
    r"invalid literal for int\(\) with base 10: '\d{4}-": "ISO 8601 dates are instants",
    r"list indices must be": "a second row is a problem here, with its messages",
}
FIELDS = {
    "org_name": [
        (
            "a host name is cut to its organization there",
            lambda ours, theirs: theirs in (_org(ours), (ours or "").lower()),
        ),
        ("an absent name is filled from the address there", lambda ours, theirs: ours is None),
        (
            "a bare ampersand is dropped there with the word behind it",
            lambda ours, theirs: re.sub(r"&\w*", "", ours) == theirs,
        ),
        ("bytes that are no UTF-8 are dropped there", lambda ours, theirs: not ours.isascii()),
        (
            "white space and control characters are cleaned here",
            lambda ours, theirs: _same_text(ours, theirs),
        ),
    ],
    "org_email": [
        ("text with markup inside is no address here", lambda ours, theirs: ours is None),
        (
            "white space and control characters are cleaned here",
            lambda ours, theirs: _same_text(ours, theirs),
        ),
    ],
    "report_id": [
        ("the id is cut at its @ there", lambda ours, theirs: ours.strip("<>").partition("@")[0] == theirs),
        (
            "white space and control characters are cleaned here",
            lambda ours, theirs: _same_text(ours, theirs),
        ),
    ],
    "domain": [("names are normal here", lambda ours, theirs: ours == normal_domain(theirs))],
    "policy": [("absent tags get defaults there", lambda ours, theirs: _stated(ours, theirs))],
    "errors": [("recovery is told as an error there", lambda ours, theirs: set(ours) < set(theirs))],
    "disposition": [("an unknown word is unknown here", lambda ours, theirs: ours is None)],
    "evaluated": [("an unknown or absent result is unknown here", lambda ours, theirs: None in ours)],
    "header_from": [
        ("names are normal here", lambda ours, theirs: ours == normal_domain(theirs or "")),
        ("markup inside a name leaves half a name there", lambda ours, theirs: ours is None),
    ],
    "envelope_from": [
        ("an absent one is filled from SPF there", lambda ours, theirs: ours is None),
        ("a null return path stays one here", lambda ours, theirs: ours == ""),
        ("names are normal here", lambda ours, theirs: _same_domain(ours, theirs)),
    ],
    "envelope_to": [("names are normal here", lambda ours, theirs: _same_domain(ours, theirs))],
    "dkim": [
        (
            "each signature of a domain once here, in normal form, without invented selectors",
            lambda ours, theirs: set(ours) == set(filter(None, map(_signature, theirs))),
        ),
        ("an absent result is the word none there", lambda ours, theirs: _absent_results(ours, theirs)),
    ],
    "spf": [
        (
            "SPF results in normal form here, without invented scopes",
            lambda ours, theirs: set(ours) == set(filter(any, map(_spf, theirs))),
        ),
        ("an absent result is the word none there", lambda ours, theirs: _absent_results(ours, theirs)),
        ("a result for no domain stays one here", lambda ours, theirs: not theirs and not any(ours[0][:1])),
    ],
    "reasons": [
        ("test mode has a word here", lambda ours, theirs: ours[0][0] == "policy_test_mode"),
        (
            "a bare ampersand is dropped there with the word behind it",
            lambda ours, theirs: re.sub(r"&\w*", "", ours[0][1]) == theirs[0][1],
        ),
    ],
}
DROPPED_THERE = {
    "a record without address or results is dropped there with a line in the log": lambda record: (
        record["source_ip"] is None or None in record["evaluated"]
    ),
    "a count written like 3.0 is no count there": lambda record: record["grade"] == "repaired",
    "recovery there ends with the first lost end tag": lambda record: record["grade"] == "recovered",
}
DROPPED_HERE = "a count below 0 or above 10^8 is a problem here"


def _org(name):
    host = normal_domain(name or "")
    return host and organizational_domain(host)


_MODES = {"relaxed": "r", "strict": "s"}


def _same_text(ours, theirs):
    letters = re.compile(r"\W+")
    return letters.sub("", ours or "") == letters.sub("", (theirs or "").replace("\ufffd", ""))


def _same_domain(ours, theirs):
    return ours == normal_domain((theirs or "").rpartition("@")[2])


def _stated(ours, theirs):
    """All that is stated here is the same there, where words are told as written."""
    words = {tag: _MODES.get(str(value).lower(), str(value).lower()) for tag, value in theirs.items()}
    return all(value is None or value == words[tag] for tag, value in ours.items())


_REPAIRED = {"hardfail": "fail", "unknown": "temperror", "error": "permerror"}


def _result(word):
    word = (word or "").lower()
    word = _REPAIRED.get(word, word)
    known = ("none", "pass", "fail", "softfail", "policy", "neutral", "temperror", "permerror")
    return word if word in known else None


def _signature(theirs):
    domain, selector, result = theirs
    name = normal_domain(domain or "")
    selector = None if selector == "none" else normal_domain(selector or "")
    return name and (name, selector, _result(result))


def _absent_results(ours, theirs):
    return all(result is None for *_, result in ours) and all(result == "none" for *_, result in theirs)


def _spf(theirs):
    domain, _, result = theirs
    name = normal_domain(domain or "")
    return (None if name == "null" else name), None, _result(result)


def explanations(data):
    """The sentences that explain how the two readings of `data` differ; fails on a difference without one."""
    here, there = ours(data), theirs(data)
    if isinstance(here, str):
        return {REFUSED_HERE[here]}
    if isinstance(there, str):
        found = next((why for pattern, why in REFUSED_THERE.items() if re.search(pattern, there)), None)
        assert found, there
        return {found}
    pairs = [(here[0], there[0])]
    sentences = set()
    if len(here[1]) == len(there[1]):
        pairs += zip(here[1], there[1], strict=True)
    else:
        sentences |= _dropped(here[1], there[1])
    for one, other in pairs:
        for field in other:
            if one[field] != other[field]:
                sentences.add(_explain(field, one[field], other[field]))
    return sentences


def _explain(field, ours, theirs):
    for sentence, holds in FIELDS.get(field, ()):
        if holds(ours, theirs):
            return sentence
    pytest.fail(f"{field}: {ours!r} here, {theirs!r} there")


def _dropped(ours, theirs):
    """Why one reading has records that the other has not."""
    sentences, left = set(), list(ours)
    for each in theirs:
        same = [
            one
            for one in left
            if (one["source_ip"], one["messages"]) == (each["source_ip"], each["messages"])
        ]
        if same:
            left.remove(same[0])
        else:
            assert not 0 <= each["messages"] <= 100_000_000, each
            sentences.add(DROPPED_HERE)
    for record in left:
        found = next((why for why, holds in DROPPED_THERE.items() if holds(record)), None)
        assert found, record
        sentences.add(found)
    return sentences


ALL = (
    {DROPPED_HERE, *DROPPED_THERE, *REFUSED_HERE.values(), *REFUSED_THERE.values()}
    | {sentence for classes in FIELDS.values() for sentence, _ in classes}
)  # fmt: skip


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.xml")), ids=lambda path: path.stem)
def test_a_fixture_says_the_same_to_both_or_the_difference_has_a_reason(path):
    explanations(path.read_bytes())


def test_every_reason_explains_a_difference():
    used = set().union(*(explanations(path.read_bytes()) for path in FIXTURES.glob("*.xml")))
    assert used == ALL


if "DMARCWATCH_CORPUS" in os.environ:
    CORPUS = Path(os.environ["DMARCWATCH_CORPUS"])
    SAMPLES = [json.loads(line)["file"] for line in (CORPUS / "index.jsonl").read_text("utf-8").splitlines()]

    @pytest.mark.parametrize("name", SAMPLES)
    def test_a_public_sample_says_the_same_to_both_or_the_difference_has_a_reason(name):
        try:
            documents = unpack((CORPUS / "files" / name).read_bytes()).documents
        except UnpackError:
            return
        for document in documents:
            explanations(b"".join(document.chunks()))
