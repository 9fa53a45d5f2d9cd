"""What nobody vouches for is held, lifted and counted by the job as `fetch` does it."""

import pytest

from dmarcwatch.report import AuthResult, Dkim, Policy
from dmarcwatch.store.holding import held_reports
from tests.build import policy, record
from tests.database import fresh
from tests.scale.build import differences, fetch, imported, picture, read
from tests.store.test_holding import day, forged, genuine, mailed

SELECTOR = Dkim("example.com", "never-published", AuthResult.PASS)
KNOWN = [genuine(number) for number in range(9)]
INVENTED = [
    forged(1, policy=policy(p=Policy.REJECT)),
    forged(2, record("10.0.0.1", 99)),
    forged(3, record("54.240.8.12", 5, dkim=(SELECTOR,))),
    forged(4),
]
LIFTED = [
    mailed(day(3, "google.com", policy=policy(p=Policy.REJECT))),
    mailed(day(3, "google.com", policy=policy(p=Policy.REJECT)), sender="google.com"),
]
SURGE = [*(forged(number) for number in range(2, 8)), forged(9, record(messages=2_000))]


def folders(tmp_path, *deliveries):
    made = []
    for number, mails in enumerate(deliveries):
        made.append(tmp_path / f"delivery{number}")
        made[-1].mkdir()
        for at, mail in enumerate(mails):
            (made[-1] / f"{at:03d}.eml").write_bytes(mail)
    return made


def test_a_surge_after_an_import_is_held_as_after_a_fetch(tmp_path):
    usual, surge = folders(tmp_path, SURGE[:6], SURGE[6:])
    read(tmp_path / "set", usual, trusted=False)
    imported(tmp_path / "set", tmp_path / "d.db")
    fetch(tmp_path / "d.db", [surge], trusted=False)
    with fresh(tmp_path / "d.db") as database:
        assert [one["why"] for one in held_reports(database.conn)] == ["surge"]


@pytest.mark.parametrize(
    "deliveries",
    [
        [KNOWN, INVENTED],
        [[*KNOWN, *INVENTED]],
        [INVENTED, KNOWN],
        [KNOWN, LIFTED],
        [KNOWN, LIFTED[:1], LIFTED[1:]],
        [LIFTED[:1], LIFTED[1:], KNOWN],
        [SURGE[:6], SURGE[6:]],
    ],
    ids=["after", "together", "before", "lifted", "lifted-later", "lifted-first", "surge"],
)
def test_what_strangers_send_ends_as_it_does_with_fetch(tmp_path, deliveries):
    made = folders(tmp_path, *deliveries)
    accounts = fetch(tmp_path / "fetched.db", made, trusted=False)
    summaries = [
        summary
        for number, _ in enumerate(made)
        for summary in read(tmp_path / "set", *made[: number + 1], trusted=False, batch=3)
    ]
    assert sum(summary.accounts.reports for summary in summaries) == accounts.reports
    imported(tmp_path / "set", tmp_path / "imported.db")
    assert differences(picture(tmp_path / "fetched.db"), picture(tmp_path / "imported.db")) == {}
