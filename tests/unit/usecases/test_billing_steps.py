"""Steps CreateBillingCustomer and CreateSubscription: keys, declines, replayed answers, the 24-hour rule."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.steps import before, run
from tests.fakes.world import World
from usher.domain.errors import RetryableError, VendorUnavailable
from usher.ports.billing_facts import Declined
from usher.records.signups import Signup

DAY = timedelta(hours=24).total_seconds()
CREATES = {"create_billing_customer": "create_customer", "create_subscription": "create_subscription"}
FINDS = {"create_billing_customer": "find_customer", "create_subscription": "find_subscription"}
MADE = {"create_billing_customer": "customers", "create_subscription": "subscriptions"}
DECLINED = Declined(code="card_declined", reason="Your card was declined.")


def step_of(world: World, signup: Signup, name: str) -> dict[str, Any]:
    return world.signups.get(signup.signup_id).steps[name]


def account_of(world: World, signup: Signup) -> str:
    return str(world.signups.get(signup.signup_id).account_id)


# -- the customer -------------------------------------------------------------------------------------------


def test_the_key_names_the_sign_up_and_its_attempt_and_nothing_personal(world: World) -> None:
    signup = before(world, "create_billing_customer", world.given_signup(attempt=2))
    run(world, "create_billing_customer", signup)
    assert list(world.billing.keys) == [f"signup/{signup.signup_id}/create-customer/2"]


def test_a_new_customer_is_found_again_by_account_and_by_customer(world: World) -> None:
    signup = before(world, "create_billing_customer", world.given_signup())
    run(world, "create_billing_customer", signup)
    account = world.accounts.find_by_customer("cus_0001")
    assert account is not None
    assert account.account_id == account_of(world, signup)


def test_a_refused_card_stops_the_sign_up_with_the_bank_s_reason(world: World) -> None:
    signup = before(world, "create_billing_customer", world.given_signup())
    world.billing.declines.append(DECLINED)
    assert run(world, "create_billing_customer", signup) == "stop"
    mark = step_of(world, signup, "create_billing_customer")
    assert mark["status"] == "failed"
    assert mark["error"] == "card declined (card_declined): Your card was declined."
    assert world.billing.customers == {}


def test_without_a_customer_no_subscription_is_asked_for(world: World) -> None:
    signup = before(world, "create_billing_customer", world.given_signup())
    world.billing.declines.append(DECLINED)
    run(world, "create_billing_customer", signup)
    assert run(world, "create_subscription", signup) == "stop"
    assert world.billing.calls["create_subscription"] == 0


def test_a_timeout_after_the_effect_is_retried_under_the_same_key(world: World) -> None:
    signup = before(world, "create_billing_customer", world.given_signup())
    world.billing.lost_answers.append(VendorUnavailable("timed out", outcome_unknown=True))
    with pytest.raises(RetryableError):
        run(world, "create_billing_customer", signup)
    assert run(world, "create_billing_customer", signup, retry_count=1) == "ok"
    assert len(world.billing.customers) == len(world.billing.keys) == 1


# -- the 24-hour rule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, find", [("create_billing_customer", "find_customer"), ("create_subscription", "find_subscription")]
)
def test_within_a_day_the_key_is_trusted_and_nothing_is_listed(world: World, name: str, find: str) -> None:
    signup = before(world, name, world.given_signup())
    world.clock.advance(22 * 3600)
    run(world, name, signup)
    assert world.billing.calls[find] == 0


@pytest.mark.parametrize("name", ["create_billing_customer", "create_subscription"])
def test_after_a_day_what_was_made_is_found_in_the_list_and_not_made_again(world: World, name: str) -> None:
    signup = before(world, name, world.given_signup())
    world.billing.lost_answers.append(VendorUnavailable("timed out", outcome_unknown=True))
    with pytest.raises(RetryableError):
        run(world, name, signup)
    world.clock.advance(DAY)
    world.billing.forget_keys()
    assert run(world, name, signup, retry_count=1) == "ok"
    assert len(world.billing.customers) == 1
    assert len(world.billing.subscriptions) <= 1
    assert world.billing.calls[CREATES[name]] == 1


@pytest.mark.parametrize(
    "name, made", [("create_billing_customer", "customers"), ("create_subscription", "subscriptions")]
)
def test_after_a_day_what_was_never_made_is_made(world: World, name: str, made: str) -> None:
    signup = before(world, name, world.given_signup())
    world.clock.advance(DAY)
    assert run(world, name, signup) == "ok"
    assert len(getattr(world.billing, made)) == 1


@pytest.mark.parametrize(
    "name, made", [("create_billing_customer", "customers"), ("create_subscription", "subscriptions")]
)
def test_a_look_up_that_fails_is_never_read_as_not_there(world: World, name: str, made: str) -> None:
    signup = before(world, name, world.given_signup())
    world.clock.advance(DAY)
    world.billing.errors += [VendorUnavailable("answered 500"), VendorUnavailable("timed out")]
    for retry_count in range(2):
        with pytest.raises(RetryableError):
            run(world, name, signup, retry_count=retry_count)
        assert getattr(world.billing, made) == {}
        assert world.billing.calls[CREATES[name]] == 0
    assert run(world, name, signup, retry_count=2) == "ok"
    assert len(getattr(world.billing, made)) == 1


# -- the subscription ---------------------------------------------------------------------------------------


def test_subscription_invoice_and_payment_are_recorded_with_their_events(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    assert run(world, "create_subscription", signup) == "ok"
    (subscription,), (invoice,), (payment,) = (
        world.rows(table) for table in ("subscriptions", "invoices", "payments")
    )
    assert (subscription["status"], subscription["plan"]) == ("active", "starter-monthly")
    assert (invoice["amount_due_minor"], invoice["currency"], payment["status"]) == (1900, "usd", "succeeded")
    assert {row["account_id"] for row in (subscription, invoice, payment)} == {account_of(world, signup)}
    assert world.events(account_of(world, signup))[2:] == [
        "subscription.created",
        "subscription.activated",
        "mrr.changed",
        "invoice.generated",
        "invoice.paid",
        "payment.succeeded",
    ]


def test_a_trial_starts_a_subscription_that_is_trialing(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup(trial=True, payment_method=None))
    assert run(world, "create_subscription", signup) == "ok"
    assert world.signups.get(signup.signup_id).subscription_status == "trialing"
    assert "subscription.trial_started" in world.events(account_of(world, signup))
    assert world.rows("payments") == []


@pytest.mark.parametrize(
    "payment, reason",
    [
        ("requires_action", "the card's owner has to authenticate the payment"),
        ("processing", "the bank has not confirmed the debit yet"),
    ],
)
def test_a_first_payment_that_somebody_has_to_confirm_is_waited_for(
    world: World, payment: str, reason: str
) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    world.billing.first_payment = payment
    assert run(world, "create_subscription", signup) == "pay"
    now = world.signups.get(signup.signup_id)
    assert now.waiting is not None
    assert (now.status, now.waiting["reasons"]) == ("provisioning", [reason])
    assert step_of(world, signup, "create_subscription")["status"] == "waiting"
    assert "onboarding.waiting" in world.events(account_of(world, signup))


def test_a_first_payment_that_was_declined_stops_the_sign_up_with_the_bank_s_reason(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    world.billing.first_payment = "failed"
    assert run(world, "create_subscription", signup) == "stop"
    reason = "card declined (card_declined): Your card was declined."
    assert step_of(world, signup, "create_subscription")["error"] == reason
    assert world.signups.get(signup.signup_id).subscription_id == "sub_0001"  # for whoever undoes it


def test_a_subscription_that_is_refused_stops_the_sign_up_with_the_reason(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    world.billing.declines.append(DECLINED)
    assert run(world, "create_subscription", signup) == "stop"
    assert "Your card was declined." in step_of(world, signup, "create_subscription")["error"]
    assert world.rows("subscriptions") == []


def test_a_replayed_answer_never_overwrites_what_sync_recorded_since(world: World) -> None:
    """The step's answer was lost, the customer cancelled, sync told of it, and the step comes again."""
    signup = before(world, "create_subscription", world.given_signup())
    account_id = account_of(world, signup)
    world.billing.lost_answers.append(VendorUnavailable("timed out", outcome_unknown=True))
    with pytest.raises(RetryableError):
        run(world, "create_subscription", signup)
    world.billing.change("sub_0001", status="canceled")
    world.billing.change("pi_0001", method="card", failure_reason=None)
    sync(world, account_id)
    told, rows = world.events(account_id), world.rows("subscriptions")
    assert rows[0]["status"] == "canceled"
    assert run(world, "create_subscription", signup, retry_count=1) == "ok"
    assert world.rows("subscriptions") == rows
    assert world.events(account_id) == told


def test_sync_that_writes_between_the_answer_and_the_record_wins(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    account_id = account_of(world, signup)

    def cancelled_meanwhile() -> None:
        world.billing.change("sub_0001", status="canceled")
        sync(world, account_id)

    world.store.meanwhile("transact", cancelled_meanwhile)
    with pytest.raises(RetryableError):
        run(world, "create_subscription", signup)
    assert run(world, "create_subscription", signup, retry_count=1) == "ok"
    assert world.rows("subscriptions")[0]["status"] == "canceled"
    told = world.events(account_id)
    assert len(set(told)) == len(told)


def sync(world: World, account_id: str) -> None:
    facts = world.billing.fetch("subscription", "sub_0001")
    assert facts is not None
    known = world.records.known({("subscriptions", "sub_0001")})
    world.records.record(
        facts, account_id=account_id, known=known, correlation_id="cor", now=world.clock.now()
    )


# -- what is on record stays --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CREATES)
def test_a_step_whose_id_is_on_record_asks_the_vendor_for_nothing(world: World, name: str) -> None:
    """A later execution, or an attempt that has moved on, must find the first one's object."""
    signup = before(world, name, world.given_signup())
    run(world, name, signup)
    world.signups.change(signup.signup_id, {"attempt": 7})
    keys = list(world.billing.keys)
    assert run(world, name, signup) == "ok"
    assert list(world.billing.keys) == keys
