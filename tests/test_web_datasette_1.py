"""The pages on the coming Datasette 1.0, beside the release that everything else is tested with."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests import web_worlds

PROGRAM = """
import asyncio, sys
from importlib.metadata import version
from pathlib import Path
from dmarcwatch.serve import app
from tests.test_web_bad_cases import every_page
from tests.web_build import AS_OF

OTHERS = ["/dmarcwatch/policy-history?domain=", "/dmarcwatch/streams", "/dmarcwatch/reports.csv"]

async def fetch():
    datasette = app(Path(sys.argv[1]), as_of=str(AS_OF))
    await datasette.invoke_startup()
    print(version("datasette"))
    for url in [*every_page(), *OTHERS]:
        response = await datasette.client.get(url)
        print(response.status_code, "'=1+1" in response.text, url)

asyncio.run(fetch())
"""


def test_every_page_a_query_and_safe_csv_work_on_datasette_1(tmp_path):
    """Needs the package index."""
    target = tmp_path / "datasette"
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", sys.executable]
    subprocess.run([*install, "--target", str(target), "datasette==1.0a41"], check=True)
    database = web_worlds.plausible(tmp_path / "dmarcwatch.db")
    connection = sqlite3.connect(database)
    connection.execute("UPDATE reports SET org_name = '=1+1'")
    connection.commit()
    connection.close()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(database)],
        env={**os.environ, "PYTHONPATH": f"{target}{os.pathsep}{Path(__file__).parent.parent}"},
        capture_output=True,
        text=True,
    )
    version, *answers = done.stdout.splitlines()
    assert version == "1.0a41", done.stderr
    assert len(answers) == 13, done.stderr
    assert {answer[:3] for answer in answers} == {"200"}, done.stdout
    assert answers[-1] == "200 True /dmarcwatch/reports.csv"
