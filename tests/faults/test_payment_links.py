"""Onboarding by payment link: a phone, a link, a payment, an account; late, double and wrong money (B9).

Scenarios 10 and 11. Time is real where a customer pays, and skips where a deadline is to pass.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.onboarding.open_check_task import handler as open_check_task
from tests.faults import world as worlds
from tests.faults.census import living
from tests.faults.links import PHONE, close_now, command, held, mails, pay, quiet, sell, told, wait_stage
from tests.faults.world import World


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """A world in real time: nobody skips to a deadline while a customer pays."""
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


# -- the way it should go --------------------------------------------------------------------------------


def test_credits_paid_at_a_link_are_there_within_ten_seconds_and_welcomed(patient: World) -> None:
    link = sell(patient, name="Acme", email="acme@example.com")
    assert (link["team"], link["amount_minor"], link["currency"]) == ("created", 1000, "usd")
    wait_stage(patient, link, "quotation_sent")
    assert pay(patient, link)[0]["status"] == 200
    now = wait_stage(patient, link, "welcome_sent")
    quiet(patient)
    assert (now["status"], now["kind"]) == ("active", "payment_link")
    assert list(now["stages"]) == ["quotation_sent", "link_opened", "paid", "activated", "welcome_sent"]
    assert now["seconds_paid_to_active"] <= 10
    assert [step["status"] for step in now["steps"]] == ["done"] * 6
    (credit,) = held(patient, "product", "credit")
    assert (credit["amount"], credit["grant"]) == (500, f"link-{link['signup_id']}")
    assert [account["status"] for account in patient.rows("accounts")] == ["active"]
    assert (len(mails(patient, "payment-link")), len(mails(patient, "link-welcome"))) == (1, 1)
    stages = [event["stage"] for event in told(patient, link, "onboarding.stage_changed")]
    assert sorted(stages) == sorted(now["stages"])


def test_a_plan_paid_at_a_link_runs_and_no_vendor_holds_what_no_record_names(patient: World) -> None:
    link = sell(patient, plan="pro-monthly", name="Acme")
    pay(patient, link)
    now = wait_stage(patient, link, "welcome_sent")
    quiet(patient)
    (customer,), (subscription,) = (
        held(patient, "stripe", "customer"),
        held(patient, "stripe", "subscription"),
    )
    assert (customer["id"], subscription["id"]) == (now["ids"]["customer_id"], now["ids"]["subscription_id"])
    assert customer["metadata"]["account_id"] == now["account_id"]
    names = {"phone": PHONE, "team_id": link["team_id"], "plan": "pro-monthly"}
    assert names.items() <= subscription["metadata"].items()
    assert "Acme" in subscription["description"] and PHONE in subscription["description"]
    (tenant,), (flags,) = held(patient, "product", "tenant"), held(patient, "product", "flags")
    assert (tenant["plan"], flags["flags"]["sso"]) == ("pro-monthly", True)
    (account,) = patient.rows("accounts")
    assert (account["customer_id"], account["plan"]) == (customer["id"], "pro-monthly")
    assert {row["status"] for row in patient.rows("subscriptions")} == {"active"}
    assert {row["state"] for row in patient.rows("inbox")} == {"done"}  # no event found nobody to belong to
    assert patient.rows("failures") == []


def test_the_metadata_reach_the_payment_and_say_what_customer_success_sold(patient: World) -> None:
    link = sell(patient, name="Acme")
    pay(patient, link)
    wait_stage(patient, link, "welcome_sent")
    (payment,) = held(patient, "stripe", "payment_intent")
    names = {"phone": PHONE, "team_id": link["team_id"], "credits": "500", "account_id": link["account_id"]}
    assert names.items() <= payment["metadata"].items()
    assert payment["description"] == f"Team Acme, contact Acme, {PHONE}: 500 credits"


def test_a_bank_debit_is_waited_for_until_the_bank_confirms_it(tmp_path: Path) -> None:
    with worlds.opened(tmp_path, skipping=False, stripe={"clearing_seconds": 3600}) as world:
        link = sell(world)
        assert pay(world, link, payment_method="pm_usBankAccount")[0]["now"]["payment_status"] == "unpaid"
        quiet(world)
        assert world.status(link["signup_id"])["status"] == "waiting_payment"
        assert close_now(link) == "pay"  # the deadline does not end what is under way
        (payment,) = held(world, "stripe", "payment_intent")
        world.vendors.control("stripe", "POST", "settle_payment", {"payment_intent": payment["id"]})
        wait_stage(world, link, "welcome_sent")


# -- teams -----------------------------------------------------------------------------------------------


def test_a_team_that_is_there_is_linked_and_not_made_again(patient: World) -> None:
    seeded = patient.vendors.control("product", "POST", "teams", {"teams": [{"name": "Old", "phone": PHONE}]})
    link = sell(patient)
    assert (link["team"], link["team_id"]) == ("linked", seeded["items"][0]["id"])
    pay(patient, link)
    wait_stage(patient, link, "welcome_sent")
    (team,), (tenant,) = held(patient, "product", "team"), held(patient, "product", "tenant")
    assert (team["account_id"], tenant["company"]) == (link["account_id"], "Old")


def test_two_teams_of_one_phone_ask_which_one_and_make_nothing(patient: World) -> None:
    teams = [{"name": "East", "phone": PHONE}, {"name": "West", "phone": PHONE}]
    seeded = patient.vendors.control("product", "POST", "teams", {"teams": teams})["items"]
    status, problem = patient.call("POST", "/v1/onboardings", {"phone": PHONE, "credits": 500})
    assert (status, problem["title"]) == (409, "Conflict")
    wanted = [{"team_id": each["id"], "name": each["name"]} for each in seeded]
    assert sorted(problem["candidates"], key=str) == sorted(wanted, key=str)
    assert patient.rows("signups") == [] and held(patient, "stripe", "payment_link") == []
    west = next(each["id"] for each in seeded if each["name"] == "West")
    assert sell(patient, team_id=west)["team_id"] == west


def test_the_same_thing_for_the_same_phone_is_the_same_link_while_it_is_open(patient: World) -> None:
    first = sell(patient)
    status, second = patient.call("POST", "/v1/onboardings", {"phone": "+852 5123 4567", "credits": 500})
    assert (status, second["signup_id"], second["url"]) == (200, first["signup_id"], first["url"])
    assert sell(patient, credits=600)["url"] != first["url"]
    pay(patient, first)
    wait_stage(patient, first, "welcome_sent")
    again = sell(patient)  # the first one is paid: this is another sale to the same team and account
    assert (again["team"], again["account_id"]) == ("linked", first["account_id"])
    pay(patient, again)
    wait_stage(patient, again, "welcome_sent")
    assert sum(credit["amount"] for credit in held(patient, "product", "credit")) == 1000


def test_a_second_plan_for_an_account_that_pays_for_one_is_refused(patient: World) -> None:
    link = sell(patient, plan="pro-monthly")
    pay(patient, link)
    wait_stage(patient, link, "welcome_sent")
    quiet(patient)
    status, problem = patient.call("POST", "/v1/onboardings", {"phone": PHONE, "plan": "starter-monthly"})
    assert (status, "running subscription" in problem["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "12345", "credits": 500}, "phone"),
        ({"phone": PHONE, "plan": "free"}, "plan"),
        ({"phone": PHONE, "plan": "gold"}, "plan"),
        ({"phone": PHONE, "credits": 0}, "credits"),
        ({"phone": PHONE, "credits": 5}, "credits"),
        ({"phone": PHONE}, "plan credits"),
        ({"phone": PHONE, "credits": 500, "plan": "pro-monthly"}, "plan credits"),
        ({"phone": PHONE, "credits": 500, "deadline": "tomorrow"}, "deadline"),
        ({"phone": PHONE, "credits": 500, "deadline": "2020-01-01T00:00:00Z"}, "deadline"),
        ({"phone": PHONE, "credits": 500, "team_id": "team_unknown"}, "team_id"),
        ({"phone": PHONE, "credits": 500, "price": 1}, "price"),
    ],
)
def test_what_cannot_be_sold_is_named(patient: World, body: dict[str, Any], field: str) -> None:
    status, problem = patient.call("POST", "/v1/onboardings", body)
    assert (status, [error["field"] for error in problem["errors"]]) == (400, field.split())


# -- cancel, resend, check -------------------------------------------------------------------------------


def test_a_cancelled_link_takes_no_money_and_leaves_nothing(patient: World) -> None:
    link = sell(patient)
    path = f"/v1/onboardings/{link['signup_id']}/cancel"
    assert patient.call("POST", path, {"reason": "ordered by mistake"})[0] == 200
    assert pay(patient, link)[0]["status"] == 410
    now = wait_stage(patient, link, "cancelled")
    quiet(patient)
    assert (now["status"], now["failure"]["reason"]) == ("rejected", "cancelled: ordered by mistake")
    assert [row["status"] for row in patient.rows("accounts")] == ["closed"]
    assert living(patient.vendors.objects()) == {} and held(patient, "product", "team") == []
    assert patient.call("POST", path, {"reason": "again"})[0] == 200  # one effect
    audited = [row["action"] for row in patient.rows("audit")]
    assert sorted(audited) == ["onboarding.cancel", "onboarding.create"]


def test_a_paid_link_cannot_be_cancelled(patient: World) -> None:
    link = sell(patient)
    pay(patient, link)
    status, problem = patient.call("POST", f"/v1/onboardings/{link['signup_id']}/cancel", {"reason": "late"})
    assert status == 409, problem
    assert wait_stage(patient, link, "welcome_sent")["status"] == "active"


def test_a_link_is_sent_again_to_another_address(patient: World) -> None:
    link = sell(patient)
    wait_stage(patient, link, "quotation_sent")
    path = f"/v1/onboardings/{link['signup_id']}/resend"
    assert patient.call("POST", path, {})[0] == 409  # nobody told an address yet
    assert patient.call("POST", path, {"email": "new@example.com"})[0] == 200
    assert patient.call("POST", path, {})[0] == 200
    assert worlds.eventually(lambda: len(mails(patient, "payment-link")) == 2)
    (first, second) = mails(patient, "payment-link")
    assert link["url"] in first["TextBody"] and link["url"] in second["TextBody"]


def test_somebody_looks_at_the_account_a_day_later_and_signs_it_off(patient: World) -> None:
    link = sell(patient)
    path = f"/v1/onboardings/{link['signup_id']}/check"
    assert patient.call("POST", path, {"note": "too early"})[0] == 409
    pay(patient, link)
    wait_stage(patient, link, "welcome_sent")
    assert open_check_task(command(link), None)["outcome"] == "ok"  # a day has passed
    assert patient.status(link["signup_id"])["check"]["state"] == "open"
    (card,) = [each for each in told(patient, link, "onboarding.waiting") if each["kind"] == "check"]
    assert "second person" in card["reasons"][0]
    assert patient.call("POST", path, {"note": "credits are there"})[0] == 200
    check = patient.status(link["signup_id"])["check"]
    assert (check["state"], check["note"]) == ("done", "credits are there")
    status, problem = patient.call("POST", path, {"note": "again"})
    assert (status, check["by"] in problem["detail"]) == (409, True)
    assert "onboarding.check" in {row["action"] for row in patient.rows("audit")}
