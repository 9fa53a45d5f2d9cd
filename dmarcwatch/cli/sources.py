"""`dmarcwatch sources`: who sends as a domain, in which state, and what to do about it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from textwrap import wrap
from typing import Any

import click
from sqlite_utils import Database

from dmarcwatch.cli.context import Settings, colour, print_json, width
from dmarcwatch.cli.opening import known_domain, load_court, open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.findings import Severity
from dmarcwatch.mending import Mender
from dmarcwatch.readiness.faults import RANDOM_STATE
from dmarcwatch.store import labels
from dmarcwatch.store import sources as stored
from dmarcwatch.store.histories import streams
from dmarcwatch.streams import Stream
from dmarcwatch.text import count
from dmarcwatch.thresholds import Thresholds

_FAILING = 0.02
"""Above this share of DMARC failures a stream of the user's own is shown as failing."""
_LATELY_DAYS = 30
"""Days of a stream that are looked at for what to mend, its last one included."""
_OWN = ("owned", "shadow")
_TIERS = {
    "verified": "of verified reports",
    "local": "of files you named",
    "consistent": "of unknown reporters, which decide nothing",
    "unverified": "of reports nobody vouches for, which decide nothing",
}
_COPIED = ("aws ", "DNS:", "  ")
"""How a line of a fix begins that is a command, a record, or goes on with one."""
_SHOWN = 20
"""Rows of each list under `--stream`."""


@click.command(name="sources", short_help="Show who sends as a domain, and whether it authenticates.")
@click.argument("domain", required=False)
@click.option("--stream", help="One stream in full: its states per day, addresses, reporters and fix.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.pass_obj
def command(settings: Settings, domain: str | None, stream: str | None, as_json: bool) -> None:
    """Show who sends as a domain, and whether it authenticates.

    One line for each thing that somebody can fix; those of yours that fail come first.
    """
    show(settings, domain, stream=stream, as_json=as_json)


def show(settings: Settings, domain: str | None, *, stream: str | None = None, as_json: bool = False) -> None:
    """Print the sources of a domain, or of all."""
    database = open_store(settings)
    connection = database.conn
    if stream is not None:
        domain = labels.domain_of(connection, stream)
    elif domain is not None:
        domain = known_domain(connection, domain)
    limits = settings.config.thresholds
    seen = stored.lately(connection, domain, _LATELY_DAYS)
    lately = {name: _beyond_chance(each, limits) for name, each in seen.items()}
    found = _with_fixes(settings, database, domain, lately)
    found = [source for source in found if stream in (None, source["id"])]
    if as_json:
        print_json(found)
    elif stream is not None:
        _print_one(connection, found[0], lately)
    else:
        _print_all(found, lately)


_Lately = Mapping[str, stored.Lately]


def _with_fixes(
    settings: Settings, database: Database, domain: str | None, lately: _Lately
) -> list[dict[str, Any]]:
    found = stored.sources(database.conn, domain)
    court = load_court(settings)
    for policy_domain in dict.fromkeys(source["policy_domain"] for source in found):
        known = {each.id: each for each in streams(database.conn, policy_domain, settings.today)}
        mender = court.mender(database, tuple(known.values()), settings.today)
        for source in found:
            if source["policy_domain"] == policy_domain:
                failing = lately.get(source["id"], stored.NOT_SEEN).failing
                source["fix"] = _fix(mender, known[source["id"]], source, failing)
    return found


def _beyond_chance(seen: stored.Lately, limits: Thresholds) -> stored.Lately:
    """Without what is too little to say anything; a few signatures break at random."""
    random = max(limits.state_messages, limits.random_break_share * seen.messages)
    few = {state: random if state == RANDOM_STATE else limits.state_messages for state in seen.failing}
    much = _FAILING * seen.messages
    kept = {state: n for state, n in seen.failing.items() if n > min(few[state], much)}
    return seen._replace(failing=kept)


def _fix(mender: Mender, stream: Stream, source: dict[str, Any], failing: Collection[str]) -> list[str]:
    """What to do about an own stream: what fails, what its days show, or else what could be better."""
    if source["legitimacy"] not in _OWN:
        return []
    worst = next((state for state in failing if mender.fix(stream, state)), "")
    causes, losses = (
        [note["word"] for note in source["notes"] if note["severity"] == severity]
        for severity in (Severity.BLOCKER, Severity.WARNING)
    )
    # Why mail fails says more than how it does.
    found = mender.fixes(stream, [*causes, worst, *losses])
    if found or failing:
        return list(found)
    better = (lines for state in source["states"] if (lines := mender.fix(stream, state)))
    return list(next(better, ()))


def _print_all(found: Sequence[dict[str, Any]], lately: _Lately) -> None:
    if not found:
        click.echo("Nobody has sent as this domain in any report yet.")
        return
    for domain in dict.fromkeys(source["policy_domain"] for source in found):
        mine = [source for source in found if source["policy_domain"] == domain]
        click.echo(click.style(domain, bold=colour()))
        click.echo(_coloured(table([_row(source, domain) for source in mine], ""), mine, lately))
        click.echo(f"  {_rests_on(mine)}")
        notes = [(source["name"], note) for source in mine for note in source["notes"]]
        if notes:
            click.echo()
        for name, note in notes:
            _print_note(name, note)
        for source in mine:
            if source["fix"] and _fails(source, lately):
                click.echo(f"\n  How to mend it: dmarcwatch sources --stream {source['id']}")
        click.echo()


def _rests_on(found: Sequence[dict[str, Any]]) -> str:
    """How far the reports behind the figures are trusted (JUDGEMENT 5)."""
    sums = Counter[str]()
    for source in found:
        sums.update(source["tiers"])
    words = [f"{sums[tier]:,} {words}" for tier, words in _TIERS.items() if sums[tier]]
    return f"Messages by trust: {', '.join(words)}."


def _row(source: dict[str, Any], domain: str) -> dict[str, Any]:
    header_from = "" if source["header_from"] == domain else f" (From {source['header_from']})"
    return {
        "source": source["name"] + header_from,
        "whose": source["legitimacy"] or "not judged",
        "state": source["state"],
        "messages": source["messages"],
        "pass": f"{100 * source['dmarc_pass'] / source['messages']:.1f} %",
        "last seen": source["last_seen"],
    }


def _fails(source: dict[str, Any], lately: _Lately) -> bool:
    seen = lately.get(source["id"], stored.NOT_SEEN)
    return source["legitimacy"] in _OWN and sum(seen.failing.values()) > _FAILING * seen.messages


def _coloured(text: str, found: Sequence[dict[str, Any]], lately: _Lately) -> str:
    if not colour():
        return text
    head, *lines = text.splitlines()
    painted = [
        click.style(line, fg=_colour(source, lately)) for line, source in zip(lines, found, strict=True)
    ]
    return "\n".join([click.style(head, dim=True), *painted])


def _colour(source: dict[str, Any], lately: _Lately) -> str | None:
    if _fails(source, lately):
        return "red"
    return "green" if source["legitimacy"] in _OWN else None


def _print_note(name: str, note: dict[str, str]) -> None:
    text = f"{name}: {note['message']} ({note['word']} since {note['since']})"
    for part in _wrapped(text, width() - 2):
        click.echo(f"  {part}")


def _wrapped(text: str, columns: int) -> list[str]:
    """Lines that break between words only: a hyphen may stand in a name."""
    return wrap(text, columns, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _print_fix(source: dict[str, Any], lately: _Lately) -> None:
    failing = sum(lately.get(source["id"], stored.NOT_SEEN).failing.values())
    purpose = "could be better. To make it so:"
    if _fails(source, lately):
        purpose = "fails. To mend it:"
    elif failing:
        purpose = f"fails with {count(failing, 'message')}. To mend it:"
    click.echo(f"\n  {source['name']} {purpose}")
    for line in source["fix"]:
        # Commands and records are there to be copied: they stay on one line, however long.
        words = [line] if line.startswith(_COPIED) else _wrapped(line, width() - 6)
        click.echo("\n".join(f"    {part}" for part in words or [""]))


def _print_one(connection: Any, source: dict[str, Any], lately: _Lately) -> None:
    share = 100 * source["dmarc_pass"] / source["messages"]
    click.echo(click.style(f"{source['name']}  {source['id']}", bold=colour()))
    click.echo(f"{source['legitimacy']}: {source['because']} (confidence {source['confidence']:.0%})")
    click.echo(
        f"{count(source['messages'], 'message')} from {source['first_seen']} to {source['last_seen']}, "
        f"{share:.1f} % pass DMARC, {count(source['ips'], 'address', 'addresses')}, "
        f"{count(source['reporters'], 'reporter')}"
    )
    for title, rows in (
        ("States by day", stored.days(connection, source["id"], _SHOWN)),
        ("Addresses", stored.addresses(connection, source["id"], _SHOWN)),
        ("Own DKIM selectors", stored.selectors(connection, source["id"])),
        ("Reporters", stored.reporters(connection, source["id"])),
    ):
        click.echo(f"\n{title}\n{table(rows, 'none')}")
    if source["fix"]:
        _print_fix(source, lately)
