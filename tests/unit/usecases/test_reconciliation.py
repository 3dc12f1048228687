"""Scenario 25: reconciliation finds every planted mismatch and heals only the safe kinds."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.billing import START
from tests.fakes.reconciling import ListedBilling, Reconciler, made
from tests.fakes.world import World
from usher.domain.access import Caller
from usher.domain.errors import Conflict, PermanentError, StoreUnavailable, VendorRejected, VendorUnavailable
from usher.domain.problems import Problem
from usher.domain.reconciliation import COMPARED
from usher.ports.billing_facts import (
    CustomerSnapshot,
    InvoiceSnapshot,
    PaymentSnapshot,
    SubscriptionSnapshot,
)
from usher.ports.store import Delete, Put, Update
from usher.records.billing import BillingFacts
from usher.records.mismatches import Mismatch
from usher.records.reconciliations import Reconciliations
from usher.usecases.read_reconciliations import MOST, DismissBody, dismiss_mismatch, read_report
from usher.usecases.start_reconciliation import HealBody, heal_reconciliation

DAY = {"from": "2025-11-21"}
ACCOUNT = "acc_ada"


@pytest.fixture
def at(world: World) -> Reconciler:
    """One account with a customer, a minute after everything was made."""
    world.store.write(
        Put(
            "accounts",
            {
                "account_id": ACCOUNT,
                "org_name": "Ada Works",
                "status": "active",
                "plan": "pro-monthly",
                "signup_id": "su_ada",
                "correlation_id": "cor_ada",
                "created_at": "2025-11-21T12:00:00.000Z",
                "customer_id": "cus_1",
                "version": 1,
            },
        )
    )
    world.billing.customers["cus_1"] = CustomerSnapshot(
        customer_id="cus_1", account_id=ACCOUNT, email="ada@example.com"
    )
    world.clock.advance(3600)
    return Reconciler(world, ListedBilling(world))


def invoice(number: int, second: int = 0, **changed: Any) -> InvoiceSnapshot:
    values: dict[str, Any] = {
        "invoice_id": f"in_{number}",
        "customer_id": "cus_1",
        "subscription_id": None,
        "status": "paid",
        "currency": "usd",
        "amount_due_minor": 1900,
        "amount_paid_minor": 1900,
        "created_at": START + timedelta(seconds=second),
    }
    return InvoiceSnapshot(**(values | changed))


def payment(number: int, **changed: Any) -> PaymentSnapshot:
    values: dict[str, Any] = {
        "payment_id": f"pi_{number}",
        "customer_id": "cus_1",
        "amount_minor": 1900,
        "currency": "usd",
        "status": "succeeded",
        "created_at": START,
    }
    return PaymentSnapshot(**(values | changed))


def subscription(number: int, **changed: Any) -> SubscriptionSnapshot:
    values: dict[str, Any] = {
        "subscription_id": f"sub_{number}",
        "customer_id": "cus_1",
        "plan": "pro-monthly",
        "price_id": "price_1",
        "quantity": 1,
        "status": "active",
        "current_period_start": START,
        "current_period_end": START + timedelta(days=30),
        "started_at": START,
    }
    return SubscriptionSnapshot(**(values | changed))


def there(world: World, *objects: Any) -> None:
    """The vendor holds them."""
    for each in objects:
        for compared in COMPARED.values():
            if hasattr(each, compared.id) and type(each).__name__.lower().startswith(compared.table[:-1]):
                getattr(world.billing, compared.table)[getattr(each, compared.id)] = each


def here(world: World, *objects: Any) -> None:
    """We hold them, as sync would have recorded them."""
    for each in objects:
        kind = type(each).__name__.removesuffix("Snapshot").lower()
        facts = (
            BillingFacts(subscription=each)
            if kind == "subscription"
            else BillingFacts(**{f"{kind}s": (each,)})
        )
        world.records.record(facts, account_id=ACCOUNT, known={}, correlation_id="cor", now=world.clock.now())


def both(world: World, *objects: Any) -> None:
    there(world, *objects)
    here(world, *objects)


def kinds(found: list[Mismatch]) -> dict[str, tuple[str, str]]:
    return {row.object_id: (row.kind, row.state) for row in found}


def plant(world: World) -> dict[str, str]:
    """One of each kind of mismatch among what agrees; returns id to kind."""
    both(world, *(invoice(number, number) for number in range(10, 40)), subscription(1), payment(1))
    there(world, invoice(50), subscription(2, status="canceled"), payment(2, amount_minor=2900))
    here(world, invoice(51), subscription(2), payment(2))
    there(world, invoice(52, status="void"), invoice(53, currency="eur"), invoice(54, customer_id="cus_2"))
    here(world, invoice(52, status="open"), invoice(53), invoice(54))
    there(world, invoice(55, customer_id="cus_stranger"), subscription(3, quantity=5))
    here(world, subscription(3))
    return {
        "in_50": "missing_local",
        "in_51": "missing_remote",
        "in_52": "status",
        "in_53": "currency",
        "in_54": "customer",
        "in_55": "unknown_account",
        "sub_2": "status",
        "sub_3": "terms",
        "pi_2": "amount",
    }


SAFE_ONES = {"in_50", "in_52", "sub_2", "sub_3", "pi_2"}


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


# -- crashes -----------------------------------------------------------------------------------------------


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
