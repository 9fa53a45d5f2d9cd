"""Man pages from the commands themselves: one for dmarcwatch, one for each command.

    python tools/man.py FOLDER

Written at build time, so that they cannot say anything else than `--help`.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click

from dmarcwatch.cli import COMMANDS, main

STATUSES = (
    ("0", "Done; verdict: ready, keep or watch."),
    ("1", "verdict: not ready or roll back; check: something to mend."),
    ("2", "Wrong use, or mistakes in the configuration."),
    ("3", "verdict: cannot tell; check: nothing could be looked up."),
    ("4", "A source could not be reached; the others were read."),
    ("5", "The database refused."),
    ("6", "fetch: all was read, but something was rejected or could not be counted."),
)
ENVIRONMENT = (
    ("DMARCWATCH_DB", "The database, as --db."),
    ("DMARCWATCH_CONFIG", "The configuration, as --config."),
)
FILES = (("dmarcwatch.toml", "The configuration, in the folder the program runs in or the platform's own."),)


def escape(text: str) -> str:
    """Text for roff: no line is taken for a request, no hyphen for a dash, no backslash for an escape."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text)


def title(name: str) -> str:
    """The head of a page; dated by the version, so that the same source gives the same bytes."""
    return f'.TH "{name.upper()}" "1" "" "dmarcwatch {version("dmarcwatch")}" "User commands"'


def terms(heading: str, pairs: Iterator[tuple[str, str]]) -> Iterator[str]:
    """A section of terms with their meanings; none where there are no terms."""
    for number, (term, meaning) in enumerate(pairs):
        if number == 0:
            yield f".SH {heading}"
        yield ".TP"
        yield rf"\fB{escape(term)}\fR"
        yield escape(meaning)


def options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Each option with its help."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield record


def paragraphs(text: str) -> Iterator[str]:
    """Prose as roff paragraphs."""
    for part in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        yield escape(" ".join(part.split()))


def command_page(name: str) -> str:
    """The page of one command."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    context = click.Context(command, info_name=f"dmarcwatch {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        title(f"dmarcwatch-{name}"),
        ".SH NAME",
        escape(f"dmarcwatch-{name} - {COMMANDS[name].rstrip('.')}"),
        ".SH SYNOPSIS",
        rf"\fBdmarcwatch {escape(name)}\fR {escape(usage)}",
        ".SH DESCRIPTION",
        *paragraphs(command.help or ""),
        *terms("OPTIONS", options(command, context)),
        ".SH SEE ALSO",
        r"\fBdmarcwatch\fR(1)",
    ]
    return "\n".join(lines) + "\n"


def main_page() -> str:
    """The page of the program."""
    context = click.Context(main, info_name="dmarcwatch")
    lines = [
        title("dmarcwatch"),
        ".SH NAME",
        r"dmarcwatch \- say with evidence whether a domain may enforce its DMARC policy",
        ".SH SYNOPSIS",
        r"\fBdmarcwatch\fR [\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]...",
        ".SH DESCRIPTION",
        *paragraphs(main.help or ""),
        *terms("OPTIONS", options(main, context)),
        *terms("COMMANDS", iter(COMMANDS.items())),
        *terms("EXIT STATUS", iter(STATUSES)),
        *terms("ENVIRONMENT", iter(ENVIRONMENT)),
        *terms("FILES", iter(FILES)),
        ".SH SEE ALSO",
        ", ".join(rf"\fB{escape(f'dmarcwatch-{name}')}\fR(1)" for name in COMMANDS),
    ]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> int:
    """Write all pages into `folder`; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dmarcwatch.1").write_text(main_page(), "utf-8")
    for name in COMMANDS:
        (folder / f"dmarcwatch-{name}.1").write_text(command_page(name), "utf-8")
    return len(COMMANDS) + 1


if __name__ == "__main__":
    print(write(Path(sys.argv[1])), "pages")
