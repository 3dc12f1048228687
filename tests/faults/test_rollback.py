"""Scenarios 7, 8 and 9: what cannot succeed is undone in reverse order, whatever breaks on the way (B7)."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra import catalog
from tests.faults import cells, census, matrix
from tests.faults import world as worlds
from tests.faults.calls import FORWARD, WAYS
from tests.faults.repairs import bug, failures, let_pass, posts, redrive
from tests.faults.world import World
from usher.ports.store import Update

IN_REVERSE = (
    "DELETE /v1/tenants/{tenant_id}/credits/{grant}",
    "DELETE /v1/tenants/{tenant_id}/api-keys/{name}",
    "DELETE /v1/tenants/{tenant_id}/flags",
    "DELETE /v1/tenants/{tenant_id}/subdomain",
    "DELETE /v1/tenants/{account_id}",
    "DELETE /v1/identities/{account_id}",
    "POST /v1/invoices/{id}/void",
    "POST /v1/refunds",
    "DELETE /v1/subscriptions/{id}",
    "POST /v1/customers/{id}",
    "DELETE /v1/customers/{id}",
    "POST /crm/v3/objects/{objectType}/batch/read",
)
BEFORE_ACTIVATION = [name for name, call in FORWARD.items() if call.vendor in ("stripe", "product")]


def undone(world: World) -> list[str]:
    """The calls that undo something, in the order they were made."""
    return [operation for _, operation in world.vendors.heard if operation in IN_REVERSE]


def in_reverse(operations: list[str]) -> bool:
    return operations == sorted(operations, key=IN_REVERSE.index)


def refuse(world: World, name: str, **more: Any) -> None:
    call = FORWARD[name]
    world.vendors.fault(call.vendor, call.operation, "400", skip=call.nth, **more)


@pytest.mark.parametrize("name", BEFORE_ACTIVATION)
def test_a_refusal_at_any_step_is_undone_in_reverse_order_and_the_person_can_sign_up_again(
    world: World, name: str
) -> None:
    refuse(world, name)
    signup_id = world.sign_up()
    world.settle()
    found = census.of(world)
    found.rolled_back(refunded=bool(found.objects["stripe"].get("charge")))
    failure = world.status(signup_id)["failure"]
    assert failure["step"] == FORWARD[name].step
    assert failure["reason"].startswith("VendorRejected: ")
    assert in_reverse(undone(world)) and undone(world)
    (post,) = posts(world)
    assert signup_id in post and failure["step"] in post and "ada@example.com" not in post
    world.sign_up(webhook_id="msg_again")
    world.settle()
    census.of(world).since(found).active()


@pytest.mark.parametrize("way", [way for way in WAYS if WAYS[way].ends == "rolled_back"])
def test_each_way_to_a_rollback_leaves_nothing_and_the_person_can_sign_up_again(
    tmp_path: Path, way: str
) -> None:
    with worlds.opened(tmp_path, onboarding=WAYS[way].onboarding) as world:
        WAYS[way].order(world)
        world.sign_up(**WAYS[way].values)
        world.settle()
        found = census.of(world)
        found.rolled_back(refunded=WAYS[way].refunded, told=WAYS[way].told)
        assert in_reverse(undone(world))
        listed = [row["kind"] for row in failures(world)]
        assert listed == ([] if way in ("declined", "unpaid") else ["rolled_back"])
        WAYS[way].heal(world)
        world.sign_up(webhook_id="msg_again")
        world.settle()
        census.of(world).since(found).active()


def test_a_crm_that_refuses_costs_no_customer_unless_policy_is_strict(world: World) -> None:
    refuse(world, "upsert_company")
    signup_id = world.sign_up()
    world.settle()
    assert world.status(signup_id)["status"] == "degraded"
    assert undone(world) == []


# -- a rollback that breaks ----------------------------------------------------------------------------------


def test_an_undo_that_cannot_succeed_stops_there_is_told_and_goes_on_once_it_is_mended(world: World) -> None:
    refuse(world, "put_credits")
    world.vendors.fault("stripe", "POST /v1/refunds", "400", count=None)
    signup_id = world.sign_up()
    world.settle()
    assert [each["status"] for each in world.executions()] == ["FAILED"]
    (failure,) = failures(world)
    assert (failure["kind"], failure["step"]) == ("undo", "refund_payment")
    assert "was refused" in failure["reason"] and "bug" not in failure["reason"]
    assert world.status(signup_id)["status"] == "failed"
    living = census.living(world.vendors.objects())
    assert list(living) == ["stripe"] and "subscription" in living["stripe"]
    assert any(signup_id in post and "refund_payment" in post for post in posts(world))
    world.vendors.heal("stripe")
    assert redrive(world, failure)[0] == 202
    world.settle()
    assert [each["status"] for each in world.executions()] == ["SUCCEEDED"]
    census.of(world).rolled_back(refunded=True)
    assert in_reverse(list(dict.fromkeys(undone(world))))
    assert census.of(world).objects["stripe"]["charge"][0]["amount_refunded"] == 4900


STEPS = (
    "onboarding.register_signup",
    "billing.create_billing_customer",
    "billing.create_subscription",
    "provisioning.provision_tenant",
    "provisioning.issue_api_key",
)
UNDOING = (
    "onboarding.begin_rollback",
    "provisioning.revoke_api_key",
    "provisioning.remove_tenant",
    "provisioning.remove_identity",
    "billing.refund_payment",
    "billing.cancel_subscription",
    "billing.close_customer",
    "crm.withdraw_from_crm",
    "onboarding.close_signup",
)


def broken(world: World, monkeypatch: pytest.MonkeyPatch, path: str) -> dict[str, Any]:
    """Sign up while this function has a bug; returns the failure that is on the list then."""
    step = path.partition(".")[2]
    with monkeypatch.context() as patched:
        patched.setattr(importlib.import_module(f"functions.{path}"), step, bug)
        world.sign_up()
        world.settle()
    (failure,) = failures(world)
    assert [each["status"] for each in world.executions()] == ["FAILED"]
    return failure


@pytest.mark.parametrize("path", STEPS)
def test_a_bug_in_any_step_rolls_nobody_back_and_a_redrive_completes_the_sign_up(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    failure = broken(world, monkeypatch, path)
    assert failure["kind"] == "execution"
    assert undone(world) == []
    assert redrive(world, failure)[0] == 202
    world.settle()
    census.of(world).active(posts=5)


@pytest.mark.parametrize("path", UNDOING)
def test_a_bug_in_any_undo_fails_the_execution_and_a_redrive_completes_the_rollback(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    refuse(world, "put_credits")
    failure = broken(world, monkeypatch, path)
    assert failure["kind"] == ("execution" if path == "onboarding.begin_rollback" else "undo")
    assert redrive(world, failure)[0] == 202
    world.settle()
    census.of(world).rolled_back(refunded=True)


# -- functions that take too long ----------------------------------------------------------------------------


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A world whose tenants have to be provisioned within a fifth of a second."""
    entries = [
        replace(entry, timeout_seconds=0.2) if entry.name in ("provision_tenant", "remove_tenant") else entry
        for entry in catalog.FUNCTIONS
    ]
    monkeypatch.setattr(catalog, "FUNCTIONS", tuple(entries))
    with worlds.opened(tmp_path) as world:
        yield world


def test_a_step_that_overruns_its_time_has_no_second_effect(hasty: World) -> None:
    """What it did stays done, and what it answered is not used: its next try finds it."""
    hasty.vendors.fault("product", "PUT /v1/tenants/{id}/subdomain", "delay", seconds=0.4)
    hasty.sign_up()
    hasty.settle()
    census.of(hasty).active()
    puts = [operation for _, operation in hasty.vendors.heard if operation == "PUT /v1/tenants/{account_id}"]
    assert len(puts) > 1


def test_an_undo_that_overruns_its_time_is_done_again(hasty: World) -> None:
    refuse(hasty, "put_credits")
    hasty.vendors.fault("product", "DELETE /v1/tenants/{id}", "delay", seconds=0.4)
    hasty.sign_up()
    hasty.settle()
    census.of(hasty).rolled_back(refunded=True)


@pytest.mark.parametrize("slow", ["put_identity", "put_tenant", "put_flags", "put_api_key", "put_credits"])
def test_nothing_is_made_after_the_undoing_began_however_slow_the_other_branch_is(
    world: World, slow: str
) -> None:
    """The refused branch waits for its sibling, whose function is at work for longer."""
    refuse(world, "create_customer")
    call = FORWARD[slow]
    world.vendors.fault(call.vendor, call.operation, "delay", seconds=0.4)
    world.sign_up()
    world.settle()
    census.of(world).rolled_back(refunded=False)
    heard = [operation for vendor, operation in world.vendors.heard if vendor == "product"]
    first_undo = next(number for number, operation in enumerate(heard) if operation.startswith("DELETE"))
    assert all(operation.startswith("DELETE") for operation in heard[first_undo:])
    assert len(heard[:first_undo]) == 6


# -- another try ---------------------------------------------------------------------------------------------


def change_card(world: World, signup_id: str, payment_method: str) -> None:
    """What an operator does who was told another card on the phone."""
    key = {"signup_id": signup_id}
    world.usher.platform.store.write(Update("signups", key, set={"payment_method": payment_method}))


def test_another_card_after_a_refused_one_goes_out_under_another_key(world: World) -> None:
    """Under the former key Stripe would refuse it for a day: the same key, another body."""
    signup_id = world.sign_up(payment_method="pm_card_chargeCustomerFail")
    world.settle()
    assert world.status(signup_id)["status"] == "rolled_back"
    former = census.of(world)
    change_card(world, signup_id, "pm_card_visa")
    order = {"reason": "she told another card"}
    assert world.call("POST", f"/v1/onboardings/{signup_id}/redrive", order)[0] == 202
    world.settle()
    assert world.status(signup_id)["status"] == "active"
    living = census.living(world.vendors.objects())
    assert {kind: len(living["stripe"][kind]) for kind in ("customer", "subscription")} == {
        "customer": 1,
        "subscription": 1,
    }
    assert census.living(former.objects) == {}


@pytest.mark.parametrize("hours", [1, 30])
def test_a_rolled_back_customer_who_is_tried_again_gets_a_customer_of_its_own(
    world: World, hours: int
) -> None:
    """Also when Stripe may have forgotten the key, and the closed one of the first try is still listed."""
    refuse(world, "put_credits")
    signup_id = world.sign_up()
    world.settle()
    (closed,) = world.vendors.objects()["stripe"]["customer"]
    let_pass(world, minutes=60 * hours)
    assert redrive(world, failures(world)[0])[0] == 202
    world.settle()
    assert world.status(signup_id)["status"] == "active"
    now = {each["id"]: each for each in world.vendors.objects()["stripe"]["customer"]}
    assert now.pop(closed["id"]) == closed
    (customer,) = now
    (subscription,) = census.living(world.vendors.objects())["stripe"]["subscription"]
    assert subscription["customer"] == customer == world.status(signup_id)["ids"]["customer_id"]


def test_a_refund_whose_failure_stripe_keeps_under_its_key_is_made_once_under_another(tmp_path: Path) -> None:
    assert matrix.check(cells.BY_ID["refund-500-once"], tmp_path) == "rolled_back"
