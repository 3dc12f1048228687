"""Payment links: whatever dies or breaks on the way, each ends made, paid and welcomed once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.onboarding.open_check_task import handler as open_check_task
from functions.operations.mend_failures import handler as mend
from tests.faults import world as worlds
from tests.faults.census import living
from tests.faults.crashing import When
from tests.faults.links import PHONE, command, held, mails, pay, quiet, sell, told, wait_stage
from tests.faults.repairs import failures
from tests.faults.world import World


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """A world in real time: nobody skips to a deadline while a customer pays."""
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


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
