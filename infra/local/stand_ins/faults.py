"""Faults that a test orders a stand-in to have, by operation, count and seed.

Faults live in memory: a stand-in that is started again is healthy.
"""

import difflib
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

BEFORE = ("fail_before", "400", "429", "500")
AFTER = ("fail_after", "timeout_after", "malformed", "delay")
KINDS = BEFORE + AFTER
ANY = "*"
_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass
class Fault:
    """`fault` happens to the next `count` matching calls after `skip` others, or to each with `probability`.

    * fail_before: the connection breaks, nothing was done.
    * fail_after: the work is done and committed, then the connection breaks.
    * timeout_after: the work is done and committed, then no answer for `seconds`, then the connection breaks.
    * 400, 429, 500: the vendor's own answer, nothing was done. `effect` true: the work is done all the same.
    * malformed: the work is done and committed, the body of the answer is cut off.
    * delay: the answer comes `seconds` late.
    """

    operation: str
    fault: str
    count: int | None = 1
    probability: float = 1.0
    seed: int = 0
    seconds: float = 60.0
    effect: bool = False
    skip: int = 0
    happened: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.fault not in KINDS:
            raise ValueError(f"unknown fault {self.fault!r}; there are {', '.join(KINDS)}")
        if (self.count is not None and self.count < 1) or self.skip < 0 or not 0 < self.probability <= 1:
            raise ValueError("count is at least 1, skip at least 0, probability above 0 and at most 1")
        self._random = random.Random(self.seed)
        self._skipped = 0
        self._name = _name(self.operation)

    def takes(self, operation: str) -> bool:
        """Whether this fault strikes this call of `operation`; counts it when it does."""
        if self._name not in (ANY, _name(operation)):
            return False
        if self.count is not None and self.happened >= self.count:
            return False
        if self._skipped < self.skip:
            self._skipped += 1
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.happened += 1
        return True

    def view(self) -> dict[str, Any]:
        """What was ordered and how often it happened."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class Faults:
    """The faults in force, first ordered first."""

    def __init__(self, operations: Iterable[str]) -> None:
        self._faults: list[Fault] = []
        self._operations = {_name(operation): operation for operation in operations}

    def add(self, order: dict[str, Any]) -> Fault:
        """Order a fault; raises ValueError or TypeError when the order makes no sense."""
        fault = Fault(**order)
        name = _name(fault.operation)
        if name != ANY and name not in self._operations:  # it would never happen, and nobody would notice
            near = difflib.get_close_matches(name, self._operations, cutoff=0.5)
            like = "; near it: " + ", ".join(self._operations[each] for each in near) if near else ""
            raise ValueError(f"no operation {fault.operation!r} here{like}")
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Be healthy again."""
        self._faults.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Every fault ordered since the last `clear`."""
        return [fault.view() for fault in self._faults]

    def take(self, operation: str) -> Fault | None:
        """The fault that strikes this call, if any."""
        if not self._faults:
            return None
        return next((fault for fault in self._faults if fault.takes(operation)), None)


def _name(operation: str) -> str:
    """An operation whatever its parameters are called, with or without a last slash."""
    return _PARAMETER.sub("{}", operation).rstrip("/")
