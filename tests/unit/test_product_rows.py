"""docs/product.md: each row of what is built is cited by the code that is it and by tests that show it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"\b[A-G]\d{1,2}\b")
BUILT = re.compile(r"^\| ([A-G]\d+) \|.*\| (?:built|part)\b", re.MULTILINE)
ROWS: set[str] = set(BUILT.findall((ROOT / "docs/product.md").read_text("utf-8")))


def cited(*folders: str) -> set[str]:
    """The rows that files name in the text at their top."""
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    tops = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for path in files)
    return {row for top in tops for row in ROW.findall(top)}


@pytest.mark.parametrize("folders", [("layers/usher/python", "infra", "benchmarks"), ("tests",)])
def test_what_is_built_is_cited(folders: tuple[str, ...]) -> None:
    assert len(ROWS) > 30
    assert ROWS - cited(*folders) == set()
