"""The deadline of a first payment fires while somebody pays: let in, or nothing was paid (scenario 10, B8).

Time skips to the deadline; the deployment dies at the step that closes the page, and the customer pays then.
"""

from typing import Any

import pytest

from tests.faults import census
from tests.faults.crashing import When
from tests.faults.world import LIMIT, World

WAITS: dict[str, dict[str, Any]] = {
    "no card": {"payment_method": None, "trial": False},
    "the bank asks": {"payment_method": "pm_card_threeDSecure2Required"},
}


def pays_at_the_deadline(world: World, when: When, **data: Any) -> tuple[str, dict[str, Any]]:
    """The customer pays when the deadline has fired, `when` the page is closed; the sign-up and the page."""
    world.crash_at("billing/close_payment", when)
    signup_id = world.sign_up(**data)
    assert world.crash.died.wait(LIMIT)
    (row,) = world.rows("signups")
    kind = "invoice" if "/invoice/" in row["checkout_url"] else "session"
    (page,) = world.vendors.control("stripe", "POST", "pay", {kind: row["checkout_url"]})["results"]
    world.revive()
    world.settle()
    return signup_id, page


@pytest.mark.parametrize("why", WAITS)
def test_who_paid_before_the_page_was_closed_is_let_in(world: World, why: str) -> None:
    """Stripe has the money, and its webhooks find nobody who takes them."""
    signup_id, page = pays_at_the_deadline(world, "before", **WAITS[why])
    assert (page["status"], page["now"]["status"]) in ((200, "complete"), (200, "paid"))
    assert world.status(signup_id)["status"] == "active"
    found = census.of(world)
    found.billing_equals_stripes()
    assert found.counts()["stripe"]["subscription"] == 1
    assert "refund" not in found.counts()["stripe"]


@pytest.mark.parametrize("why", WAITS)
def test_once_the_page_is_closed_nobody_can_pay_at_it(world: World, why: str) -> None:
    signup_id, page = pays_at_the_deadline(world, "after", **WAITS[why])
    assert page["now"]["status"] in ("expired", "void")
    assert world.status(signup_id)["status"] == "expired"
    assert "charge" not in world.vendors.objects()["stripe"]
    assert census.living(world.vendors.objects()) == {}
