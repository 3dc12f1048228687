"""Scenarios 4 and 26, and how a vendor's faults look from outside; cell by cell in test_matrix.py."""

import pytest

from tests.faults import census
from tests.faults.calls import FORWARD
from tests.faults.repairs import failures, posts
from tests.faults.world import World

AFTER_ACTIVATION = ["upsert_contact", "associate_3", "send_mail"]


@pytest.mark.parametrize("name", AFTER_ACTIVATION)
def test_a_refused_call_after_activation_leaves_the_customer_in_and_tells_what_is_missing(
    world: World, name: str
) -> None:
    call = FORWARD[name]
    world.vendors.fault(call.vendor, call.operation, "400", skip=call.nth)
    world.sign_up()
    world.settle()
    [signup] = world.rows("signups")
    assert (signup["status"], signup["failure"]["step"]) == ("degraded", call.step)
    assert signup["failure"]["reason"].startswith("VendorRejected: ")
    [account] = world.rows("accounts")
    assert account["status"] == "active"
    found = census.of(world)
    assert found.events(account["account_id"]).count("onboarding.degraded") == 1
    [post] = posts(world)
    assert call.step in post and signup["signup_id"] in post and signup["email"] not in post
    mails = found.counts()["postmark"].get("message", 0)
    assert mails == (0 if name == "send_mail" else 1)
    found.nothing_is_pending()


def test_a_call_that_takes_long_is_made_once(world: World) -> None:
    for call in FORWARD.values():
        world.vendors.fault(call.vendor, call.operation, "delay", skip=call.nth, seconds=0.1)
    world.sign_up()
    world.settle()
    census.of(world).active()
    [signup] = world.rows("signups")
    assert {signup[f"step_{call.step}"]["attempts"] for call in FORWARD.values()} == {1}


def test_a_step_that_is_tried_again_says_how_often(world: World) -> None:
    world.vendors.fault("product", FORWARD["put_tenant"].operation, "500", count=3)
    world.sign_up()
    world.settle()
    [signup] = world.rows("signups")
    mark = signup["step_provision_tenant"]
    assert (mark["status"], mark["attempts"]) == ("done", 4)


def test_a_subscription_whose_every_answer_was_lost_is_recorded_by_a_redrive(world: World) -> None:
    """Its webhooks are echoes, which wait for nobody: what keeps it from staying unknown is the execution."""
    world.vendors.fault("stripe", FORWARD["create_subscription"].operation, "malformed", count=None)
    signup_id = world.sign_up()
    world.settle()
    [execution] = world.executions()
    assert execution["status"] == "FAILED"
    with world.vendors.stripe() as stripe:
        [live] = stripe.subscriptions.list().data
    echoes = [row for row in world.rows("inbox") if row.get("outcome") == "echo"]
    assert live.id in {row.get("object_id") for row in echoes}
    assert world.rows("subscriptions") == []
    assert world.status(signup_id)["failure"]["execution"] == execution["executionArn"]
    world.vendors.heal("stripe")
    order = {"reason": "Stripe is back"}
    assert world.call("POST", f"/v1/onboardings/{signup_id}/redrive", order)[0] == 202
    world.settle()
    [recorded] = world.rows("subscriptions")
    assert (recorded["subscription_id"], recorded["status"]) == (live.id, "active")
    found = census.of(world)
    found.active(posts=2)
    assert failures(world) == []
    assert found.events(recorded["account_id"]).count("payment.succeeded") == 1


def test_a_failed_look_up_is_never_read_as_not_there(world: World) -> None:
    """Stripe keeps a failure under our key, so the next try looks first; while that fails, none is made."""
    world.vendors.fault("stripe", "POST /v1/customers", "500", effect=True)
    world.vendors.fault("stripe", "GET /v1/customers", "500", count=3)
    world.sign_up()
    world.settle()
    assert world.vendors.struck("stripe") == 4
    census.of(world).active()
    assert (
        world.vendors.calls("stripe")["POST /v1/customers"] == 5
    )  # one worked; four were answered from its key


def test_after_a_mail_of_unknown_fate_a_failed_search_is_never_read_as_not_sent(world: World) -> None:
    world.vendors.fault("postmark", "POST /email/batchWithTemplates", "fail_after")
    world.vendors.fault("postmark", "GET /messages/outbound", "500", count=2)
    world.sign_up()
    world.settle()
    assert world.vendors.struck("postmark") == 3
    census.of(world).active()
    assert world.vendors.calls("postmark")["POST /email/batchWithTemplates"] == 1
