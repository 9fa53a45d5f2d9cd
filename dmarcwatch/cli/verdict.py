"""`dmarcwatch verdict`: may the domain enforce its policy, and if not, what has to be fixed first?"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import click

from dmarcwatch.cli.context import Day, Settings, colour, print_json, width
from dmarcwatch.cli.opening import known_domain, load_court, open_store
from dmarcwatch.cli.tables import table
from dmarcwatch.readiness.explain import explained, text
from dmarcwatch.readiness.explain import table as summary
from dmarcwatch.store.histories import vouched_domains
from dmarcwatch.store.standings import verdict_history
from dmarcwatch.verdict import Answer, Verdict


@click.command(
    name="verdict", short_help="Say whether a domain may enforce its policy, and what to fix if not."
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.option("--explain", is_flag=True, help="Show every gate with its value, limit and reason.")
@click.option("--all", "as_table", is_flag=True, help="A table, one line a domain.")
@click.option("--as-of", type=Day(), help="Judge as of a day, from what had been received by then.")
@click.option("--history", is_flag=True, help="Show the verdicts given so far.")
@click.option("--since-last", is_flag=True, help="Say what changed since the last other verdict.")
@click.option(
    "--fail-on",
    type=click.Choice([str(answer) for answer in Answer]),
    multiple=True,
    help="End with 1 on these verdicts and with 0 on all others; repeatable.",
)
@click.pass_context
def command(
    ctx: click.Context,
    domains: tuple[str, ...],
    as_json: bool,
    explain: bool,
    as_table: bool,
    as_of: date | None,
    history: bool,
    since_last: bool,
    fail_on: tuple[str, ...],
) -> None:
    """Say whether a domain may enforce its policy, and what to fix if not.

    Exit status: 0 ready, keep or watch; 1 not ready or roll back; 3 cannot tell.
    """
    settings: Settings = ctx.obj
    if history or since_last:
        _show_history(settings, domains, as_json=as_json, only_change=since_last)
        return
    form = "json" if as_json else "table" if as_table else "explain" if explain else "text"
    verdicts = show(settings, domains, as_of=as_of or settings.today, form=form)
    ctx.exit(_failing(verdicts, fail_on) if fail_on else exit_status(verdicts))


def show(settings: Settings, domains: Sequence[str], *, as_of: date, form: str = "text") -> Sequence[Verdict]:
    """Judge and print; the verdicts, for the exit status."""
    database = open_store(settings)
    court = load_court(settings)
    names = [known_domain(database.conn, name) for name in domains] or vouched_domains(database.conn)
    verdicts = [court.judge(database, name, as_of) for name in names]
    match form:
        case "json":
            print_json([verdict.as_dict() for verdict in verdicts])
        case "table":
            click.echo(summary(verdicts), nl=False)
        case "explain":
            click.echo(
                "\n".join(explained(each, width=width(), colour=colour()) for each in verdicts), nl=False
            )
        case _:
            click.echo("\n".join(text(each, width=width(), colour=colour()) for each in verdicts), nl=False)
    if not verdicts and form != "json":
        click.echo("No report has come yet; `dmarcwatch fetch` brings them in.")
    return verdicts


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """Several domains: 1 before 3 before 0 (DESIGN 3.1); without any report nobody can tell."""
    found = {verdict.verdict.exit_status for verdict in verdicts}
    return 1 if 1 in found else 3 if 3 in found or not verdicts else 0


def _failing(verdicts: Sequence[Verdict], fail_on: Sequence[str]) -> int:
    return int(any(str(verdict.verdict) in fail_on for verdict in verdicts))


def _show_history(settings: Settings, names: Sequence[str], *, as_json: bool, only_change: bool) -> None:
    connection = open_store(settings).conn
    chosen = [known_domain(connection, name) for name in names] or vouched_domains(connection)
    given = {name: verdict_history(connection, name) for name in chosen}
    if only_change:
        found = [change for name in chosen if (change := _change(given[name]))]
        print_json(found) if as_json else click.echo(
            "\n".join(_sentence(each) for each in found) or "No change."
        )
        return
    rows = [row for name in chosen for row in given[name]]
    if as_json:
        print_json(rows)
        return
    columns = ("as_of", "domain", "verdict", "because", "target")
    shown = [{column: row[column] for column in columns} | {"blockers": len(row["blockers"])} for row in rows]
    click.echo(table(shown, "No verdict was given yet."))


def _change(given: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The last verdict against the last one that said otherwise; None where there is no such."""
    if not given:
        return None
    now = given[-1]
    before = next((each for each in reversed(given) if _says(each) != _says(now)), None)
    if before is None:
        return None
    old, new = set(_says(before)[1]), set(_says(now)[1])
    return {
        "domain": now["domain"],
        "from": before["verdict"],
        "from_as_of": before["as_of"],
        "to": now["verdict"],
        "to_as_of": now["as_of"],
        "new_blockers": sorted(new - old),
        "gone_blockers": sorted(old - new),
    }


def _says(given: dict[str, Any]) -> tuple[object, tuple[str, ...]]:
    return given["verdict"], tuple(
        f"{each['gate']} {each['stream']}" if each["stream"] else str(each["gate"])
        for each in given["blockers"]
    )


def _sentence(change: dict[str, Any]) -> str:
    before, now = (f"{change[key]} on {change[f'{key}_as_of']}" for key in ("from", "to"))
    parts = [f"{change['domain']}: {before}, {now}."]
    for word, key in (("New", "new_blockers"), ("Gone", "gone_blockers")):
        if change[key]:
            parts.append(f"  {word}: {', '.join(change[key])}")
    return "\n".join(parts)
