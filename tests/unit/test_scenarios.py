"""docs/scenarios.md names only tests that exist, and leaves out no scenario of what is built."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/scenarios.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT)))
BUILT = {*range(1, 27), 29, 30, 33, 34, 35}


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[f"{file}::{test}" for file, test in NAMED])
def test_a_named_test_exists(file: str, test: str) -> None:
    assert test in named_in(file), f"{file} has no {test}: name the test that shows it now"


def test_every_scenario_of_what_is_built_names_its_tests() -> None:
    parts = re.split(r"^\*\*(\d+)\. ", TEXT, flags=re.MULTILINE)
    shown = {int(number): part for number, part in zip(parts[1::2], parts[2::2], strict=True)}
    assert shown.keys() == BUILT
    assert [number for number, part in shown.items() if "::test_" not in part] == []
