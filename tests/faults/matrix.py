"""The matrix: every vendor call broken in every way, a crash around every step, and what came of each.

`python -m tests.faults.matrix` runs all cells, prints them as tables and writes docs/rollback-matrix.md.
`pytest "tests/faults/test_matrix.py::test_cell[ID]"` runs one alone.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.faults import census, waiting, waiting_calls
from tests.faults.calls import CALLS, FORWARD, STEPS, UNDO, WAYS, Way
from tests.faults.cells import FAULTS, KILLED, Cell, Span
from tests.faults.world import World, opened

PAGE = Path(__file__).parents[2] / "docs" / "rollback-matrix.md"
INTRODUCTION = """\
# The rollback matrix

Written by `make matrix`. Every vendor call of an onboarding and of its undoing, broken in every way a vendor
can break it, and a crash before and after every step. In each cell a census of all vendors and records finds
nothing left over and nothing twice: `active` is one of everything, `rolled_back` is nothing that lives, with
money paid back in full and the customer marked as closed. An arrow is a redrive after the vendor was healed;
after `rolled_back` it is the same person signing up once more. Where somebody is waited for, they pay as soon
as they can, or never do: then `expired` is the end. `active+`: beside that end, something was on the list of
failures, such as a mail or one of Stripe's events. `waiting_payment`: it was paid and could not be heard of.
`unanswered`: whoever ordered a payment link was told to try again later.

`fail_before`: the connection breaks, nothing was done. `fail_after`: it was done, then the connection breaks.
`timeout_after`: it was done, and no answer comes. `500+effect`: it was done, and the answer is a 500.
`malformed`: it was done, the answer is cut off. `400`: a refusal, which no retry mends. `killed`: it was
done, and the process that asked was killed before the answer."""


def check(cell: Cell, folder: Path) -> str:
    """Run one cell in a world of its own; returns the states the sign-up went through.

    Raises AssertionError when anything is left over, doubled, missing, or ends otherwise than expected.
    """
    if cell.waits:
        return waiting.check(cell, folder)
    way = WAYS[cell.way]
    with opened(folder, onboarding=way.onboarding, vendor_timeout=cell.patience) as world:
        way.order(world)
        signup_id = _disturbed(cell, world, way)
        states = [str(world.status(signup_id)["status"])]
        if cell.row in CALLS and cell.column != KILLED:
            assert world.vendors.struck(CALLS[cell.row].vendor, CALLS[cell.row].operation) >= 1
            world.vendors.heal(CALLS[cell.row].vendor)
        if states[0] in ("failed", "degraded"):
            _is_filed(world, cell)
            answer = world.call(
                "POST", f"/v1/onboardings/{signup_id}/redrive", {"reason": "the vendor is back"}
            )
            assert answer[0] == 202, answer
            world.settle()
            states.append(str(world.status(signup_id)["status"]))
        found = census.of(world)
        if states[-1] == "rolled_back":
            found.rolled_back(refunded=_money_moved(cell, way, found), told=way.told)
            if cell.row in FORWARD:
                world.sign_up(webhook_id="msg_again")
                world.settle()
                found = census.of(world).since(found)
                states.append("active")
        if states[-1] == "active":
            found.active(posts=5 if states[0] in ("failed", "degraded") else 0)
        is_listed = "rolled_back" in states and cell.way not in ("declined", "unpaid")
        listed = [row["kind"] for row in world.rows("failures") if row["state"] != "resolved"]
        assert listed == ["rolled_back"] * is_listed
        path = " → ".join(states)
        assert states[-1] == cell.ends, f"it went {path}, not to {cell.ends}"
        assert len(states) > 1 or not cell.must_break, f"it is {path}, though nothing was done"
        return path


def _disturbed(cell: Cell, world: World, way: Way) -> str:
    """Sign up, be disturbed, and come to rest; returns the sign-up's id."""
    if cell.row not in CALLS:
        world.crash_at(cell.row, "before" if cell.column == "before" else "after")
        signup_id = world.sign_up(**way.values)
        world.revive()
    else:
        call = CALLS[cell.row]
        count = None if cell.span == "for good" else 1
        killed, effect = cell.column == KILLED, cell.column == "500+effect"
        kind = "delay" if killed else cell.column.removesuffix("+effect")
        seconds = 0.3 if killed else 5.0
        order = {"skip": call.nth, "count": count, "effect": effect, "seconds": seconds}
        world.vendors.fault(call.vendor, call.operation, kind, **order)
        signup_id = world.sign_up(**way.values)
        if killed:
            world.wait_struck(call.vendor, call.operation)
            world.crash_now()
            world.revive()
    world.settle()
    return signup_id


def _is_filed(world: World, cell: Cell) -> None:
    """A sign-up that broke is on the list of failures, as what it is."""
    (row,) = world.rows("failures")
    later = cell.row in FORWARD and CALLS[cell.row].vendor in ("hubspot", "postmark")
    kind = "undo" if cell.row in UNDO else "degraded" if later else "execution"
    found = (row["state"], row["kind"], row["step"])
    assert found == ("open", kind, CALLS[cell.row].step), f"filed as {found}: {row['reason']}"


def _money_moved(cell: Cell, way: Way, found: census.Census) -> bool:
    """Whether it did; where billing and provisioning raced, Stripe says so."""
    return bool(found.objects["stripe"].get("charge")) if cell.row in FORWARD else way.refunded


# -- all of it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """`problem` is None for a cell that holds."""

    outcome: str
    problem: str | None
    seconds: float


def run_all(cells: Sequence[Cell], workers: int) -> Iterator[tuple[Cell, Result]]:
    """Run cells in processes of their own; yields each as it is done."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(_timed, cell): cell for cell in cells}
        for done in as_completed(running):
            cell = running[done]
            if error := done.exception():  # its cause is the trace in the other process
                yield cell, Result("", f"{type(error).__name__}: {error}\n{error.__cause__}", 0.0)
            else:
                yield cell, done.result()


def _timed(cell: Cell) -> Result:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        return Result(check(cell, Path(folder)), None, time.monotonic() - started)


@dataclass(frozen=True)
class Group:
    """A table of the page."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    span: Span | Literal[""] = ""

    def cell(self, row: str, column: str) -> Cell:
        """The cell of the table there."""
        return Cell(row, column, self.span)

    @property
    def cells(self) -> list[Cell]:
        """All of them."""
        return [self.cell(row, column) for row in self.rows for column in self.columns]


def _of_calls(title: str, rows: Iterable[str]) -> tuple[Group, Group]:
    return (
        Group(f"{title}, broken once", tuple(rows), (*FAULTS, KILLED), "once"),
        Group(f"{title}, broken until healed and redriven", tuple(rows), FAULTS, "for good"),
    )


def _of_steps(title: str, *ways: tuple[str, ...]) -> Group:
    return Group(title, tuple(row for rows in ways for row in rows), ("before", "after"))


GROUPS = (
    *_of_calls("Calls of a sign-up", FORWARD),
    *_of_calls("Calls of the rollback", UNDO),
    *_of_calls("Calls of a sign-up that is paid later", waiting_calls.PAY_LATER),
    *_of_calls("Calls of sync", waiting_calls.SYNC),
    *_of_calls("Calls of a payment link", waiting_calls.LINK),
    *_of_calls("Calls of a payment link's end", waiting_calls.LINK_UNDO),
    _of_steps("Crashes around the steps of a sign-up", STEPS["active"]),
    _of_steps("Crashes around the steps of a rollback", STEPS["strict"]),
    _of_steps("Crashes around the steps of who is waited for", *waiting_calls.STEPS.values()),
)


def text_of(cell: Cell, results: dict[Cell, Result]) -> str:
    """What a table says of a cell."""
    result = results.get(cell)
    if result is None:
        return ""
    return f"{result.outcome.replace(' → ', '→')} ✓" if result.problem is None else "✗"


def show(console: Console, results: dict[Cell, Result]) -> None:
    """Print the tables, then what went wrong."""
    for group in GROUPS:
        table = Table(title=group.title, title_justify="left")
        for column in ("", *group.columns):
            table.add_column(column)
        for row in group.rows:
            texts = [text_of(group.cell(row, column), results) for column in group.columns]
            if any(texts):
                table.add_row(row, *texts)
        if table.row_count:
            console.print(table)
    for cell, result in results.items():
        if result.problem:
            console.print(f"{cell.id}: {result.problem}", style="red", markup=False, highlight=False)


def page(results: dict[Cell, Result], former: str) -> str:
    """docs/rollback-matrix.md; of a row that was not run as a whole, what the page said of it before."""
    held = _rows(former)
    lines = [INTRODUCTION]
    for group in GROUPS:
        columns = group.columns
        lines += ["", f"## {group.title}", ""]
        lines += [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
        for row in group.rows:
            texts = [text_of(group.cell(row, column), results) for column in columns]
            if all(texts):
                lines.append(f"| {row} | {' | '.join(texts)} |")
            elif line := held.get((group.title, row)):
                lines.append(line)
    return "\n".join(lines) + "\n"


def _rows(text: str) -> dict[tuple[str, str], str]:
    """The lines of a page by the title of their table and the row."""
    found: dict[tuple[str, str], str] = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif line.startswith("| "):
            found[title, line.split("|")[1].strip()] = line
    return found


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="matrix", description="Run the matrix of faults.")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="*", default=[""], help="only cells whose id contains one of these")
    parser.add_argument("--table", default="", help="only tables whose title contains this")
    arguments = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=240)
    tables = [cell for group in GROUPS if arguments.table in group.title for cell in group.cells]
    cells = [cell for cell in tables if any(part in cell.id for part in arguments.only)]
    results: dict[Cell, Result] = {}
    started = time.monotonic()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("cells", total=len(cells))
        for cell, result in run_all(cells, arguments.workers):
            results[cell] = result
            progress.advance(task)
    in_order = {cell: results[cell] for cell in cells}
    show(console, in_order)
    failed = sum(result.problem is not None for result in results.values())
    slowest = max(results.values(), key=lambda result: result.seconds).seconds
    console.print(
        f"{len(cells)} cells, {failed} failed, {time.monotonic() - started:.0f} s with {arguments.workers} "
        f"processes; the mean cell took {sum(r.seconds for r in results.values()) / len(cells):.2f} s, "
        f"the slowest {slowest:.1f} s"
    )
    if not failed:
        PAGE.write_text(page(in_order, PAGE.read_text()))
        console.print(f"written to {PAGE.relative_to(Path.cwd())}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
