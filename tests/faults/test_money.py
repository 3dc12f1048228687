"""Money that people move by hand, through the whole pipeline: each fact is told once (C7)."""

from typing import Any

from tests.faults.world import World


def told(world: World, account_id: str, *types: str) -> list[str]:
    events = sorted(world.rows("events"), key=lambda row: row["sequence"])
    return [row["type"] for row in events if row["account_id"] == account_id and row["type"] in types]


def only(world: World, table: str, **where: Any) -> dict[str, Any]:
    (found,) = [row for row in world.rows(table) if where.items() <= row.items()]
    return found


def test_a_refund_and_a_dispute_are_told_once_each(world: World) -> None:
    account_id = world.wait_status(world.sign_up(), "active")["account_id"]
    world.settle()
    payment_id = only(world, "payments", account_id=account_id)["payment_id"]
    body = {"payment_id": payment_id, "amount": 900, "reason": "A seat too many"}
    status, made = world.call("POST", "/v1/refunds", body, role="billing")
    assert (status, made["amount"]) == (201, 900)
    order = {"payment_intent": payment_id, "amount": 1000}
    dispute = world.vendors.control("stripe", "POST", "dispute", order)
    world.vendors.control("stripe", "POST", "decide_dispute", {"dispute": dispute["id"], "outcome": "won"})
    world.settle()
    assert only(world, "refunds", refund_id=made["refund_id"])["reason"] == "A seat too many"
    assert only(world, "disputes", dispute_id=dispute["id"])["status"] == "won"
    happened = told(world, account_id, "refund.issued", "dispute.opened", "dispute.won", "dispute.lost")
    assert happened[0] == "refund.issued"
    assert sorted(happened) == ["dispute.opened", "dispute.won", "refund.issued"]
    status, problem = world.call("POST", "/v1/refunds", body, role="billing")
    assert (status, "disputed" in problem["detail"]) == (409, True)


def test_a_transfer_pays_the_invoice_of_who_pays_on_terms(world: World) -> None:
    account_id = world.wait_status(world.sign_up(payment="invoice", payment_method=None), "active")[
        "account_id"
    ]
    world.settle()
    invoice = only(world, "invoices", account_id=account_id)
    body = {
        "account_id": account_id,
        "amount": invoice["amount_due_minor"],
        "currency": invoice["currency"],
        "reference": f"Inv. {invoice['number']}",
        "received_at": "2026-11-20T09:30:00Z",
    }
    status, asks = world.call("POST", "/v1/payments/offline", body, role="billing")
    assert (status, asks["candidates"][0]["because"]) == (409, ["number", "amount"])
    named = {**body, "invoice_id": asks["candidates"][0]["invoice_id"]}
    status, made = world.call("POST", "/v1/payments/offline", named, role="billing")
    assert (status, made["invoice_status"]) == (201, "paid")
    world.settle()
    assert only(world, "invoices", account_id=account_id)["status"] == "paid"
    assert only(world, "payments", payment_id=made["payment_id"])["method"] == "offline"
    assert sorted(told(world, account_id, "payment.succeeded", "invoice.paid")) == [
        "invoice.paid",
        "payment.succeeded",
    ]
