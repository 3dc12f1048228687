"""Fixtures of the fault tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "tests.faults.census",
    "tests.faults.links",
    "tests.faults.matrix",
    "tests.faults.repairs",
    "tests.faults.waiting",
    "tests.faults.world",
)

from tests.faults import world as worlds  # noqa: E402 - after the line above, or its asserts say nothing


@pytest.fixture
def world(tmp_path: Path) -> Iterator[worlds.World]:
    """A running Usher with its vendors, time skipping what nobody works in."""
    with worlds.opened(tmp_path) as world:
        yield world
