"""One item's row: how it came, and what of it gave no report."""

from typing import Any

from dmarcwatch.aside import read_failure, read_tls
from dmarcwatch.errors import ReportError
from dmarcwatch.prepared import Aside, Prepared, ReadReport, Refused
from dmarcwatch.store.identity import iso
from dmarcwatch.unpack import SetAside, SetAsideKind


def item_row(identity: int, source: str, prepared: Prepared, data: bytes) -> tuple[Any, ...]:
    """The row of `schemas.ITEMS`."""
    arrival = prepared.arrival
    rejects = [part._asdict() for part in prepared.parts if isinstance(part, Refused)]
    aside = [_aside_row(part) for part in prepared.parts if isinstance(part, Aside | SetAside)]
    documents = sum(isinstance(part, ReadReport) for part in prepared.parts)
    # Bytes are kept where a newer program may find more in them.
    keeps = rejects or any(each["problem"] for each in aside)
    return (
        identity, source, arrival.origin, arrival.token, arrival.sha256, arrival.size,
        None if arrival.received_at is None else iso(arrival.received_at), arrival.local,
        arrival.from_domain, arrival.authserv_id, arrival.verified, documents, rejects, aside,
        data if keeps else None,
    )  # fmt: skip


def _aside_row(part: Aside | SetAside) -> dict[str, Any]:
    if isinstance(part, Aside):
        return {"kind": part.kind, "name": part.name, "size": part.size, "problem": None, "data": None}
    tls = part.kind is SetAsideKind.TLS_REPORT
    return {
        "kind": str(part.kind),
        "name": part.name,
        "size": len(part.data),
        "problem": _problem(part, tls=tls),
        "data": part.data if tls else None,
    }


def _problem(part: SetAside, *, tls: bool) -> str | None:
    """Why a TLS or failure report cannot be read, if it cannot (as `store.aside` finds)."""
    try:
        read_tls(part.data) if tls else read_failure(part.data, redact=True)
    except ReportError as error:
        return error.message
    except (MemoryError, OSError, ImportError):
        raise
    except Exception as error:  # a fault of ours or of parsedmarc's must cost one part, not the batch
        return f"dmarcwatch failed on it: {type(error).__name__}: {error}"
    return None
