"""The what-if: what another policy would have touched, and whose mail that is."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dmarcwatch.web.domain import domain_page
from dmarcwatch.web.given import Modes
from dmarcwatch.web.whatif import Asked, WhatIf, asked, what_if
from tests.web_build import AS_OF, Build, Sent, region
from tests.web_worlds import ALIGNED, ALTERED, DOMAIN, FORGOTTEN, LETTER, SERVER, spoof

RELAXED = Modes("r", "r")


def what_of(path: Path, ask: Asked) -> WhatIf:
    connection = sqlite3.connect(path)
    page = domain_page(connection, DOMAIN, AS_OF, days=30)
    assert page is not None
    answer = what_if(connection, page, ask, RELAXED)
    connection.close()
    return answer


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """One day of all kinds: 100 aligned, 7 unsigned own, 50 of a subdomain, 5 altered, 3 unknown, 20 spoofed."""
    build = Build(tmp_path / "x.db", DOMAIN, {"p": "none", "adkim": "r", "aspf": "r"})
    mails = [(ALIGNED, 100), (FORGOTTEN, 7), (LETTER, 50), (ALTERED, 5), (SERVER, 3), (spoof(1), 20)]
    build.report(Sent("google.com", AS_OF - timedelta(3)), mails)
    build.report(Sent("liar.example", AS_OF - timedelta(3), tier="unverified"), [(FORGOTTEN, 1000)])
    return build.close()


def test_what_if_counts_own_forwarded_unknown_and_strangers_mail_apart(mixed):
    answer = what_of(mixed, Asked("reject", "same", RELAXED))
    assert (answer.own, answer.forwarded, answer.unknown, answer.spoof) == (7, 5, 3, 20)
    assert answer.own_messages == 157


def test_p_none_loses_nothing(mixed):
    answer = what_of(mixed, Asked("none", "same", RELAXED))
    assert answer.streams == ()
    assert (answer.own, answer.forwarded, answer.unknown, answer.spoof) == (0, 0, 0, 0)


def test_strict_spf_alone_loses_nothing_that_dkim_carries(mixed):
    assert what_of(mixed, Asked("reject", "same", Modes("r", "s"))).own == 7


def test_strict_dkim_loses_mail_that_a_parent_domain_signs(mixed, tmp_path):
    parent = replace(
        LETTER,
        dkim=((DOMAIN, "s1", "pass"),),
        place=region(DOMAIN, "eu-west-3", f"news.{DOMAIN}"),
        name="parent",
    )
    build = Build(tmp_path / "y.db", DOMAIN, {"p": "none"})
    build.report(Sent("google.com", AS_OF - timedelta(3)), [(parent, 40), (ALIGNED, 100)])
    path = build.close()
    assert what_of(path, Asked("reject", "same", RELAXED)).own == 0
    assert what_of(path, Asked("reject", "same", Modes("s", "r"))).own == 40
    assert what_of(path, Asked("reject", "none", Modes("s", "r"))).own == 0


def test_relaxing_what_was_published_strict_spares_mail(tmp_path):
    sister = replace(ALIGNED, aligned=(False, False), dkim=((f"mail.{DOMAIN}", "s", "pass"),), state="strict-adkim",
                     spf=(f"bounce.{DOMAIN}", "pass"))  # fmt: skip
    build = Build(tmp_path / "x.db", DOMAIN, {"p": "none", "adkim": "s", "aspf": "s"})
    build.report(Sent("google.com", AS_OF - timedelta(3)), [(sister, 30)])
    connection = sqlite3.connect(build.close())
    page = domain_page(connection, DOMAIN, AS_OF, days=30)
    strict = Modes("s", "s")
    assert what_if(connection, page, Asked("reject", "same", strict), strict).own == 30
    assert what_if(connection, page, Asked("reject", "same", RELAXED), strict).own == 0
    connection.close()


def test_the_form_counts_only_for_what_it_offers():
    assert asked({"p": "none", "sp": "reject", "adkim": "s"}, "reject", RELAXED) == Asked(
        "none", "reject", Modes("s", "r")
    )
    assert asked({"p": "<script>", "sp": "", "aspf": "x"}, "reject", Modes("s", "r")) == Asked(
        "reject", "same", Modes("s", "r")
    )
    assert asked({}, "", RELAXED).p == "quarantine"
