"""Step CreateBillingCustomer: its key, declines, and answers that were lost."""

import pytest

from tests.fakes.steps import account_of, before, run, step_of
from tests.fakes.world import World
from usher.domain.errors import RetryableError, VendorUnavailable
from usher.ports.billing_facts import Declined

DECLINED = Declined(code="card_declined", reason="Your card was declined.")


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
