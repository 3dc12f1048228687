"""Admission of vendor calls: what was booked does not pay twice, all else takes its slot, a 429 is told."""

from copy import deepcopy
from typing import Any

import pytest

from infra import policy_files
from infra.catalog import FUNCTIONS, Function
from tests.fakes.world import World
from usher.adapters.stripe_calls import bucket
from usher.bootstrap import policies
from usher.bootstrap.admission import admission, trying
from usher.domain.errors import RateLimited, VendorUnavailable

LIMITED = {"stripe": {"calls": 100}, "stripe:*": {"calls": 10}}
PACED = {"stripe", "hubspot", "postmark"}


@pytest.fixture(autouse=True)
def limits(world: World) -> None:
    content: dict[str, Any] = deepcopy(policy_files.load_all())
    content["limits"]["local"] = {"buckets": LIMITED}
    policies.install(content)


def lines(world: World) -> set[str]:
    return {row["bucket"] for row in world.rows("buckets")}


def test_the_first_try_of_a_sign_up_s_calls_was_paid_by_dispatch(world: World) -> None:
    with trying(0), admission(world).call("stripe", "stripe:customers"):
        pass
    assert lines(world) == set()


def test_a_retry_takes_slots_of_the_vendor_and_of_the_endpoint(world: World) -> None:
    with trying(1), admission(world).call("stripe", "stripe:customers"):
        pass
    assert lines(world) == {"stripe", "stripe:customers"}


def test_a_first_try_of_what_dispatch_did_not_book_pays(world: World) -> None:
    with trying(0), admission(world).call("stripe", "stripe:delete-subscriptions"):
        pass
    assert lines(world) == {"stripe", "stripe:delete-subscriptions"}


def test_outside_of_steps_every_call_pays(world: World) -> None:
    with admission(world, "reserved").call("stripe", "stripe:customers"):
        pass
    assert lines(world) == {"stripe", "stripe:customers"}


def test_a_slot_less_than_a_second_ahead_is_waited_for(world: World) -> None:
    calls, began = admission(world, "reserved"), world.clock.now()
    for _ in range(2):
        with calls.call("stripe", "stripe:invoices-pay"):
            pass
    assert (world.clock.now() - began).total_seconds() == 0.5


def test_a_slot_further_ahead_sends_nothing_and_says_when(world: World) -> None:
    calls = admission(world)
    with pytest.raises(RateLimited), calls.call("stripe", "stripe:customers"):
        raise RateLimited("stripe: 429", retry_after=20)
    with pytest.raises(VendorUnavailable) as caught, calls.call("stripe", "stripe:customers"):
        pytest.fail("the vendor was called")
    assert caught.value.retry_after == pytest.approx(20)


def test_a_refusal_slows_the_endpoint_that_was_called_also_on_a_first_try(world: World) -> None:
    with pytest.raises(RateLimited), trying(0), admission(world).call("stripe", "stripe:customers"):
        raise RateLimited("stripe: 429")
    (row,) = world.rows("buckets")
    assert (row["bucket"], row["strain"]) == ("stripe:customers", 125)


def test_another_failure_slows_nothing(world: World) -> None:
    with pytest.raises(VendorUnavailable), trying(0), admission(world).call("stripe", "stripe:customers"):
        raise VendorUnavailable("stripe: 503")
    assert lines(world) == set()


def test_a_vendor_without_a_limit_costs_nothing(world: World) -> None:
    with admission(world).call("hubspot"):
        pass
    with pytest.raises(RateLimited), admission(world).call("hubspot"):
        raise RateLimited("hubspot: 429", retry_after=20)
    assert lines(world) == set()


@pytest.mark.parametrize(
    "method, path, expected",
    [
        ("post", "/v1/customers", "stripe:customers"),
        ("post", "/v1/customers/cus_1", "stripe:customers"),
        ("get", "/v1/customers/cus_1", "stripe:get-customers"),
        ("delete", "/v1/subscriptions/sub_1", "stripe:delete-subscriptions"),
        ("post", "/v1/invoices/in_1/pay", "stripe:invoices-pay"),
    ],
)
def test_each_endpoint_of_stripe_has_its_bucket(method: str, path: str, expected: str) -> None:
    assert bucket(method, path) == expected


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if PACED & set(f.vendors)], ids=lambda f: f.path)
def test_whoever_calls_a_limited_vendor_may_use_the_buckets(function: Function) -> None:
    assert ("buckets", "change") in function.tables, f"add it to {function.path} in infra/catalog.py"
