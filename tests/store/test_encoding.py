"""Evidence and classifications as rows: equal values equal digests, and nothing else."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.report import AuthResult, Dkim, Evidence, Spf
from dmarcwatch.store.encoding import evidence_row
from tests.strategies import evidence


def test_a_signature_and_an_spf_result_of_the_same_words_stay_what_they_are():
    words = ("example.com", None, AuthResult.PASS)
    row = evidence_row(Evidence(None, None, None, (), None, None, None, (Dkim(*words),), (Spf(*words),)))
    assert json.loads(row.dkim) == [{"domain": "example.com", "selector": None, "result": "pass"}]
    assert json.loads(row.spf) == [{"domain": "example.com", "scope": None, "result": "pass"}]


@given(st.lists(evidence, max_size=8))
def test_rows_have_one_digest_if_and_only_if_they_say_the_same(found):
    rows = [evidence_row(each) for each in found]
    assert len({row.digest for row in rows}) == len({row[1:] for row in rows})
