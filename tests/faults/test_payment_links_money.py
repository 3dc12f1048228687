"""Payment links: money that is double, wrong or late goes back; scenarios 10 and 11."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import world as worlds
from tests.faults.census import living
from tests.faults.links import close_now, held, mails, pay, quiet, record, sell, told, wait_stage
from tests.faults.repairs import failures
from tests.faults.world import World


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """A world in real time: nobody skips to a deadline while a customer pays."""
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


def test_a_link_paid_twice_keeps_one_payment_and_gives_the_other_back(patient: World) -> None:
    link = sell(patient)
    with patient.vendors.stripe() as stripe:
        twice: Any = {"restrictions": {"completed_sessions": {"limit": 2}}}
        stripe.payment_links.update(record(patient, link)["link_id"], twice)
    assert [page["status"] for page in pay(patient, link, times=2)] == [200, 200]
    wait_stage(patient, link, "welcome_sent")
    quiet(patient)
    (refund,) = held(patient, "stripe", "refund")
    paid = {payment["id"] for payment in held(patient, "stripe", "payment_intent")}
    assert refund["payment_intent"] in paid - {record(patient, link)["payment_id"]}
    (returned,) = told(patient, link, "onboarding.payment_returned")
    assert (returned["reason"], returned["amount_minor"]) == ("the link was paid twice", 1000)
    (refused,) = patient.status(link["signup_id"])["refused"]
    assert refused["refunds"] == [refund["id"]]
    assert len(held(patient, "product", "credit")) == 1


def test_a_plan_paid_twice_runs_once(patient: World) -> None:
    link = sell(patient, plan="pro-monthly")
    with patient.vendors.stripe() as stripe:
        twice: Any = {"restrictions": {"completed_sessions": {"limit": 2}}}
        stripe.payment_links.update(record(patient, link)["link_id"], twice)
    pay(patient, link, times=2)
    wait_stage(patient, link, "welcome_sent")
    quiet(patient)
    statuses = sorted(each["status"] for each in held(patient, "stripe", "subscription"))
    assert statuses == ["active", "canceled"]
    assert len(held(patient, "stripe", "refund")) == 1
    closed = [each["metadata"].get("usher_closed") for each in held(patient, "stripe", "customer")]
    assert sorted(closed, key=str) == [None, "true"]


def test_a_plan_paid_at_a_link_beside_a_subscription_that_runs_goes_back_and_gives_nothing(
    patient: World,
) -> None:
    """While the link for a plan is open, the account subscribes at a checkout."""
    first = sell(patient)
    pay(patient, first)
    wait_stage(patient, first, "welcome_sent")
    quiet(patient)
    link = sell(patient, plan="pro-monthly")
    body = {
        "account_id": link["account_id"],
        "plan": "starter-monthly",
        "return_url": "https://x.example.com",
    }
    status, answer = patient.call("POST", "/v1/checkouts", body, role="product")
    assert status == 201, answer
    patient.vendors.control("stripe", "POST", "pay", {"session": answer["url"]})
    quiet(patient)
    (began,) = held(patient, "stripe", "subscription")
    pay(patient, link)
    now = wait_stage(patient, link, "rolled_back")
    quiet(patient)
    assert "the account has a running subscription" in now["failure"]["reason"]
    running = [each["id"] for each in held(patient, "stripe", "subscription") if each["status"] == "active"]
    assert running == [began["id"]]
    assert [refund["amount"] for refund in held(patient, "stripe", "refund")] == [4900]
    (account,) = patient.rows("accounts")
    assert (account["subscription_id"], account["plan"]) == (began["id"], "starter-monthly")
    assert [tenant["plan"] for tenant in held(patient, "product", "tenant")] != ["pro-monthly"]
    assert len(held(patient, "product", "credit")) == 1  # those of the first link


def test_a_wrong_amount_is_given_back_and_nothing_is_provisioned(patient: World) -> None:
    """Somebody lets a promotion code in at Stripe, and the customer pays half."""
    link = sell(patient)
    with patient.vendors.stripe() as stripe:
        coupon = stripe.coupons.create({"percent_off": 50, "duration": "once"})
        half: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HALF"}
        stripe.promotion_codes.create(half)
        stripe.payment_links.update(record(patient, link)["link_id"], {"allow_promotion_codes": True})
    assert pay(patient, link, promotion_code="HALF")[0]["status"] == 200
    now = wait_stage(patient, link, "rolled_back")
    quiet(patient)
    assert "the amount is wrong: 500 usd instead of 1000 usd" in now["failure"]["reason"]
    assert failures(patient) == []
    (refund,) = held(patient, "stripe", "refund")
    assert refund["amount"] == 500
    assert held(patient, "product", "credit") == [] and living(patient.vendors.objects()) == {}
    assert len(told(patient, link, "onboarding.payment_returned")) == 1


def test_what_cannot_be_provisioned_is_paid_back_in_full_and_told(patient: World) -> None:
    patient.vendors.fault("product", "PUT /v1/tenants/{tenant_id}/credits/{grant}", "400", count=None)
    link = sell(patient)
    pay(patient, link)
    now = wait_stage(patient, link, "rolled_back")
    quiet(patient)
    assert (now["status"], now["failure"]["step"]) == ("rolled_back", "provision_link")
    (refund,) = held(patient, "stripe", "refund")
    assert refund["amount"] == 1000
    assert living(patient.vendors.objects()) == {}


def test_a_paid_link_that_a_vendor_refused_is_on_the_list_of_failures(patient: World) -> None:
    patient.vendors.fault("product", "PUT /v1/tenants/{account_id}", "400")
    link = sell(patient, plan="pro-monthly")
    pay(patient, link)
    wait_stage(patient, link, "rolled_back")
    quiet(patient)
    (failure,) = failures(patient)
    assert (failure["kind"], failure["step"]) == ("rolled_back", "provision_link")
    assert (failure["subject"], failure["account_id"]) == (link["signup_id"], link["account_id"])


def test_the_bank_s_refusal_ends_the_onboarding(tmp_path: Path) -> None:
    with worlds.opened(tmp_path, skipping=False) as world:
        link = sell(world, plan="pro-monthly")
        pay(world, link, payment_method="pm_usBankAccount_accountClosed")
        (payment,) = held(world, "stripe", "payment_intent")
        world.vendors.control("stripe", "POST", "settle_payment", {"payment_intent": payment["id"]})
        now = wait_stage(world, link, "rolled_back")
        world.settle()
        assert "did not go through" in now["failure"]["reason"]
        assert failures(world) == []  # the customer's own outcome
        assert living(world.vendors.objects()) == {}


# -- the deadline ----------------------------------------------------------------------------------------


def test_a_link_that_nobody_pays_expires_is_closed_and_told(world: World) -> None:
    link = sell(world, email="acme@example.com")
    world.settle()
    now = world.status(link["signup_id"])
    assert (now["status"], now["stage"]) == ("expired", "expired")
    assert pay(world, link)[0]["status"] == 410
    assert len(mails(world, "payment-link")) == 2  # the link, and the reminder
    assert len(told(world, link, "onboarding.expired")) == 1
    assert held(world, "product", "team") == []


def test_a_payment_before_the_link_is_closed_counts_though_its_deadline_has_passed(patient: World) -> None:
    link = sell(patient)
    pay(patient, link)
    assert close_now(link) == "ok"
    assert wait_stage(patient, link, "welcome_sent")["status"] == "active"
    quiet(patient)
    assert held(patient, "stripe", "refund") == []


def test_once_a_link_is_closed_nobody_can_pay_not_even_at_a_page_that_is_open(patient: World) -> None:
    link = sell(patient)
    opened = pay(patient, link, payment_method="pm_card_threeDSecure2Required")[0]["now"]
    assert opened["status"] == "open"
    assert close_now(link) == "stop"
    (session,) = held(patient, "stripe", "checkout.session")
    assert session["status"] == "expired"
    assert pay(patient, link)[0]["status"] == 410
    assert record(patient, link)["verdict"]["status"] == "expired"


def test_money_that_comes_after_the_end_goes_back(tmp_path: Path) -> None:
    """Somebody opens the link again at Stripe after it expired, and it is paid."""
    with worlds.opened(tmp_path) as world:
        link = sell(world)
        world.settle()
        with world.vendors.stripe() as stripe:
            stripe.payment_links.update(record(world, link)["link_id"], {"active": True})
        assert pay(world, link)[0]["status"] == 200
        world.settle()
        (refund,) = held(world, "stripe", "refund")
        assert refund["amount"] == 1000
        (returned,) = told(world, link, "onboarding.payment_returned")
        assert returned["reason"] == "the link had ended"
        assert world.status(link["signup_id"])["status"] == "expired"
        assert held(world, "product", "credit") == []
