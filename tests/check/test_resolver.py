"""A record is absent only where a server says so; all else is unknown."""

import pytest

from dmarcwatch.check.resolver import CONTROL_ABSENT, Dns, Known, Servers, server
from dmarcwatch.errors import ConfigError
from tests.check.dns_server import Fault, asking, serving, txt

BRIEF = 0.3
"""Seconds to wait for what never answers."""


@pytest.mark.parametrize(
    ("zone", "kind", "known", "values"),
    [
        ({"a.example.com TXT": txt("one ", "two")}, "TXT", Known.FOUND, ("one two",)),
        ({"a.example.com MX": "10 Mail.Example.NET."}, "MX", Known.FOUND, ("10 mail.example.net",)),
        ({"a.example.com MX": "0 ."}, "MX", Known.FOUND, ("0 .",)),
        ({"a.example.com CNAME": "B.example.net."}, "CNAME", Known.FOUND, ("b.example.net",)),
        (
            {"a.example.com CNAME": "b.example.com.", "b.example.com TXT": txt("x")},
            "TXT",
            Known.FOUND,
            ("x",),
        ),
        ({"a.example.com A": "192.0.2.1"}, "TXT", Known.NO_DATA, ()),
        ({"b.a.example.com A": "192.0.2.1"}, "TXT", Known.NO_DATA, ()),
        ({}, "TXT", Known.NO_NAME, ()),
        ({"a.example.com TXT": [txt("b"), txt("a")]}, "TXT", Known.FOUND, ("a", "b")),
        ({"a.example.com TXT": txt("\\027[31mred\\010")}, "TXT", Known.FOUND, ("[31mred",)),
        (
            {"a.example.com TXT": Fault.TRUNCATED, "a.example.com TCP": txt("long")},
            "TXT",
            Known.FOUND,
            ("long",),
        ),
    ],
)
def test_what_a_server_says_is_known(zone, kind, known, values):
    with asking(zone) as dns:
        answer = dns.ask("a.example.com", kind)
    assert (answer.known, answer.values, answer.trouble) == (known, values, "")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault.SILENT, "no answer within 0.3 seconds"),
        (Fault.SERVFAIL, "SERVFAIL"),
        (Fault.REFUSED, "REFUSED"),
        (Fault.REFERRAL, "only refers to others"),
        (Fault.GARBAGE, ""),
        (Fault.OTHER_QUESTION, ""),
    ],
)
def test_a_fault_leaves_it_unknown_and_never_absent(fault, why):
    with asking({"a.example.com TXT": fault}, timeout_seconds=BRIEF) as dns:
        answer = dns.ask("a.example.com", "TXT")
    assert answer.unknown
    assert not answer.absent
    assert answer.trouble
    assert why in answer.trouble


def test_a_question_is_asked_once():
    with serving({"a.example.com TXT": txt("x")}) as opened:
        dns = Dns(Servers((("127.0.0.1", opened.port),)))
        dns.ask_all([("a.example.com", "TXT"), ("a.example.com", "TXT"), ("b.example.com", "TXT")])
        dns.ask("a.example.com", "TXT")
    assert sorted(opened.asked) == [("a.example.com", "TXT"), ("b.example.com", "TXT")]


def test_a_resolver_that_never_answers_is_asked_three_times():
    with serving({}, otherwise=Fault.SILENT) as opened:
        dns = Dns(Servers((("127.0.0.1", opened.port),), BRIEF))
        answers = [dns.ask(f"{number}.example.org", "TXT") for number in range(5)]
        names = {name for name, _ in opened.asked}
    assert names == {"0.example.org", "1.example.org", "2.example.org"}
    assert [answer.trouble for answer in answers[3:]] == ["no resolver answers"] * 2


def test_a_resolver_that_answers_others_goes_on_being_asked_beside_a_dead_zone():
    silent = [f"{number}.example.com" for number in range(4)]
    zone = {"a.example.com TXT": txt("x"), **{f"{name} TXT": Fault.SILENT for name in silent}}
    with asking(zone, timeout_seconds=2) as dns:
        assert dns.ask("a.example.com", "TXT").found
        dns.ask_all((name, "TXT") for name in silent)
        assert all(dns.ask(name, "TXT").unknown for name in silent)
        assert dns.ask("b.example.com", "TXT").absent


@pytest.mark.parametrize(
    ("zone", "settings", "trouble"),
    [
        ({}, {}, ""),
        ({}, {"otherwise": "rewritten"}, f"answers for {CONTROL_ABSENT}"),
        ({"com NS": Fault.REFUSED}, {}, ""),
        ({"com NS": []}, {}, "denies that com exists"),
    ],
)
def test_a_resolver_that_lies_is_believed_in_nothing(zone, settings, trouble):
    with asking({"a.example.com TXT": txt("x"), **zone}, **settings) as dns:
        dns.test()
        assert trouble in dns.trouble
        assert dns.ask("a.example.com", "TXT").found is (not trouble)
        assert dns.ask("b.example.com", "TXT").unknown is bool(trouble)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
    ],
)
def test_a_resolver_is_named_by_its_address(text, expected):
    assert server(text) == expected


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:99999", "[::1"])
def test_anything_else_is_no_resolver(text):
    with pytest.raises(ConfigError, match="no address of a resolver"):
        server(text)
