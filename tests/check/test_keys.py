"""Keys of signatures from DNS: asked once, and no stranger's silence keeps a reporter's key away."""

import pytest

from dmarcwatch.check.keys import Keys, Patience
from tests.check.dns_server import Fault, serving, txt

GOOGLE = "s1._domainkey.google.com"
BRIEF = Patience(timeout_seconds=0.3, strangers_seconds=0.5)


def of(number, domain):
    return f"s{number}._domainkey.{domain}"


def keys(server, patience=BRIEF):
    return Keys("127.0.0.1", server.port, patience)


def test_a_key_is_asked_for_once_and_so_is_its_absence():
    with serving({f"{GOOGLE} TXT": txt("v=DKIM1; p=AAAA")}) as server:
        found = keys(server)
        assert [found.key(GOOGLE) for _ in range(3)] == [b"v=DKIM1; p=AAAA"] * 3
        assert [found.key(of(9, "google.com")) for _ in range(3)] == [None] * 3
    assert len(server.asked) == 2


def test_strangers_whose_name_servers_keep_silent_cost_no_reporter_its_key():
    silent = {f"{of(number, 'forger.example')} TXT": Fault.SILENT for number in range(20)}
    with serving({f"{GOOGLE} TXT": txt("v=DKIM1; p=AAAA"), **silent}) as server:
        found = keys(server)
        assert {found.key(of(number, "forger.example")) for number in range(20)} == {None}
        assert len({name for name, _ in server.asked}) < 20
        assert found.key(GOOGLE) == b"v=DKIM1; p=AAAA"


@pytest.mark.parametrize("selector", ["x" * 64, "a..b", "." * 9, "a" * 300, "\\"])
def test_a_selector_that_no_dns_can_hold_is_no_silence_of_a_reporter(selector):
    with serving({f"{GOOGLE} TXT": txt("v=DKIM1; p=AAAA")}) as server:
        found = keys(server)
        for number in range(9):
            assert found.key(f"{selector}{number}._domainkey.google.com") is None
        assert found.key(GOOGLE) == b"v=DKIM1; p=AAAA"


def test_where_nobody_answers_for_reporters_no_more_is_asked():
    with serving({}, otherwise=Fault.SILENT) as server:
        found = keys(server)
        for number in range(9):
            assert found.key(of(number, "google.com")) is None
    assert len({name for name, _ in server.asked}) == BRIEF.silences


def test_an_answer_begins_the_count_of_silences_anew():
    silent = {f"{of(number, 'google.com')} TXT": Fault.SILENT for number in (2, 3, 5, 6)}
    with serving({f"{GOOGLE} TXT": txt("v=DKIM1; p=AAAA"), **silent}) as server:
        found = keys(server)
        for number in (2, 3, 4, 5, 6):
            assert found.key(of(number, "google.com")) is None
        assert found.key(GOOGLE) == b"v=DKIM1; p=AAAA"
