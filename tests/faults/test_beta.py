"""The end of the beta: each customer has an offer, and subscribing with it replaces the Beta plan (B10)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from functions.onboarding.end_beta_plans import handler as end_beta_plans
from tests.faults import world as worlds
from tests.faults.test_checkouts import beta_customer, entitled, pay
from tests.faults.world import World
from usher.ports.store import Update


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """A world in real time: nothing is skipped while a customer pays."""
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


def migrate(world: World, *accounts: str, **more: Any) -> tuple[int, Any]:
    day = (datetime.fromtimestamp(0, UTC) + timedelta(days=365 * 100)).date().isoformat()
    whom: dict[str, Any] = {"accounts": list(accounts)} if accounts else {"all": True}
    body = {**whom, "ends_on": day, "percent_off": 30, **more}
    present = {name: value for name, value in body.items() if value is not None}
    return world.call("POST", "/v1/beta/migrations", present, role="billing")


def outcomes(answer: Any) -> dict[str, str]:
    return {item["account_id"]: item["outcome"] for item in answer["items"]}


def offers(world: World) -> list[str]:
    """The paths of the offers that were mailed, in the order they went out."""
    held = world.vendors.objects()["postmark"].get("message", [])
    texts = [mail["TextBody"] for mail in held if mail["Tag"] == "beta-offer"]
    return [found.group() for text in texts if (found := re.search(r"/v1/offers/[\w.-]+", text))]


def let_the_day_come(world: World) -> None:
    """The day that Beta plans end at is over now."""
    for row in world.rows("subscriptions"):
        if "unbilled" in row:
            key = {"subscription_id": row["subscription_id"]}
            world.usher.store.write(Update("subscriptions", key, set={"ends_at": "2026-01-01T00:00:00.000Z"}))


def press(world: World, path: str, plan: str) -> tuple[int, str]:
    """Choose a plan on the page of an offer, as a browser would; returns the status and the page."""
    with urllib3.PoolManager(retries=False, timeout=10.0) as http:
        answer = http.request_encode_body(
            "POST", world.url + path, fields={"plan": plan}, encode_multipart=False
        )
        return answer.status, answer.data.decode()


def checkout_on(page: str) -> str:
    found = re.search(r"href='([^']+)'>Go to the checkout", page)
    assert found is not None, page
    return found.group(1)


def test_a_beta_customer_subscribes_with_the_offer_before_the_day(patient: World) -> None:
    account_id = beta_customer(patient)
    status, answer = migrate(patient, account_id)
    assert (status, outcomes(answer)) == (200, {account_id: "migrating"})
    patient.settle()
    assert entitled(patient, account_id)["plan"] == "beta"  # until the day
    (path,) = offers(patient)
    status, page = patient.call("GET", path)
    assert (status, "30 % off for 12 months" in page, "49.00 USD a month" in page) == (200, True, True)
    assert patient.vendors.objects()["stripe"].get("checkout.session", []) == []  # looking changes nothing
    status, page = press(patient, path, "pro-monthly")
    assert status == 200
    pay(patient, checkout_on(page))
    patient.settle()
    assert entitled(patient, account_id)["plan"] == "pro-monthly"
    (intent,) = patient.vendors.objects()["stripe"]["payment_intent"]
    assert intent["amount"] == 3430  # 49.00 less 30 %
    beta = next(row for row in patient.rows("subscriptions") if row["plan"] == "beta")
    assert (beta["status"], "unbilled" in beta) == ("canceled", False)
    assert patient.call("GET", path)[0] == 410
    assert press(patient, path, "pro-monthly")[0] == 410


def test_after_the_day_only_the_subscription_page_is_left_and_the_offer_still_leads_on(
    patient: World,
) -> None:
    account_id = beta_customer(patient)
    migrate(patient, account_id)
    patient.settle()
    (path,) = offers(patient)
    let_the_day_come(patient)
    found = entitled(patient, account_id)
    assert (found["enabled"], found["status"], found["page"]) == (False, "ended", "subscription")
    assert [end_beta_plans({}, None), end_beta_plans({}, None)] == [{"count": 1}, {"count": 0}]
    patient.settle()
    ended = [row["payload"] for row in patient.rows("events") if row["type"] == "subscription.canceled"]
    assert [each["plan"] for each in ended] == ["beta"]
    assert entitled(patient, account_id)["page"] == "subscription"
    pay(patient, checkout_on(press(patient, path, "pro-yearly")[1]))
    patient.settle()
    found = entitled(patient, account_id)
    assert (found["enabled"], found["plan"], found["page"]) == (True, "pro-yearly", "app")


def test_a_beta_plan_that_nobody_ended_never_ends(patient: World) -> None:
    account_id = beta_customer(patient)
    assert end_beta_plans({}, None) == {"count": 0}
    assert entitled(patient, account_id)["enabled"] is True


def test_migrating_again_sends_no_second_mail_and_another_offer_replaces_the_link(patient: World) -> None:
    account_id = beta_customer(patient)
    migrate(patient, account_id)
    patient.settle()
    assert outcomes(migrate(patient, account_id)[1]) == {account_id: "already"}
    patient.settle()
    (first,) = offers(patient)
    assert outcomes(migrate(patient, account_id, percent_off=50)[1]) == {account_id: "migrating"}
    patient.settle()
    _, second = offers(patient)
    assert [patient.call("GET", path)[0] for path in (first, second)] == [410, 200]
    acts = [row["subject"] for row in patient.rows("audit") if row["action"] == "beta.migrate"]
    assert acts == [account_id, account_id]


def test_all_means_everybody_on_the_beta_plan_and_nobody_else(patient: World) -> None:
    ada, bob = beta_customer(patient, "ada"), beta_customer(patient, "bob")
    paying = str(patient.wait_status(patient.sign_up("eve"), "active")["account_id"])
    status, answer = migrate(patient)
    assert (status, outcomes(answer)) == (200, {ada: "migrating", bob: "migrating"})
    _, answer = migrate(patient, paying, "acc_nobody")
    assert outcomes(answer) == {paying: "not_beta", "acc_nobody": "unknown"}


def test_a_promotion_code_has_to_be_one_that_can_be_redeemed(patient: World) -> None:
    account_id = beta_customer(patient)
    status, problem = migrate(patient, account_id, percent_off=None, promo="EARLYBIRD")
    assert (status, [each["field"] for each in problem["errors"]]) == (400, ["promo"])
    with patient.vendors.stripe() as stripe:
        coupon = stripe.coupons.create({"percent_off": 20, "duration": "once"})
        promotion = {"type": "coupon", "coupon": coupon.id}
        stripe.promotion_codes.create({"promotion": promotion, "code": "EARLYBIRD"})
    status, answer = migrate(patient, account_id, percent_off=None, promo="EARLYBIRD")
    assert (status, outcomes(answer)) == (200, {account_id: "migrating"})
    patient.settle()
    (path,) = offers(patient)
    pay(patient, checkout_on(press(patient, path, "starter-monthly")[1]))
    patient.settle()
    (intent,) = patient.vendors.objects()["stripe"]["payment_intent"]
    assert intent["amount"] == 1520  # 19.00 less 20 %


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"ends_on": "2020-01-01"}, ["ends_on"]),
        ({"ends_on": "2026-02-30"}, ["ends_on"]),
        ({"all": True}, ["accounts", "all"]),
        ({"promo": "X"}, ["promo", "percent_off"]),
        ({"percent_off": None}, ["promo", "percent_off"]),
        ({"percent_off": 101}, ["percent_off"]),
    ],
)
def test_a_bad_migration_names_its_fields(world: World, more: dict[str, Any], fields: list[str]) -> None:
    status, problem = migrate(world, "acc_x", **more)
    assert (status, [each["field"] for each in problem["errors"]]) == (400, fields)


def test_only_billing_may_migrate(world: World) -> None:
    body = {"all": True, "ends_on": "2099-01-01", "percent_off": 10}
    assert world.call("POST", "/v1/beta/migrations", body, role="support")[0] == 403


def test_a_link_that_is_none_of_ours_is_404(world: World) -> None:
    assert world.call("GET", "/v1/offers/made.up")[0] == 404
