"""The `world` fixture: an engine with its clock, services and database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.engine.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "engine.db")
    try:
        yield world
    finally:
        world.close()
