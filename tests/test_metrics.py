"""Prometheus reads what is written, figures are those of the database, and the file is always whole."""

import re
import stat
from datetime import date

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dmarcwatch import demo
from dmarcwatch.cli import main
from dmarcwatch.metrics import Metric, Sample, render
from dmarcwatch.store.gauges import gauges
from tests.database import fresh, rows

DAY = date(2026, 11, 20)
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL.pattern},?)*)\}})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
UNITS = (
    "_seconds",
    "_bytes",
    "_info",
    "_messages",
    "_reports",
    "_items",
    "_sessions",
    "_alerts",
    "_failed",
    "_rejects",
    "_reporters",
)
PLAIN = {"dmarcwatch_verdict", "dmarcwatch_verdict_blockers", "dmarcwatch_last_run_failed"}
"""A state, a number of things named by the name itself, and a yes or no: no unit to name."""


def read(text):
    """The grammar of the exposition format 0.0.4, strictly: HELP, TYPE, then samples of that name alone."""
    assert text.endswith("\n")
    found, current, typed = {}, None, None
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            name, _, words = line.removeprefix("# HELP ").partition(" ")
            assert re.fullmatch(NAME, name)
            assert words
            assert name not in found, "a name may stand in one group only"
            current, found[name] = name, {}
        elif line.startswith("# TYPE "):
            typed = line.removeprefix("# TYPE ")
            assert typed == f"{current} gauge"
            assert not found[current]
        else:
            whole = SAMPLE.fullmatch(line)
            assert whole, line
            assert whole[1] == current
            assert typed == f"{current} gauge"
            labels = tuple((name, unescape(value)) for name, value in LABEL.findall(whole[2] or ""))
            assert labels not in found[current], "a sample may stand once only"
            found[current][labels] = float(whole[5])
    return found


def unescape(text):
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metrics")
    demo.write(folder / "reports", DAY)
    done = CliRunner().invoke(main, ["--db", str(folder / "a.db"), "-q", "fetch", str(folder / "reports")])
    assert done.exit_code == 0
    return folder / "a.db"


@pytest.fixture(scope="module")
def figures(database):
    with fresh(database) as opened:
        return read(render(gauges(opened.conn, DAY)))


def test_every_name_says_its_unit_and_whose_it_is(figures):
    for name in set(figures) - PLAIN:
        assert name.startswith("dmarcwatch_")
        assert name.endswith(UNITS), name


def test_the_messages_of_the_window_are_those_of_stream_days(database, figures):
    with fresh(database) as opened:
        [(expected,)] = rows(
            opened,
            "SELECT sum(messages) FROM stream_days WHERE day BETWEEN '2026-10-20' AND '2026-11-18' "
            "AND tier IN ('local', 'verified') AND policy_domain = 'example.com'",
        )
    samples = figures["dmarcwatch_window_messages"]
    assert sum(value for labels, value in samples.items() if ("domain", "example.com") in labels) == expected
    assert samples[("domain", "example.com"), ("legitimacy", "spoof"), ("dmarc", "fail")] > 0


def test_one_word_of_the_verdict_is_1(database, figures):
    with fresh(database) as opened:
        given_last = dict(rows(opened, "SELECT domain, verdict FROM verdicts ORDER BY id"))
    ones = {labels for labels, value in figures["dmarcwatch_verdict"].items() if value}
    assert ones == {(("domain", domain), ("verdict", word)) for domain, word in given_last.items()}
    assert len(figures["dmarcwatch_verdict"]) == 7 * len(given_last)


def test_runs_say_when_and_how_they_went(figures):
    [(labels, begun)] = figures["dmarcwatch_last_run_timestamp_seconds"].items()
    assert figures["dmarcwatch_last_success_timestamp_seconds"][labels] >= begun > 1_700_000_000
    assert figures["dmarcwatch_last_run_failed"] == {labels: 0}


def test_a_failed_run_is_1_and_keeps_the_time_of_its_last_success(tmp_path):
    path = tmp_path / "a.db"
    done = CliRunner().invoke(main, ["--db", str(path), "fetch", str(tmp_path / "nowhere")])
    assert done.exit_code == 4
    with fresh(path) as opened:
        found = read(render(gauges(opened.conn, DAY)))
    assert list(found["dmarcwatch_last_run_failed"].values()) == [1]
    assert "dmarcwatch_last_success_timestamp_seconds" not in found


def test_an_empty_database_has_metrics_too(tmp_path):
    with fresh(tmp_path / "a.db") as opened:
        found = read(render(gauges(opened.conn, DAY)))
    assert found["dmarcwatch_rejects"] == {(("reason", ""),): 0}
    assert found["dmarcwatch_database_bytes"][()] > 0


def test_the_file_is_whole_and_the_collector_may_read_it(database, tmp_path):
    path = tmp_path / "dmarcwatch.prom"
    path.write_text("half")
    done = CliRunner().invoke(main, ["--db", str(database), "metrics", "--output", str(path)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["dmarcwatch.prom"]
    assert read(path.read_text())["dmarcwatch_build_info"]


@given(st.text(), st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**60))
def test_whatever_a_reporter_calls_himself_the_text_can_be_read(label, text, value):
    written = render([Metric("a_bytes", f"Of {text}", (Sample({"b": label}, value),))])
    assert read(written) == {"a_bytes": {(("b", label),): pytest.approx(float(value))}}


def test_a_metric_without_samples_is_left_out():
    assert render([Metric("a_bytes", "Nothing.", ())]) == ""
