"""The page of a first payment is there in spite of stored failures, and of a redrive a day later."""

from typing import Any

import pytest

from functions.billing import ask_payment
from tests.faults.repairs import FOR_GOOD, bug, failures, let_pass, redrive
from tests.faults.test_waits import UNPAID, mails
from tests.faults.world import World, eventually

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


def a_day_passes(world: World) -> None:
    """Here, and at the vendor."""
    let_pass(world, minutes=24 * 60)
    world.vendors.control("stripe", "POST", "clock", {"now": world.usher.clock.now().timestamp()})


def has(world: World, signup_id: str, status: str) -> bool:
    return eventually(lambda: world.status(signup_id)["status"] == status)


def ends_unpaid(world: World, signup_id: str) -> dict[str, Any]:
    """The sign-up at its end, once nobody has paid at its last page."""
    assert has(world, signup_id, "expired"), world.status(signup_id)
    world.settle()
    assert failures(world) == []
    ended = world.status(signup_id)
    assert ended["failure"]["step"] == "ask_payment"
    session = world.vendors.objects()["stripe"]["checkout.session"][-1]
    assert session["status"] == "expired"
    return session


def test_a_wait_that_is_redriven_a_day_later_begins_anew_with_a_page_of_its_own(world: World) -> None:
    """No page was ever made; what the vendor would keep open is counted from the redrive."""
    world.vendors.fault("stripe", OPEN, "500", count=FOR_GOOD)
    signup_id = world.sign_up(**UNPAID)
    world.settle()
    assert world.status(signup_id)["status"] == "failed"
    a_day_passes(world)
    world.vendors.heal("stripe")
    redriven_at = world.usher.clock.now()
    (failure,) = failures(world)
    assert redrive(world, failure)[0] == 202
    session = ends_unpaid(world, signup_id)
    assert session["expires_at"] >= redriven_at.timestamp() + 22 * 3600


def test_a_page_that_expired_while_the_execution_was_broken_is_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask_payment.ask_payment

    def broken_at_the_reminder(command: Any, **services: Any) -> Any:
        return bug() if command.reminder else asked(command, **services)

    with monkeypatch.context() as patched:
        patched.setattr(ask_payment, "ask_payment", broken_at_the_reminder)
        signup_id = world.sign_up(**UNPAID)
        world.settle()
    assert world.status(signup_id)["status"] == "failed"
    a_day_passes(world)
    (failure,) = failures(world)
    assert redrive(world, failure)[0] == 202
    session = ends_unpaid(world, signup_id)
    sessions = world.vendors.objects()["stripe"]["checkout.session"]
    assert len(sessions) == 2
    assert session["expires_at"] > sessions[0]["expires_at"] + 20 * 3600
