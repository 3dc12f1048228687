"""Accounts that exist subscribe at a checkout: once, however many tabs they open (scenario 5, B10)."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.billing import create_subscription
from tests.faults import world as worlds
from tests.faults.repairs import bug, failures, redrive
from tests.faults.world import World

BACK = "https://app.example.com/thanks"


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """A world in real time: nothing is skipped while a customer pays."""
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


def beta_customer(world: World, who: str = "ada") -> str:
    """The account of somebody who came in by an invitation and is on the Beta plan."""
    _, made = world.call("POST", "/v1/invitations", {}, role="support")
    key = made["items"][0]["key"]
    signup_id = world.sign_up(who, plan="beta", payment_method=None, invitation_key=key)
    return str(world.wait_status(signup_id, "active")["account_id"])


def checkout(world: World, account_id: str, plan: str = "pro-monthly") -> str:
    body = {"account_id": account_id, "plan": plan, "return_url": BACK}
    status, answer = world.call("POST", "/v1/checkouts", body, role="product")
    assert status == 201, answer.get("errors")
    return str(answer["url"])


def pay(world: World, url: str, card: str = "pm_card_visa") -> None:
    order = {"session": url, "payment_method": card}
    (result,) = world.vendors.control("stripe", "POST", "pay", order)["results"]
    assert result["status"] == 200, result


def entitled(world: World, account_id: str) -> dict[str, Any]:
    status, answer = world.call("GET", f"/v1/accounts/{account_id}/entitlements", role="product")
    assert status == 200
    return dict(answer)


def test_a_beta_customer_who_subscribes_leaves_the_beta_plan(patient: World) -> None:
    account_id = beta_customer(patient)
    assert entitled(patient, account_id)["plan"] == "beta"
    pay(patient, checkout(patient, account_id))
    patient.settle()
    found = entitled(patient, account_id)
    assert (found["enabled"], found["plan"], found["status"]) == (True, "pro-monthly", "active")
    rows = {row["plan"]: row for row in patient.rows("subscriptions")}
    assert rows["beta"]["status"] == "canceled"
    assert rows["beta"]["replaced_by"] == rows["pro-monthly"]["subscription_id"]
    (account,) = patient.rows("accounts")
    assert account["subscription_id"] == rows["pro-monthly"]["subscription_id"]
    (customer,) = patient.vendors.objects()["stripe"]["customer"]
    assert (account["customer_id"], customer["metadata"]["account_id"]) == (customer["id"], account_id)


def test_a_checkout_takes_another_currency_and_a_code(patient: World) -> None:
    account_id = beta_customer(patient)
    body = {"account_id": account_id, "plan": "starter-yearly", "return_url": BACK}
    for wrong, field in (
        ({"currency": "gbp"}, "currency"),
        ({"promo": "NOTHING"}, "promo"),
        ({"promo": "WELCOME20", "plan": "pro-yearly"}, "promo"),
    ):
        status, problem = patient.call("POST", "/v1/checkouts", {**body, **wrong}, role="product")
        assert (status, [each["field"] for each in problem["errors"]]) == (400, [field])
    wanted = {**body, "currency": "eur", "promo": "welcome20"}
    status, answer = patient.call("POST", "/v1/checkouts", wanted, role="product")
    assert status == 201, answer.get("errors")
    pay(patient, answer["url"])
    patient.settle()
    (payment,) = patient.rows("payments")
    assert (payment["currency"], payment["amount_minor"]) == ("eur", 14400)  # 180.00 less a fifth
    assert entitled(patient, account_id)["plan"] == "starter-yearly"


def test_two_tabs_complete_two_checkouts_and_one_subscription_is_kept(patient: World) -> None:
    account_id = beta_customer(patient)
    first, second = checkout(patient, account_id), checkout(patient, account_id, "starter-monthly")
    pay(patient, first)
    pay(patient, second)
    patient.settle()
    held = patient.vendors.objects()["stripe"]
    by_status = {each["status"]: each for each in held["subscription"]}
    assert set(by_status) == {"active", "canceled"} and len(held["subscription"]) == 2
    (refund,) = held["refund"]
    refused = by_status["canceled"]["id"]
    amount = {"pro-monthly": 4900, "starter-monthly": 1900}[by_status["canceled"]["metadata"]["plan"]]
    assert (refund["status"], refund["amount"]) == ("succeeded", amount)
    local = {row["subscription_id"]: row["status"] for row in patient.rows("subscriptions")}
    assert (local[refused], local[by_status["active"]["id"]]) == ("canceled", "active")
    (audit,) = [row for row in patient.rows("audit") if row["action"] == "subscription.refuse"]
    assert (audit["subject"], audit["actor"]) == (refused, "usher")
    told = [row for row in patient.rows("events") if row["type"] == "subscription.refused"]
    assert [row["payload"]["subscription_id"] for row in told] == [refused]
    posts = [post["text"] for post in patient.vendors.objects()["slack"]["message"]]
    assert any("A second subscription was cancelled and paid back" in text for text in posts)
    assert entitled(patient, account_id)["enabled"] is True


def test_an_account_whose_subscription_runs_is_refused_with_its_state(patient: World) -> None:
    signup_id = patient.sign_up()
    account_id = str(patient.wait_status(signup_id, "active")["account_id"])
    body = {"account_id": account_id, "plan": "starter-monthly", "return_url": BACK}
    status, problem = patient.call("POST", "/v1/checkouts", body, role="product")
    assert (status, "a subscription to pro-monthly that is active" in problem["detail"]) == (409, True)


def test_a_sign_up_that_waits_for_its_payment_has_its_page_already(patient: World) -> None:
    signup_id = patient.sign_up(payment_method=None, trial=False)
    waiting = patient.wait_status(signup_id, "waiting_payment")
    assert worlds.eventually(lambda: "checkout_url" in patient.status(signup_id))
    url = patient.status(signup_id)["checkout_url"]
    body = {"account_id": waiting["account_id"], "return_url": BACK}
    assert patient.call("POST", "/v1/checkouts", body, role="product") == (201, {"url": url})
    status, problem = patient.call("POST", "/v1/checkouts", body | {"plan": "pro-yearly"}, role="product")
    assert (status, "waits for its first payment" in problem["detail"]) == (409, True)


def test_one_stored_failure_of_the_customer_s_key_costs_a_try_and_no_more(patient: World) -> None:
    account_id = beta_customer(patient)
    patient.vendors.fault("stripe", "POST /v1/customers", "500")  # kept under its key, and told again
    body = {"account_id": account_id, "plan": "pro-monthly", "return_url": BACK}
    tries = [patient.call("POST", "/v1/checkouts", body, role="product")[0] for _ in range(3)]
    assert tries[-1] == 201, tries
    assert len(patient.vendors.objects()["stripe"]["customer"]) == 1


def test_a_failed_sign_up_cannot_buy_beside_the_redrive_that_will_bill_it(
    patient: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(create_subscription, "create_subscription", bug)
        signup_id = patient.sign_up()
        account_id = str(patient.wait_status(signup_id, "failed")["account_id"])
        patient.settle()
    body = {"account_id": account_id, "plan": "pro-monthly", "return_url": BACK}
    status, problem = patient.call("POST", "/v1/checkouts", body, role="product")
    assert (status, "its sign-up is failed" in problem["detail"]) == (409, True)
    (failure,) = failures(patient)
    assert redrive(patient, failure)[0] == 202
    patient.settle()
    (subscription,) = patient.vendors.objects()["stripe"]["subscription"]
    (account,) = patient.rows("accounts")
    assert (subscription["status"], account["subscription_id"]) == ("active", subscription["id"])


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"plan": "beta"}, 400, "plan"),
        ({"plan": "enterprise"}, 400, "plan"),
        ({"return_url": "javascript:alert(1)"}, 400, "return_url"),
        ({"account_id": "acc_nobody"}, 404, None),
    ],
)
def test_a_checkout_that_cannot_be_is_refused(
    world: World, wrong: dict[str, Any], status: int, field: str | None
) -> None:
    body = {"account_id": beta_customer(world), "plan": "pro-monthly", "return_url": BACK, **wrong}
    answered, problem = world.call("POST", "/v1/checkouts", body, role="product")
    assert answered == status
    assert [each["field"] for each in problem.get("errors", ())] == ([field] if field else [])


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("POST /v1/refunds", "fail_before"),
        ("POST /v1/refunds", "fail_after"),
        ("DELETE /v1/subscriptions/{id}", "fail_before"),
        ("DELETE /v1/subscriptions/{id}", "fail_after"),
    ],
)
def test_a_refusal_that_fails_half_way_is_finished_once(world: World, operation: str, fault: str) -> None:
    account_id = beta_customer(world)
    first, second = checkout(world, account_id), checkout(world, account_id)
    world.vendors.fault("stripe", operation, fault)
    pay(world, first)
    pay(world, second)
    world.wait_struck("stripe")
    world.settle()
    held = world.vendors.objects()["stripe"]
    assert sorted(each["status"] for each in held["subscription"]) == ["active", "canceled"]
    assert [refund["amount"] for refund in held["refund"]] == [4900]
    told = [row["type"] for row in world.rows("events") if row["type"] == "subscription.refused"]
    assert told == ["subscription.refused"]


def test_a_customer_s_portal_shows_what_they_pay(patient: World) -> None:
    signup_id = patient.sign_up("ada", plan="pro-monthly")
    account_id = str(patient.wait_status(signup_id, "active")["account_id"])
    body = {"account_id": account_id, "return_url": BACK}
    status, answer = patient.call("POST", "/v1/portal-sessions", body, role="product")
    assert status == 201, answer
    with urllib.request.urlopen(answer["url"], timeout=5) as page:
        shown = page.read().decode()
    assert "Your billing" in shown and BACK in shown
    refused = {"account_id": account_id, "return_url": "javascript:alert(1)"}
    status, problem = patient.call("POST", "/v1/portal-sessions", refused, role="product")
    assert (status, [each["field"] for each in problem["errors"]]) == (400, ["return_url"])
