"""Whatever is done at Stripe, by hand or by time: our records equal its objects, and the story is told.

Row C3 of docs/product.md.
"""

from typing import Any

from tests.faults import census
from tests.faults.world import World

DAY = 86_400


def account(world: World) -> str:
    [row] = world.rows("accounts")
    return str(row["account_id"])


def told(world: World) -> list[dict[str, Any]]:
    """The account's events from its activation on, and those yet untold."""
    world.settle()
    found = census.of(world)
    found.nothing_is_pending()
    return [row for row in found.records["events"] if row["account_id"] == account(world)]


def types(world: World, *beginnings: str) -> list[str]:
    return [row["type"] for row in told(world) if row["type"].startswith(beginnings)]


def equal(world: World) -> None:
    """Every object that is a customer's is on record as it is at Stripe."""
    census.of(world).billing_equals_stripes()
    stripe = world.vendors.objects()["stripe"]
    ours = {row["refund_id"]: (row["status"], row["amount_minor"]) for row in world.rows("refunds")}
    assert ours == {each["id"]: (each["status"], each["amount"]) for each in stripe.get("refund", ())}
    disputes = {row["dispute_id"]: row["status"] for row in world.rows("disputes")}
    assert disputes == {each["id"]: each["status"] for each in stripe.get("dispute", ())}
    notes = {
        row["credit_note_id"]: (row["status"], row["amount_minor"]) for row in world.rows("credit_notes")
    }
    assert notes == {each["id"]: (each["status"], each["total"]) for each in stripe.get("credit_note", ())}
    (total,) = [sum(row["totals"].values()) for row in world.rows("mrr")]
    assert total == sum(row["mrr_minor"] for row in world.rows("subscriptions"))
    moved = [row["payload"]["amount_minor"] for row in told(world) if row["type"] == "mrr.changed"]
    assert sum(moved) == total


def test_changes_made_at_stripe_are_on_record_and_told(world: World) -> None:
    world.sign_up(plan="starter-monthly")
    world.settle()
    begun = len(told(world))

    def since() -> list[str]:
        return [row["type"] for row in told(world)[begun:]]

    with world.vendors.stripe() as stripe:
        [subscription] = stripe.subscriptions.list().data
        (pro,) = stripe.prices.list({"lookup_keys": ["pro-monthly"]}).data
        item = subscription["items"].data[0].id
        stripe.subscriptions.update(
            subscription.id,
            {"items": [{"id": item, "price": pro.id}], "proration_behavior": "always_invoice"},
        )
        world.settle()
        assert sorted(since()) == [
            "invoice.generated",
            "invoice.paid",
            "mrr.changed",
            "payment.succeeded",
            "subscription.prorated_charge",
            "subscription.upgraded",
        ]
        stripe.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
        world.settle()
        stripe.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
        world.settle()
        stripe.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "void"}})
        world.settle()
        stripe.subscriptions.update(subscription.id, {"pause_collection": ""})
        world.settle()
        [payment, *_] = stripe.payment_intents.list().data
        refund = stripe.refunds.create({"payment_intent": payment.id, "amount": 100})
    assert types(
        world, "subscription.cancel", "subscription.reac", "subscription.pause", "subscription.resume"
    ) == [
        "subscription.cancel_scheduled",
        "subscription.reactivated",
        "subscription.paused",
        "subscription.resumed",
    ]
    assert types(world, "refund.") == ["refund.issued"]
    [row] = [each for each in world.rows("payments") if each["payment_id"] == payment.id]
    assert (row["refunded_minor"], row["charge_id"]) == (100, refund.charge)
    assert "fee_minor" in row and types(world, "payment.fee") == ["payment.fee_known"]
    lines = [row["payload"]["lines"] for row in told(world) if row["type"] == "invoice.generated"][-1]
    assert {line["plan"] for line in lines} == {"starter-monthly", "pro-monthly"}
    equal(world)


def test_a_renewal_that_fails_and_is_paid_after_all_is_told_as_such(world: World) -> None:
    world.sign_up(plan="starter-monthly")
    world.settle()
    with world.vendors.stripe() as stripe:
        [subscription] = stripe.subscriptions.list().data
        [customer] = stripe.customers.list().data
        failing = stripe.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
        settings = {"invoice_settings": {"default_payment_method": failing.id}}
        stripe.customers.update(customer.id, settings)
        ends = subscription["items"].data[0].current_period_end
        world.vendors.control("stripe", "POST", "clock", {"now": ends + 2 * 3600})
        world.settle()
        assert world.rows("subscriptions")[0]["status"] == "past_due"
        failures = types(world, "payment.failed", "subscription.payment_failed")
        assert sorted(failures) == ["payment.failed", "subscription.payment_failed"]
        good = stripe.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        [open_one] = stripe.invoices.list({"status": "open"}).data
        stripe.invoices.pay(open_one.id, {"payment_method": good.id})
    assert types(world, "subscription.payment_recovered") == ["subscription.payment_recovered"]
    assert types(world, "invoice.paid") == ["invoice.paid"] * 2
    assert types(world, "mrr.changed") == ["mrr.changed"]
    equal(world)


def test_a_dispute_is_on_record_from_its_opening_to_its_end(world: World) -> None:
    world.sign_up(plan="starter-monthly", payment_method="pm_card_createDispute")
    world.settle()
    assert types(world, "dispute.") == ["dispute.opened"]
    with world.vendors.stripe() as stripe:
        [dispute] = stripe.disputes.list().data
        stripe.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert types(world, "dispute.") == ["dispute.opened", "dispute.won"]
    equal(world)


def test_a_credit_note_lowers_an_invoice_on_record(world: World) -> None:
    world.sign_up(plan="starter-monthly")
    world.settle()
    with world.vendors.stripe() as stripe:
        [invoice] = stripe.invoices.list().data
        stripe.credit_notes.create({"invoice": invoice.id, "amount": 500, "credit_amount": 500})
    (note,) = [row["payload"] for row in told(world) if row["type"] == "credit_note.issued"]
    assert (note["amount_minor"], note["credited_minor"], note["refunded_minor"]) == (500, 500, 0)
    [row] = world.rows("accounts")
    assert row["credit_balance_minor"] == 500
    equal(world)


def test_a_payment_method_that_is_taken_away_is_noted_on_the_account(world: World) -> None:
    world.sign_up(plan="starter-monthly")
    world.settle()
    [row] = world.rows("accounts")
    assert row["has_payment_method"] is True
    with world.vendors.stripe() as stripe:
        [method] = stripe.customers.payment_methods.list(row["customer_id"]).data
        stripe.payment_methods.detach(method.id)
    world.settle()
    assert "has_payment_method" not in world.rows("accounts")[0]


def test_a_price_changed_in_the_dashboard_is_reported_with_what_differs(world: World) -> None:
    with world.vendors.stripe() as stripe:
        (pro,) = stripe.prices.list({"lookup_keys": ["pro-monthly"]}).data
        stripe.prices.update(pro.id, {"active": False})
        world.settle()
        (failure,) = world.rows("failures")
        assert failure["kind"] == "event" and "pro-monthly" in failure["reason"]
        stripe.prices.update(pro.id, {"active": True})
        path = f"/v1/failures/{failure['failure_id']}/redrive"
        assert world.call("POST", path, {"reason": "put back"})[0] == 202
    world.settle()
    census.of(world).nothing_is_pending()
