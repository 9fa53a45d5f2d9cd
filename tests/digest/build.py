"""A digest of a world of tests.judge_build."""

from datetime import timedelta

from dmarcwatch.digest.figures import Judged, digest, domain_digest, period_to
from dmarcwatch.readiness import Judge
from tests.judge_build import TODAY


def judged_week(world, *, as_of=TODAY, month=False, findings=None):
    """The digest of the world's domain and its period."""
    period = period_to(as_of, month=month)
    judge = Judge(world.history())
    before = judge.at(as_of - timedelta(days=period.days))
    judged = Judged(
        before=before if before.evidence.first_day else None,
        now=judge.at(as_of),
        whose={stream: standing.legitimacy for stream, standing in judge.standings(as_of).items()},
        findings=findings or {},
    )
    return domain_digest(world.history(), judged, period), period


def whole(world, **options):
    """The digest of all domains of the world: its one."""
    domain, period = judged_week(world, **options)
    return digest([domain], period, TODAY)
