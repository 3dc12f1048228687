"""Long-lived processes look for garbage rarely, and what they began with is not looked through again."""

import gc
from collections.abc import Iterator

import pytest

from infra.local.garbage import collect_rarely


@pytest.fixture
def restored() -> Iterator[None]:
    former = gc.get_threshold()
    yield
    gc.set_threshold(*former)
    gc.unfreeze()


@pytest.mark.usefixtures("restored")
def test_what_is_loaded_is_left_alone_and_later_garbage_is_still_found() -> None:
    collect_rarely()
    assert gc.get_freeze_count() > 0
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() > 0
