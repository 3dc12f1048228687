"""A customer at the vendor, events about it through intake, and sync called as its function does."""

import json
from collections.abc import Sequence
from typing import Any

from functions.intake.receive_stripe import handler as receive
from tests.fakes.links import RecordingLinks, desk_of
from tests.fakes.steps import run_until
from tests.fakes.webhooks import stripe_post
from tests.fakes.world import World
from usher.records.signups import Signup
from usher.usecases.sync_billing import sync_billing

SUBSCRIPTION = {"id": "sub_0001", "object": "subscription", "customer": "cus_0001"}
INVOICE = {"id": "in_0001", "object": "invoice", "customer": "cus_0001"}
PAYMENT = {"id": "pi_0001", "object": "payment_intent", "customer": "cus_0001"}
CUSTOMER = {"id": "cus_0001", "object": "customer"}
PARKED: list[tuple[str, str, str]] = []  # what was told of events that were parked
LINKS = RecordingLinks()
TABLES = ("subscriptions", "invoices", "payments")
CREATED = [  # what the first look at all of them tells
    "subscription.created",
    "subscription.activated",
    "mrr.changed",
    "invoice.generated",
    "invoice.paid",
    "payment.succeeded",
]


def subscriber(world: World) -> Signup:
    """An account with a customer, and a subscription that only the vendor knows of."""
    PARKED.clear()
    signup = run_until(world, "create_billing_customer", world.given_signup())
    world.billing.create_subscription(
        customer_id="cus_0001",
        account_id=str(signup.account_id),
        signup_id=signup.signup_id,
        plan="starter-monthly",
        trial_days=0,
        correlation_id="cor",
        idempotency_key="checkout",
    )
    world.billing.calls.clear()
    return signup


def arrived(*objects: dict[str, Any], first: int = 1, **event: Any) -> list[str]:
    """Events about these objects through intake; returns their ids in the inbox."""
    ids = []
    for number, object in enumerate(objects, start=first):
        receive(stripe_post(id=f"evt_{number}", object=object, **event), None)
        ids.append(f"stripe#evt_{number}")
    return ids


def sync(world: World, event_ids: Sequence[str], *, drift: str | None = None) -> dict[str, str]:
    """What became of each event. `drift`: how the catalog at the vendor differs from ours."""
    return sync_billing(
        event_ids,
        billing=world.billing,
        inbox=world.inbox,
        accounts=world.accounts,
        records=world.records,
        failures=world.failures,
        clock=world.clock,
        on_parked=lambda *what: PARKED.append(what),
        desk=desk_of(world, LINKS),
        drift=lambda: drift,
    )


def records(world: World) -> str:
    """What is held of the three, as one text, whenever and however often it was written."""
    volatile = {"recorded_at", "version"}
    rows = [
        {name: value for name, value in row.items() if name not in volatile}
        for table in TABLES
        for row in world.rows(table)
    ]
    return json.dumps(rows, sort_keys=True)


def told(world: World, signup: Signup) -> list[str]:
    """The types of the events since the sign-up's own two."""
    return world.events(str(signup.account_id))[2:]


def looks(world: World) -> int:
    """How often the vendor was asked."""
    return sum(world.billing.calls.values())
