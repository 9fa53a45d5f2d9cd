"""What a stream is called and which day a report is filed under."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dmarcwatch.streams import Place, PlaceKind, covered, stream_id

MIDNIGHT = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place("example.com", "example.com", "amazon-ses", PlaceKind.REGION, "eu-west-1"),
         "example.com/amazon-ses/eu-west-1"),
        (Place("example.com", "news.example.com", "mailgun", PlaceKind.NONE, ""),
         "example.com:news.example.com/mailgun"),
        (Place("example.com", "example.com", "unknown", PlaceKind.NETWORK, "192.0.2.0/24"),
         "example.com/unknown/192.0.2.0-24"),
        (Place("example.com", "example.com", "unknown", PlaceKind.SCATTERED, ""),
         "example.com/unknown/scattered"),
    ],
)  # fmt: skip
def test_a_streams_id_is_what_people_would_call_it(place, expected):
    assert stream_id(place) == expected


@pytest.mark.parametrize(
    ("begin", "length", "day", "span"),
    [
        (MIDNIGHT, timedelta(seconds=86_399), date(2026, 9, 1), 1),
        (MIDNIGHT, timedelta(days=1), date(2026, 9, 1), 1),
        (MIDNIGHT, timedelta(0), date(2026, 9, 1), 1),
        # Windows that slide belong to the day that holds their middle.
        (MIDNIGHT + timedelta(hours=7), timedelta(days=1), date(2026, 9, 1), 1),
        (MIDNIGHT + timedelta(hours=17), timedelta(days=1), date(2026, 9, 2), 1),
        (MIDNIGHT, timedelta(days=4), date(2026, 9, 1), 4),
        # Trustwave's 24.6 days are one observation that begins on its first day.
        (MIDNIGHT, timedelta(days=24.6), date(2026, 9, 1), 25),
    ],
)
def test_a_report_is_filed_under_one_day_and_knows_its_span(begin, length, day, span):
    assert covered(begin, begin + length) == (day, span)
