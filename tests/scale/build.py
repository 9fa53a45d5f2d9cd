"""The same reports through `fetch` and through the job, and what must be equal afterwards."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dmarcwatch.budgets import Budgets
from dmarcwatch.collect.opening import open_source
from dmarcwatch.collect.sources import FileSource
from dmarcwatch.config import Config, General, VerifyDkim
from dmarcwatch.filing import Accounts
from dmarcwatch.ingest import Ingest
from dmarcwatch.judging import Court
from dmarcwatch.scale.accounts import Summary
from dmarcwatch.scale.dataset import Dataset
from dmarcwatch.scale.engine import Engine, InProcess
from dmarcwatch.scale.importing import Imported, Wanted, import_dataset
from dmarcwatch.scale.job import Job
from dmarcwatch.scale.listing import Listing, listing_of
from dmarcwatch.scale.recipe import Recipe
from dmarcwatch.senders import Senders
from dmarcwatch.store.database import open_database
from dmarcwatch.store.sources import sources
from tests.database import rules

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SENDERS = Senders.load()
GENERAL = General(verify_dkim=VerifyDkim.NEVER)
RECIPE = Recipe(GENERAL, Budgets(), None, NOW)


def of_folder(folder: Path, *, trusted: bool | None = True) -> Listing:
    return listing_of(FileSource(folder, trusted=trusted))


def job(
    path: Path, engine: Engine | None = None, *, shards: int = 3, batch: int = 20, now: datetime = NOW
) -> Job:
    dataset = Dataset(str(path), shards=None if (path / "dataset.json").exists() else shards, create=True)
    return Job(dataset, replace(RECIPE, now=now), engine or InProcess(), batch)


def read(path: Path, *folders: Path, trusted: bool = True, **how: object) -> list[Summary]:
    return job(path, **how).run([of_folder(folder, trusted=trusted) for folder in folders])


def imported(path: Path, database: Path, wanted: Wanted | None = None) -> Imported:
    with closing(open_database(database)) as opened:
        found = import_dataset(opened.conn, Dataset(str(path)), SENDERS, wanted or Wanted())
        judge(opened, found.domains)
        return found


def fetch(database: Path, folders: Iterable[Path], *, now: datetime = NOW, trusted: bool = True) -> Accounts:
    """The folders in one run each; `trusted`: as files that the user named."""
    total = Accounts()
    with closing(open_database(database)) as opened:
        for folder in folders:
            source = FileSource(folder, trusted=trusted)
            run = Ingest(opened, rules(), now).begin(source.name)
            run.read(open_source(source))
            total += run.accounts
        judge(opened, reported_on(opened))
    return total


def reported_on(opened) -> list[str]:
    """The domains of all reports, held ones as well: those that a run judges."""
    return [
        domain for (domain,) in opened.conn.execute("SELECT DISTINCT policy_domain FROM reports ORDER BY 1")
    ]


def judge(opened, names: Sequence[str], now: datetime = NOW) -> None:
    Court(Config(), SENDERS, now).judge_and_keep(opened, names)


QUERIES = {
    "reports": """
        SELECT r.id, r.item, org_name, org_email, report_id, begin, end, policy_domain, p, sp, np, pct, testing,
            adkim, aspf, fo, discovery_method, generator, extra_contact_info, errors, dialect, grade, tier,
            origin, received_at, records, messages, unread_messages,
            CASE status WHEN 'pruned' THEN 'counted' ELSE status END, day, span_days, received_day, name, sha256
        FROM reports r""",
    "items": """
        SELECT i.id, s.name, origin, token, sha256, size, received_at, local, from_domain, authserv_id,
            verified, outcome FROM items i JOIN _sources s ON s.id = i.source""",
    "rejects": "SELECT item, name, origin, sha256, reason, message, size, received_at FROM rejects",
    "set_aside": "SELECT item, kind, name, size, problem FROM set_aside",
    "tls_days": "SELECT * FROM tls_days",
    "problems": "SELECT report, path, found, messages FROM problems",
    "stream_days": "SELECT * FROM stream_days",
    "domain_days": "SELECT * FROM domain_days",
    "pool_days": """
        SELECT p.policy_domain, p.header_from, p.sender, p.kind, p.name, o.name, d.day, d.span_days,
            d.received_day, d.tier, d.grade, d.state, d.forwarded, d.messages, d.dmarc_pass, d.rejected
        FROM _pool_days d JOIN _places p ON p.id = d.place JOIN _reporters o ON o.id = d.reporter""",
    "selector_days": """
        SELECT p.header_from, p.sender, p.kind, p.name, s.id, domain, selector, day, passed, failed
        FROM _selector_days d JOIN _places p ON p.id = d.place JOIN streams s ON s.key = p.stream""",
    "place_addresses": """
        SELECT p.header_from, p.sender, p.kind, p.name, p.pooled > 0, a.ip, d.messages
        FROM _place_addresses d JOIN _places p ON p.id = d.place JOIN _addresses a ON a.id = d.address""",
}
VERDICTS = "SELECT document FROM verdicts ORDER BY domain, as_of"


def picture(database: Path) -> dict[str, list]:
    """All that verdict, sources and pages read, without the numbers that are the store's own."""
    with closing(open_database(database)) as opened:
        found = {name: sorted(opened.conn.execute(sql), key=repr) for name, sql in QUERIES.items()}
        # Streams with as many messages stand in any order.
        found["sources"] = sorted(sources(opened.conn), key=lambda source: source["id"])
        found["verdicts"] = [_rounded(json.loads(row[0])) for row in opened.conn.execute(VERDICTS)]
    return found


def _rounded(value):
    """A verdict whose shares do not know in which order they were added up."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 9) if isinstance(value, float) else value


def differences(one: dict[str, list], other: dict[str, list]) -> dict[str, list]:
    """Rows that only one of them has, by table: for a message that helps."""
    return {
        name: [row for row in [*one[name], *other[name]] if (row in one[name]) != (row in other[name])][:4]
        for name in one
        if one[name] != other[name]
    }
