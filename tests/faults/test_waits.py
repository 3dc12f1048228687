"""Waits that cost nothing: an address, a person, a payment; answers early, late, twice, after a restart (B8).

Scenarios 10, 12 and 13. Time is real where somebody answers, and skips where a deadline is to pass.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults import census
from tests.faults import world as worlds
from tests.faults.sign_ups import signed
from tests.faults.world import World
from usher.domain import ids
from usher.records.waits import Waits

CONFIRM_ALL = {"confirmation": {"who": {"domains": ["example.com"]}}}


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """A world in real time: nobody skips to a deadline while a test answers."""
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


@pytest.fixture
def confirming(tmp_path: Path) -> Iterator[World]:
    """As `patient`, and everyone's address has to be confirmed."""
    with worlds.opened(tmp_path, skipping=False, onboarding=CONFIRM_ALL) as world:
        yield world


def decide(world: World, signup_id: str, decision: str = "approve", role: str = "support") -> tuple[int, Any]:
    body = {"decision": decision, "reason": f"{decision} after a call"}
    return world.call("POST", f"/v1/onboardings/{signup_id}/decision", body, role=role)


def mails(world: World, tag: str) -> list[dict[str, Any]]:
    held = world.vendors.objects()["postmark"].get("message", [])
    return [mail for mail in held if mail["Tag"] == tag]


def link(world: World) -> str:
    """The path of the confirmation link in the mail that was sent last."""
    deadline_mails = mails(world, "confirm-email")
    found = re.search(r"/v1/confirmations/[\w.-]+", deadline_mails[-1]["TextBody"])
    assert found is not None
    return found.group()


def wait_mail(world: World, tag: str) -> None:
    assert worlds.eventually(lambda: bool(mails(world, tag))), f"no mail {tag} came"


# -- review --------------------------------------------------------------------------------------------------


def test_an_enterprise_sign_up_waits_for_a_review_and_is_active_once_approved(patient: World) -> None:
    signup_id = patient.sign_up(plan="enterprise")
    waiting = patient.wait_status(signup_id, "waiting_review")
    assert waiting["waiting"]["reasons"] == ["plan enterprise is given by review"]
    assert patient.vendors.objects()["stripe"] == {}
    status, answer = decide(patient, signup_id)
    assert (status, answer["decision"]) == (200, "approve")
    patient.wait_status(signup_id, "active")
    patient.settle()
    census.of(patient).active(posts=1)  # the card that asks the reviewers
    assert [row["action"] for row in patient.rows("audit")] == ["onboarding.decide"]


def test_a_rejected_sign_up_ends_with_the_reviewer_s_reason_and_leaves_nothing(patient: World) -> None:
    signup_id = patient.sign_up(plan="enterprise")
    patient.wait_status(signup_id, "waiting_review")
    decide(patient, signup_id, "reject")
    assert patient.wait_status(signup_id, "rejected")["failure"]["reason"] == "reject after a call"
    patient.settle()
    assert patient.vendors.objects()["stripe"] == patient.vendors.objects()["product"] == {}


def test_a_second_decision_changes_nothing_and_says_which_one_holds(patient: World) -> None:
    signup_id = patient.sign_up(plan="enterprise")
    patient.wait_status(signup_id, "waiting_review")
    decide(patient, signup_id)
    assert decide(patient, signup_id)[0] == 200  # the same decision: one effect
    status, problem = decide(patient, signup_id, "reject")
    assert status == 409
    assert "approve" in problem["detail"]
    patient.wait_status(signup_id, "active")


def test_a_decision_on_a_sign_up_that_waits_for_nobody_is_refused_with_its_state(patient: World) -> None:
    signup_id = patient.sign_up()
    patient.wait_status(signup_id, "active")
    status, problem = decide(patient, signup_id)
    assert (status, "it is active" in problem["detail"]) == (409, True)


def test_a_viewer_may_not_decide(patient: World) -> None:
    signup_id = patient.sign_up(plan="enterprise")
    patient.wait_status(signup_id, "waiting_review")
    assert decide(patient, signup_id, role="viewer")[0] == 403
    assert decide(patient, "su_" + "a" * 26)[0] == 404


def test_a_decision_survives_a_restart_on_either_side(patient: World) -> None:
    signup_id = patient.sign_up(plan="enterprise")
    patient.wait_status(signup_id, "waiting_review")
    patient.crash_now()
    patient.revive()
    assert decide(patient, signup_id)[0] == 200
    patient.wait_status(signup_id, "active")
    patient.settle()
    census.of(patient).active(posts=1)


def test_nobody_decides_and_policy_s_default_holds_against_a_late_approval(world: World) -> None:
    """Scenario 13: the audit log shows both, the default and the approval that came after it."""
    signup_id = world.sign_up(plan="enterprise")
    world.settle()
    ended = world.status(signup_id)
    assert (ended["status"], ended["failure"]["step"]) == ("rejected", "ask_review")
    status, problem = decide(world, signup_id)
    assert status == 409
    assert "reject by policy" in problem["detail"]
    logged = [(row["action"], row["actor"]) for row in sorted(world.rows("audit"), key=lambda r: r["at"])]
    assert logged[0] == ("review.closed", "policy")
    assert logged[1][0] == "onboarding.decide_refused"


# -- address -------------------------------------------------------------------------------------------------


def test_looking_at_a_confirmation_link_does_nothing_and_its_button_lets_the_person_in(
    confirming: World,
) -> None:
    """Scenario 12: mail scanners open links."""
    signup_id = confirming.sign_up()
    confirming.wait_status(signup_id, "waiting_confirmation")
    wait_mail(confirming, "confirm-email")
    path = link(confirming)
    for _ in range(3):
        status, page = confirming.call("GET", path)
        assert (status, "<form method='post'>" in page) == (200, True)
    assert confirming.status(signup_id)["status"] == "waiting_confirmation"
    assert confirming.call("POST", path)[0] == 200
    confirming.wait_status(signup_id, "active")
    status, page = confirming.call("POST", path)
    assert (status, "Already confirmed" in page) == (410, True)
    confirming.settle()
    [row] = confirming.rows("signups")
    assert row["status"] == "active"


def test_a_link_that_is_none_of_ours_is_a_page_that_says_so(confirming: World) -> None:
    status, page = confirming.call("GET", "/v1/confirmations/bm9wZQ.AAAA")
    assert (status, "does not work" in page) == (404, True)


def test_an_address_that_is_never_confirmed_expires_after_one_reminder(tmp_path: Path) -> None:
    with worlds.opened(tmp_path, onboarding=CONFIRM_ALL) as world:
        signup_id = world.sign_up()
        world.settle()
        ended = world.status(signup_id)
        assert (ended["status"], ended["failure"]["reason"]) == (
            "expired",
            "the address was not confirmed in time",
        )
        assert len(mails(world, "confirm-email")) == 2
        for method in ("GET", "POST"):
            status, page = world.call(method, link(world))
            assert (status, "expired" in page) == (410, True)
        assert world.status(signup_id)["status"] == "expired"
        again = world.post(signed("ada", webhook_id="msg_again"))
        assert again.accepted[0]["signup_id"] != signup_id


# -- payment -------------------------------------------------------------------------------------------------

UNPAID = {"payment_method": None, "trial": False}


def pay(world: World, **how: Any) -> Any:
    return world.vendors.control("stripe", "POST", "pay", how)


def wait_checkout(world: World, signup_id: str) -> str:
    assert worlds.eventually(lambda: "checkout_url" in world.status(signup_id))
    return str(world.status(signup_id)["checkout_url"])


def test_who_brought_no_card_pays_on_the_checkout_page_and_is_provisioned_then(patient: World) -> None:
    signup_id = patient.sign_up(**UNPAID)
    url = wait_checkout(patient, signup_id)
    assert patient.status(signup_id)["status"] == "waiting_payment"
    assert patient.vendors.objects()["product"] == {}
    wait_mail(patient, "payment-needed")
    pay(patient, session=url)
    patient.wait_status(signup_id, "active")
    patient.settle()
    [row] = patient.rows("signups")
    stripe = patient.vendors.objects()["stripe"]
    assert [each["id"] for each in stripe["customer"]] == [row["customer_id"]]
    assert [each["id"] for each in stripe["subscription"]] == [row["subscription_id"]]
    assert "checkout_url" not in patient.status(signup_id)
    census.of(patient).billing_equals_stripes()


def test_a_card_that_needs_its_owner_waits_for_the_bank_s_page(patient: World) -> None:
    signup_id = patient.sign_up(payment_method="pm_card_authenticationRequired")
    url = wait_checkout(patient, signup_id)
    pay(patient, invoice=url)
    patient.wait_status(signup_id, "active")
    patient.settle()
    census.of(patient).billing_equals_stripes()
    assert census.of(patient).counts()["stripe"]["subscription"] == 1


def test_a_first_payment_that_never_comes_expires_and_leaves_nothing(world: World) -> None:
    signup_id = world.sign_up(**UNPAID)
    world.settle()
    ended = world.status(signup_id)
    assert (ended["status"], ended["failure"]["step"]) == ("expired", "ask_payment")
    assert [each["status"] for each in world.vendors.objects()["stripe"]["checkout.session"]] == ["expired"]
    assert [each.get("deleted") for each in world.vendors.objects()["stripe"]["customer"]] == [True]
    assert len(mails(world, "payment-needed")) == 2


def test_a_payment_that_is_told_of_as_the_process_dies_lets_the_customer_in(patient: World) -> None:
    """Scenario 10's other half, a payment against its deadline, is in test_payment_deadline.py."""
    signup_id = patient.sign_up(**UNPAID)
    url = wait_checkout(patient, signup_id)
    patient.crash_at("billing/settle_payment", "before")
    pay(patient, session=url)
    patient.revive()
    patient.wait_status(signup_id, "active")
    patient.settle()
    assert census.of(patient).counts()["stripe"]["subscription"] == 1


def test_an_invoice_on_terms_holds_nobody_up(world: World) -> None:
    signup_id = world.sign_up(payment="invoice", payment_method=None)
    world.settle()
    assert world.status(signup_id)["status"] == "active"
    [invoice] = world.vendors.objects()["stripe"]["invoice"]
    assert (invoice["status"], invoice["collection_method"]) == ("open", "send_invoice")
    assert invoice["due_date"] is not None


def debit(world: World, outcome: str) -> None:
    """The customer's bank answers."""
    [payment] = world.vendors.objects()["stripe"]["payment_intent"]
    order = {"payment_intent": payment["id"], "outcome": outcome}
    world.vendors.control("stripe", "POST", "settle_payment", order)


BANK = {"payment": "bank", "payment_method": "pm_usBankAccount"}
SLOW_BANK = {"clearing_seconds": 10_000_000}


def test_a_bank_debit_is_waited_for_and_lets_the_customer_in_when_it_arrives(tmp_path: Path) -> None:
    with worlds.opened(tmp_path, skipping=False, stripe=SLOW_BANK) as world:
        signup_id = world.sign_up(**BANK)
        waiting = world.wait_status(signup_id, "waiting_payment")
        assert waiting["waiting"]["reasons"] == ["the bank has not confirmed the debit yet"]
        assert "checkout_url" not in waiting
        debit(world, "succeed")
        world.wait_status(signup_id, "active")
        world.settle()
        census.of(world).billing_equals_stripes()


def test_a_bank_debit_that_comes_back_undoes_the_sign_up_with_the_bank_s_reason(tmp_path: Path) -> None:
    with worlds.opened(tmp_path, skipping=False, stripe=SLOW_BANK) as world:
        signup_id = world.sign_up(**BANK)
        world.wait_status(signup_id, "waiting_payment")
        debit(world, "fail")
        ended = world.wait_status(signup_id, "rolled_back")
        assert ended["failure"]["reason"].startswith("bank debit declined (")
        world.settle()
        assert world.vendors.objects()["product"] == {}


def test_money_that_comes_after_the_sign_up_has_ended_is_paid_back(tmp_path: Path) -> None:
    """A product that refuses while the bank is still at it: nobody is left paid and locked out."""
    with worlds.opened(tmp_path, skipping=False, stripe=SLOW_BANK) as world:
        world.vendors.fault("product", "PUT /v1/tenants/{account_id}", "400")
        signup_id = world.sign_up(**BANK)
        world.wait_status(signup_id, "rolled_back")
        debit(world, "succeed")
        assert worlds.eventually(lambda: bool(world.vendors.objects()["stripe"].get("refund")))
        world.settle()
        [refund] = world.vendors.objects()["stripe"]["refund"]
        [payment] = world.vendors.objects()["stripe"]["payment_intent"]
        assert (refund["amount"], refund["payment_intent"]) == (payment["amount"], payment["id"])


# -- the bell ------------------------------------------------------------------------------------------------


def test_an_answer_that_is_there_before_the_question_is_taken_at_once(patient: World) -> None:
    """What is stored is the truth, and ringing the workflow only the bell."""
    signup_id = ids.derived("su", "msg_ada")
    given = {"decision": "approve", "reason": "agreed by phone", "by": "sales"}
    Waits(patient.usher.platform.store).answer(f"review#{signup_id}#1", given, now=datetime.now(UTC))
    assert patient.sign_up(plan="enterprise") == signup_id
    patient.wait_status(signup_id, "active")
    patient.settle()
    assert {step["status"] for step in patient.status(signup_id)["steps"]} == {"done"}


def test_a_redriven_execution_asks_again_and_the_new_answer_is_heard(patient: World) -> None:
    """The former task token died with the failure; the row holds the new one."""
    signup_id = patient.sign_up(plan="enterprise")
    assert worlds.eventually(lambda: bool(patient.rows("waits")))
    [execution] = patient.executions()
    before = patient.rows("waits")[0]["token"]
    patient.usher.engine.stop_execution(execution["executionArn"])
    patient.wait_status(signup_id, "failed")
    patient.usher.platform.workflows.redrive(execution["executionArn"])
    assert worlds.eventually(lambda: patient.rows("waits")[0]["token"] != before)
    assert decide(patient, signup_id)[0] == 200
    patient.wait_status(signup_id, "active")
