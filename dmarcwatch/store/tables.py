"""The database's tables.

Names that begin with an underscore are the store's own: repeated strings are ids there. What others
may query are the tables without one and the views of views.sql (DESIGN 3.2).
"""

MEASURES = (
    "messages",
    "dmarc_pass",
    "dkim_aligned",
    "spf_aligned",
    "both_aligned",
    "unverified",
    "indeterminate",
    "unknown",
    "listed",
    "spared",
    "quarantined",
    "rejected",
)
"""The counted columns of `stream_days` (JUDGEMENT 4)."""

_DAY_KEY = """
    day TEXT NOT NULL, span_days INTEGER NOT NULL, received_day TEXT NOT NULL,
    reporter INTEGER NOT NULL REFERENCES _reporters(id), tier TEXT NOT NULL, grade TEXT NOT NULL"""
_CELL_KEY = f"{_DAY_KEY}, state TEXT NOT NULL, forwarded INTEGER NOT NULL"
_COUNTS = ", ".join(f"{name} INTEGER NOT NULL" for name in MEASURES)
_CELL_COLUMNS = "day, span_days, received_day, reporter, tier, grade, state, forwarded"

FACTS = """
CREATE TABLE _sources (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, position TEXT);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT,
    items INTEGER, reports INTEGER, duplicates INTEGER, set_aside INTEGER, rejects INTEGER,
    records INTEGER, messages INTEGER, problems INTEGER, dropped INTEGER, unread_messages INTEGER,
    error TEXT);
CREATE TABLE items (
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES _sources(id),
    run INTEGER REFERENCES runs(id), origin TEXT NOT NULL, token TEXT NOT NULL,
    sha256 TEXT NOT NULL, size INTEGER NOT NULL, received_at TEXT, local INTEGER NOT NULL,
    from_domain TEXT, authserv_id TEXT, verified TEXT, outcome TEXT NOT NULL, settled INTEGER NOT NULL);
CREATE INDEX items_token ON items (source, token);
CREATE INDEX items_unsettled ON items (source) WHERE NOT settled;
CREATE TABLE _raw (
    item INTEGER PRIMARY KEY REFERENCES items(id), encoding TEXT NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE rejects (
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES items(id), name TEXT NOT NULL,
    origin TEXT NOT NULL, sha256 TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
    size INTEGER NOT NULL, received_at TEXT);
CREATE INDEX rejects_item ON rejects (item);
CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES items(id), kind TEXT NOT NULL,
    name TEXT NOT NULL, size INTEGER NOT NULL);
CREATE INDEX set_aside_item ON set_aside (item);
CREATE TABLE _reporters (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE reports (
    id INTEGER PRIMARY KEY, org_name TEXT, org_email TEXT, report_id TEXT,
    begin TEXT NOT NULL, end TEXT NOT NULL, policy_domain TEXT NOT NULL,
    p TEXT, sp TEXT, np TEXT, pct INTEGER, testing INTEGER, adkim TEXT, aspf TEXT, fo TEXT,
    discovery_method TEXT, generator TEXT, extra_contact_info TEXT, errors TEXT,
    dialect TEXT NOT NULL, grade TEXT NOT NULL, tier TEXT NOT NULL, origin TEXT NOT NULL,
    received_at TEXT NOT NULL, records INTEGER NOT NULL, messages INTEGER NOT NULL,
    unread_messages INTEGER NOT NULL, status TEXT NOT NULL,
    reporter INTEGER NOT NULL REFERENCES _reporters(id), day TEXT NOT NULL,
    span_days INTEGER NOT NULL, received_day TEXT NOT NULL,
    item INTEGER NOT NULL REFERENCES items(id), name TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE,
    fingerprint INTEGER NOT NULL);
CREATE INDEX reports_identity ON reports (policy_domain, reporter, begin, end);
CREATE INDEX reports_item ON reports (item);
CREATE TABLE problems (
    id INTEGER PRIMARY KEY, report INTEGER NOT NULL REFERENCES reports(id), path TEXT NOT NULL,
    found TEXT NOT NULL, messages INTEGER);
CREATE INDEX problems_report ON problems (report);
CREATE TABLE _addresses (id INTEGER PRIMARY KEY, ip TEXT NOT NULL UNIQUE);
CREATE TABLE _evidence (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, header_from TEXT, envelope_from TEXT,
    envelope_to TEXT, disposition TEXT, dkim_evaluated TEXT, spf_evaluated TEXT,
    reasons TEXT, dkim TEXT, spf TEXT);
CREATE TABLE _records (
    report INTEGER NOT NULL REFERENCES reports(id), n INTEGER NOT NULL,
    address INTEGER REFERENCES _addresses(id), messages INTEGER NOT NULL,
    evidence INTEGER NOT NULL REFERENCES _evidence(id), judgement INTEGER NOT NULL,
    PRIMARY KEY (report, n)) WITHOUT ROWID;
CREATE INDEX _records_address ON _records (address);
CREATE TABLE labels (
    id INTEGER PRIMARY KEY, stream TEXT NOT NULL, word TEXT NOT NULL, given TEXT NOT NULL,
    expires TEXT NOT NULL, critical INTEGER NOT NULL, every TEXT, note TEXT NOT NULL, withdrawn TEXT);
CREATE INDEX labels_stream ON labels (stream);
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY, domain TEXT NOT NULL, as_of TEXT NOT NULL, given_at TEXT NOT NULL,
    verdict TEXT NOT NULL, because TEXT, target TEXT, first_day TEXT, last_day TEXT,
    blockers TEXT NOT NULL, thresholds TEXT NOT NULL, document TEXT NOT NULL);
CREATE INDEX verdicts_domain ON verdicts (domain, as_of);
"""

RELEASED = """
CREATE TABLE _released (sha256 TEXT PRIMARY KEY, released_at TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX _selector_days_name ON _selector_days (domain, selector);
"""

LOOKED_UP = """
CREATE TABLE published (
    domain TEXT NOT NULL, record TEXT, looked_up_at TEXT NOT NULL,
    PRIMARY KEY (domain, looked_up_at)) WITHOUT ROWID;
CREATE TABLE _operators (
    ip TEXT PRIMARY KEY, country TEXT, asn INTEGER, operator TEXT, looked_up_at TEXT,
    ptr TEXT, ptr_looked_up_at TEXT) WITHOUT ROWID;
"""
"""What the world said on a day, by name and not by id: it outlives a rebuild."""

UNJUDGED = """
CREATE TABLE _unjudged (policy_domain TEXT PRIMARY KEY) WITHOUT ROWID;
"""

SET_ASIDE = """
ALTER TABLE set_aside ADD COLUMN problem TEXT;
CREATE TABLE tls_reports (
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES items(id), sha256 TEXT NOT NULL UNIQUE,
    org_name TEXT, contact_info TEXT, report_id TEXT, begin TEXT NOT NULL, end TEXT NOT NULL);
CREATE INDEX tls_reports_identity ON tls_reports (org_name, report_id, begin, end);
CREATE TABLE tls_policies (
    report INTEGER NOT NULL REFERENCES tls_reports(id), n INTEGER NOT NULL, policy_domain TEXT NOT NULL,
    policy_type TEXT NOT NULL, policy TEXT, mx_hosts TEXT, successful_sessions INTEGER NOT NULL,
    failed_sessions INTEGER NOT NULL, PRIMARY KEY (report, n)) WITHOUT ROWID;
CREATE TABLE tls_failures (
    id INTEGER PRIMARY KEY, report INTEGER NOT NULL REFERENCES tls_reports(id), policy INTEGER NOT NULL,
    result_type TEXT NOT NULL, failed_sessions INTEGER NOT NULL, sending_mta_ip TEXT, receiving_ip TEXT,
    receiving_mx TEXT, reason_code TEXT, additional_information TEXT);
CREATE INDEX tls_failures_report ON tls_failures (report);
CREATE TABLE failure_reports (
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES items(id), sha256 TEXT NOT NULL UNIQUE,
    arrived_at TEXT, reported_domain TEXT, source_ip TEXT, auth_failure TEXT, aligned TEXT,
    delivery_result TEXT, authentication_results TEXT, dkim_domain TEXT, dkim_selector TEXT,
    header_from TEXT, original_mail_from TEXT, original_rcpt_to TEXT, subject TEXT, message_id TEXT,
    reporting_mta TEXT, user_agent TEXT, incidents INTEGER, redacted INTEGER NOT NULL);
CREATE INDEX failure_reports_domain ON failure_reports (reported_domain, arrived_at);
"""
"""TLS and failure reports are read once and for all: the bytes of the latter may not be kept."""

JUDGEMENTS = f"""
CREATE TABLE streams (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, policy_domain TEXT NOT NULL, header_from TEXT NOT NULL,
    sender TEXT NOT NULL, place_kind TEXT NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL,
    sender_type TEXT NOT NULL, region TEXT, legitimacy TEXT, confidence REAL, because TEXT,
    state TEXT, states TEXT, first_seen TEXT, last_seen TEXT, messages INTEGER, dmarc_pass INTEGER,
    dkim_aligned INTEGER, spf_aligned INTEGER, reporters INTEGER, ips INTEGER, findings TEXT, notes TEXT);
CREATE INDEX streams_domain ON streams (policy_domain);
CREATE TABLE _places (
    id INTEGER PRIMARY KEY, policy_domain TEXT NOT NULL, header_from TEXT NOT NULL, sender TEXT NOT NULL,
    kind TEXT NOT NULL, name TEXT NOT NULL, stream INTEGER NOT NULL REFERENCES streams(key),
    pooled INTEGER NOT NULL, UNIQUE (policy_domain, header_from, sender, kind, name));
CREATE INDEX _places_stream ON _places (stream);
CREATE TABLE _judgements (
    id INTEGER PRIMARY KEY, place INTEGER NOT NULL REFERENCES _places(id), digest BLOB NOT NULL UNIQUE,
    via TEXT, region TEXT, state TEXT NOT NULL, forwarded INTEGER NOT NULL, flags TEXT NOT NULL,
    dkim_aligned INTEGER, spf_aligned INTEGER, dmarc TEXT NOT NULL, listed INTEGER NOT NULL,
    spared INTEGER NOT NULL, authenticated INTEGER NOT NULL, because TEXT NOT NULL);
CREATE INDEX _judgements_place ON _judgements (place);
CREATE TABLE _judgement_selectors (
    judgement INTEGER NOT NULL REFERENCES _judgements(id), domain TEXT NOT NULL, selector TEXT NOT NULL,
    passed INTEGER NOT NULL, PRIMARY KEY (judgement, domain, selector, passed)) WITHOUT ROWID;
CREATE INDEX _records_judgement ON _records (judgement);
CREATE TABLE _stream_days (
    stream INTEGER NOT NULL REFERENCES streams(key), {_CELL_KEY}, {_COUNTS},
    PRIMARY KEY (stream, {_CELL_COLUMNS})) WITHOUT ROWID;
CREATE TABLE _pool_days (
    place INTEGER NOT NULL REFERENCES _places(id), {_CELL_KEY}, {_COUNTS},
    PRIMARY KEY (place, {_CELL_COLUMNS})) WITHOUT ROWID;
CREATE TABLE _selector_days (
    place INTEGER NOT NULL REFERENCES _places(id), domain TEXT NOT NULL, selector TEXT NOT NULL,
    day TEXT NOT NULL, passed INTEGER NOT NULL, failed INTEGER NOT NULL,
    PRIMARY KEY (place, domain, selector, day)) WITHOUT ROWID;
CREATE TABLE _place_addresses (
    place INTEGER NOT NULL REFERENCES _places(id), address INTEGER NOT NULL REFERENCES _addresses(id),
    messages INTEGER NOT NULL, PRIMARY KEY (place, address)) WITHOUT ROWID;
CREATE TABLE _policies (
    id INTEGER PRIMARY KEY, p TEXT, sp TEXT, np TEXT, pct INTEGER, t INTEGER, adkim TEXT, aspf TEXT);
CREATE TABLE _domain_days (
    policy_domain TEXT NOT NULL, {_DAY_KEY}, policy INTEGER NOT NULL REFERENCES _policies(id),
    reports INTEGER NOT NULL, messages INTEGER NOT NULL, unread_messages INTEGER NOT NULL,
    PRIMARY KEY (policy_domain, day, span_days, received_day, reporter, tier, grade, policy)) WITHOUT ROWID;
"""

FACT_TABLES = (
    "rejects",
    "set_aside",
    "reports",
    "problems",
    "_addresses",
    "_evidence",
    "_records",
    "_reporters",
)
"""Tables that are read anew from the kept bytes; items, labels and verdicts given stay."""
JUDGEMENT_TABLES = (
    "streams",
    "_places",
    "_judgements",
    "_judgement_selectors",
    "_stream_days",
    "_pool_days",
    "_selector_days",
    "_place_addresses",
    "_policies",
    "_domain_days",
)
"""Tables that follow from the facts."""
