"""Bundling: code arrives under its own module name, compiled so that Lambda need not do it again."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import pytest

from infra import catalog, policy_files
from infra.aws import bundling
from infra.aws.lock_layers import ROOT

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_a_rooms_asset_unpacks_to_its_package_without_stray_bytecode(tmp_path: Path) -> None:
    bundling.copied(ROOT / "functions" / "intake", "functions/intake")(tmp_path)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert "functions/intake/receive_signup.py" in files
    assert all(name.startswith("functions/intake/") and name.endswith(".py") for name in files)


def test_bytecode_is_used_whatever_date_a_source_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CDK's zip files date every source to 1980; bytecode that looks at dates would be compiled again."""
    monkeypatch.setattr(bundling, "PYTHON", HERE)
    source = tmp_path / "module.py"
    source.write_text("answer = 42\n")
    bundling.compile_all(tmp_path)
    header = Path(importlib.util.cache_from_source(str(source))).read_bytes()[:8]
    assert header[:4] == importlib.util.MAGIC_NUMBER
    assert header[4:] == b"\x01\x00\x00\x00"  # PEP 552: hash-based, unchecked


def test_without_lambdas_python_bundling_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundling, "PYTHON", "3.99")
    with pytest.raises(bundling.NoInterpreter, match="uv python install 3.99"):
        bundling.compile_all(tmp_path)


def test_the_policies_layer_is_made_anew_when_a_route_s_roles_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """They travel in it and are written elsewhere: a hash of its folder would not know of them."""
    before = policy_files.digest()
    assert policy_files.digest() == before
    (route,) = (each for each in catalog.ROUTES if each.path == "/v1/audit")
    others = tuple(each for each in catalog.ROUTES if each is not route)
    monkeypatch.setattr(catalog, "ROUTES", (*others, dataclasses.replace(route, roles=("viewer",))))
    assert policy_files.digest() != before
