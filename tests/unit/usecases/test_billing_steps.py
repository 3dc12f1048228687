"""What the steps that create at Stripe promise alike: made once, after a day found first, then left alone.

Row B3 of docs/product.md.
"""

from datetime import timedelta

import pytest

from tests.fakes.steps import before, run
from tests.fakes.world import World
from usher.domain.errors import RetryableError, VendorUnavailable

DAY = timedelta(hours=24).total_seconds()
CREATES = {"create_billing_customer": "create_customer", "create_subscription": "create_subscription"}
FINDS = {"create_billing_customer": "find_customer", "create_subscription": "find_subscription"}
MADE = {"create_billing_customer": "customers", "create_subscription": "subscriptions"}


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
