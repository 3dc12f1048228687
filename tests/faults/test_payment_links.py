"""Onboarding by payment link: a phone, a link, a payment, an account; late, double and wrong money (B9).

Scenarios 10 and 11. Time is real where a customer pays, and skips where a deadline is to pass.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.billing.close_link_payment import handler as close_link_payment
from functions.onboarding.open_check_task import handler as open_check_task
from functions.operations.mend_failures import handler as mend
from tests.faults import world as worlds
from tests.faults.census import living
from tests.faults.crashing import When
from tests.faults.test_failure_queue import failures
from tests.faults.world import World
from usher.ports.store import Item

PHONE = "+85251234567"


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """A world in real time: nobody skips to a deadline while a customer pays."""
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


def sell(world: World, phone: str = PHONE, **what: Any) -> dict[str, Any]:
    """A new link for this phone: 500 credits unless `what` says otherwise."""
    if not what.keys() & {"plan", "credits"}:
        what["credits"] = 500
    status, answer = world.call("POST", "/v1/onboardings", {"phone": phone, **what})
    assert status == 201, answer
    return dict(answer)


def pay(world: World, link: dict[str, Any], **typed: Any) -> list[dict[str, Any]]:
    """The customer pays at the page, as often as `times` says; returns what the page answered."""
    order = {"link": link["url"], "email": "payer@example.com", **typed}
    results: list[dict[str, Any]] = world.vendors.control("stripe", "POST", "pay", order)["results"]
    return results


def wait_stage(world: World, link: dict[str, Any], stage: str) -> dict[str, Any]:
    """How the onboarding stands once it has reached this stage."""

    def reached() -> bool:
        now = world.status(link["signup_id"])
        return stage in (now["stage"], *now["stages"])

    assert worlds.eventually(reached), world.status(link["signup_id"])
    return world.status(link["signup_id"])


def quiet(world: World) -> None:
    """Wait until nothing is under way between Stripe and us; the day until the check goes on."""

    def still() -> bool:
        # The API's own row may have lost its end in a crash: that is the sweeper's, which does not run here.
        rows = [row for row in world.rows("inbox") if row["source"] == "stripe"]
        pending = [row for row in rows if row["state"] == "claimed"]
        return world.vendors.owed_webhooks() == 0 and not pending and not world.rows("outbox")

    assert worlds.eventually(still), [row for row in world.rows("inbox") if row["state"] != "done"]


def held(world: World, vendor: str, kind: str) -> list[dict[str, Any]]:
    return world.vendors.objects()[vendor].get(kind, [])


def mails(world: World, tag: str) -> list[dict[str, Any]]:
    return [mail for mail in held(world, "postmark", "message") if mail["Tag"] == tag]


def told(world: World, link: dict[str, Any], kind: str) -> list[Item]:
    """Our events of this type about this onboarding, in order."""
    rows = [row for row in world.rows("events") if row["type"] == kind]
    mine = [row for row in rows if row["payload"]["signup_id"] == link["signup_id"]]
    return [row["payload"] for row in sorted(mine, key=lambda row: int(row["sequence"]))]


def record(world: World, link: dict[str, Any]) -> Item:
    return next(row for row in world.rows("signups") if row["signup_id"] == link["signup_id"])


def command(link: dict[str, Any]) -> dict[str, Any]:
    """What the workflow hands to a step."""
    ids = {name: link[name] for name in ("signup_id", "correlation_id")}
    return {**ids, "retry_count": 0, "entered_at": "2026-11-21T12:00:00Z"}


def close_now(link: dict[str, Any]) -> str:
    """What the workflow does when the deadline has passed; returns where it would go."""
    return str(close_link_payment(command(link), None)["outcome"])


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


# -- money that may not stay -----------------------------------------------------------------------------


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


# -- crashes ---------------------------------------------------------------------------------------------

BEFORE_PAID = ("billing/prepare_payment_link", "onboarding/send_payment_link", "billing/await_link_payment")
AFTER_PAID = ("provisioning/provision_link", "onboarding/activate_link", "mail/send_link_welcome")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("function", [*BEFORE_PAID, *AFTER_PAID, "billing/sync_stripe"])
def test_a_crash_at_any_step_leaves_one_of_everything(patient: World, function: str, when: When) -> None:
    if function in BEFORE_PAID:
        patient.crash_at(function, when)
        link = sell(patient, name="Acme", email="acme@example.com")
        patient.revive()
        wait_stage(patient, link, "quotation_sent")
    else:
        link = sell(patient, name="Acme", email="acme@example.com")
        wait_stage(patient, link, "quotation_sent")
        patient.crash_at(function, when)
    assert pay(patient, link)[0]["status"] == 200
    if function not in BEFORE_PAID:
        patient.revive()
    now = wait_stage(patient, link, "welcome_sent")
    quiet(patient)
    assert (now["status"], list(now["stages"])[-1]) == ("active", "welcome_sent")
    assert (len(held(patient, "product", "credit")), len(held(patient, "product", "team"))) == (1, 1)
    assert (len(held(patient, "stripe", "payment_link")), len(held(patient, "stripe", "refund"))) == (1, 0)
    assert (len(mails(patient, "payment-link")), len(mails(patient, "link-welcome"))) == (1, 1)
    stages = [event["stage"] for event in told(patient, link, "onboarding.stage_changed")]
    assert sorted(stages) == sorted(now["stages"])


# -- repairs ---------------------------------------------------------------------------------------------


def redrive(world: World, link: dict[str, Any]) -> tuple[int, Any]:
    path = f"/v1/onboardings/{link['signup_id']}/redrive"
    return world.call("POST", path, {"reason": "the cause is gone"})


@pytest.mark.parametrize(
    "what", [{"credits": 500}, {"plan": "pro-monthly"}], ids=lambda what: next(iter(what))
)
def test_a_rolled_back_link_is_sold_again_by_a_redrive_and_leaves_the_list(
    patient: World, what: dict[str, Any]
) -> None:
    patient.vendors.fault("product", "PUT /v1/tenants/{account_id}", "400")
    link = sell(patient, name="Acme", email="acme@example.com", **what)
    assert worlds.eventually(lambda: len(mails(patient, "payment-link")) == 1)
    pay(patient, link)
    wait_stage(patient, link, "rolled_back")
    quiet(patient)
    assert living(patient.vendors.objects()) == {} and held(patient, "product", "team") == []
    (failure,) = failures(patient)

    status, answer = redrive(patient, link)
    assert (status, answer["execution"].rpartition(":")[2]) == (202, f"link-{link['signup_id']}-r1")
    status, problem = redrive(patient, link)
    assert (status, "RUNNING" in problem["detail"]) == (409, True)
    now = wait_stage(patient, link, "quotation_sent")
    again = {**link, "url": now["checkout_url"]}
    assert again["url"] != link["url"] and pay(patient, link)[0]["status"] == 410
    assert worlds.eventually(lambda: len(mails(patient, "payment-link")) == 2)
    assert pay(patient, again)[0]["status"] == 200
    now = wait_stage(patient, link, "welcome_sent")
    quiet(patient)
    assert (now["status"], "failure" in now) == ("active", False)
    mend({}, None)
    assert failures(patient) == failures(patient, "redriving") == []
    assert [each["failure_id"] for each in failures(patient, "resolved")] == [failure["failure_id"]]
    assert len(held(patient, "stripe", "refund")) == 1  # of the first attempt
    (account,) = patient.rows("accounts")
    assert (account["status"], account["customer_id"]) == ("active", now["ids"]["customer_id"])
    assert (len(held(patient, "product", "team")), len(held(patient, "product", "tenant"))) == (1, 1)
    assert sum(credit["amount"] for credit in held(patient, "product", "credit")) > 0
    assert [row["status"] for row in patient.rows("subscriptions")].count("active") == len(
        what.keys() & {"plan"}
    )


def test_a_welcome_mail_that_failed_is_sent_by_a_redrive_at_once_and_the_check_still_comes(
    patient: World,
) -> None:
    patient.vendors.fault("postmark", "POST /email/batchWithTemplates", "400", count=None)
    link = sell(patient, name="Acme", email="acme@example.com")
    pay(patient, link)
    wait_stage(patient, link, "activated")
    assert worlds.eventually(lambda: patient.status(link["signup_id"])["status"] == "degraded")
    (failure,) = failures(patient)
    assert (failure["kind"], failure["step"]) == ("degraded", "send_link_welcome")
    patient.vendors.heal("postmark")
    assert redrive(patient, link)[0] == 202
    now = wait_stage(patient, link, "welcome_sent")
    assert (now["status"], now["stage"], "failure" in now) == ("active", "welcome_sent", False)
    mend({}, None)
    assert failures(patient) == failures(patient, "redriving") == []
    quiet(patient)
    assert (len(mails(patient, "link-welcome")), len(held(patient, "product", "credit"))) == (1, 1)
    for _ in range(2):  # both executions come to the check a day later
        assert open_check_task(command(link), None)["outcome"] == "ok"
    assert patient.status(link["signup_id"])["check"]["state"] == "open"
    assert len([each for each in told(patient, link, "onboarding.waiting") if each["kind"] == "check"]) == 1


def test_a_link_that_could_not_be_made_is_made_and_paid_without_being_asked_for_again(patient: World) -> None:
    patient.vendors.fault("product", "PUT /v1/teams/{account_id}", "500", count=1)
    body = {"phone": PHONE, "credits": 500, "email": "acme@example.com"}
    status, problem = patient.call("POST", "/v1/onboardings", body)
    assert (status, problem["status_url"].endswith(problem["signup_id"])) == (503, True)
    link = {"signup_id": problem["signup_id"]}
    now = wait_stage(patient, link, "quotation_sent")
    pay(patient, {"url": now["checkout_url"]})
    wait_stage(patient, link, "welcome_sent")
    assert (len(held(patient, "product", "team")), len(held(patient, "stripe", "payment_link"))) == (1, 1)
