"""Scenarios 1, 2, 7 and 8, cell by cell: every call and every step, broken in every way (see matrix.py).

`make test` runs a sample drawn by `SEED`, which each cell prints; what hangs for good is left to
`make test-all`, which runs them all. One alone:
`pytest "tests/faults/test_matrix.py::test_nothing_is_left_over_or_doubled[refund-500-once]"`.
"""

import os
import random
from pathlib import Path

import pytest

from tests.faults import waiting_calls
from tests.faults.calls import FORWARD, STEPS, UNDO
from tests.faults.cells import CELLS, Cell
from tests.faults.matrix import PAGE, check

SEED = int(os.environ.get("USHER_FAULT_SEED", "20261121"))
QUICK = [cell for cell in CELLS if (cell.column, cell.span) != ("timeout_after", "for good")]
_draw = random.Random(SEED)
SAMPLE = {
    *_draw.sample([cell for cell in QUICK if cell.row in FORWARD], 8),
    *_draw.sample([cell for cell in QUICK if cell.row in UNDO], 8),
    *_draw.sample([cell for cell in QUICK if cell.row in STEPS["strict"]], 2),
    *_draw.sample([cell for cell in QUICK if cell.row in waiting_calls.CALLS], 6),
}


WAITING = {*waiting_calls.CALLS, *(row for rows in waiting_calls.STEPS.values() for row in rows)}


def marked(cell: Cell) -> object:
    rest = pytest.mark.whole if cell.row in WAITING else pytest.mark.long
    return pytest.param(cell, id=cell.id, marks=() if cell in SAMPLE else rest)


@pytest.mark.parametrize("cell", [marked(cell) for cell in CELLS])
def test_nothing_is_left_over_or_doubled(tmp_path: Path, cell: Cell) -> None:
    print(f"cell {cell.id} of seed {SEED}")
    check(cell, tmp_path)


def test_the_page_has_every_row() -> None:
    """`make matrix` writes it anew when a call or a step is added."""
    rows = {line.split("|")[1].strip() for line in PAGE.read_text().splitlines() if line.startswith("| ")}
    assert {cell.row for cell in CELLS} <= rows
