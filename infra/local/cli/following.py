"""Follows sign-ups from outside: asks for their status until nothing more happens to them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from infra.local.cli.client import Client
from usher.domain.onboarding import FINAL, WORK

ASK_SECONDS = 0.1
WAITING = ("waiting_confirmation", "waiting_review", "waiting_payment")


@dataclass
class Followed:
    """One sign-up on the screen.

    Attributes:
        status: the status body, as last told; None before the first answer.
        seconds: wall time since it was posted, standing still once it is settled.
    """

    who: str
    plan: str
    shows: str = ""
    signup_id: str = ""
    is_repeat: bool = False
    status: dict[str, Any] | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more happens by itself: a final status, or a wait for a person."""
        if self.status is None:
            return False
        name = self.status["status"]
        if name in ("active", "degraded"):  # the customer is in; the CRM and the mail follow
            return self.step(WORK[-1]).get("status") in ("done", "failed")
        return name in FINAL or name in WAITING

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began

    def step(self, name: str) -> dict[str, Any]:
        """What the record says of a step; {} when it has not ended a try yet."""
        steps = self.status["steps"] if self.status else []
        return next((step for step in steps if step["name"] == name), {})


def follow(
    client: Client, rows: Sequence[Followed], changed: Callable[[Followed], None], *, seconds: float
) -> bool:
    """Ask until every row is settled, telling each change; returns False when `seconds` were not enough."""
    give_up = time.monotonic() + seconds
    with ThreadPoolExecutor(max(1, min(4, len(rows)))) as pool:
        while open_rows := [row for row in rows if not row.settled]:
            if time.monotonic() > give_up:
                return False
            told = pool.map(client.signup, [row.signup_id for row in open_rows])
            for row, status in zip(open_rows, told, strict=True):
                if status == row.status:
                    continue
                row.status = status
                if row.settled:
                    row.ended = time.monotonic()
                changed(row)
            if any(not row.settled for row in open_rows):
                time.sleep(ASK_SECONDS)
    return True
