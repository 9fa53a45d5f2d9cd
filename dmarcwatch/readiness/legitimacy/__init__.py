"""Whose mail a stream is: the first rule that applies, with the evidence it rests on (JUDGEMENT 3)."""

from dmarcwatch.readiness.legitimacy.persistence import (
    ActiveDay,
    failing_days,
    is_daily,
    is_monthly,
    persists,
)
from dmarcwatch.readiness.legitimacy.rules import NEVER_ASKED, assess, is_own_tenant
from dmarcwatch.readiness.legitimacy.signing import signers
from dmarcwatch.readiness.legitimacy.standing import Context, Standing

__all__ = [
    "NEVER_ASKED",
    "ActiveDay",
    "Context",
    "Standing",
    "assess",
    "failing_days",
    "is_daily",
    "is_monthly",
    "is_own_tenant",
    "persists",
    "signers",
]
