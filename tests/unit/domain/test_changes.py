"""Which events follow from the difference between the copy we had and the vendor's state now."""

from typing import Any

import pytest

from usher.domain.billing_changes import credit_note_changes, invoice_changes
from usher.domain.payment_changes import dispute_changes, payment_changes, refund_changes
from usher.domain.subscription_changes import monthly_minor, subscription_changes

END, LATER = "2026-12-05T12:00:00.000Z", "2026-12-09T12:00:00.000Z"
SUBSCRIPTION: dict[str, Any] = {
    "subscription_id": "sub_1",
    "plan": "starter-monthly",
    "price_id": "price_1",
    "quantity": 1,
    "currency": "usd",
    "amount_minor": 1900,
    "interval": "month",
    "interval_count": 1,
    "status": "active",
    "current_period_end": END,
}
PRO = {"plan": "pro-monthly", "price_id": "price_2", "amount_minor": 4900}
INVOICE: dict[str, Any] = {
    "invoice_id": "in_1",
    "status": "open",
    "amount_due_minor": 1900,
    "amount_paid_minor": 0,
    "currency": "usd",
    "lines": [],
}
PAYMENT: dict[str, Any] = {
    "payment_id": "pi_1",
    "invoice_id": "in_1",
    "amount_minor": 1900,
    "currency": "usd",
    "status": "succeeded",
}
REFUND: dict[str, Any] = {"refund_id": "re_1", "payment_id": "pi_1", "amount_minor": 900, "currency": "usd"}
DISPUTE: dict[str, Any] = {"dispute_id": "du_1", "payment_id": "pi_1", "amount_minor": 9, "currency": "usd"}
NOTE: dict[str, Any] = {
    "credit_note_id": "cn_1",
    "invoice_id": "in_1",
    "amount_minor": 900,
    "currency": "usd",
}


def told(before: dict[str, Any] | None, **after: Any) -> list[str]:
    """What is told of a subscription that was SUBSCRIPTION with `before`, and is now with `after`."""
    former = None if before is None else SUBSCRIPTION | before
    now = {name: value for name, value in ((former or SUBSCRIPTION) | after).items() if value is not None}
    return [event.type.removeprefix("subscription.") for event in subscription_changes(former, now)]


@pytest.mark.parametrize(
    "before, after, expected",
    [
        (None, "active", ["created", "activated"]),
        (None, "incomplete", ["created"]),
        (None, "canceled", ["created", "canceled"]),
        ("incomplete", "active", ["activated"]),
        ("incomplete", "incomplete_expired", ["canceled"]),
        ("trialing", "active", ["trial_converted", "activated"]),
        ("trialing", "paused", ["paused"]),
        ("paused", "active", ["resumed", "activated"]),
        ("active", "past_due", ["payment_failed"]),
        ("past_due", "active", ["payment_recovered", "activated"]),
        ("past_due", "unpaid", ["escalated"]),
        ("unpaid", "active", ["payment_recovered", "activated"]),
        ("past_due", "canceled", ["canceled"]),
        ("active", "paused", ["paused"]),
        ("active", "active", []),
    ],
)
def test_a_subscription_tells_of_each_change_of_its_status(
    before: str | None, after: str, expected: list[str]
) -> None:
    assert told({"status": before} if before else None, status=after) == expected


def test_a_trial_starts_once_says_when_it_ends_and_may_be_extended() -> None:
    trial = {"status": "trialing", "trial_end": END}
    assert told(None, **trial) == ["created", "trial_started"]
    assert told(trial) == []
    assert told(trial, trial_end=LATER) == ["trial_extended"]
    assert told(trial | {"trial_end": LATER}, trial_end=END) == []


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ({}, PRO, ["upgraded"]),
        (PRO, {"plan": "starter-monthly", "price_id": "price_1", "amount_minor": 1900}, ["downgraded"]),
        ({}, {"quantity": 2}, ["upgraded"]),
        ({"quantity": 3}, {"quantity": 2}, ["downgraded"]),
        (
            {},
            {"plan": "starter-yearly", "price_id": "p", "amount_minor": 19000, "interval": "year"},
            ["downgraded"],
        ),
        ({}, PRO | {"percent_off": "100"}, ["upgraded"]),  # a promotion does not make it a smaller plan
        ({}, {"percent_off": "50"}, []),
        ({}, {"current_period_end": LATER}, []),
    ],
)
def test_another_plan_or_quantity_is_up_or_down_by_what_a_month_of_it_costs(
    before: dict[str, Any], after: dict[str, Any], expected: list[str]
) -> None:
    assert told(before, **after) == expected


def test_a_plan_change_says_from_what_to_what() -> None:
    (event,) = subscription_changes(SUBSCRIPTION, SUBSCRIPTION | PRO | {"quantity": 2})
    assert event.model_dump() == {
        "subscription_id": "sub_1",
        "plan": "pro-monthly",
        "status": "active",
        "quantity": 2,
        "former_plan": "starter-monthly",
        "former_quantity": 1,
    }


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ({}, {"cancel_at_period_end": True}, ["cancel_scheduled"]),
        ({}, {"cancel_at": LATER}, ["cancel_scheduled"]),
        ({"cancel_at": END}, {"cancel_at": LATER}, ["cancel_scheduled"]),
        ({"cancel_at_period_end": True}, {"cancel_at": END}, []),  # the same end, said in another way
        ({"cancel_at": END}, {"cancel_at": None}, ["reactivated"]),
        ({"cancel_at": END}, {"status": "canceled"}, ["canceled"]),
        ({"cancel_at": END}, {"status": "canceled", "cancel_at": None}, ["canceled"]),
        ({}, {"pause_behavior": "void"}, ["paused"]),
        ({"pause_behavior": "void"}, {"pause_behavior": None}, ["resumed"]),
        ({"pause_behavior": "void"}, {"pause_behavior": "keep_as_draft"}, []),
    ],
)
def test_an_end_and_a_pause_are_told_when_they_are_set_and_when_they_are_undone(
    before: dict[str, Any], after: dict[str, Any], expected: list[str]
) -> None:
    assert told(before, **after) == expected


WAITING = {"scheduled_plan": "pro-monthly", "scheduled_quantity": 1, "scheduled_at": END}
GONE = dict.fromkeys(WAITING)


def test_a_scheduled_change_is_told_when_it_is_set_called_off_and_done() -> None:
    assert told({}, **WAITING) == ["change_scheduled"]
    assert told(WAITING) == []
    assert told(WAITING, **GONE) == ["change_scheduled"]
    assert told(WAITING, **GONE, **PRO) == ["upgraded"]


def test_what_brings_in_nothing_now_counts_nothing() -> None:
    assert monthly_minor(SUBSCRIPTION) == 1900
    for values in ({"status": "trialing"}, {"status": "unpaid"}, {"pause_behavior": "void"}):
        assert monthly_minor(SUBSCRIPTION | values) == 0
    assert monthly_minor(SUBSCRIPTION | {"cancel_at": END, "percent_off": "50"}) == 950
    assert monthly_minor({**SUBSCRIPTION, "amount_minor": None}) == 0  # tiers have no price of one


def invoice(before: dict[str, Any] | None, **after: Any) -> list[str]:
    former = None if before is None else INVOICE | before
    now = {name: value for name, value in (INVOICE | after).items() if value is not None}
    return [event.type for event in invoice_changes(former, now)]


def test_an_invoice_is_generated_once_when_it_is_final_and_its_lines_are_known() -> None:
    assert invoice(None, status="draft") == []
    assert invoice(None) == ["invoice.generated"]
    assert invoice({"status": "draft"}) == ["invoice.generated"]
    assert invoice({}, status="paid") == ["invoice.paid"]
    assert invoice(None, lines=None) == []
    assert [e.type for e in invoice_changes({k: v for k, v in INVOICE.items() if k != "lines"}, INVOICE)] == [
        "invoice.generated"
    ]


@pytest.mark.parametrize(
    "before, after, expected",
    [
        (None, "paid", ["invoice.generated", "invoice.paid"]),
        ("open", "void", ["invoice.voided"]),
        ("open", "uncollectible", ["invoice.uncollectible"]),
        ("uncollectible", "paid", ["invoice.paid"]),
        ("paid", "paid", []),
    ],
)
def test_what_becomes_of_an_invoice_is_told_once(before: str | None, after: str, expected: list[str]) -> None:
    assert invoice({"status": before} if before else None, status=after) == expected


def test_a_generated_invoice_carries_what_the_ledger_posts() -> None:
    line = {
        "line_id": "il_1",
        "amount_minor": 1900,
        "period_start": "2026-11-05T12:00:00.000Z",
        "period_end": END,
        "plan": "starter-monthly",
        "quantity": 1,
        "proration": False,
        "metered": False,
    }
    row = INVOICE | {"lines": [line], "total_minor": 2090, "tax_minor": 190, "credit_applied_minor": 190}
    (event,) = invoice_changes(None, row)
    payload = event.model_dump(exclude_none=True)
    assert (payload["total_minor"], payload["tax_minor"], payload["credit_applied_minor"]) == (2090, 190, 190)
    (told_line,) = payload["lines"]
    assert (told_line["start"], told_line["end"]) == ("2026-11-05T12:00:00.000Z", END)
    assert (told_line["amount_minor"], told_line["plan"]) == (1900, "starter-monthly")


def payment(before: str | None, after: str) -> list[str]:
    former = None if before is None else PAYMENT | {"status": before}
    return [event.type for event in payment_changes(former, PAYMENT | {"status": after})]


@pytest.mark.parametrize(
    "before, after, expected",
    [
        (None, "succeeded", ["payment.succeeded"]),
        (None, "failed", ["payment.failed"]),
        (None, "processing", []),
        ("processing", "succeeded", ["payment.succeeded"]),
        ("requires_action", "failed", ["payment.failed"]),
        ("failed", "succeeded", ["payment.succeeded"]),
        ("succeeded", "succeeded", []),
        ("failed", "failed", []),
        ("processing", "canceled", []),
    ],
)
def test_a_payment_succeeds_or_fails_once(before: str | None, after: str, expected: list[str]) -> None:
    assert payment(before, after) == expected


def test_a_payment_that_fails_with_another_charge_has_failed_again() -> None:
    failed = PAYMENT | {"status": "failed", "charge_id": "ch_1", "failure_code": "card_declined"}
    (event,) = payment_changes(failed, failed | {"charge_id": "ch_2", "failure_code": "lost_card"})
    assert event.model_dump()["failure_code"] == "lost_card"
    assert payment_changes(failed, failed | {"refunded_minor": 0}) == []


def test_a_fee_is_told_with_the_payment_or_after_it_once() -> None:
    with_fee = PAYMENT | {"fee_minor": 85, "method": "card"}
    (at_once,) = payment_changes(None, with_fee)
    (later,) = payment_changes(PAYMENT, with_fee)
    assert (at_once.type, at_once.model_dump()["fee_minor"]) == ("payment.succeeded", 85)
    assert (later.type, later.model_dump()["fee_minor"]) == ("payment.fee_known", 85)
    assert payment_changes(with_fee, with_fee) == []


def test_an_invoice_that_is_told_after_its_payment_is_told_once() -> None:
    alone = {name: value for name, value in PAYMENT.items() if name != "invoice_id"}
    known = PAYMENT | {"invoice_id": "in_1", "fee_minor": 85}
    applied, fee = payment_changes(alone, known)
    assert (applied.type, applied.model_dump()["invoice_id"]) == ("payment.applied", "in_1")
    assert fee.type == "payment.fee_known"
    assert payment_changes(known, known) == []
    assert [each.type for each in payment_changes(None, known)] == ["payment.succeeded"]


@pytest.mark.parametrize(
    "before, after, expected",
    [
        (None, "pending", ["refund.issued"]),
        (None, "succeeded", ["refund.issued"]),
        (None, "failed", ["refund.issued", "refund.failed"]),
        ("pending", "succeeded", []),
        ("succeeded", "failed", ["refund.failed"]),
        ("failed", "canceled", []),
    ],
)
def test_a_refund_is_issued_once_and_may_fail_after_that(
    before: str | None, after: str, expected: list[str]
) -> None:
    former = None if before is None else REFUND | {"status": before}
    assert [event.type for event in refund_changes(former, REFUND | {"status": after})] == expected


@pytest.mark.parametrize(
    "reason, told",
    [("duplicate", "duplicate"), ("Grace Hopper asked, grace@example.com", None), (None, None)],
)
def test_what_a_person_wrote_of_a_refund_does_not_leave_with_its_event(
    reason: str | None, told: str | None
) -> None:
    (event,) = refund_changes(None, REFUND | {"status": "succeeded", "reason": reason})
    assert event.model_dump()["reason"] == told


@pytest.mark.parametrize(
    "before, after, expected",
    [
        (None, "needs_response", ["dispute.opened"]),
        (None, "warning_needs_response", []),
        ("warning_under_review", "warning_closed", []),
        ("warning_under_review", "needs_response", ["dispute.opened"]),
        ("needs_response", "under_review", []),
        ("under_review", "won", ["dispute.won"]),
        ("under_review", "lost", ["dispute.lost"]),
        (None, "lost", ["dispute.opened", "dispute.lost"]),
    ],
)
def test_a_dispute_is_opened_when_money_was_taken_and_closed_once(
    before: str | None, after: str, expected: list[str]
) -> None:
    former = None if before is None else DISPUTE | {"status": before}
    assert [event.type for event in dispute_changes(former, DISPUTE | {"status": after})] == expected


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ({}, {"fee_minor": 1500}, [("dispute.fee_known", 1500, 0)]),
        ({"fee_minor": 1500}, {"fee_minor": 1500}, []),
        ({"fee_minor": 1500}, {"fee_minor": 3000}, [("dispute.fee_known", 3000, 0)]),
        ({"fee_minor": 1500}, {}, []),
        (
            {"fee_minor": 1500},
            {"fee_minor": 1500, "fee_returned_minor": 1500},
            [("dispute.fee_known", 1500, 1500)],
        ),
    ],
)
def test_what_the_vendor_asks_for_a_dispute_is_told_whenever_it_becomes_known(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, int, int]]
) -> None:
    dispute = DISPUTE | {"status": "needs_response"}
    told = dispute_changes(dispute | before, dispute | after)
    assert [(each.type, each.fee_minor, each.fee_returned_minor) for each in told] == expected


def test_a_fee_that_comes_with_an_opening_or_a_win_is_not_told_twice() -> None:
    dispute = DISPUTE | {"fee_minor": 1500}
    assert len(dispute_changes(None, dispute | {"status": "needs_response"})) == 1
    won = dispute | {"status": "won", "fee_returned_minor": 1500}
    assert len(dispute_changes(dispute | {"status": "under_review"}, won)) == 1


def test_a_credit_note_is_issued_once_and_may_be_voided() -> None:
    issued = NOTE | {"status": "issued", "credited_minor": 900}
    (event,) = credit_note_changes(None, issued)
    assert (event.type, event.model_dump()["credited_minor"]) == ("credit_note.issued", 900)
    assert credit_note_changes(issued, issued) == []
    assert [e.type for e in credit_note_changes(issued, NOTE | {"status": "void"})] == ["credit_note.voided"]
