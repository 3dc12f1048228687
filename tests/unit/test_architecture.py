"""What no linter counts: lines per file, docstrings, one file per function, vendors per room."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra import catalog
from infra.state_machine_file import lambda_steps, load

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers/usher/python/usher"
FUNCTIONS = sorted(path for path in (ROOT / "functions").glob("*/*.py") if path.name != "__init__.py")
OURS = [
    path
    for folder in ("functions", "infra", "layers/usher/python", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
]
HANDLER = 25
BUDGETS = {
    "functions": (FUNCTIONS, HANDLER),
    "domain": (sorted((LAYER / "domain").glob("*.py")), 150),
    "adapters": (sorted((LAYER / "adapters").glob("*.py")), 200),
    "usecases": (sorted((LAYER / "usecases").glob("*.py")), 200),
}
ROOM_OF_VENDOR = {"stripe": "billing", "hubspot": "crm", "postmark": "mail"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("floor", BUDGETS)
def test_no_file_outgrows_its_floor_s_budget(floor: str) -> None:
    paths, budget = BUDGETS[floor]
    assert paths
    assert {shown(path): lines(path) for path in paths if lines(path) > budget} == {}


def test_no_handler_outgrows_its_budget_in_whatever_file_it_stands() -> None:
    """The files of routes hold several, so that their lines say nothing."""
    handlers = {
        f"{shown(path)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1 + len(node.decorator_list)
        for path in sorted((ROOT / "functions").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert handlers
    assert {name: count for name, count in handlers.items() if count > HANDLER} == {}


def test_every_file_begins_with_a_sentence_that_says_what_lives_there() -> None:
    silent = []
    for path in OURS:
        text = path.read_text(encoding="utf-8")
        first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].strip()
        if text.strip() and not first.endswith((".", ":", "?", "!")):
            silent.append(shown(path))
    assert silent == []


SILENCED = re.compile(r"#\s*(?:type: ignore(?:\[[^]]*\])?|noqa(?:: [A-Z0-9, ]+)?)(?P<why>.*)")


def test_whoever_silences_a_check_says_why_beside_it() -> None:
    silent = [
        f"{shown(path)}:{number}"
        for path in OURS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := SILENCED.search(line)) and not found["why"].strip(" -#")
    ]
    assert silent == []


def test_functions_and_catalog_name_each_other() -> None:
    files = {path.relative_to(ROOT / "functions").with_suffix("").as_posix() for path in FUNCTIONS}
    assert files == {entry.path for entry in catalog.FUNCTIONS}
    assert len(catalog.FUNCTIONS) == len(files)


def test_every_function_is_called_by_something() -> None:
    called = {catalog.AUTHORIZER}
    called |= {entry.function for entry in catalog.ROUTES}
    called |= {queue.consumer for entry in catalog.QUEUES for queue in entry.consumed}
    for group in (catalog.STREAMS, catalog.RULES, catalog.SCHEDULES):
        called |= {entry.consumer for entry in group}
    for workflow in catalog.WORKFLOWS:
        called |= {catalog.step(step).path for step in lambda_steps(load(workflow.name))}
    assert called == {entry.path for entry in catalog.FUNCTIONS}


def test_a_function_touches_only_what_the_catalog_has() -> None:
    tables = {table.name for table in catalog.TABLES}
    queues = {queue.name for queue in catalog.QUEUES}
    workflows = {workflow.name for workflow in catalog.WORKFLOWS}
    for entry in catalog.FUNCTIONS:
        assert {name for name, _ in entry.tables} <= tables, entry.path
        assert set(entry.sends_to) <= queues, entry.path
        assert set(entry.starts) <= workflows, entry.path
        assert set(entry.secrets) <= set(catalog.SECRETS), entry.path


def test_a_step_is_named_alike_in_all_its_places() -> None:
    for workflow in catalog.WORKFLOWS:
        for step in lambda_steps(load(workflow.name)):
            entry = catalog.step(step)
            assert (ROOT / "functions" / f"{entry.path}.py").is_file(), step
            assert (LAYER / "usecases" / f"{entry.name}.py").is_file(), step


IMPORTS = """
import importlib, sys
before = set(sys.modules)
for module in {modules!r}:
    importlib.import_module(module)
found = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(" ".join(sorted(found & set({watched!r}))))
"""
VENDORS = {"stripe", "hubspot", "postmarker", "slack_sdk", "requests"}
NOT_DEPLOYED = {"moto", "aws_cdk", "infra", "yaml", "pytest"}
API = "operations/api"  # one function for every room's routes, those that sell among them
ROOMS = {
    ("intake", "provisioning", "reporting", "usage"): set(),
    ("onboarding",): {"slack_sdk"},
    ("operations",): {"slack_sdk"},
    (API,): {"stripe"},
    ("billing",): {"stripe"},
    ("crm",): {"hubspot"},
    ("mail",): {"postmarker", "requests"},
}


def room_of(entry: catalog.Function) -> str:
    return API if entry.path == API else entry.room


@pytest.mark.parametrize("rooms", ROOMS, ids=" ".join)
def test_the_functions_of_a_room_import_its_own_vendor_and_no_other(rooms: tuple[str, ...]) -> None:
    """In a fresh interpreter: a vendor's SDK costs more to import than all the rest of a function."""
    modules = [
        f"functions.{entry.room}.{entry.name}" for entry in catalog.FUNCTIONS if room_of(entry) in rooms
    ]
    assert modules
    answer = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(modules=modules, watched=sorted(VENDORS | NOT_DEPLOYED))],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{LAYER.parent}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    allowed = ROOMS[rooms] | ({"requests"} if "stripe" in ROOMS[rooms] else set())  # stripe brings its own
    assert set(answer.stdout.split()) <= allowed


def test_every_room_s_imports_are_looked_at() -> None:
    assert {room for rooms in ROOMS for room in rooms} == {room_of(entry) for entry in catalog.FUNCTIONS}


def test_the_catalog_gives_a_vendor_to_its_own_room_only() -> None:
    for entry in catalog.FUNCTIONS:
        for vendor in entry.vendors if entry.path != API else ():
            assert ROOM_OF_VENDOR.get(vendor, entry.room) == entry.room, entry.path
