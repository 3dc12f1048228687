"""Fees are asked for a hundred at a time, recorded once, and told (against the stand-in)."""

from datetime import timedelta

from tests.contract.money_office import Office, office, shop, world
from usher.adapters.stripe_fees import StripeFees
from usher.adapters.system_clock import SystemClock
from usher.records.accounts import Accounts
from usher.usecases.collect_fees import LAG, SPAN, collect_fees

__all__ = ["office", "shop", "world"]


def collect(office: Office) -> int:
    return collect_fees(
        fees=StripeFees(office.calls),
        records=office.world.records,
        accounts=Accounts(office.world.store),
        clock=office.world.clock,
    )


def later(office: Office, span: timedelta) -> None:
    office.world.clock.advance_to(SystemClock().now() + span)


def test_a_fee_that_nobody_asked_for_is_recorded_and_told_once(office: Office) -> None:
    office.open_account()
    subscription = office.shop.subscribe(office.customer)
    office.record("subscription", subscription.id)  # as our own step does it: without a call for the fee
    payment_id = str(office.shop.intent_of(subscription).id)
    row = office.row("payments", payment_id=payment_id)
    assert "fee_minor" not in row
    later(office, LAG + timedelta(minutes=1))
    assert collect(office) == 1
    after = office.row("payments", payment_id=payment_id)
    assert (after["fee_minor"], after["version"]) == (114, row["version"] + 1)
    assert office.told("payment.fee_known") == ["payment.fee_known"]
    assert collect(office) == 0
    assert office.told("payment.fee_known") == ["payment.fee_known"]


def test_a_payment_of_nobody_we_know_and_one_just_made_are_left_alone(office: Office) -> None:
    office.open_account()
    office.shop.subscribe(office.customer)
    later(office, timedelta())
    assert collect(office) == 0  # it may not be on record yet
    later(office, LAG + timedelta(minutes=1))
    assert collect(office) == 0  # nor is it


def test_two_nights_may_fail(office: Office) -> None:
    office.open_account()
    subscription = office.shop.subscribe(office.customer)
    office.record("subscription", subscription.id)
    later(office, SPAN)
    assert collect(office) == 1
