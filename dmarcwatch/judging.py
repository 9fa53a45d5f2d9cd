"""The judge at work on the database: history in, verdict out, both it and the streams' standing kept."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, partial

from sqlite_utils import Database

from dmarcwatch.check.operators import operator_of
from dmarcwatch.config import Config
from dmarcwatch.findings import Finding, Severity, findings
from dmarcwatch.history import History
from dmarcwatch.mending import Mender
from dmarcwatch.readiness import Judge
from dmarcwatch.readiness.projection import Projection, project
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import transaction
from dmarcwatch.store.histories import history
from dmarcwatch.store.mail_from import seen_mail_from
from dmarcwatch.store.operators import wandering_operator
from dmarcwatch.store.published import last_record
from dmarcwatch.store.standings import Judged, write_standings, write_verdict
from dmarcwatch.store.unjudged import note_judged
from dmarcwatch.streams import Stream, StreamDay
from dmarcwatch.verdict import Blocker, Kind, Verdict


@dataclass(frozen=True, slots=True)
class Court:
    """What judging needs beside the history."""

    config: Config
    senders: Senders
    now: datetime
    """When the verdict is given, aware UTC; it is judged as of its day unless another is named."""

    def judge(self, database: Database, domain: str, as_of: date) -> Verdict:
        """The verdict on a domain as of a day, from what had been received by then; nothing is kept."""
        known = self.history(database, domain, as_of)
        judge = self.judge_of(database, known, as_of)
        return _told_whole(database, judge, as_of, all_findings(known))

    def history(self, database: Database, domain: str, as_of: date) -> History:
        """What had been received on a domain by a day, with its record as configured or last looked up."""
        record = self.config.for_domain(domain).record or last_record(database.conn, domain)
        return history(database.conn, domain, as_of=as_of, record=record)

    def project(self, database: Database, domain: str, policy: str, as_of: date) -> Projection:
        """What a policy would have done to the messages of the window. Raises ConfigError for no policy."""
        return project(
            self.history(database, domain, as_of),
            policy,
            as_of=as_of,
            thresholds=self.config.thresholds,
            declared=self.config.for_domain(domain).declared,
        )

    def judge_and_keep(self, database: Database, domains: Iterable[str]) -> list[Verdict]:
        """Judge each domain as of today; the verdicts and the streams' standing are kept."""
        return [self._keep(database, domain) for domain in domains]

    def mender(self, database: Database, streams: Sequence[Stream], as_of: date) -> Mender:
        """What to do about the streams of one domain, by what had been received by a day."""
        # Several states and regions ask about the same stream.
        seen = cache(partial(seen_mail_from, database.conn, as_of=as_of))
        return Mender(streams, self.senders, lambda stream: seen(stream.id))

    def judge_of(self, database: Database, known: History, as_of: date) -> Judge:
        """The judge of what is known of a domain, who names fixes by what had been received by a day."""
        declared = self.config.for_domain(known.domain).declared
        mender = self.mender(database, known.streams, as_of)
        return Judge(known, thresholds=self.config.thresholds, declared=declared, fix=mender.fix)

    def _keep(self, database: Database, domain: str) -> Verdict:
        as_of = self.now.date()
        known = self.history(database, domain, as_of)
        judge = self.judge_of(database, known, as_of)
        found = all_findings(known)
        verdict = _told_whole(database, judge, as_of, found)
        judged = {
            stream: Judged(standing.legitimacy, standing.confidence, standing.because, found[stream])
            for stream, standing in judge.standings(as_of).items()
        }
        with transaction(database.conn):
            write_standings(database.conn, domain, judged)
            write_verdict(database.conn, verdict, given_at=self.now, thresholds=self.config.thresholds)
            note_judged(database.conn, domain)
        return verdict


Findings = Mapping[str, tuple[Finding, ...]]
"""What stands of each stream, by its id."""


def _told_whole(database: Database, judge: Judge, as_of: date, found: Findings) -> Verdict:
    """The verdict with what is known beside the gates."""
    standings = judge.standings(as_of)
    mine = {stream: known for stream, known in found.items() if standings[stream].own}
    return _with_weaker(_with_wandering(database, judge.at(as_of)), mine)


def _with_weaker(verdict: Verdict, found: Findings) -> Verdict:
    """The verdict, with a note on each sender that passes and is not set up as it was, or as its like are."""
    named = {blocker.stream for blocker in (*verdict.blockers, *verdict.warnings) if blocker.fix}
    notes = tuple(
        f"{finding.message}; to mend it: dmarcwatch sources --stream {stream}"
        for stream, known in found.items()
        for finding in known
        if finding.word in _WEAKER and finding.severity is Severity.WARNING and stream not in named
    )
    return replace(verdict, notes=(*verdict.notes, *notes))


_WEAKER = ("mail-from-fallback", "mail-from-mixed", "region-gap", "dkim-method-switch")
"""Findings on mail that passes, so that no gate speaks of them."""


def _with_wandering(database: Database, verdict: Verdict) -> Verdict:
    """The verdict, with a warning where most scattered mail comes from one operator (JUDGEMENT 3.7)."""
    found = wandering_operator(database.conn, verdict.domain, as_of=verdict.as_of, operator_of=operator_of)
    if found is None:
        return verdict
    message = (
        f"{found.messages:,} of {found.of:,} failing messages from scattered addresses come from "
        f"{found.operator.name or f'AS{found.operator.asn}'}, on {found.days} days and from "
        f"{found.networks} networks: a sender of yours with wandering addresses looks so"
    )
    warning = Blocker("scattered", Kind.WARNING, message, messages=found.messages)
    return replace(verdict, warnings=(*verdict.warnings, warning))


def all_findings(known: History) -> dict[str, tuple[Finding, ...]]:
    """What the days of each stream show beside those of the others."""
    days: dict[str, list[StreamDay]] = defaultdict(list)
    for day in known.stream_days:
        days[day.stream].append(day)
    all_of_them = [(stream, days[stream.id]) for stream in known.streams]
    return {
        stream.id: findings(stream, days[stream.id], [each for each in all_of_them if each[0] is not stream])
        for stream in known.streams
    }
