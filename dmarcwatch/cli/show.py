"""`dmarcwatch show`: one report as it came."""

import sys

import click

from dmarcwatch.cli.context import Settings, print_json
from dmarcwatch.cli.opening import open_store
from dmarcwatch.store import raw
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
    # Owner of xmltodict: a tree is what a person reads; the program reads a stream.
    import xmltodict

    database = open_store(settings)
    data, sha256 = raw.report_item(database.conn, report)
    document = next(each for each in unpack(data, settings.config.budgets).documents if each.sha256 == sha256)
    xml = b"".join(document.chunks())
    if as_raw:
        sys.stdout.buffer.write(xml)
    elif as_json:
        print_json(xmltodict.parse(xml))
    else:
        click.echo(xmltodict.unparse(xmltodict.parse(xml), pretty=True, indent="  "))
