"""One sign-up of each path, from outside, at a running `usher up --time-scale 3600` (B1-B10).

The product posts, customers use the pages and the links that they are sent, reviewers and support the API.
An hour passes in a second, so reminders and deadlines come by while people act.
"""

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from infra.local.cli.client import Client
from infra.local.cli.refusal import Refused
from tests.workflow.browser import Browser
from tests.workflow.test_up import PATIENCE, Up, checkout

HOURS_PER_SECOND = "3600"
CONFIRMED = "confirmed.example.net"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The product's view of a running Usher, whose policy has one domain confirm its addresses."""
    folder = tmp_path_factory.mktemp("paths")
    root = checkout(folder)
    policy = root / "policies/onboarding.yaml"
    asked = f"confirmation:\n  who: {{domains: [{CONFIRMED}]}}"
    text = re.sub(r"^confirmation:.*\n  who: \{\}", asked, policy.read_text(), flags=re.MULTILINE)
    assert asked in text
    policy.write_text(text)
    up = Up(folder / "usher", "--time-scale", HOURS_PER_SECOND, root=root)
    try:
        yield up.client
    finally:
        assert up.end() == 0


@pytest.fixture(scope="module", autouse=True)
def never(client: Client) -> str:
    """Somebody who never pays: their 23 hours pass while the others are about their business."""
    return sign_up(client, "never", plan="starter-yearly", trial=False)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


def sign_up(client: Client, who: str, **data: Any) -> str:
    """The product's backend posts; returns the sign-up's id."""
    fields = {"email": f"{who}@example.com", "name": who.capitalize(), "plan": "pro-monthly", **data}
    body = {"type": "signup.completed", "timestamp": "2026-11-20T09:00:00Z", "data": fields}
    return str(client.post_signup(json.dumps(body).encode())["signup_id"])


def wait(client: Client, signup_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The status once it is as wanted."""
    deadline = time.monotonic() + PATIENCE
    while not holds(status := client.signup(signup_id)):
        assert time.monotonic() < deadline, json.dumps(status)
        time.sleep(0.02)
    return status


def whole(client: Client, signup_id: str) -> dict[str, Any]:
    """The status once the customer is in and welcomed, whatever had to be repaired on the way."""
    last = ("welcomed", "welcome_sent")
    return wait(client, signup_id, lambda now: now["status"] == "active" and now["stage"] in last)


def ended(client: Client, signup_id: str, status: str) -> dict[str, Any]:
    """The failure of a sign-up that has come to this end."""
    found: dict[str, Any] = wait(client, signup_id, lambda now: now["status"] == status)["failure"]
    return found


def payment_page(client: Client, signup_id: str) -> str:
    return str(wait(client, signup_id, lambda now: "checkout_url" in now)["checkout_url"])


def held(client: Client, vendor: str, kind: str) -> list[dict[str, Any]]:
    objects: dict[str, Any] = client.vendor(vendor, f"/_control/objects?kind={kind}", {})["objects"]
    return list(objects.get(kind, ()))


def mail(client: Client, to: str, tag: str) -> str:
    """The text of the mail, once it is there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [
            each
            for each in held(client, "postmark", "message")
            if to in str(each["To"]) and each["Tag"] == tag
        ]
        if found:
            return str(found[0]["TextBody"])
        assert time.monotonic() < deadline, f"no mail {tag} came"
        time.sleep(0.02)


def decide(client: Client, signup_id: str, decision: str) -> dict[str, Any]:
    """What a reviewer does."""
    body = {"decision": decision, "reason": f"{decision} after a call"}
    return client.operate("POST", f"/v1/onboardings/{signup_id}/decision", role="support", body=body)


def vendor_call(client: Client, vendor: str, path: str, body: dict[str, Any]) -> Any:
    """A control route of a stand-in: what somebody outside does."""
    url = f"{client.env[f'{vendor.upper()}_API_BASE']}/_control/{path}"
    with urllib3.PoolManager(retries=False, timeout=30.0) as http:
        answer = http.request("POST", url, body=json.dumps(body))
    assert answer.status == 200, answer.data
    return answer.json()


@pytest.mark.parametrize(
    ("who", "data"),
    [
        ("monthly", {"payment_method": "pm_card_visa"}),
        ("yearly", {"payment_method": "pm_card_mastercard", "plan": "pro-yearly"}),
        ("trial", {"plan": "starter-monthly", "trial": True}),
        ("free", {"plan": "free"}),
        ("company", {"payment_method": "pm_card_amex", "company": {"name": "Works", "size": 42}}),
        ("terms", {"plan": "pro-yearly", "payment": "invoice"}),
    ],
)
def test_who_has_to_wait_for_nobody_is_in_at_once(client: Client, who: str, data: dict[str, Any]) -> None:
    status = whole(client, sign_up(client, who, **data))
    assert all(status["ids"].values())
    assert mail(client, f"{who}@example.com", "welcome")


def test_a_declined_card_is_told_with_its_reason_and_the_person_may_come_again(client: Client) -> None:
    signup_id = sign_up(client, "declined", payment_method="pm_card_chargeDeclined")
    assert "card declined" in ended(client, signup_id, "rolled_back")["reason"]
    again = sign_up(client, "declined", payment_method="pm_card_visa")
    assert again != signup_id
    whole(client, again)


def test_a_card_whose_bank_asks_is_confirmed_on_the_page_of_its_invoice(
    client: Client, browser: Browser
) -> None:
    signup_id = sign_up(client, "asked", payment_method="pm_card_authenticationRequired")
    browser.open(payment_page(client, signup_id)).submit()
    assert browser.status == 200
    whole(client, signup_id)


def test_who_brought_no_card_pays_at_the_page_in_the_mail_though_the_bank_asks(
    client: Client, browser: Browser
) -> None:
    signup_id = sign_up(client, "later", trial=False)
    page = payment_page(client, signup_id)
    assert page in mail(client, "later@example.com", "payment-needed")
    browser.open(page).submit(payment_method="pm_card_chargeDeclined")
    assert browser.status == 402
    browser.submit(payment_method="pm_card_authenticationRequired")
    assert browser.title == "Your bank asks you to confirm this payment"
    browser.follow("Go to your bank").submit(outcome="succeed")
    whole(client, signup_id)
    assert browser.open(page).status == 410


def test_a_bank_debit_is_waited_for_and_its_money_lets_the_customer_in(client: Client) -> None:
    """The stand-in's bank takes seconds, which are nothing at this pace."""
    signup_id = sign_up(client, "bank", payment="bank", payment_method="pm_usBankAccount")
    steps = {step["name"]: step["status"] for step in whole(client, signup_id)["steps"]}
    assert steps["ask_payment"] == "done"


def test_a_bank_debit_that_comes_back_undoes_the_sign_up(client: Client) -> None:
    signup_id = sign_up(client, "returned", payment="bank", payment_method="pm_usBankAccount_accountClosed")
    assert "bank debit declined (account_closed)" in ended(client, signup_id, "rolled_back")["reason"]


def test_a_reviewer_sees_the_card_in_slack_and_approves(client: Client) -> None:
    signup_id = sign_up(client, "large", plan="enterprise", payment_method="pm_card_visa")
    wait(client, signup_id, lambda now: now["status"] == "waiting_review")
    deadline = time.monotonic() + PATIENCE
    while not any(signup_id in post["text"] for post in held(client, "slack", "message")):
        assert time.monotonic() < deadline, "no card came"
        time.sleep(0.05)
    assert decide(client, signup_id, "approve")["decision"] == "approve"
    whole(client, signup_id)


def test_a_reviewer_rejects_and_the_reason_is_told(client: Client) -> None:
    signup_id = sign_up(client, "rival", plan="enterprise", payment_method="pm_card_visa")
    wait(client, signup_id, lambda now: now["status"] == "waiting_review")
    decide(client, signup_id, "reject")
    assert ended(client, signup_id, "rejected")["reason"] == "reject after a call"


def test_an_address_is_confirmed_by_the_button_behind_the_link_in_the_mail(
    client: Client, browser: Browser
) -> None:
    email = f"careful@{CONFIRMED}"
    signup_id = sign_up(client, "careful", email=email, payment_method="pm_card_visa")
    link = re.search(r"http\S+/v1/confirmations/\S+", mail(client, email, "confirm-email"))
    assert link is not None
    browser.open(link.group())
    assert client.signup(signup_id)["status"] == "waiting_confirmation"
    assert browser.submit().status == 200
    whole(client, signup_id)
    assert browser.open(link.group()).status == 410


def test_support_sells_credits_by_a_link_that_is_paid_once(client: Client, browser: Browser) -> None:
    order = {"phone": "+85251234567", "name": "Harbour", "email": "harbour@example.com", "credits": 500}
    link = client.operate("POST", "/v1/onboardings", role="support", body=order)
    assert link["url"] in mail(client, "harbour@example.com", "payment-link")
    browser.open(link["url"]).submit(payment_method="pm_card_visa", email="payer@example.com")
    assert browser.status == 200
    status = whole(client, link["signup_id"])
    assert list(status["stages"])[-3:] == ["paid", "activated", "welcome_sent"]
    assert browser.open(link["url"]).status == 410
    found = client.operate("GET", "/v1/onboardings?phone=%2B85251234567", role="support")
    assert [each["signup_id"] for each in found["items"]] == [link["signup_id"]]


def test_an_invited_person_is_on_the_beta_plan_and_without_a_key_nobody_is(client: Client) -> None:
    key = client.operate("POST", "/v1/invitations", role="support", body={})["items"][0]["key"]
    status = whole(client, sign_up(client, "early", plan="beta", invitation_key=key))
    assert status["plan"] == "beta"
    refused = ended(client, sign_up(client, "uninvited", plan="beta"), "rejected")
    assert "by invitation" in refused["reason"]


def test_what_a_vendor_s_outage_left_is_on_the_list_and_made_whole(client: Client) -> None:
    """Whoever is on call sees the row with its reason; a redrive, by them or by itself, ends it."""
    vendor_call(client, "hubspot", "faults", {"operation": "*", "fault": "400"})
    signup_id = sign_up(client, "unlucky", payment_method="pm_card_visa")
    wait(client, signup_id, lambda now: now["stage"] == "welcomed")

    def rows(state: str) -> list[dict[str, Any]]:
        found = client.operate("GET", f"/v1/failures?state={state}", role="support")["items"]
        return [item for item in found if item["subject"] == signup_id]

    deadline = time.monotonic() + PATIENCE
    while not (resolved := rows("resolved")):
        if rows("open"):
            with contextlib.suppress(Refused):  # it may be at it by itself this very moment
                path = f"/v1/onboardings/{signup_id}/redrive"
                client.operate("POST", path, role="support", body={"reason": "HubSpot is back"})
        assert time.monotonic() < deadline, client.signup(signup_id)
        time.sleep(0.05)
    (row,) = resolved
    assert (row["kind"], row["step"]) == ("degraded", "sync_crm")
    assert row["reason"].startswith("VendorRejected: hubspot")
    assert "failure" not in whole(client, signup_id)


def test_who_never_pays_is_reminded_and_expires(client: Client, never: str) -> None:
    assert ended(client, never, "expired")["step"] == "ask_payment"
    sent = [each["To"][0]["Email"] for each in held(client, "postmark", "message")]
    assert sent.count("never@example.com") == 2
