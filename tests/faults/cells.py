"""The cells of the matrix: every call and every way it can break, every function and a crash around it."""

from dataclasses import dataclass
from typing import Literal

from tests.faults import calls, waiting_calls
from tests.faults.calls import FORWARD, WAYS

FAULTS = ("fail_before", "fail_after", "timeout_after", "429", "500", "500+effect", "malformed", "400")
WITHOUT_EFFECT = ("fail_before", "429", "500", "400")
KILLED = "killed"  # the vendor has done its work and holds its answer back; who asked is gone before it
WAITING_WAYS = waiting_calls.WAYS
ALL_CALLS = calls.CALLS | waiting_calls.CALLS
ALL_STEPS = calls.STEPS | waiting_calls.STEPS
Span = Literal["once", "for good"]


@dataclass(frozen=True)
class Cell:
    """A row and a column. `row` is a call or a function (`room/name`); `span` is "" for crashes."""

    row: str
    column: str
    span: Span | Literal[""] = "once"

    @property
    def id(self) -> str:
        return "-".join(
            part.replace("/", ".").replace(" ", "_") for part in (self.row, self.column, self.span) if part
        )

    @property
    def way(self) -> str:
        """The way that comes to it."""
        if self.row in ALL_CALLS:
            return ALL_CALLS[self.row].way
        return next(way for way, functions in ALL_STEPS.items() if self.row in functions)

    @property
    def waits(self) -> bool:
        """Whether somebody is waited for on this way."""
        return self.way in WAITING_WAYS

    @property
    def ends(self) -> str:
        """How the sign-up is to stand in the end, whatever it went through."""
        if self.row in FORWARD and self.column == "400":
            return "active"  # refused for good: by a redrive, or signed up anew
        return WAITING_WAYS[self.way].ends if self.waits else WAYS[self.way].ends

    @property
    def must_break(self) -> bool:
        """Whether retries cannot help: nothing is done, as often as it is tried."""
        return self.column == "400" or (self.span == "for good" and self.column in WITHOUT_EFFECT)

    @property
    def patience(self) -> float:
        """Wall seconds that Usher waits for a vendor; short where a call is made to hang."""
        if self.column != "timeout_after":
            return 5.0
        return 1.0 if self.span == "once" else 0.5


CELLS = (
    *(Cell(row, fault, span) for row in ALL_CALLS for span in ("once", "for good") for fault in FAULTS),
    *(Cell(row, KILLED) for row in ALL_CALLS),
    *(Cell(row, when, "") for rows in ALL_STEPS.values() for row in rows for when in ("before", "after")),
)
BY_ID = {cell.id: cell for cell in CELLS}
