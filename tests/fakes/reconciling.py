"""Reconciliations in memory: the vendor's lists over the billing fake, and runs walked to their end."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.world import World
from usher.bootstrap.policies import reconciliation
from usher.domain.access import Caller
from usher.domain.errors import UsherError
from usher.domain.reconciliation import COMPARED, ObjectKind
from usher.domain.reconciliation_policy import ReconciliationPolicy
from usher.ports.billing_facts import Snapshot
from usher.ports.billing_listing import VendorPage
from usher.records.created import Created
from usher.records.mismatches import Mismatch, Mismatches
from usher.records.reconciliations import Reconciliations
from usher.usecases.compare_page import ComparePage, compare_page
from usher.usecases.look_again import look_again
from usher.usecases.looking import Looking
from usher.usecases.plan_reconciliation import plan_reconciliation
from usher.usecases.reconciling import RunCommand
from usher.usecases.report_reconciliation import report_reconciliation
from usher.usecases.start_reconciliation import StartBody, start_reconciliation

BOB = Caller("bob", "billing")


@dataclass
class ListedBilling:
    """Lists what the billing fake holds; `size` objects a page, `errors` come before the next pages."""

    world: World
    size: int = 100
    errors: list[UsherError] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def page(
        self, kind: ObjectKind, *, since: datetime, upto: datetime, after: str | None = None
    ) -> VendorPage:
        self.calls[kind] += 1
        if self.errors:
            raise self.errors.pop(0)
        held: dict[str, Snapshot] = getattr(self.world.billing, COMPARED[kind].table, {})
        found = [each for each in held.values() if since <= made(each) <= upto]
        found.sort(key=made, reverse=True)
        ids = [getattr(each, COMPARED[kind].id) for each in found]
        rest = found[ids.index(after) + 1 :] if after else found
        return VendorPage(tuple(rest[: self.size]), len(rest) > self.size)


def made(snapshot: Snapshot) -> datetime:
    """When the vendor made it."""
    found: datetime = getattr(snapshot, "created_at", None) or snapshot.started_at
    return found


@dataclass
class Reconciler:
    """Walks runs through the steps of the workflow, as its file orders them."""

    world: World
    listing: ListedBilling
    policy: ReconciliationPolicy = field(default_factory=reconciliation)

    def __post_init__(self) -> None:
        w = self.world
        self.runs, self.mismatches = Reconciliations(w.store), Mismatches(w.store)
        self.told: list[tuple[int, int, bool]] = []
        self.looking = Looking(
            billing=w.billing,
            records=w.records,
            accounts=w.accounts,
            created=Created(w.store),
            mismatches=self.mismatches,
            runs=self.runs,
            policy=self.policy,
            clock=w.clock,
        )

    def start(self, *, by: Caller = BOB, **body: Any) -> str:
        """The id of a run that was asked for."""
        asked = StartBody.model_validate(body)
        w = self.world
        answer = start_reconciliation(asked, by, runs=self.runs, workflows=w.workflows, clock=w.clock)
        return str(answer["reconciliation_id"])

    def walk(self, run_id: str) -> list[Mismatch]:
        """Every step to the run's end; returns what it found."""
        for slice in self.plan(run_id):
            self.compare(run_id, slice)
        return self.finish(run_id)

    def plan(self, run_id: str) -> tuple[str, ...]:
        w = self.world
        return plan_reconciliation(
            self.command(run_id),
            runs=self.runs,
            mismatches=self.mismatches,
            policy=self.policy,
            clock=w.clock,
        ).slices

    def compare(self, run_id: str, slice: str) -> None:
        while self.compare_once(run_id, slice) == "more":
            pass

    def compare_once(self, run_id: str, slice: str) -> str:
        w = self.world
        command = ComparePage(**self.command(run_id).model_dump(), slice=slice)
        return compare_page(
            command,
            runs=self.runs,
            created=self.looking.created,
            listing=self.listing,
            most=self.policy.most_per_slice,
            clock=w.clock,
        ).outcome

    def finish(self, run_id: str) -> list[Mismatch]:
        while (result := look_again(self.command(run_id), self.looking)).outcome != "done":
            if result.outcome == "wait":
                self.world.clock.advance(result.wait_seconds)
        self.report(run_id)
        return list(self.runs.found(run_id))

    def report(self, run_id: str) -> None:
        w = self.world
        report_reconciliation(
            self.command(run_id),
            runs=self.runs,
            failures=w.failures,
            blobs=w.blobs,
            log=w.log,
            policy=self.policy,
            clock=w.clock,
            on_reported=lambda *told: self.told.append(told),
        )

    def command(self, run_id: str) -> RunCommand:
        return RunCommand(run_id=run_id, correlation_id=run_id, entered_at=self.world.clock.now())
