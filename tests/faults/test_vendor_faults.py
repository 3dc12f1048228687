"""Scenarios 2, 4, 9 and 26: every call of the sign-up path, broken in every way a vendor can break it.

A cell's id names its call and its fault: `pytest tests/faults -k "create_customer-500"` reruns one alone.
`make test` runs a sample drawn by `SEED`, which a failing run prints; `make test-all` runs every cell.
"""

import os
import random
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults import census
from tests.faults.world import World

SEED = int(os.environ.get("USHER_FAULT_SEED", "20261121"))
SAMPLE = 12


@dataclass(frozen=True)
class Call:
    """One call of the sign-up path; `nth` counts from 0 where a step makes the same call several times."""

    step: str
    vendor: str
    operation: str
    nth: int = 0


_UPSERT = "POST /crm/v3/objects/{type}/batch/upsert"
_ASSOCIATE = "POST /crm/v4/associations/{from}/{to}/batch/associate/default"
CALLS = {
    "create_customer": Call("create_billing_customer", "stripe", "POST /v1/customers"),
    "find_price": Call("create_subscription", "stripe", "GET /v1/prices"),
    "create_subscription": Call("create_subscription", "stripe", "POST /v1/subscriptions"),
    "put_identity": Call("create_identity", "product", "PUT /v1/identities/{id}"),
    "put_tenant": Call("provision_tenant", "product", "PUT /v1/tenants/{id}"),
    "put_subdomain": Call("provision_tenant", "product", "PUT /v1/tenants/{id}/subdomain"),
    "put_flags": Call("provision_tenant", "product", "PUT /v1/tenants/{id}/flags"),
    "put_api_key": Call("issue_api_key", "product", "PUT /v1/tenants/{id}/api-keys/{name}"),
    "put_credits": Call("issue_api_key", "product", "PUT /v1/tenants/{id}/credits/{grant}"),
    "upsert_contact": Call("sync_crm", "hubspot", _UPSERT),
    "upsert_company": Call("sync_crm", "hubspot", _UPSERT, 1),
    "upsert_subscription": Call("sync_crm", "hubspot", _UPSERT, 2),
    "associate_1": Call("sync_crm", "hubspot", _ASSOCIATE),
    "associate_2": Call("sync_crm", "hubspot", _ASSOCIATE, 1),
    "associate_3": Call("sync_crm", "hubspot", _ASSOCIATE, 2),
    "send_mail": Call("send_welcome_mail", "postmark", "POST /email/batchWithTemplates"),
}
FAULTS = ("fail_before", "fail_after", "timeout_after", "429", "500", "500-with-effect", "malformed", "delay")
CELLS = [(call, fault) for call in CALLS for fault in FAULTS]
CORE = random.Random(SEED).sample(CELLS, SAMPLE)
LATER = [name for name, call in CALLS.items() if call.vendor in ("hubspot", "postmark")]
BEFORE = [name for name in CALLS if name not in LATER]


def first_of_each(names: list[str]) -> list[Any]:
    """The first call of each step for `make test`, the others of it for `make test-all`."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(CALLS[name].step, name)
    return [pytest.param(n, marks=() if n in first.values() else pytest.mark.long) for n in names]


def break_next(world: World, name: str, fault: str) -> None:
    call = CALLS[name]
    kind, _, effect = fault.partition("-with-")
    more: dict[str, Any] = {"effect": True} if effect else {}
    if kind == "delay":
        more["seconds"] = 0.2
    world.vendors.fault(call.vendor, call.operation, kind, skip=call.nth, **more)


def check_cell(world: World, name: str, fault: str) -> None:
    """One cell: the fault strikes once, and in the end there is one of everything."""
    print(f"cell {name}-{fault} of seed {SEED}")
    break_next(world, name, fault)
    world.sign_up()
    world.settle()
    assert world.vendors.struck(CALLS[name].vendor) == 1
    census.of(world).active()
    [signup] = world.rows("signups")
    retried = signup[f"step_{CALLS[name].step}"]["attempts"]
    assert retried == 1 if fault == "delay" else retried > 1


@pytest.mark.parametrize(("name", "fault"), CORE, ids=["-".join(cell) for cell in CORE])
def test_a_call_that_breaks_once_leaves_one_of_everything(world: World, name: str, fault: str) -> None:
    check_cell(world, name, fault)


REST = [cell for cell in CELLS if cell not in CORE]


@pytest.mark.long
@pytest.mark.parametrize(("name", "fault"), REST, ids=["-".join(cell) for cell in REST])
def test_every_other_call_that_breaks_once_leaves_one_of_everything(
    world: World, name: str, fault: str
) -> None:
    check_cell(world, name, fault)


@pytest.mark.parametrize("name", first_of_each([*CALLS]))
def test_a_crash_between_a_vendors_effect_and_our_record_leaves_one_of_everything(
    world: World, name: str
) -> None:
    """The vendor has done its work and holds its answer back; the process that asked is gone before it."""
    call = CALLS[name]
    world.vendors.fault(call.vendor, call.operation, "delay", skip=call.nth, seconds=1.0)
    world.sign_up()
    world.wait_struck(call.vendor)
    world.crash_now()
    world.revive()
    world.settle()
    census.of(world).active()


@pytest.mark.parametrize("name", first_of_each(BEFORE))
def test_a_refused_call_before_activation_stops_the_sign_up_with_its_step_and_reason(
    world: World, name: str
) -> None:
    break_next(world, name, "400")
    world.sign_up()
    world.settle()
    [signup] = world.rows("signups")
    assert (signup["status"], signup["failure"]["step"]) == ("failed", CALLS[name].step)
    assert signup["failure"]["reason"].startswith("VendorRejected: ")
    [account] = world.rows("accounts")
    assert account["status"] == "closed"
    found = census.of(world)
    assert found.events(account["account_id"]).count("onboarding.failed") == 1
    [post] = found.objects["slack"]["message"]
    assert signup["signup_id"] in post["text"] and signup["email"] not in post["text"]
    assert "message" not in found.objects["postmark"]
    assert [each["status"] for each in world.executions()] == ["SUCCEEDED"]
    found.nothing_is_pending()


@pytest.mark.parametrize("name", first_of_each(LATER))
def test_a_refused_call_after_activation_leaves_the_customer_in_and_tells_what_is_missing(
    world: World, name: str
) -> None:
    break_next(world, name, "400")
    world.sign_up()
    world.settle()
    [signup] = world.rows("signups")
    assert (signup["status"], signup["failure"]["step"]) == ("degraded", CALLS[name].step)
    assert signup["failure"]["reason"].startswith("VendorRejected: ")
    [account] = world.rows("accounts")
    assert account["status"] == "active"
    found = census.of(world)
    assert found.events(account["account_id"]).count("onboarding.degraded") == 1
    assert found.counts()["slack"] == {"message": 1}
    mails = found.counts()["postmark"].get("message", 0)
    assert mails == (0 if name == "send_mail" else 1)
    found.nothing_is_pending()


OUTAGES = {"stripe": "create_customer", "product": "put_tenant"}


@pytest.mark.parametrize("vendor", OUTAGES)
def test_an_outage_longer_than_the_retries_is_filed_and_a_redrive_completes_it(
    world: World, vendor: str
) -> None:
    """The execution fails by itself: nobody knows what the vendor did, so nothing is undone either."""
    call = CALLS[OUTAGES[vendor]]
    world.vendors.fault(vendor, call.operation, "fail_before", count=None)
    signup_id = world.sign_up()
    world.settle()
    [execution] = world.executions()
    assert (execution["status"], execution["error"]) == ("FAILED", "RetryableError")
    failure = world.status(signup_id)["failure"]
    assert world.status(signup_id)["status"] == "failed"
    assert (failure["step"], failure["execution"]) == (call.step, execution["executionArn"])
    assert census.of(world).counts()["slack"] == {"message": 1}
    world.vendors.heal(vendor)
    world.usher.platform.workflows.redrive(execution["executionArn"])
    world.settle()
    assert [each["status"] for each in world.executions()] == ["SUCCEEDED"]
    census.of(world).active(posts=1)
    assert "failure" not in world.status(signup_id)


def test_a_subscription_whose_every_answer_was_lost_is_recorded_by_a_redrive(world: World) -> None:
    """Its webhooks are echoes, which wait for nobody: what keeps it from staying unknown is the execution."""
    world.vendors.fault("stripe", CALLS["create_subscription"].operation, "malformed", count=None)
    signup_id = world.sign_up()
    world.settle()
    [execution] = world.executions()
    assert execution["status"] == "FAILED"
    with world.vendors.stripe() as stripe:
        [live] = stripe.subscriptions.list().data
    echoes = [row for row in world.rows("inbox") if row.get("outcome") == "echo"]
    assert live.id in {row.get("object_id") for row in echoes}
    assert world.rows("subscriptions") == []
    assert world.status(signup_id)["failure"]["execution"] == execution["executionArn"]
    world.vendors.heal("stripe")
    world.usher.platform.workflows.redrive(execution["executionArn"])
    world.settle()
    [recorded] = world.rows("subscriptions")
    assert (recorded["subscription_id"], recorded["status"]) == (live.id, "active")
    found = census.of(world)
    found.active(posts=1)
    assert found.events(recorded["account_id"]).count("payment.succeeded") == 1


@pytest.mark.parametrize(("vendor", "name"), [("hubspot", "upsert_contact"), ("postmark", "send_mail")])
def test_an_outage_of_crm_or_mail_degrades_and_the_rest_goes_on(world: World, vendor: str, name: str) -> None:
    world.vendors.fault(vendor, "*", "500", count=None)
    world.sign_up()
    world.settle()
    [signup] = world.rows("signups")
    assert (signup["status"], signup["failure"]["step"]) == ("degraded", CALLS[name].step)
    assert [each["status"] for each in world.executions()] == ["SUCCEEDED"]
    assert census.of(world).counts()["slack"] == {"message": 1}


def test_slack_being_down_keeps_no_failure_from_being_recorded(world: World) -> None:
    world.vendors.fault("slack", "*", "500", count=None)
    world.sign_up(payment_method="pm_card_chargeDeclined")
    world.settle()
    [signup] = world.rows("signups")
    assert signup["status"] == "failed"
    assert signup["failure"]["untold"] == "VendorUnavailable"
    assert "card declined" in signup["failure"]["reason"]


def test_a_failed_look_up_is_never_read_as_not_there(world: World) -> None:
    """Stripe keeps a failure under our key, so the next try looks first; while that fails, none is made."""
    world.vendors.fault("stripe", "POST /v1/customers", "500", effect=True)
    world.vendors.fault("stripe", "GET /v1/customers", "500", count=3)
    world.sign_up()
    world.settle()
    assert world.vendors.struck("stripe") == 4
    census.of(world).active()
    assert (
        world.vendors.calls("stripe")["POST /v1/customers"] == 5
    )  # one worked; four were answered from its key


def test_after_a_mail_of_unknown_fate_a_failed_search_is_never_read_as_not_sent(world: World) -> None:
    world.vendors.fault("postmark", "POST /email/batchWithTemplates", "fail_after")
    world.vendors.fault("postmark", "GET /messages/outbound", "500", count=2)
    world.sign_up()
    world.settle()
    assert world.vendors.struck("postmark") == 3
    census.of(world).active()
    assert world.vendors.calls("postmark")["POST /email/batchWithTemplates"] == 1
