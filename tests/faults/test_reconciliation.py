"""Reconciliation with Stripe's stand-in, on the engine that runs it: found, healed, told, resumed."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.billing.start_reconciliation import handler as nightly
from tests.faults import world as worlds
from tests.faults.crashing import When
from tests.faults.world import World
from usher.ports.store import Delete, Put, Update

STEPS = ("plan_reconciliation", "compare_page", "look_again", "report_reconciliation")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with worlds.opened(tmp_path) as world:
        yield world


def customers(world: World, *names: str) -> dict[str, dict[str, Any]]:
    """Their statuses, all of them active."""
    ids = {name: world.sign_up(name) for name in names}
    world.settle()
    found = {name: world.status(id) for name, id in ids.items()}
    assert {each["status"] for each in found.values()} == {"active"}
    return found


def begin(world: World, **body: Any) -> str:
    status, answer = world.call("POST", "/v1/reconciliations", body, role="billing")
    assert status == 202, answer
    return str(answer["reconciliation_id"])


def ended(world: World, run: str) -> dict[str, Any]:
    world.settle()
    status, answer = world.call("GET", f"/v1/reconciliations/{run}", role="viewer")
    assert (status, answer["state"]) == (200, "done"), answer
    found: dict[str, Any] = answer
    return found


def found(world: World, run: str) -> dict[str, tuple[str, str]]:
    """What a run found: object to kind and state."""
    _, answer = world.call("GET", f"/v1/mismatches?reconciliation_id={run}&limit=100", role="viewer")
    return {each["object_id"]: (each["kind"], each["state"]) for each in answer["items"]}


def damage(world: World) -> dict[str, str]:
    """Everything that can go wrong between two stores goes wrong once; returns object to kind."""
    who = customers(world, "ada", "bob", "cyd", "dan")
    store = world.usher.store
    canceled, dropped = who["ada"]["ids"]["subscription_id"], who["bob"]["ids"]["subscription_id"]
    world.vendors.control("stripe", "POST", "lose_deliveries", {"count": 100})
    with world.vendors.stripe() as stripe:
        stripe.subscriptions.cancel(canceled)  # and its webhook never comes
        intents = stripe.payment_intents.list({"customer": who["cyd"]["ids"]["customer_id"]}).data
        refund = stripe.refunds.create({"payment_intent": intents[0].id, "amount": 500})
        theirs = stripe.invoices.list({"customer": who["dan"]["ids"]["customer_id"]}).data[0].id
    eventually_quiet(world)
    world.vendors.control("stripe", "DELETE", "lose_deliveries")
    store.write(Delete("subscriptions", {"subscription_id": dropped}))
    store.write(Update("invoices", {"invoice_id": theirs}, set={"amount_due_minor": 1}, add={"version": 1}))
    known = store.get("invoices", {"invoice_id": theirs})
    assert known is not None
    store.write(Put("invoices", {**known, "invoice_id": "in_nobody_knows"}))
    return {
        canceled: "status",
        dropped: "missing_local",
        refund.id: "missing_local",
        theirs: "amount",
        "in_nobody_knows": "missing_remote",
    }


def eventually_quiet(world: World) -> None:
    assert worlds.eventually(lambda: world.vendors.owed_webhooks() == 0)
    world.settle()


def test_customers_whose_webhooks_came_differ_in_nothing(world: World) -> None:
    customers(world, "ada", "bob")
    run = begin(world)
    answer = ended(world, run)
    assert answer["counts"]["found"] == 0
    assert answer["counts"]["compared"] == {
        "all": 6,
        "subscription": 2,
        "invoice": 2,
        "payment": 2,
        "refund": 0,
    }
    assert answer["progress"]["slices"] == answer["progress"]["slices_done"] > 60


def test_what_went_wrong_is_found_healed_where_that_is_safe_and_told(world: World) -> None:
    planted = damage(world)
    run = begin(world, heal=True, **today())
    answer = ended(world, run)
    safe = {id for id, kind in planted.items() if kind != "missing_remote"}
    assert found(world, run) == {
        id: (kind, "healed" if id in safe else "open") for id, kind in planted.items()
    }
    assert (answer["counts"]["found"], answer["counts"]["open"], answer["alarm"]) == (5, 1, True)
    canceled = next(id for id, kind in planted.items() if kind == "status")
    assert {row["subscription_id"]: row["status"] for row in world.rows("subscriptions")}[
        canceled
    ] == "canceled"
    assert {row["refund_id"] for row in world.rows("refunds")} <= set(planted)
    status, table = world.call("GET", f"/v1/reconciliations/{run}/report.csv", role="viewer")
    assert (status, "in_nobody_knows" in table) == (200, True)
    posts = [post["text"] for post in world.vendors.objects()["slack"]["message"]]
    assert any(f"/v1/reconciliations/{run}" in text for text in posts)
    again = begin(world)
    ended(world, again)
    assert found(world, again) == {"in_nobody_knows": ("missing_remote", "open")}


@pytest.mark.parametrize(
    "step, when",
    [
        ("compare_page", "after"),
        ("look_again", "after"),
        *(
            pytest.param(step, when, marks=pytest.mark.long)
            for step in STEPS
            for when in ("before", "after")
            if (step, when) not in {("compare_page", "after"), ("look_again", "after")}
        ),
    ],
)
def test_a_run_whose_process_dies_at_any_step_ends_the_same(world: World, step: str, when: When) -> None:
    planted = damage(world)
    world.crash_at(f"billing/{step}", when)
    run = begin(world, heal=True, **today())
    world.revive()
    answer = ended(world, run)
    assert {id: kind for id, (kind, _) in found(world, run).items()} == planted
    assert Counter(state for _, state in found(world, run).values()) == {"healed": 4, "open": 1}
    assert answer["counts"]["compared"]["subscription"] == 4
    told = [row["type"] for row in world.rows("events")]
    assert told.count("reconciliation.threshold_exceeded") == 1
    assert told.count("subscription.canceled") == 1


def test_the_night_s_run_starts_by_itself_and_joins_what_runs(world: World) -> None:
    customers(world, "ada")
    assert nightly({}, None) == {"count": 1}
    world.settle()
    _, listed = world.call("GET", "/v1/reconciliations", role="viewer")
    (run,) = listed["items"]
    assert (run["state"], run["started_by"], run["heal"]) == ("done", "usher:nightly", True)


def test_a_run_that_broke_is_filed_and_resumed_by_a_redrive(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = damage(world)
    with monkeypatch.context() as broken:
        broken.setattr("functions.billing.compare_page.compare_page", a_bug)
        run = begin(world, **today())
        assert worlds.eventually(lambda: "reconciliation" in {row["kind"] for row in world.rows("failures")})
    _, listed = world.call("GET", "/v1/failures")
    (failure,) = [each for each in listed["items"] if each["kind"] == "reconciliation"]
    status, answer = world.call(
        "POST", f"/v1/failures/{failure['failure_id']}/redrive", {"reason": "it is back"}
    )
    assert status == 202, answer
    ended(world, run)
    assert set(found(world, run)) == set(planted)
    assert [row["state"] for row in world.rows("failures") if row["kind"] == "reconciliation"] == ["resolved"]


def a_bug(*_: Any, **__: Any) -> None:
    raise RuntimeError("a bug")


def today() -> dict[str, str]:
    """Whatever the hour: the days around now."""
    now = datetime.now(UTC)
    return {"from": (now - timedelta(days=1)).date().isoformat()}
