"""Answers that are older than the payment they tell of: who has paid is let in (scenarios 6 and 10)."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults import census
from tests.faults import world as worlds

BANK = {"payment": "bank", "payment_method": "pm_usBankAccount"}


@pytest.mark.parametrize("fault", [None, "fail_after"])
def test_a_debit_that_clears_before_we_look_at_it_lets_the_customer_in(
    tmp_path: Path, fault: str | None
) -> None:
    """Stripe answered that the subscription is incomplete, also to the same key again; the money is there."""
    clears_at_once: dict[str, Any] = {"clearing_seconds": 0}
    with worlds.opened(tmp_path, skipping=False, stripe=clears_at_once) as world:
        if fault:
            world.vendors.fault("stripe", "POST /v1/subscriptions", fault)
        signup_id = world.sign_up(**BANK)
        world.wait_status(signup_id, "active", "rolled_back")
        world.settle()
        status = world.status(signup_id)
        assert status["status"] == "active", status["failure"]
        found = census.of(world)
        found.billing_equals_stripes()
        assert "refund" not in found.counts()["stripe"]
        assert found.events(status["account_id"]).count("payment.succeeded") == 1
