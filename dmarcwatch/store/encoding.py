"""Evidence and classifications as rows, with a digest by which equal ones are found again."""

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from dmarcwatch.classify import Classification
from dmarcwatch.prepared import EvidenceRow, JudgementRow
from dmarcwatch.report import Dkim, Evidence, Reason, Spf


def evidence_row(evidence: Evidence) -> EvidenceRow:
    """The row of what a record says beside its address and count."""
    values = (
        evidence.header_from,
        evidence.envelope_from,
        evidence.envelope_to,
        evidence.disposition,
        evidence.dkim_evaluated,
        evidence.spf_evaluated,
        _objects(evidence.reasons),
        _objects(evidence.dkim),
        _objects(evidence.spf),
    )
    return EvidenceRow(_digest(values), *values)


def judgement_row(found: Classification) -> JudgementRow:
    """The row of a classification."""
    values = (
        found.via, found.region, found.state, found.forwarded, _json(found.flags) if found.flags else "[]",
        found.dkim_aligned, found.spf_aligned, found.outcome, found.listed, found.spared,
        found.authenticated, found.because,
    )  # fmt: skip
    return JudgementRow(
        _digest((*found.place, *values, *found.own_signatures)), found.place, values, found.own_signatures
    )


# Made once: `json.dumps` with options makes an encoder for every call.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _objects(values: Sequence[Reason] | Sequence[Dkim] | Sequence[Spf]) -> str:
    return f"[{','.join(map(_object, values))}]" if values else "[]"


@lru_cache(maxsize=4096, typed=True)  # a Dkim and an Spf of the same three values are equal tuples
def _object(value: Reason | Dkim | Spf) -> str:
    return _json(value._asdict())


def _digest(values: tuple[object, ...]) -> bytes:
    # Plain text of each value: what is stored has been cleaned of control characters, this one too.
    text = "\x1f".join(map(str, values))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
