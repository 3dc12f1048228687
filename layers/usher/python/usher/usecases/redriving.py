"""What a redrive needs, why and by whom it is wanted, and the entry in the audit log that it leaves."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from usher.domain.access import Caller
from usher.ports.clock import Clock
from usher.ports.queue import Queue
from usher.ports.store import Item, Write
from usher.ports.workflows import Workflows
from usher.records import audit
from usher.records.failures import Failures
from usher.records.inbox import Inbox
from usher.records.reconciliations import Reconciliations
from usher.records.signups import Signups
from usher.usecases.link_reopening import LinkReopening

REDRIVABLE_FOR = timedelta(days=14)  # AWS API RedriveExecution
REDRIVABLE = frozenset({"failed", "degraded", "rolled_back"})
MENDED = frozenset({"active", "rejected", "expired"})
RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})


@dataclass(frozen=True, slots=True)
class Redriving:
    """What a redrive needs."""

    failures: Failures
    signups: Signups
    inbox: Inbox
    runs: Reconciliations
    links: LinkReopening
    workflows: Workflows
    queue: Queue
    clock: Clock


@dataclass(frozen=True, slots=True)
class Order:
    """Why it is wanted, and by whom: nobody but Usher itself leaves no entry in the audit log."""

    reason: str
    caller: Caller | None = None

    @property
    def by(self) -> Literal["person", "itself"]:
        return "person" if self.caller else "itself"


def audited(subject: str, before: Item, after: Item, order: Order, s: Redriving) -> list[Write]:
    """The entry in the audit log that a person's redrive leaves."""
    if order.caller is None:
        return []
    told: dict[str, Any] = {"before": before, "after": after, "reason": order.reason}
    return [audit.entry(order.caller, "failure.redrive", subject=subject, now=s.clock.now(), **told)]
