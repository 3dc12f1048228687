"""A function finds every package it imports in its own layers; read from the sources, nothing is imported."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from infra import catalog
from infra.aws.lock_layers import ROOT, VENDOR, pins

_PLACES = {"usher": ROOT / "layers" / "usher" / "python", "functions": ROOT}
_DISTRIBUTIONS = packages_distributions()


@pytest.mark.parametrize("entry", catalog.FUNCTIONS, ids=lambda entry: entry.path)
def test_every_import_of_a_function_is_in_its_layers(entry: catalog.Function) -> None:
    layers = ["core", *(vendor for vendor in entry.vendors if (VENDOR / vendor).is_dir())]
    held = {_plain(name) for layer in layers for name in pins(VENDOR / layer / "requirements.txt")}
    for package, importer in third_party(f"functions.{entry.room}.{entry.name}", set()):
        names = {_plain(name) for name in _DISTRIBUTIONS[package]}
        assert names & held, f"{importer} imports {package}, which none of {layers} holds"


def third_party(module: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """(package, module that imports it) of everything a module of ours leads to."""
    if module in seen:
        return
    seen.add(module)
    for name in imports(module):
        top = name.partition(".")[0]
        if top in _PLACES:
            yield from third_party(name, seen)
        elif top not in sys.stdlib_module_names:
            yield top, module


@cache
def imports(module: str) -> tuple[str, ...]:
    """What a module of ours imports when it runs, packages on the way to it included."""
    source = _source(module)
    if source is None:
        return (module.rpartition(".")[0],)  # a name inside a module
    above = module.rpartition(".")[0]
    tree = ast.parse(source.read_text())
    skipped = {inner for node in ast.walk(tree) if _only_for_types(node) for inner in ast.walk(node)}
    found = [above] if "." in module and module.startswith("usher") else []
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            ours = node.module.partition(".")[0] in _PLACES
            found += [f"{node.module}.{alias.name}" for alias in node.names] if ours else [node.module]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            found += [
                each.value
                for each in node.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
    return tuple(found)


def _source(module: str) -> Path | None:
    path = _PLACES[module.partition(".")[0]].joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((each for each in candidates if each.exists()), None)


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def test_the_reader_sees_what_it_must() -> None:
    """Stripe's function leads to Stripe's SDK, intake does not, and intake leads to the e-mail checker."""
    stripe = {package for package, _ in third_party("functions.billing.create_subscription", set())}
    intake = {package for package, _ in third_party("functions.intake.receive_signup", set())}
    assert {"stripe", "botocore", "pydantic"} <= stripe
    assert "stripe" not in intake and "email_validator" in intake
