"""A run of the reconciliation: it survives crashes, is alone, and leaves a report and an alarm."""

import csv
import io
import json
from typing import Any

import pytest

from tests.fakes.billing import START
from tests.fakes.planted import (
    DAY,
    SAFE_ONES,
    both,
    invoice,
    payment,
    plant,
    reconciler_at,
    subscription,
    there,
)
from tests.fakes.reconciling import Reconciler, made
from tests.fakes.world import World
from usher.domain.errors import Conflict, PermanentError, StoreUnavailable, VendorRejected, VendorUnavailable
from usher.domain.problems import Problem
from usher.records.reconciliations import Reconciliations
from usher.usecases.read_reconciliations import MOST, read_report


@pytest.fixture
def at(world: World) -> Reconciler:
    return reconciler_at(world)


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("skip", range(0, 24, 3))
def test_a_run_that_dies_anywhere_ends_the_same(
    world: World, at: Reconciler, skip: int, after_effect: bool
) -> None:
    """Each write is failed in its turn, before or after it took effect, and the step is tried again."""
    planted = plant(world)
    at.listing.size = 7
    world.store.fail("transact", skip=skip, after_effect=after_effect)
    run = insisting(lambda: at.start(**DAY, heal=True))
    slices = insisting(lambda: at.plan(run))
    for slice in slices:
        insisting(lambda slice=slice: at.compare(run, slice))
    found = insisting(lambda: at.finish(run))
    assert {row.object_id: row.state for row in found} == {
        id: "healed" if id in SAFE_ONES else "open" for id in planted
    }
    head = at.runs.find(run)
    assert head is not None
    assert head.counts is not None
    assert head.counts["compared"]["all"] == 41
    assert (head.state, at.runs.running()) == ("done", None)
    assert len([row for row in world.rows("audit") if row["action"] == "mismatch.heal"]) == len(SAFE_ONES)


def insisting(do: Any) -> Any:
    """What a workflow's Retry makes of it."""
    for _ in range(3):
        try:
            return do()
        except StoreUnavailable:
            continue
    raise AssertionError("it never succeeded")


def test_a_look_up_that_fails_is_never_read_as_not_there(world: World, at: Reconciler) -> None:
    both(world, invoice(1))
    run = at.start(**DAY)
    slice = next(name for name in at.plan(run) if name.startswith("invoice"))
    for error in (VendorUnavailable("answered 503"), VendorRejected("the key is revoked", status=401)):
        at.listing.errors.append(error)
        with pytest.raises(type(error)):
            at.compare_once(run, slice)
    at.compare(run, slice)
    assert at.runs.suspicions(run, limit=10) == []


# -- one at a time -----------------------------------------------------------------------------------------


def test_a_second_run_over_the_same_joins_and_over_another_is_refused(world: World, at: Reconciler) -> None:
    first = at.start()
    assert at.start() == first
    assert list(world.workflows.started) == [first]
    with pytest.raises(Conflict, match="one reconciliation at a time"):
        at.start(**DAY)
    at.walk(first)
    world.clock.advance(1)
    assert at.start(**DAY) != first


def test_a_dead_run_gives_its_place_to_the_next(world: World, at: Reconciler) -> None:
    first = at.start()
    world.workflows.ended[first] = ("FAILED", world.clock.now())
    world.clock.advance(1)
    second = at.start()
    former = at.runs.find(first)
    assert former is not None
    assert (former.state, second != first) == ("failed", True)


@pytest.mark.parametrize(
    "body",
    [
        {"from": "2025-11-22"},
        {"from": "2025-11-21", "to": "2025-11-20"},
        {"from": "2015-01-01"},
    ],
)
def test_days_that_make_no_sense_are_refused_by_name(at: Reconciler, body: dict[str, str]) -> None:
    with pytest.raises(Problem) as caught:
        at.start(**body)
    assert [error.field for error in caught.value.errors] == ["from"]


# -- report and alarm --------------------------------------------------------------------------------------


def test_a_run_leaves_its_report_as_json_and_as_a_table(world: World, at: Reconciler) -> None:
    planted = plant(world)
    run = at.start(**DAY)
    at.walk(run)
    text = world.blobs.get(f"reconciliations/{run}/report.json")
    table = world.blobs.get(f"reconciliations/{run}/report.csv")
    assert text is not None
    assert table is not None
    told = json.loads(text)
    assert told["reconciliation"]["counts"]["by_kind"]["status"] == 2
    assert {row["object_id"] for row in told["mismatches"]} == set(planted)
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert {row["object_id"]: row["kind"] for row in rows} == planted
    assert "ada@example.com" not in text.decode() + table.decode()


def test_a_report_that_no_answer_can_hold_sends_to_the_list(world: World, at: Reconciler) -> None:
    run = at.start(**DAY)
    at.walk(run)
    runs = Reconciliations(world.store)
    assert read_report(run, "json", runs=runs, blobs=world.blobs).status == 200
    world.blobs.put(f"reconciliations/{run}/report.json", b" " * (MOST + 1), content_type="application/json")
    with pytest.raises(Problem, match=r"has pages") as refused:
        read_report(run, "json", runs=runs, blobs=world.blobs)
    assert refused.value.status == 413


def test_no_cell_of_the_table_is_a_formula(world: World, at: Reconciler) -> None:
    there(world, invoice(1, customer_id="cus_1", status="paid").model_copy(update={"currency": "=1+1"}))
    run = at.start(**DAY)
    at.walk(run)
    table = world.blobs.get(f"reconciliations/{run}/report.csv")
    assert table is not None
    assert ",'=1+1," in table.decode()


def test_too_many_mismatches_are_an_alarm_in_one_transaction_with_the_end(
    world: World, at: Reconciler
) -> None:
    plant(world)
    run = at.start(**DAY)
    at.walk(run)
    (event,) = world.log.read("acc_usher")
    assert event.type == "reconciliation.threshold_exceeded"
    assert (event.payload["found"], event.payload["open"], event.payload["compared"]) == (9, 9, 41)
    assert at.told == [(9, 9, True)]
    at.report(run)  # a second time, after a crash behind it: nothing is told again
    assert len(world.log.read("acc_usher")) == 1


def test_a_slice_nobody_planned_is_a_mistake_of_the_workflow(at: Reconciler) -> None:
    run = at.start(**DAY)
    with pytest.raises(PermanentError):
        at.compare_once(run, "invoice#2025-11-21")


def test_every_object_of_the_fakes_has_its_time(world: World, at: Reconciler) -> None:
    both(world, invoice(1), payment(1), subscription(1))
    assert {made(each) for each in world.billing.invoices.values()} == {START}
