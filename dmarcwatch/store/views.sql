-- The names others may query (DESIGN 3.2). Tables whose names begin with an underscore are the store's own.

CREATE VIEW records AS
SELECT
    r.report, r.n, a.ip AS source_ip, r.messages, e.header_from, e.envelope_from, e.envelope_to,
    e.disposition, e.dkim_evaluated, e.spf_evaluated, j.dkim_aligned, j.spf_aligned, j.dmarc,
    e.reasons, e.dkim, e.spf, p.sender, j.via, j.region, j.state, j.forwarded, j.flags,
    CASE
        WHEN s.legitimacy IN ('owned', 'shadow', 'unknown') AND j.forwarded THEN 'forwarded'
        WHEN s.place_kind = 'scattered' AND j.state = 'own-dkim-broken' THEN 'unknown'
        WHEN s.place_kind = 'scattered' AND j.dmarc IN ('pass', 'pass_unverified') THEN 'forwarded'
        ELSE s.legitimacy
    END AS legitimacy,
    s.id AS stream, j.because
FROM _records r
JOIN _evidence e ON e.id = r.evidence
JOIN _judgements j ON j.id = r.judgement
JOIN _places p ON p.id = j.place
JOIN streams s ON s.key = p.stream
LEFT JOIN _addresses a ON a.id = r.address;

CREATE VIEW stream_days AS
SELECT
    s.id AS stream, s.policy_domain, s.header_from, s.sender, d.day, d.span_days, d.received_day,
    o.name AS reporter, d.tier, d.grade, d.state, d.forwarded, d.messages, d.dmarc_pass, d.dkim_aligned,
    d.spf_aligned, d.both_aligned, d.unverified, d.indeterminate, d.unknown, d.listed, d.spared,
    d.quarantined, d.rejected
FROM _stream_days d
JOIN streams s ON s.key = d.stream
JOIN _reporters o ON o.id = d.reporter;

CREATE VIEW domain_days AS
SELECT
    d.policy_domain, d.day, d.span_days, d.received_day, o.name AS reporter, d.tier, d.grade,
    y.p, y.sp, y.np, y.pct, y.t, y.adkim, y.aspf, d.reports, d.messages, d.unread_messages
FROM _domain_days d
JOIN _reporters o ON o.id = d.reporter
JOIN _policies y ON y.id = d.policy;

CREATE VIEW addresses AS
SELECT a.ip AS source_ip, o.country, o.asn, o.operator, o.ptr
FROM _addresses a
LEFT JOIN _operators o ON o.ip = a.ip;

CREATE VIEW tls_days AS
SELECT
    p.policy_domain, substr(t.begin, 1, 10) AS day, t.org_name AS reporter, p.policy_type,
    p.successful_sessions, p.failed_sessions, t.id AS report
FROM tls_reports t
JOIN tls_policies p ON p.report = t.id;

CREATE VIEW tls_problems AS
SELECT
    p.policy_domain, substr(t.begin, 1, 10) AS day, t.org_name AS reporter, f.result_type,
    f.failed_sessions, f.receiving_mx, f.receiving_ip, f.sending_mta_ip, f.reason_code,
    f.additional_information, t.id AS report
FROM tls_failures f
JOIN tls_reports t ON t.id = f.report
JOIN tls_policies p ON p.report = f.report AND p.n = f.policy;

CREATE VIEW failure_days AS
SELECT
    reported_domain, substr(arrived_at, 1, 10) AS day, source_ip, auth_failure, delivery_result,
    sum(incidents) AS incidents, count(*) AS reports
FROM failure_reports
GROUP BY 1, 2, 3, 4, 5;
