"""`dmarcwatch show`: one report as it came."""

import sys
from typing import Any
from xml.parsers.expat import ExpatError

import click

from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import open_store
from dmarcwatch.store import raw
from dmarcwatch.text import visible
from dmarcwatch.unpack import unpack


@click.command(name="show", short_help="Print one report as it came.")
@click.argument("report", type=int)
@click.option("--raw", "as_raw", is_flag=True, help="Write the XML's bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print the XML as an object.")
@click.pass_obj
def command(settings: Settings, report: int, as_raw: bool, as_json: bool) -> None:
    """Print one report as it came.

    REPORT is its id in the table `reports`.
    """
    database = open_store(settings)
    data, sha256 = raw.report_item(database.conn, report)
    document = next(each for each in unpack(data, settings.config.budgets).documents if each.sha256 == sha256)
    xml = b"".join(document.chunks())
    if as_raw:
        sys.stdout.buffer.write(xml)
    elif as_json:
        print_json(_tree(xml))
    else:
        tree = _tree(xml)
        text = xml.decode("utf-8", "replace") if tree is None else _pretty(tree)
        click.echo("\n".join(_line(line) for line in text.splitlines()))


def _tree(xml: bytes) -> dict[str, Any] | None:
    """The document as a tree; None where it is broken, and was read as far as it could be made out."""
    # Owner of xmltodict: a tree is what a person reads; the program reads a stream.
    import xmltodict

    try:
        tree: dict[str, Any] = xmltodict.parse(xml)
    except ExpatError:
        return None
    return tree


def _pretty(tree: dict[str, Any]) -> str:
    import xmltodict

    text: str = xmltodict.unparse(tree, pretty=True, indent="  ")
    return text


def _line(line: str) -> str:
    """A line that a stranger wrote, indented as it was."""
    return visible(line.replace("\t", "    "))
