"""Scenarios 2, 4, 9 and 26: every call of the sign-up path, broken in every way a vendor can break it.

A cell's id names its call and its fault: `pytest tests/faults -k "create_customer-500"` reruns one alone.
`make test` runs a sample drawn by `SEED`, which a failing run prints; `make test-all` runs every cell.
"""

import os
import random
from dataclasses import dataclass

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
    "send_mail": Call("send_welcome_mail", "postmark", "POST /email/withTemplate"),
}
FAULTS = ("fail_before", "fail_after", "timeout_after", "429", "500", "500-with-effect", "malformed", "delay")
CELLS = [(call, fault) for call in CALLS for fault in FAULTS]
CORE = random.Random(SEED).sample(CELLS, SAMPLE)
LATER = [name for name, call in CALLS.items() if call.vendor in ("hubspot", "postmark")]
BEFORE = [name for name in CALLS if name not in LATER]


def break_next(world: World, name: str, fault: str) -> None:
    call = CALLS[name]
    kind, _, effect = fault.partition("-with-")
    more = {"effect": True} if effect else {}
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
