"""Imports point one way, the core touches nothing, and the field's words are kept."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dmarcwatch"

EDGES = {"collect", "store", "check", "config", "tables", "demo", "notify"}
LOOP = {"batches", "filing", "hand", "ingest", "judging", "preparing", "rebuild", "settling", "workers"}
SURFACES = {"cli", "web", "scale", "serve", "__main__"}
"""Rooms that touch the world, those that join them, and those that people meet (DESIGN 2)."""

OUTSIDE = {
    "socket",
    "ssl",
    "subprocess",
    "urllib",
    "http",
    "sqlite3",
    "logging",
    "imaplib",
    "smtplib",
    "time",
}
"""What the core must not load: network, database, clock, log."""
OWNERS = {
    "imapclient": {"collect"},
    "boto3": {"collect", "check"},
    "datasette": {"web", "serve"},
    "sqlite_utils": {"store", "ingest", "judging", "rebuild", "cli"},
    "parsedmarc": {"aside", "check"},
    "idna": {"domains"},
    "publicsuffixlist": {"domains"},
    "xmltodict": {"cli"},
    "lxml": {"parse"},
    "dkim": {"check"},
    "dns": {"check"},
    "rich": {"cli"},
    "click": {"cli"},
    "distributed": {"scale"},
    "dask": {"scale"},
    "pyarrow": {"export", "scale"},
    "apprise": {"notify"},
}
"""Each outside library has one owner (DESIGN 2)."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    """The first name below the package: `dmarcwatch.collect.imap` lives in `collect`."""
    return name.split(".")[1] if "." in name else ""


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports, at its top and inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` asks for the module, any other name for the package.
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & names() or {node.module}
    return frozenset(found)


@cache
def names() -> frozenset[str]:
    return frozenset(name_of(path) for path in modules())


CORE = {room(name_of(path)) for path in modules()} - {""} - EDGES - LOOP - SURFACES
"""All the rest takes values and returns values, and the tests below hold it to that."""


def graph() -> dict[str, set[str]]:
    return {name_of(path): set(imports(path) & names()) - {name_of(path)} for path in modules()}


def test_no_module_imports_itself_by_way_of_others():
    edges = graph()

    def reachable(start: str) -> set[str]:
        seen, todo = set(), [start]
        while todo:
            for each in edges[todo.pop()] - seen:
                seen.add(each)
                todo.append(each)
        return seen

    cycles = [name for name in edges if name in reachable(name)]
    assert cycles == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_one_way(path):
    name = name_of(path)
    here = room(name)
    allowed = CORE if here in CORE else CORE | EDGES if here in EDGES else CORE | EDGES | LOOP
    if here in SURFACES or here == "":
        return
    used = {room(each) for each in imports(path) if each.startswith("dmarcwatch.")}
    assert used <= allowed | {here}, f"{name} must not know {sorted(used - allowed)}"


@pytest.mark.parametrize("path", [path for path in modules() if room(name_of(path)) in CORE], ids=name_of)
def test_the_core_imports_no_network_database_clock_or_log(path):
    assert {each.split(".")[0] for each in imports(path)} & OUTSIDE == set()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_each_outside_library_has_one_owner(path):
    name = name_of(path)
    for library, owners in OWNERS.items():
        if any(each == library or each.startswith(f"{library}.") for each in imports(path)):
            assert room(name) in owners, f"{name} uses {library}, which belongs to {sorted(owners)}"


def test_importing_the_core_loads_no_network_database_or_web_library():
    core = [name_of(path) for path in modules() if room(name_of(path)) in CORE]
    program = (
        "import sys\n"
        f"for name in {core!r}: __import__(name)\n"
        "heavy = {'datasette', 'imapclient', 'sqlite3', 'boto3', 'parsedmarc', 'lxml', 'dns', 'httpx', 'click'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


NEVER = re.compile(r"\b(forensic|ISP|ISPs|score|scores)\b")


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in [
            *PACKAGE.rglob("*"),
            PACKAGE.parent / "README.md",
            PACKAGE.parent / "datasette-metadata.yml",
        ]
        if path.suffix in {".py", ".sql", ".yml", ".md", ".toml", ".html"}
    ],
    ids=lambda path: str(path.relative_to(PACKAGE.parent)),
)
def test_words_that_mislead_are_not_used(path):
    """STYLE 3.5: a failure report is not `forensic`, a reporter no ISP, a verdict no score."""
    assert NEVER.findall(path.read_text("utf-8")) == []
