"""The page of a first payment is there in spite of a vendor's stored failures."""

import pytest

from tests.faults.test_waits import UNPAID, mails
from tests.faults.world import World

OPEN = "POST /v1/checkout/sessions"


@pytest.mark.parametrize("effect", [False, True], ids=["nothing done", "done all the same"])
def test_a_failure_that_the_vendor_has_stored_for_the_page_costs_a_retry_and_no_sign_up(
    world: World, effect: bool
) -> None:
    world.vendors.fault("stripe", OPEN, "500", effect=effect)
    signup_id = world.sign_up(**UNPAID)
    world.settle()
    ended = world.status(signup_id)
    assert (ended["status"], ended["failure"]["step"]) == ("expired", "ask_payment")  # nobody paid
    assert len(mails(world, "payment-needed")) == 2
    (session,) = world.vendors.objects()["stripe"]["checkout.session"]
    assert session["status"] == "expired"
