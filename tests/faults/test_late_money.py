"""Money and answers that come when a sign-up has gone on without them: paid back, or without effect (B7)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.operations.mend_failures import handler as mend
from tests.faults import census
from tests.faults import world as worlds
from tests.faults.repairs import FOR_GOOD, crm_down, failures, let_pass, redrive
from tests.faults.test_waits import BANK, SLOW_BANK, UNPAID, debit, pay, wait_checkout
from tests.faults.vendors import policies
from tests.faults.world import World
from usher.bootstrap import policies as in_force
from usher.bootstrap.asking import asker
from usher.records.signups import Signups
from usher.usecases.ask_payment import answer_if_settled
from usher.usecases.first_payment import FirstPayment

TENANT = "PUT /v1/tenants/{account_id}"


@pytest.fixture
def slow_bank(tmp_path: Path) -> Iterator[World]:
    """A world in real time whose banks answer when they are told to."""
    with worlds.opened(tmp_path, skipping=False, stripe=SLOW_BANK) as world:
        yield world


def refunded(world: World) -> list[str]:
    """The payments that were paid back."""
    return [refund["payment_intent"] for refund in world.vendors.objects()["stripe"].get("refund", [])]


def test_money_that_arrives_while_an_undo_is_stuck_is_paid_back(tmp_path: Path) -> None:
    with worlds.opened(tmp_path, stripe=SLOW_BANK) as world:
        world.vendors.fault("product", TENANT, "400")
        world.vendors.fault("stripe", "POST /v1/customers/{customer}", "500", count=FOR_GOOD)
        signup_id = world.sign_up(**BANK)
        world.settle()
        assert world.status(signup_id)["status"] == "failed"
        debit(world, "succeed")
        world.settle()
        [payment] = world.vendors.objects()["stripe"]["payment_intent"]
        assert refunded(world) == [payment["id"]]
        world.vendors.heal("stripe")
        [failure] = failures(world)
        assert redrive(world, failure)[0] == 202
        world.settle()
        assert world.status(signup_id)["status"] == "rolled_back"
        assert refunded(world) == [payment["id"]]


def test_money_of_a_former_attempt_goes_back_beside_the_new_one_s(slow_bank: World) -> None:
    slow_bank.vendors.fault("product", TENANT, "400")
    signup_id = slow_bank.sign_up(**BANK)
    slow_bank.wait_status(signup_id, "rolled_back")
    slow_bank.settle()
    [former] = slow_bank.vendors.objects()["stripe"]["payment_intent"]
    slow_bank.vendors.heal("product")
    assert redrive(slow_bank, failures(slow_bank)[0])[0] == 202
    slow_bank.wait_status(signup_id, "waiting_payment")
    for payment in slow_bank.vendors.objects()["stripe"]["payment_intent"]:
        order = {"payment_intent": payment["id"], "outcome": "succeed"}
        slow_bank.vendors.control("stripe", "POST", "settle_payment", order)
    slow_bank.wait_status(signup_id, "active")
    assert worlds.eventually(lambda: refunded(slow_bank) == [former["id"]])
    slow_bank.settle()
    assert refunded(slow_bank) == [former["id"]]


def test_a_second_bell_that_comes_late_does_not_set_back_who_is_active(tmp_path: Path) -> None:
    with worlds.opened(tmp_path, skipping=False) as world:
        signup_id = world.sign_up(**UNPAID)
        url = wait_checkout(world, signup_id)
        as_read_then = Signups(world.usher.platform.store).get(signup_id)
        pay(world, session=url)
        world.wait_status(signup_id, "active")
        world.settle()
        assert answer_if_settled(as_read_then, FirstPayment("paid"), asker(world.usher.platform))
        assert world.status(signup_id)["status"] == "active"


@pytest.mark.parametrize(
    "stricter",
    [{"beta_phase": True}, {"review": {"who": {"domains": ["example.com"]}}}],
    ids=["beta", "review"],
)
def test_a_repair_sends_nobody_who_is_in_through_a_gate_that_is_new(
    tmp_path: Path, stricter: dict[str, Any]
) -> None:
    with worlds.opened(tmp_path) as world:
        crm_down(world)
        signup_id = world.sign_up()
        world.settle()
        assert world.status(signup_id)["status"] == "degraded"
        world.stop()
        content = policies()
        in_force.install({**content, "onboarding": {**content["onboarding"], **stricter}})
        world.start()
        world.vendors.heal("hubspot")
        let_pass(world, minutes=16)
        mend({}, None)
        world.settle()
        assert world.status(signup_id)["status"] == "active"
        assert refunded(world) == []
        census.of(world).billing_equals_stripes()
