"""TLS and failure reports as their senders write them, made by hand."""

import json
from textwrap import dedent

TLS = {
    "organization-name": "Reporter",
    "date-range": {"start-datetime": "2026-11-18T00:00:00Z", "end-datetime": "2026-11-18T23:59:59Z"},
    "contact-info": "tls@reporter.example",
    "report-id": "2026-11-18-example.com",
    "policies": [
        {
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: enforce"],
                "policy-domain": "Example.com",
                "mx-host": "*.mail.example.com",
            },
            "summary": {"total-successful-session-count": 812, "total-failure-session-count": 3},
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "192.0.2.7",
                    "receiving-mx-hostname": "mx1.mail.example.com",
                    "receiving-ip": "198.51.100.4",
                    "failed-session-count": 3,
                    "failure-reason-code": "X509",
                }
            ],
        }
    ],
}


def tls(**changes):
    """A TLS report; `changes` are its top keys, `policy`, `summary` or `failure` those of its only policy."""
    report = json.loads(json.dumps(TLS))
    for key, value in changes.items():
        policy = report["policies"][0]
        inner = {
            "policy": policy["policy"],
            "summary": policy["summary"],
            "failure": policy["failure-details"][0],
        }
        if key in inner:
            inner[key].update(value)
        else:
            report[key.replace("_", "-")] = value
    return json.dumps(report).encode()


def failure(fields="", *, subject="Your invoice", who="Maria Muster <maria@example.com>", date=True):
    """A failure report on a message that only claims to be from example.com."""
    dated = "Date: Wed, 18 Nov 2026 09:12:40 +0100\n" if date else ""
    return (
        (
            "From: dmarc-noreply@reporter.example\nTo: ruf@example.com\nSubject: Report Domain: example.com\n"
            + dated
            + dedent("""\
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="part"

        --part
        Content-Type: text/plain

        A message failed DMARC.
        --part
        Content-Type: message/feedback-report

        Feedback-Type: auth-failure
        User-Agent: Reporter/1.0
        Version: 1
        Original-Mail-From: <bounce+maria@sender.example>
        Original-Rcpt-To: <paul@reporter.example>
        Arrival-Date: Wed, 18 Nov 2026 09:12:36 +0100
        Source-IP: 192.0.2.99
        Reported-Domain: Example.com
        Authentication-Results: mx.reporter.example; dmarc=fail header.from=example.com;
         spf=pass smtp.mailfrom=bounce+maria@sender.example
        Auth-Failure: dmarc
        Identity-Alignment: none
        Delivery-Result: delivered
        """)
            + fields
            + f"""
--part
Content-Type: message/rfc822

From: {who}
To: paul@reporter.example
Subject: {subject}
Message-ID: <secret-42@example.com>

Dear Paul, this is private.
--part--
"""
        )
        .replace("\n", "\r\n")
        .encode()
    )
