"""Bank transfers that people enter: matched by hand, approved by a second person, recorded once."""

from typing import Any

import pytest

from tests.contract.money_office import Answered, Office, office, shop, world
from tests.fakes.api import call
from usher.adapters.stripe_calls import StripeCalls
from usher.domain.money_policy import ApprovalPolicy

__all__ = ["office", "shop", "world"]

RECEIVED = "2025-11-20T09:30:00Z"


def body(office: Office, invoice_id: str | None = None, /, **more: Any) -> dict[str, Any]:
    order = {
        "account_id": office.account_id,
        "amount": 2900,
        "currency": "usd",
        "reference": "Invoice of November",
        "received_at": RECEIVED,
        "payer": "Analytical Engines Ltd",
    }
    return order | ({"invoice_id": invoice_id} if invoice_id else {}) | more


def enter(office: Office, invoice_id: str | None = None, /, *, subject: str = "bea", **more: Any) -> Answered:
    return call(
        "POST", "/v1/payments/offline", body(office, invoice_id, **more), role="billing", subject=subject
    )


def decide(verb: str, id: str, /, *, subject: str = "bob", **more: Any) -> Answered:
    return call("POST", f"/v1/payments/offline/{id}/{verb}", more, role="billing", subject=subject)


def listed(state: str) -> list[str]:
    _, page = call("GET", "/v1/payments/offline", role="billing", query={"state": state})
    return [item["offline_payment_id"] for item in page["items"]]


def at_vendor(office: Office, invoice_id: str) -> tuple[str, int, int]:
    invoice = office.shop.api.invoices.retrieve(invoice_id)
    return invoice.status, invoice.amount_paid, invoice.amount_remaining


def test_a_transfer_pays_its_invoice_at_the_vendor_and_on_record(office: Office) -> None:
    invoice_id = office.owed()
    status, made = enter(office, invoice_id)
    assert (status, made["state"], made["invoice_status"], made["invoice_left"]) == (
        201,
        "recorded",
        "paid",
        0,
    )
    assert at_vendor(office, invoice_id) == ("paid", 2900, 0)
    payment = office.row("payments", payment_id=made["payment_id"])
    assert {name: payment[name] for name in ("method", "status", "amount_minor", "invoice_id")} == {
        "method": "offline",
        "status": "succeeded",
        "amount_minor": 2900,
        "invoice_id": invoice_id,
    }
    assert office.row("invoices", invoice_id=invoice_id)["status"] == "paid"
    assert sorted(office.told("payment.succeeded", "invoice.paid")) == ["invoice.paid", "payment.succeeded"]
    office.record("invoice", invoice_id)  # the vendor's bell, afterwards
    assert sorted(office.told("payment.succeeded", "invoice.paid")) == ["invoice.paid", "payment.succeeded"]
    assert office.audited() == [("offline_payment.enter", "bea"), ("offline_payment.record", "bea")]


def test_a_part_of_what_is_owed_leaves_the_invoice_open(office: Office) -> None:
    invoice_id = office.owed()
    _, made = enter(office, invoice_id, amount=2000)
    assert (made["invoice_status"], made["invoice_left"]) == ("open", 900)
    assert at_vendor(office, invoice_id) == ("open", 2000, 900)
    _, rest = enter(office, invoice_id, amount=900)
    assert (rest["invoice_status"], at_vendor(office, invoice_id)) == ("paid", ("paid", 2900, 0))


def test_more_than_is_owed_is_refused_with_what_is_owed(office: Office) -> None:
    invoice_id = office.owed()
    status, problem = enter(office, invoice_id, amount=3000)
    assert (status, problem["left"], problem["over"]) == (400, 2900, 100)
    assert problem["errors"][0]["field"] == "amount"
    assert at_vendor(office, invoice_id) == ("open", 0, 2900)
    assert office.rows("offline_payments") == []


def test_without_an_invoice_the_answer_asks_and_names_the_likeliest_first(office: Office) -> None:
    first, second, third = office.owed(), office.owed(2), office.owed()
    status, problem = enter(office, amount=5800)
    assert (status, problem["errors"][0]["field"]) == (409, "invoice_id")
    assert [each["invoice_id"] for each in problem["candidates"]] == [second, first, third]
    assert [each["because"] for each in problem["candidates"]] == [["amount"], [], []]
    _, problem = enter(office, amount=100, reference=f"thanks {third}")
    assert problem["candidates"][0] == {
        "invoice_id": third,
        "number": problem["candidates"][0]["number"],
        "remaining_minor": 2900,
        "currency": "usd",
        "due_at": problem["candidates"][0]["due_at"],
        "because": ["number"],
    }
    _, problem = enter(office, currency="eur")
    assert problem["candidates"] == []
    assert office.rows("offline_payments") == []


def test_above_the_limit_a_second_person_approves(office: Office) -> None:
    invoice_id = office.owed(40)
    status, waits = enter(office, invoice_id, amount=116_000)
    assert (status, waits["state"]) == (202, "waiting_approval")
    id = waits["offline_payment_id"]
    assert waits["approve_url"] == f"/v1/payments/offline/{id}/approve"
    assert listed("waiting_approval") == [id]
    assert at_vendor(office, invoice_id)[0] == "open"
    status, problem = decide("approve", id, subject="bea")
    assert (status, "second person" in problem["detail"]) == (403, True)
    status, done = decide("approve", id, subject="bob")
    assert (status, done["state"], done["approved_by"]) == (200, "recorded", "bob")
    assert at_vendor(office, invoice_id)[0] == "paid"
    assert decide("approve", id, subject="bob")[0] == 200  # asked again
    assert decide("approve", id, subject="carl")[0] == 409
    assert sorted(office.audited()) == [
        ("offline_payment.approve", "bob"),
        ("offline_payment.enter", "bea"),
        ("offline_payment.record", "bob"),
    ]


def test_a_currency_without_a_limit_always_needs_a_second_person() -> None:
    policy = ApprovalPolicy(approval_above={"usd": 100_000})
    assert not policy.needs_approval(100_000, "usd")
    assert policy.needs_approval(100_001, "usd")
    assert policy.needs_approval(1, "sek")


def test_what_is_rejected_pays_nothing_and_says_why(office: Office) -> None:
    invoice_id = office.owed(40)
    id = enter(office, invoice_id, amount=116_000)[1]["offline_payment_id"]
    assert decide("reject", id)[0] == 400  # no reason
    status, gone = decide("reject", id, reason="Not on our statement")
    assert (status, gone["state"], gone["reason"]) == (200, "rejected", "Not on our statement")
    assert decide("approve", id)[0] == 409
    assert at_vendor(office, invoice_id)[0] == "open"
    assert (
        enter(office, invoice_id, amount=116_000)[1]["state"] == "rejected"
    )  # the same transfer is no new one


def test_the_same_transfer_entered_twice_is_one(office: Office) -> None:
    invoice_id = office.owed(2)
    status, first = enter(office, invoice_id)
    again = enter(office, invoice_id, subject="carl")
    assert (status, again[0], again[1]["payment_id"]) == (201, 200, first["payment_id"])
    assert at_vendor(office, invoice_id) == ("open", 2900, 2900)
    status, problem = enter(office, office.owed())
    assert (status, invoice_id in problem["detail"]) == (409, True)


@pytest.mark.parametrize(
    "operation", ["/v1/payment_records/report_payment", "/v1/invoices/{id}/attach_payment"]
)
@pytest.mark.parametrize("fault", ["fail_before", "fail_after", "malformed", "500", "500 done"])
def test_after_an_unknown_outcome_it_is_entered_again_and_counted_once(
    office: Office, operation: str, fault: str
) -> None:
    invoice_id = office.owed()
    office.fault(f"POST {operation}", fault.partition(" ")[0], effect=fault.endswith("done"))
    answers = [enter(office, invoice_id) for _ in range(3)]
    assert [status for status, _ in answers] in ([503, 201, 200], [503, 503, 201])
    assert answers[-1][1]["state"] == "recorded"
    assert at_vendor(office, invoice_id) == ("paid", 2900, 0)
    assert len(office.shop.api.invoice_payments.list({"invoice": invoice_id, "status": "paid"}).data) == 1
    assert office.told("payment.succeeded") == ["payment.succeeded"]


@pytest.mark.parametrize("amount", [2900, 900])
def test_a_transfer_that_is_taken_up_again_a_day_later_is_counted_once(
    office: Office, monkeypatch: pytest.MonkeyPatch, amount: int
) -> None:
    """By then Stripe has forgotten the keys."""
    invoice_id = office.owed()
    office.world.store.fail("transact", skip=1)
    assert enter(office, invoice_id, amount=amount)[0] == 503
    call = StripeCalls.call

    def anew(self, method, path, params=None, key=None):
        return call(self, method, path, params, key and f"{key}/forgotten")

    monkeypatch.setattr(StripeCalls, "call", anew)
    assert enter(office, invoice_id, amount=amount)[1]["state"] == "recorded"
    assert at_vendor(office, invoice_id)[1:] == (amount, 2900 - amount)
    reported = [
        each
        for each in office.shop.control("GET", "/_control/objects?kind=payment_record")["objects"][
            "payment_record"
        ]
        if each["customer_details"]["customer"] == office.customer_id
    ]
    assert len(reported) == 1


def test_a_crash_before_the_record_is_made_good_by_entering_it_again(office: Office) -> None:
    invoice_id = office.owed()
    office.world.store.fail("transact", skip=1)
    assert enter(office, invoice_id)[0] == 503
    assert listed("settling") != []
    assert at_vendor(office, invoice_id)[0] == "paid"
    assert enter(office, invoice_id)[1]["state"] == "recorded"
    assert listed("settling") == []


def test_an_invoice_paid_by_card_meanwhile_leaves_the_transfer_for_another_one(office: Office) -> None:
    invoice_id, other = office.owed(40), office.owed(40)
    id = enter(office, invoice_id, amount=116_000)[1]["offline_payment_id"]

    def pays() -> None:
        office.shop.pay(invoice=invoice_id, payment_method="pm_card_visa")

    office.world.store.meanwhile("transact", pays)  # after the invoice was looked at
    status, problem = decide("approve", id)
    assert (status, "another one" in problem["detail"]) == (409, True)
    assert listed("refused") == [id]
    status, waits = enter(office, other, amount=116_000, subject="bob")
    assert (status, waits["offline_payment_id"]) == (202, id)
    assert ("offline_payment.enter", "bob") in office.audited()
    assert other in [row["after"].get("invoice_id") for row in office.rows("audit")]
    assert decide("approve", id, subject="bea")[1]["state"] == "recorded"
    assert at_vendor(office, other)[0] == "paid"


def test_a_bad_entry_names_every_field(office: Office) -> None:
    invoice_id = office.owed()
    wrong = {"amount": 0, "currency": "USD", "received_at": "yesterday", "reference": ""}
    status, problem = enter(office, invoice_id, **wrong)
    assert status == 400
    assert {error["field"] for error in problem["errors"]} == wrong.keys()
    for change, field in (
        ({"received_at": "2099-01-01T00:00:00Z"}, "received_at"),
        ({"received_at": "2025-11-20T09:30:00"}, "received_at"),
        ({"account_id": "acc_gone"}, "account_id"),
        ({"invoice_id": "in_gone"}, "invoice_id"),
        ({"currency": "eur"}, "currency"),
    ):
        status, problem = enter(office, invoice_id, **change)
        assert (status, [error["field"] for error in problem["errors"]]) == (400, [field])
    assert office.rows("offline_payments") == []


def test_an_invoice_of_somebody_else_cannot_be_paid(office: Office) -> None:
    office.owed()
    stranger = office.shop.subscribe(office.shop.customer())
    status, problem = enter(office, stranger.latest_invoice)
    assert (status, problem["errors"][0]["field"]) == (400, "invoice_id")


def test_a_transfer_is_not_refunded_at_the_vendor(office: Office) -> None:
    payment_id = enter(office, office.owed())[1]["payment_id"]
    order = {"payment_id": payment_id, "reason": "Wrong"}
    status, problem = call("POST", "/v1/refunds", order, role="billing")
    assert (status, "the way it came" in problem["detail"]) == (409, True)


def test_support_sees_what_an_account_owes_and_paid(office: Office) -> None:
    invoice_id = office.owed()
    enter(office, invoice_id, amount=1000)
    for kind in ("invoices", "payments", "refunds", "disputes"):
        path = f"/v1/accounts/{office.account_id}/{kind}"
        status, page = call("GET", path, role="support")
        assert status == 200
        assert all(
            item["account_id"] == office.account_id and "version" not in item for item in page["items"]
        )
        assert call("GET", f"/v1/accounts/acc_gone/{kind}", role="support")[0] == 404
        assert call("GET", path, role="viewer")[0] == 403
