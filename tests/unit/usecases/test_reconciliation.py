"""Scenario 25: reconciliation finds every planted mismatch and heals only the safe kinds (C10)."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.billing import START
from tests.fakes.planted import (
    ACCOUNT,
    DAY,
    SAFE_ONES,
    both,
    here,
    invoice,
    kinds,
    payment,
    plant,
    reconciler_at,
    there,
)
from tests.fakes.reconciling import Reconciler
from tests.fakes.world import World
from usher.domain.access import Caller
from usher.ports.store import Delete, Update
from usher.usecases.read_reconciliations import DismissBody, dismiss_mismatch
from usher.usecases.start_reconciliation import HealBody, heal_reconciliation


@pytest.fixture
def at(world: World) -> Reconciler:
    return reconciler_at(world)


def test_every_planted_mismatch_is_found_with_its_kind_and_both_sides(world: World, at: Reconciler) -> None:
    planted = plant(world)
    found = at.walk(at.start(**DAY))
    assert kinds(found) == {id: (kind, "open") for id, kind in planted.items()}
    by_id = {row.object_id: row for row in found}
    amounts = by_id["pi_2"]
    assert amounts.there is not None
    assert amounts.here is not None
    assert (amounts.there.amounts["amount_minor"], amounts.here.amounts["amount_minor"]) == (2900, 1900)
    assert (by_id["in_50"].here, by_id["in_51"].there) == (None, None)
    assert by_id["in_50"].account_id == ACCOUNT


def test_only_the_safe_kinds_are_healed_and_each_heal_is_audited(world: World, at: Reconciler) -> None:
    planted = plant(world)
    found = at.walk(at.start(**DAY, heal=True))
    assert {row.object_id for row in found if row.state == "healed"} == SAFE_ONES
    assert {row.object_id for row in found if row.state == "open"} == set(planted) - SAFE_ONES
    assert world.store.get("subscriptions", {"subscription_id": "sub_2"})["status"] == "canceled"  # type: ignore[index]  # it is there
    assert world.store.get("invoices", {"invoice_id": "in_51"}) is not None
    healed = [row for row in world.rows("audit") if row["action"] == "mismatch.heal"]
    assert {row["subject"] for row in healed} == SAFE_ONES
    assert {row["actor"] for row in healed} == {"bob"}
    assert "subscription.canceled" in world.events(ACCOUNT)  # healed as sync would have told it


def test_a_second_run_finds_only_what_waits_for_a_person(world: World, at: Reconciler) -> None:
    planted = plant(world)
    at.walk(at.start(**DAY, heal=True))
    world.clock.advance(60)
    again = at.walk(at.start(**DAY))
    assert {row.object_id for row in again} == set(planted) - SAFE_ONES
    assert {row.seen for row in again} == {2}


def test_healing_a_run_afterwards_heals_what_it_left_open_and_is_safe(world: World, at: Reconciler) -> None:
    plant(world)
    first = at.start(**DAY)
    at.walk(first)
    world.clock.advance(60)
    answer = heal_reconciliation(
        first,
        HealBody(reason="after the outage"),
        Caller("eve", "billing"),
        runs=at.runs,
        workflows=world.workflows,
        clock=world.clock,
    )
    healing = str(answer["reconciliation_id"])
    world.store.fail("get", skip=4)  # the run, the open ones in one call, the run's state: however many
    assert at.plan(healing) == ()
    assert len(world.store.faults) == 1
    world.store.faults.clear()
    found = at.finish(healing)
    assert {row.object_id for row in found if row.state == "healed"} == SAFE_ONES
    assert at.mismatches.find(found[0].mismatch_id) == found[0]
    assert not [row for row in at.runs.found(first) if row.state == "healed"]  # what it found, it found


# -- what is no mismatch -----------------------------------------------------------------------------------


def test_what_changes_while_a_run_looks_at_it_is_no_mismatch(world: World, at: Reconciler) -> None:
    there(world, invoice(1), invoice(2, status="paid"))
    here(world, invoice(2, status="open"))
    run = at.start(**DAY)
    for slice in at.plan(run):
        at.compare(run, slice)
    assert at.runs.suspicions(run, limit=10)
    here(world, invoice(1))  # the webhooks that were on their way
    before = world.store.get("invoices", {"invoice_id": "in_2"})
    assert before is not None
    world.store.write(Update("invoices", {"invoice_id": "in_2"}, set={"status": "paid"}, add={"version": 1}))
    assert at.finish(run) == []
    assert at.told == [(0, 0, False)]


def test_a_payment_past_the_vendor_is_not_missing_there(world: World, at: Reconciler) -> None:
    here(world, payment(7, method="offline"))
    assert at.walk(at.start(**DAY)) == []


def test_an_index_that_lags_makes_no_mismatch(world: World, at: Reconciler) -> None:
    both(world, invoice(1))
    world.store.write(Update("invoices", {"invoice_id": "in_1"}, remove=("created_month",)))
    run = at.start(**DAY)
    for slice in at.plan(run):
        at.compare(run, slice)
    assert at.runs.suspicions(run, limit=10) == []


def test_what_differs_even_after_a_fetch_waits_for_a_person(
    world: World, at: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    there(world, payment(1, amount_minor=2900))
    here(world, payment(1))
    monkeypatch.setattr("usher.usecases.looking.bring_in_step", lambda *_, **__: set())
    (row,) = at.walk(at.start(**DAY, heal=True))
    assert (row.kind, row.state, row.reason) == ("amount", "open", "still differs after it was fetched anew")


def test_what_was_dismissed_stays_so_until_a_side_changes(world: World, at: Reconciler) -> None:
    here(world, invoice(1))
    (row,) = at.walk(at.start(**DAY))
    dismiss_mismatch(
        row.mismatch_id,
        DismissBody(reason="deleted on purpose"),
        Caller("bob", "billing"),
        mismatches=at.mismatches,
        runs=at.runs,
        clock=world.clock,
    )
    world.clock.advance(60)
    (again,) = at.walk(at.start(**DAY))
    assert (again.state, again.reason) == ("dismissed", "deleted on purpose")
    world.store.write(Update("invoices", {"invoice_id": "in_1"}, set={"status": "open"}))
    world.clock.advance(60)
    (changed,) = at.walk(at.start(**DAY))
    assert changed.state == "open"


def test_what_is_open_and_agrees_again_is_off_the_list(world: World, at: Reconciler) -> None:
    there(world, invoice(1))
    (row,) = at.walk(at.start())
    here(world, invoice(1))
    world.clock.advance(60)
    (closed,) = at.walk(at.start())
    assert (closed.mismatch_id, closed.state, closed.by) == (row.mismatch_id, "healed", "itself")


# -- pages -------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    what=st.lists(
        st.tuples(
            st.sampled_from(["same", "same", "missing_local", "missing_remote", "amount_minor", "status"]),
            st.integers(0, 6),
        ),
        max_size=25,
    ),
    size=st.integers(1, 7),
)
def test_whatever_is_planted_is_found_whatever_the_pages(
    world: World, at: Reconciler, what: list[tuple[str, int]], size: int
) -> None:
    for table in ("payments", "mismatches", "reconciliations"):
        clear(world, table)
    world.billing.payments.clear()
    world.clock.advance(1)
    planted = {}
    for number, (kind, second) in enumerate(what):
        each = payment(number, created_at=START + timedelta(seconds=second))
        changed = {"status": "failed", "amount_minor": 1}
        ours = each.model_copy(update={kind: changed[kind]}) if kind in changed else each
        if kind != "missing_remote":
            there(world, each)
        if kind != "missing_local":
            here(world, ours)
        if kind != "same":
            planted[each.payment_id] = kind.removesuffix("_minor")
    at.listing.size = size
    found = at.walk(at.start(**DAY))
    assert {row.object_id: row.kind for row in found} == planted
    head = at.runs.find(found[0].run_id) if found else None
    assert head is None or head.counts is None or head.counts["compared"]["all"] == len(what)


def clear(world: World, table: str) -> None:
    keys = {
        "payments": ("payment_id",),
        "mismatches": ("mismatch_id",),
        "reconciliations": ("run_id", "part"),
    }
    for row in world.rows(table):
        world.store.write(Delete(table, {name: row[name] for name in keys[table]}))


def test_a_second_that_fills_several_pages_is_compared_whole(world: World, at: Reconciler) -> None:
    both(world, *(invoice(number, 5) for number in range(12)), invoice(90, 9), invoice(91, 1))
    there(world, invoice(50, 5))
    here(world, invoice(51, 5))
    at.listing.size = 3
    found = at.walk(at.start(**DAY))
    assert kinds(found) == {"in_50": ("missing_local", "open"), "in_51": ("missing_remote", "open")}


def test_a_slice_that_differs_in_everything_is_cut_short_and_said_so(world: World, at: Reconciler) -> None:
    at.policy = at.policy.model_copy(update={"most_per_slice": 5})
    there(world, *(invoice(number, number) for number in range(30)))
    at.listing.size = 10
    run = at.start(**DAY)
    found = at.walk(run)
    head = at.runs.find(run)
    assert head is not None
    assert head.counts is not None
    assert (head.counts["cut_short"], 5 < len(found) < 30, head.alarm) == (["invoice#2025-11-21"], True, True)
