"""The public samples with SES traffic, where their folder is at hand (DMARCWATCH_CORPUS)."""

import os
from collections import Counter
from pathlib import Path

from dmarcwatch.classify import Classifier
from dmarcwatch.parse import read
from dmarcwatch.unpack import unpack
from tests.records import SENDERS

CORPUS = os.environ.get("DMARCWATCH_CORPUS")

STATES = {
    "0ab221fd-src__test__fixtures__email__email-source-with-zip.txt": {"both-aligned": 1},
    "0eb6b5e1-test-data__mail-with-zipped-dmarc-report.txt": {"amazonses-only": 1},
    "104bce4c-samples__extract_report__changed-input.xml": {"dkim-only": 15},
    "7005e63f-samples__extract_report__nice-input.xml": {"dkim-only": 15},
    "90f2e02b-src__test__fixtures__email__email-source-with-gz.txt": {"dkim-only": 1},
    "9400d2c1-test-data__mail-with-gzip-dmarc-report.txt": {"amazonses-only": 1},
    "d311bebd-samples__extract_report__nice-input.xml.zip": {"dkim-only": 15},
    "d964235a-resources__dmarc-feedback__003.xml": {"dkim-only": 1},
    "fecbc1aa-samples__extract_report__nice-input.xml.gz": {"dkim-only": 15},
}
"""Records of SES by state; four of the fifteen in the report that is there four times are forwarded."""


def classified(name):
    classifier = Classifier(SENDERS)
    for document in unpack((Path(CORPUS or "") / "files" / name).read_bytes()).documents:
        reading = read(document.chunks)
        for batch in reading.batches():
            for record in batch:
                yield record, classifier.classify(record, reading.report)


if CORPUS:

    def test_every_public_record_of_ses_has_its_state():
        found = {
            name: Counter(of.state for _, of in classified(name) if of.place.sender == "amazon-ses")
            for name in STATES
        }
        assert found == STATES
        assert sum(sum(states.values()) for states in found.values()) == 65

    def test_mail_of_ses_that_gmail_forwarded_is_forwarded_and_still_ses():
        name = "7005e63f-samples__extract_report__nice-input.xml"
        of_ses = [(record, of) for record, of in classified(name) if of.place.sender == "amazon-ses"]
        assert {of.region for _, of in of_ses} == {"us-east-1"}
        forwarded = [record.source_ip for record, of in of_ses if of.forwarded]
        assert forwarded == ["209.85.220.41"] * 4
