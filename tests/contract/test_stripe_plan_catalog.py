"""The plan catalog at Stripe's stand-in: made once, changed with care, compared between accounts (C1)."""

from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from infra import plan_catalog, policy_files
from infra.local.stand_ins.serve import Running, running
from usher.adapters import stripe_catalog
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_price_keys import StripePrices
from usher.domain.errors import KeySpent, VendorUnavailable
from usher.domain.plans import PlanCatalog
from usher.domain.vendor_catalog import Entry

TODAY = date(2025, 11, 21)
METERED = {"api_calls": {"amount_minor": 50, "per": 1000, "currencies": {"eur": 45}}}
File = dict[str, Any]


class Account(StripeCalls):
    """One account at a stand-in; `breaks_after` writes it is cut off, once."""

    def __init__(self, stand_in: Running) -> None:
        super().__init__(api_base=stand_in.url, api_key="sk_test_1")
        self.breaks_after: int | None = None
        self.writes = 0

    def call(self, method: str, path: str, *rest: Any) -> dict[str, Any]:
        answer = super().call(method, path, *rest)  # what was cut off has been done all the same
        if method == "post":
            self.writes += 1
            if self.writes == self.breaks_after:
                raise VendorUnavailable("the line is dead", outcome_unknown=True)
        return answer

    def sells(self, wanted: list[Entry]) -> list[str]:
        """Bring it to what is wanted; what had to be done."""
        planned = plan_catalog.plan(wanted, self)
        return [f"{change.action} {change.key}" for change in plan_catalog.apply(planned, self)]

    def price(self, key: str) -> dict[str, Any]:
        (found,) = self.call("get", "/v1/prices", {"lookup_keys": [key], "active": True})["data"]
        return dict(found)


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Running, Running]]:
    with running("stripe") as one, running("stripe") as other:
        yield one, other


@pytest.fixture
def accounts(two: tuple[Running, Running]) -> Iterator[tuple[Account, Account]]:
    for each in two:
        each.stand_in.state.clear()
    found = Account(two[0]), Account(two[1])
    yield found
    for account in found:
        account.close()


@pytest.fixture
def account(accounts: tuple[Account, Account]) -> Account:
    return accounts[0]


@pytest.fixture
def file() -> File:
    content = deepcopy(policy_files.load("plans"))
    content["plans"]["pro-monthly"]["metered"] = METERED
    return content


def wanted(file: File) -> list[Entry]:
    return plan_catalog.of_file(PlanCatalog.model_validate(file), TODAY)


def test_all_of_it_is_made_and_made_once(account: Account, file: File) -> None:
    assert set(account.sells(wanted(file))) >= {"create api_calls", "create pro-monthly:api_calls.eur"}
    assert account.sells(wanted(file)) == []
    usage = account.price("pro-monthly:api_calls")
    assert (usage["unit_amount_decimal"], usage["recurring"]["usage_type"]) == ("0.05", "metered")
    product = account.call("get", "/v1/products/usher_pro")
    assert [each["name"] for each in product["marketing_features"]] == file["products"]["pro"]["features"]


def test_another_amount_is_another_price_and_who_subscribed_keeps_the_former_one(
    account: Account, file: File
) -> None:
    account.sells(wanted(file))
    former = account.price("pro-monthly.eur")
    customer = account.call("post", "/v1/customers", {"payment_method": "pm_card_visa"})["id"]
    card = account.call("get", f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    subscription = account.call(
        "post",
        "/v1/subscriptions",
        {"customer": customer, "items": [{"price": former["id"]}], "default_payment_method": card},
    )["id"]
    file["plans"]["pro-monthly"]["currencies"]["eur"] = 5500
    assert account.sells(wanted(file)) == ["change pro-monthly.eur"]
    assert account.price("pro-monthly.eur")["unit_amount"] == 5500
    archived = account.call("get", f"/v1/prices/{former['id']}")
    assert (archived["active"], archived["lookup_key"]) == (False, None)
    assert archived["metadata"]["plan"] == "pro-monthly"  # by which who is on it keeps the plan
    kept = account.call("get", f"/v1/subscriptions/{subscription}")["items"]["data"][0]["price"]
    assert (kept["id"], kept["unit_amount"]) == (former["id"], 4500)


def test_what_is_cut_off_anywhere_comes_to_the_same(account: Account, file: File) -> None:
    account.sells(wanted(file))
    file["plans"]["pro-monthly"] |= {"amount_minor": 5900, "name": "Professional"}
    file["promos"]["WELCOME20"]["percent_off"] = 25
    del file["plans"]["enterprise"], file["products"]["enterprise"]
    before, cut_off = account.writes, 0
    for write in range(1, 50):
        account.breaks_after = account.writes + write
        with suppress(VendorUnavailable):
            account.sells(wanted(file))
            break
        cut_off = write
    account.breaks_after = None
    assert cut_off > 2 and account.writes > before
    assert account.sells(wanted(file)) == []
    active = [price["lookup_key"] for price in account.pages("/v1/prices", {"active": True})]
    assert len(active) == len(set(active)) and "enterprise" not in active
    (code,) = account.call("get", "/v1/promotion_codes", {"code": "WELCOME20", "active": True})["data"]
    coupon = account.call("get", f"/v1/coupons/{code['promotion']['coupon']}")
    assert (coupon["percent_off"], coupon["applies_to"]) == (25, {"products": ["usher_starter"]})


def test_what_is_not_ours_is_left_alone_and_counted(account: Account, file: File) -> None:
    product = account.call("post", "/v1/products", {"name": "T-shirt"})["id"]
    account.call("post", "/v1/prices", {"product": product, "currency": "usd", "unit_amount": 1500})
    coupon = account.call("post", "/v1/coupons", {"percent_off": 5, "duration": "once"})["id"]
    account.call("post", "/v1/promotion_codes", {"promotion": {"type": "coupon", "coupon": coupon}})
    account.sells(wanted(file))
    by_hand = {
        "product": "usher_pro",
        "currency": "usd",
        "unit_amount": 1,
        "recurring": {"interval": "month"},
    }
    account.call("post", "/v1/prices", by_hand)
    planned = plan_catalog.plan(wanted(file), account)
    assert (planned.changes, planned.held.others) == ([], {"product": 1, "price": 2, "promo": 1})


def test_a_plan_that_went_and_came_back_has_its_former_price(account: Account, file: File) -> None:
    account.sells(wanted(file))
    former = account.price("enterprise")["id"]
    less = deepcopy(file)
    del less["plans"]["enterprise"]
    assert account.sells(wanted(less)) == [
        "archive enterprise",
        "archive enterprise",
    ]  # the price, the product
    assert account.sells(wanted(file)) == ["create enterprise", "create enterprise"]
    assert account.price("enterprise")["id"] == former


def test_a_catalog_of_before_products_is_taken_over(account: Account, file: File) -> None:
    old = {key: plan for key, plan in file["plans"].items() if not plan.get("metered")}
    old = {
        key: {name: v for name, v in plan.items() if name not in {"product", "limits"}}
        for key, plan in old.items()
    }
    account.sells(wanted({"currency": "usd", "plans": old}))
    account.sells(wanted(file))
    assert account.price("starter-yearly")["product"] == "usher_starter"
    assert account.call("get", "/v1/products/usher_starter-yearly")["active"] is False


def test_another_account_comes_to_sell_the_same(accounts: tuple[Account, Account], file: File) -> None:
    dev, prod = accounts
    dev.sells(wanted(file))
    prod.sells(wanted(file))
    file["plans"]["starter-monthly"]["amount_minor"] = 2100
    dev.sells(wanted(file))
    assert prod.sells(plan_catalog.of_account(dev)) == ["change starter-monthly"]
    assert prod.sells(wanted(file)) == []


def test_a_price_that_is_replaced_while_it_is_sold_asks_for_another_key(account: Account, file: File) -> None:
    account.sells(wanted(file))
    prices = StripePrices(account)
    customer = account.call("post", "/v1/customers", {})["id"]
    former = prices.of("pro-monthly")
    file["plans"]["pro-monthly"]["amount_minor"] = 5900
    account.sells(wanted(file))
    assert prices.of("pro-monthly") == former  # for a minute
    with pytest.raises(KeySpent), prices.selling("pro-monthly") as price:
        account.call("post", "/v1/subscriptions", {"customer": customer, "items": [{"price": price}]})
    assert prices.of("pro-monthly") == account.price("pro-monthly")["id"]


def test_a_code_that_was_redeemed_as_often_as_it_may_is_not_made_again(account: Account, file: File) -> None:
    file["promos"]["ONLYONE"] = {"percent_off": 50, "most": 1}
    account.sells(wanted(file))
    (code,) = account.call("get", "/v1/promotion_codes", {"code": "ONLYONE"})["data"]
    customer = account.call("post", "/v1/customers", {})["id"]
    params = {
        "customer": customer,
        "items": [{"price": account.price("free")["id"]}],
        "discounts": [{"promotion_code": code["id"]}],
    }
    account.call("post", "/v1/subscriptions", params)
    assert account.sells(wanted(file)) == []
    assert [entry.key for entry in stripe_catalog.held(account).entries if entry.spent] == ["ONLYONE"]
