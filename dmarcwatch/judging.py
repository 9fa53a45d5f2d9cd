"""The judge at work on the database: history in, verdict out, both it and the streams' standing kept."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlite_utils import Database

from dmarcwatch.check.operators import operator_of
from dmarcwatch.config import Config
from dmarcwatch.findings import Finding, findings
from dmarcwatch.history import History
from dmarcwatch.readiness import Judge
from dmarcwatch.readiness.projection import Projection, project
from dmarcwatch.remedy import remedy
from dmarcwatch.senders import Senders
from dmarcwatch.ses.remedy import Case, Key
from dmarcwatch.store.database import transaction
from dmarcwatch.store.histories import history
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
        verdict = self._judge(self.history(database, domain, as_of)).at(as_of)
        return _with_wandering(database, verdict)

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

    def fix(self, stream: Stream, state: str) -> tuple[str, ...]:
        """The lines that say how to mend a stream in a state."""
        place = stream.place
        keys = tuple(Key(use.selector, use.domain) for use in stream.selectors)
        return remedy(state, Case(place.header_from, place.name, keys), self.senders.get(place.sender))

    def _judge(self, known: History) -> Judge:
        answers = self.config.for_domain(known.domain)
        return Judge(known, thresholds=self.config.thresholds, declared=answers.declared, fix=self.fix)

    def _keep(self, database: Database, domain: str) -> Verdict:
        as_of = self.now.date()
        known = self.history(database, domain, as_of)
        judge = self._judge(known)
        verdict = _with_wandering(database, judge.at(as_of))
        found = all_findings(known)
        judged = {
            stream: Judged(standing.legitimacy, standing.confidence, standing.because, found[stream])
            for stream, standing in judge.standings(as_of).items()
        }
        with transaction(database.conn):
            write_standings(database.conn, domain, judged)
            write_verdict(database.conn, verdict, given_at=self.now, thresholds=self.config.thresholds)
            note_judged(database.conn, domain)
        return verdict


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
