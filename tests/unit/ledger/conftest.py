"""The fixtures of this folder."""

import pytest

from tests.fakes.ledger import Books
from tests.fakes.world import World, world

__all__ = ["world"]


@pytest.fixture
def books(world: World) -> Books:
    return Books(world)
