"""`dmarcwatch digest`: the week or the month in text and HTML, to read, to keep or to send."""

from datetime import date, timedelta
from pathlib import Path

import click

from dmarcwatch.alerts.message import Message
from dmarcwatch.cli.announcing import send_digest, tell_failures
from dmarcwatch.cli.context import Day, Settings
from dmarcwatch.cli.opening import known_domain, load_court, open_store
from dmarcwatch.digest.figures import Judged, digest, domain_digest, period_to
from dmarcwatch.digest.html import page
from dmarcwatch.digest.text import brief, text
from dmarcwatch.digest.values import Digest, DomainDigest, Period
from dmarcwatch.digest.words import title
from dmarcwatch.errors import DmarcwatchError
from dmarcwatch.history import History
from dmarcwatch.judging import all_findings
from dmarcwatch.readiness import Judge
from dmarcwatch.store.histories import domains as known_domains


@click.command(name="digest", short_help="Tell the week or the month: verdicts, changes, senders, spoofing.")
@click.option("--week", "word", flag_value="week", default="week", help="The last seven days; the default.")
@click.option("--month", "word", flag_value="month", help="The last thirty days.")
@click.option("--domain", "names", multiple=True, help="This domain alone; repeatable.")
@click.option("--as-of", type=Day(), help="As it was on the morning of a day.")
@click.option("--html", "as_html", is_flag=True, help="As HTML for a mail client, in place of text.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@click.option("--send", "to_channels", is_flag=True, help="Send it to the configured channels, once.")
@click.pass_context
def command(
    ctx: click.Context,
    word: str,
    names: tuple[str, ...],
    as_of: date | None,
    as_html: bool,
    output: Path | None,
    to_channels: bool,
) -> None:
    """Tell the week or the month: verdicts, changes, senders, spoofing.

    The days end two days ago, because reports of yesterday are still under way. Exit status: 4 when
    a channel did not take it; it is kept then and tried again by the following runs of fetch.
    """
    settings: Settings = ctx.obj
    day = as_of or settings.today
    made = _digest(settings, names, day, month=word == "month")
    base = settings.config.notify.pages
    if to_channels:
        told = Message(title(made), (text(made, base=base), brief(made)), page(made, base=base))
        key = f"digest {word} {made.period.last} {' '.join(sorted(names)) or '*'}"
        sent = send_digest(settings, key, told)
        tell_failures(sent)
        ctx.exit(4 if any(each.error for each in sent) else 0)
    _write(page(made, base=base) if as_html else text(made, base=base), output)


def _write(words: str, output: Path | None) -> None:
    if output is None:
        click.echo(words, nl=False)
        return
    try:
        output.write_text(words, "utf-8")
    except OSError as error:
        raise DmarcwatchError(f"{output} cannot be written: {error.strerror}.") from None


def _digest(settings: Settings, names: tuple[str, ...], as_of: date, *, month: bool) -> Digest:
    database, court = open_store(settings), load_court(settings)
    period = period_to(as_of, month=month)
    chosen = [known_domain(database.conn, name) for name in names] or known_domains(database.conn)
    known = (court.history(database, name, as_of) for name in chosen)
    judged = ((each, court.judge_of(database, each, as_of)) for each in known)
    return digest((_domain(*each, period, as_of) for each in judged), period, as_of)


def _domain(known: History, judge: Judge, period: Period, as_of: date) -> DomainDigest:
    before = judge.at(as_of - timedelta(days=period.days))
    judged = Judged(
        before=before if before.evidence.first_day else None,
        now=judge.at(as_of),
        whose={stream: standing.legitimacy for stream, standing in judge.standings(as_of).items()},
        findings=all_findings(known),
    )
    return domain_digest(known, judged, period)
