"""Trials: the reminder, conversion, expiry by policy, extension, and the guard against a second one (B13)."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import world as worlds
from tests.faults.test_checkouts import entitled, pay
from tests.faults.world import World
from usher.domain import times

DAY = 24 * 3600


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[World]:
    """A world that gives nobody a second trial."""
    with worlds.opened(tmp_path, skipping=False, onboarding={"trial": {"repeat": "refuse"}}) as world:
        yield world


@pytest.fixture
def lenient(tmp_path: Path) -> Iterator[World]:
    """A world that pauses trials without a card, and lets a second one pass with a flag."""
    policy = {"trial": {"end_without_card": "pause", "repeat": "flag"}}
    with worlds.opened(tmp_path, skipping=False, onboarding=policy) as world:
        yield world


def on_trial(world: World, who: str = "ada", **values: Any) -> tuple[str, str]:
    """The account and the subscription of somebody on a trial."""
    signup_id = world.sign_up(who, trial=True, **values)
    found = world.wait_status(signup_id, "active")
    world.settle()
    return str(found["account_id"]), str(found["ids"]["subscription_id"])


def move_end(world: World, subscription_id: str, to: int | str) -> None:
    """The trial ends at another moment, without our doing it."""
    with world.vendors.stripe() as stripe:
        stripe.subscriptions.update(subscription_id, {"trial_end": to})
    world.settle()


def told(world: World, *types: str) -> list[str]:
    return [row["type"] for row in world.rows("events") if row["type"] in types]


def reminders(world: World) -> list[str]:
    held = world.vendors.objects()["postmark"].get("message", [])
    return [mail["TextBody"] for mail in held if mail["Tag"] == "trial-ending"]


def test_a_trial_with_a_card_is_reminded_of_and_becomes_a_paid_subscription(patient: World) -> None:
    account_id, subscription_id = on_trial(patient)
    assert entitled(patient, account_id)["status"] == "trialing"
    assert reminders(patient) == []
    move_end(patient, subscription_id, int(time.time()) + 2 * DAY)
    (mail,) = reminders(patient)
    assert "Your card is then charged 49.00 USD a month." in mail
    move_end(patient, subscription_id, "now")
    assert entitled(patient, account_id)["status"] == "active"
    assert told(patient, "subscription.trial_ending", "subscription.trial_converted") == [
        "subscription.trial_ending",
        "subscription.trial_converted",
    ]
    assert len(reminders(patient)) == 1


def test_the_paid_invoice_over_nothing_that_begins_a_trial_converts_nothing(patient: World) -> None:
    account_id, _ = on_trial(patient)
    (invoice,) = patient.vendors.objects()["stripe"]["invoice"]
    assert (invoice["status"], invoice["amount_due"]) == ("paid", 0)
    with patient.vendors.stripe() as stripe:  # any later ring of the bell about it
        stripe.invoices.update(invoice["id"], {"metadata": {"seen": "yes"}})
    patient.settle()
    assert entitled(patient, account_id)["status"] == "trialing"
    assert told(patient, "subscription.trial_converted", "subscription.activated") == []


def test_a_trial_without_a_card_is_reminded_of_and_ends(patient: World) -> None:
    account_id, subscription_id = on_trial(patient, payment_method=None)
    move_end(patient, subscription_id, int(time.time()) + 2 * DAY)
    (mail,) = reminders(patient)
    assert "We have no card of yours. Without one your plan ends" in mail
    move_end(patient, subscription_id, "now")
    found = entitled(patient, account_id)
    assert (found["enabled"], found["page"], found["status"]) == (False, "subscription", "ended")
    assert told(patient, "subscription.trial_converted") == []


def test_by_policy_a_trial_without_a_card_is_paused_and_a_checkout_takes_its_place(lenient: World) -> None:
    account_id, subscription_id = on_trial(lenient, payment_method=None)
    move_end(lenient, subscription_id, "now")
    found = entitled(lenient, account_id)
    assert (found["enabled"], found["page"], found["status"]) == (False, "subscription", "paused")
    assert told(lenient, "subscription.paused") == ["subscription.paused"]
    body = {"account_id": account_id, "return_url": "https://app.example.com"}
    status, answer = lenient.call("POST", "/v1/checkouts", body, role="product")
    assert status == 201
    pay(lenient, answer["url"])
    lenient.settle()
    assert entitled(lenient, account_id)["status"] == "active"
    held = {each["id"]: each["status"] for each in lenient.vendors.objects()["stripe"]["subscription"]}
    assert held.pop(subscription_id) == "canceled"
    assert list(held.values()) == ["active"]


def test_an_operator_gives_a_trial_more_days_once_per_request(patient: World) -> None:
    account_id, subscription_id = on_trial(patient)
    (before,) = [row["trial_end"] for row in patient.rows("subscriptions")]
    path, body = f"/v1/accounts/{account_id}/trial", {"days": 10, "reason": "they were ill"}
    headers = {"idempotency-key": "ten-days"}
    status, answer = patient.call("POST", path, body, role="billing", **headers)
    assert (status, answer["subscription_id"]) == (200, subscription_id)
    assert patient.call("POST", path, body, role="billing", **headers) == (status, answer)
    patient.settle()
    with patient.vendors.stripe() as stripe:
        end = stripe.subscriptions.retrieve(subscription_id).trial_end
    assert end - _seconds(before) == 10 * DAY
    assert _seconds(answer["trial_end"]) == end
    (audit,) = [row for row in patient.rows("audit") if row["action"] == "trial.extend"]
    assert (audit["reason"], audit["before"]) == ("they were ill", {"trial_end": before})
    assert told(patient, "subscription.trial_extended") == ["subscription.trial_extended"]


def test_what_is_no_trial_cannot_be_extended(world: World) -> None:
    account_id = world.wait_status(world.sign_up(), "active")["account_id"]
    body = {"days": 3, "reason": "a kindness"}
    status, problem = world.call("POST", f"/v1/accounts/{account_id}/trial", body, role="billing")
    assert (status, "no trial that runs; its subscriptions: active" in problem["detail"]) == (409, True)
    assert world.call("POST", "/v1/accounts/acc_nobody/trial", body, role="billing")[0] == 404
    assert world.call("POST", f"/v1/accounts/{account_id}/trial", body, role="support")[0] == 403


@pytest.mark.parametrize(
    ("again", "known_by"),
    [
        ({"email": "ada+two@example.com", "payment_method": "pm_card_mastercard"}, ["email"]),
        ({"email": "else@example.com", "payment_method": "pm_card_visa"}, ["card"]),
        ({"email": "ADA+x@example.com", "payment_method": "pm_card_visa"}, ["email", "card"]),
    ],
)
def test_a_second_trial_is_refused_and_the_sign_up_waits_for_its_first_payment(
    strict: World, again: dict[str, Any], known_by: list[str]
) -> None:
    on_trial(strict, "ada")
    signup_id = strict.sign_up("two", trial=True, **again)
    waiting = strict.wait_status(signup_id, "waiting_payment")
    assert waiting["waiting"]["reasons"] == [
        f"there is no second trial: the same {' and '.join(known_by)} had a trial before"
    ]
    assert worlds.eventually(lambda: "checkout_url" in strict.status(signup_id))
    assert len(strict.vendors.objects()["stripe"]["subscription"]) == 1  # nobody is charged unasked
    pay(strict, strict.status(signup_id)["checkout_url"])
    active = strict.wait_status(signup_id, "active")
    strict.settle()
    assert entitled(strict, active["account_id"])["status"] == "active"
    (event,) = [row["payload"] for row in strict.rows("events") if row["type"] == "trial.repeated"]
    assert (event["known_by"], event["outcome"]) == (known_by, "refused")


def test_by_policy_a_second_trial_passes_with_a_flag(lenient: World) -> None:
    on_trial(lenient, "ada")
    on_trial(lenient, "two", email="ada+two@example.com")
    (event,) = [row["payload"] for row in lenient.rows("events") if row["type"] == "trial.repeated"]
    assert (event["known_by"], event["outcome"]) == (["email", "card"], "flagged")
    posts = [post["text"] for post in lenient.vendors.objects()["slack"]["message"]]
    assert any("A second trial was asked for and flagged" in text for text in posts)


def test_two_people_may_each_have_a_trial_and_no_other_sign_up_is_claimed(patient: World) -> None:
    on_trial(patient, "ada")
    on_trial(patient, "bob", payment_method="pm_card_mastercard")
    patient.wait_status(patient.sign_up("eve"), "active")
    claims = [row["claim"].partition("#")[0] for row in patient.rows("claims")]
    assert sorted(claims) == ["email"] * 3 + ["trial-card"] * 2 + ["trial-email"] * 2


def _seconds(moment: str) -> int:
    return int(times.moment(moment).timestamp())
