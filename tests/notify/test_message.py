"""Alerts in one message: grouped, dated where they waited, linked, and as long as the channel takes."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch.alerts.message import MOST, fitting, message
from dmarcwatch.alerts.words import page, span
from tests.notify.build import NOW, TODAY, queued

PAGES = "https://dmarc.example.com/"


def test_one_alert_is_its_own_message():
    told = message([queued()], NOW, base=PAGES)
    assert told.title == "example.com: not ready for p=quarantine"
    assert told.texts[0] == (
        "example.com: not ready for p=quarantine\n"
        "\n"
        "The verdict on example.com is now: not ready for p=quarantine.\n"
        "- 91,223 messages of your own\n"
        "\n"
        "What to do:\n"
        "    Publish: p=none\n"
        "\n"
        "See https://dmarc.example.com/-/dmarcwatch/domain?name=example.com\n"
        "\n"
        "dmarcwatch, alert 12\n"
    )


def test_without_pages_an_alert_names_the_command():
    assert "See: dmarcwatch verdict example.com" in message([queued()], NOW).texts[0]


def test_several_alerts_are_one_message_with_their_numbers():
    told = message([queued(12), queued(13, "example.net: safe as it is")], NOW)
    assert told.title == "2 DMARC alerts: example.com, example.net"
    assert told.texts[0].endswith("dmarcwatch, alerts 12, 13\n")


def test_an_alert_that_waited_says_its_day_and_whether_it_is_over():
    late = queued(raised_at=NOW - timedelta(days=2), over_at=NOW - timedelta(days=1), repeated=True)
    first = message([late], NOW).texts[0].splitlines()[0]
    assert first.endswith("(of 18 November, still so, over since 19 November)")


def test_a_flood_is_told_in_part_and_counted():
    told = message([queued(number) for number in range(1, 51)], NOW)
    assert told.title == "50 DMARC alerts: example.com"
    assert f"And {50 - MOST} more: dmarcwatch notify --list" in told.texts[0]


def test_the_fullest_form_that_fits_is_taken():
    texts = message([queued(), queued(13)], NOW).texts
    assert fitting(texts, None) == texts[0]
    assert fitting(texts, len(texts[0])) == texts[0]
    assert fitting(texts, len(texts[0]) - 1) == texts[1]
    assert fitting(texts, len(texts[2])) == texts[2]


@given(st.integers(1, 400), st.integers(1, 30))
def test_no_form_is_longer_than_the_channel_takes(limit, alerts):
    texts = message([queued(number) for number in range(alerts)], NOW).texts
    assert len(fitting(texts, limit)) <= max(limit, 6)


def test_a_stream_s_name_cannot_break_out_of_its_link():
    assert page("stream", id="a&b=c d/é") == "stream?id=a%26b%3Dc%20d/%C3%A9"


def test_spans_of_days_name_no_month_or_year_twice():
    assert span(TODAY - timedelta(days=6), TODAY) == "14 to 20 November 2026"
    assert span(TODAY - timedelta(days=30), TODAY) == "21 October to 20 November 2026"
    assert span(TODAY - timedelta(days=365), TODAY) == "20 November 2025 to 20 November 2026"
    assert span(TODAY, TODAY) == "20 November 2026"
