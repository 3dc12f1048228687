"""What facts about money that moved post, and what waits in quarantine for the fact it builds on."""

import pytest

from tests.fakes.ledger import ACCOUNT, Books, invoice, line, payment
from usher.domain.event import Event
from usher.domain.invoice_events import CreditBalanceAdjusted, InvoicePaid
from usher.domain.payment_events import (
    DisputeFeeKnown,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    PaymentApplied,
    PaymentFeeKnown,
    RefundFailed,
    RefundIssued,
)

MONTH = line(3000, "2025-11-21", "2025-12-21")
REFUND = {"refund_id": "re_1", "payment_id": "pi_1", "amount_minor": 3000, "currency": "usd"}
DISPUTE = {"dispute_id": "dp_1", "payment_id": "pi_1", "amount_minor": 3000, "currency": "usd"}
SETTLED = {"cash": 3000, "deferred_revenue": -3000}


def refund(amount: int = 3000, id: str = "re_1") -> RefundIssued:
    return RefundIssued.model_validate({**REFUND, "refund_id": id, "amount_minor": amount})


def failed(id: str = "re_1") -> RefundFailed:
    return RefundFailed.model_validate({**REFUND, "refund_id": id})


def opened(fee: int = 1500) -> DisputeOpened:
    return DisputeOpened.model_validate({**DISPUTE, "fee_minor": fee})


def given_paid(books: Books) -> None:
    books.post(invoice("in_1", MONTH), payment())
    assert books.balances() == SETTLED


def test_a_fee_told_later_is_taken_once(books: Books) -> None:
    books.post(invoice("in_1", MONTH), payment(fee_minor=100))
    fee = {"payment_id": "pi_1", "invoice_id": "in_1", "amount_minor": 3000, "currency": "usd"}
    books.post(PaymentFeeKnown(**fee, fee_minor=117))
    assert books.balances() == {"cash": 2883, "fees": 117, "deferred_revenue": -3000}


def test_money_without_an_invoice_is_unapplied_and_goes_back_from_there(books: Books) -> None:
    books.post(payment(of=None))
    assert books.balances("payment/pi_1") == {"cash": 3000, "unapplied": -3000}
    books.post(refund(1000))
    assert books.balances() == {"cash": 2000, "unapplied": -2000}


def test_a_payment_whose_invoice_is_told_later_is_paid_back_of_that_invoice(books: Books) -> None:
    applied = PaymentApplied(payment_id="pi_1", invoice_id="in_1", amount_minor=3000, currency="usd")
    paid = {"invoice_id": "in_1", "subscription_id": "sub_1", "amount_due_minor": 3000, "currency": "usd"}
    books.post(payment(of=None), invoice("in_1", MONTH))
    books.post(InvoicePaid.model_validate({**paid, "amount_paid_minor": 3000}), applied)
    assert books.balances() == SETTLED
    assert books.balances("invoice/in_1") == {"unapplied": 3000, "deferred_revenue": -3000}
    books.post(refund(1000))
    assert books.balances() == {"cash": 2000, "deferred_revenue": -2000}
    books.post(refund(2001, "re_2"))
    assert books.held() == {"refund/re_2/issued": "book invoice/in_1"}
    books.post(payment("pi_2"))
    assert books.balances("invoice/in_1")["receivable"] == -3000


def test_an_invoice_paid_twice_owes_the_second_payment(books: Books) -> None:
    given_paid(books)
    books.post(payment("pi_2"))
    assert books.balances() == {"cash": 6000, "receivable": -3000, "deferred_revenue": -3000}
    books.post(refund())
    assert books.balances() == SETTLED


def test_a_refund_takes_back_what_is_unearned_and_stops_its_recognition(books: Books) -> None:
    given_paid(books)
    books.post(refund(), day="2025-12-11")  # 20 of 30 days were served
    assert books.balances() == {"deferred_revenue": -2000, "refunds": 2000}
    books.recognize("2026-02-02")
    assert books.balances() == {"revenue": -2000, "refunds": 2000}


def test_a_refund_that_fails_is_due_until_another_arrives(books: Books) -> None:
    given_paid(books)
    books.post(refund(), failed())
    assert books.balances() == {"cash": 3000, "refunds_due": -3000}
    books.post(refund(id="re_2"))
    assert books.balances() == {}


def test_a_dispute_holds_the_money_and_gives_it_back_when_it_is_won(books: Books) -> None:
    given_paid(books)
    books.post(opened())
    assert books.balances() == {"cash": -1500, "disputes": 3000, "fees": 1500, "deferred_revenue": -3000}
    books.post(DisputeWon.model_validate({**DISPUTE, "fee_returned_minor": 1500}))
    assert books.balances() == SETTLED


def fees(taken: int, returned: int = 0) -> DisputeFeeKnown:
    return DisputeFeeKnown.model_validate({**DISPUTE, "fee_minor": taken, "fee_returned_minor": returned})


@pytest.mark.parametrize(
    "facts",
    [
        [opened(0), fees(1500)],
        [fees(1500), opened(0)],
        [opened(1500), fees(1500)],
        [fees(1000), fees(1500), opened(500)],
        [opened(500), fees(1500), fees(1000)],
    ],
)
def test_a_dispute_s_fee_that_is_told_later_is_taken_once_in_any_order(
    books: Books, facts: list[Event]
) -> None:
    given_paid(books)
    books.post(*facts)
    assert (books.balances()["fees"], books.balances()["cash"], books.held()) == (1500, -1500, {})


def test_a_dispute_s_fee_that_comes_back_does_so_once(books: Books) -> None:
    won = DisputeWon.model_validate({**DISPUTE, "fee_returned_minor": 1500})
    given_paid(books)
    books.post(opened(), fees(1500, 1500), won, fees(1500, 1000))
    assert (books.balances(), books.held()) == (SETTLED, {})


def test_a_refund_that_waits_for_a_payment_s_own_book_follows_it_to_the_invoice(books: Books) -> None:
    applied = PaymentApplied(payment_id="pi_1", invoice_id="in_1", amount_minor=3000, currency="usd")
    books.post(payment(of=None), refund(), refund(id="re_2"))
    assert books.held() == {"refund/re_2/issued": "book payment/pi_1"}
    books.post(invoice("in_1", MONTH), applied, failed())
    assert (books.held(), books.balances()) == ({}, {})


def test_what_a_won_dispute_gives_back_can_be_refunded_of_an_invoice_told_meanwhile(books: Books) -> None:
    applied = PaymentApplied(payment_id="pi_1", invoice_id="in_1", amount_minor=3000, currency="usd")
    books.post(payment(of=None), opened(), invoice("in_1", MONTH), applied)
    books.post(DisputeWon.model_validate({**DISPUTE, "fee_returned_minor": 1500}), fees(1500, 1500))
    assert books.balances() == SETTLED
    books.post(refund())
    assert (books.held(), books.balances()) == ({}, {})


def test_a_lost_dispute_takes_back_what_is_unearned_and_the_rest_is_bad_debt(books: Books) -> None:
    books.post(invoice("in_1", MONTH, tax=600), payment(amount_minor=3600))
    books.post(DisputeOpened.model_validate({**DISPUTE, "amount_minor": 3600}))
    books.post(DisputeLost.model_validate({**DISPUTE, "amount_minor": 3600}), day="2025-12-06")
    assert books.balances() == {"deferred_revenue": -1500, "tax_payable": -600, "bad_debt": 2100}


@pytest.mark.parametrize(
    ("facts", "waits"),
    [
        ([refund()], {"refund/re_1/issued": "payment/pi_1/succeeded"}),
        ([payment(), refund()], {"refund/re_1/issued": "invoice/in_1/generated"}),
        ([failed()], {"refund/re_1/failed": "refund/re_1/issued"}),
        ([opened()], {"dispute/dp_1/opened": "payment/pi_1/succeeded"}),
        ([payment(), DisputeWon.model_validate(DISPUTE)], {"dispute/dp_1/won": "dispute/dp_1/opened"}),
    ],
)
def test_what_comes_before_the_fact_it_builds_on_waits_for_it(
    books: Books, facts: list[Event], waits: dict[str, str]
) -> None:
    books.post(*facts)
    assert books.held() == waits
    assert "refunds" not in books.balances()


def test_quarantine_is_left_in_a_row_when_the_last_fact_comes(books: Books) -> None:
    books.post(failed(), DisputeWon.model_validate(DISPUTE), opened(0), refund(), payment())
    assert sorted(books.held()) == ["refund/re_1/failed", "refund/re_1/issued"]
    books.post(invoice("in_1", MONTH))
    assert books.held() == {}
    assert books.balances() == {"cash": 3000, "refunds_due": -3000}


def test_a_refund_beyond_what_came_in_waits_until_it_is_less(books: Books) -> None:
    given_paid(books)
    books.post(refund(), refund(3000, "re_2"))
    assert books.held() == {"refund/re_2/issued": "book invoice/in_1"}
    assert books.balances() == {}
    books.post(failed())
    assert (books.held(), books.balances()) == ({}, {})


def test_an_event_that_comes_twice_is_posted_once(books: Books) -> None:
    events = [books.event(invoice("in_1", MONTH)), books.event(payment()), books.event(refund(1000))]
    books.take(*events, *events, *reversed(events))
    assert books.balances() == {"cash": 2000, "deferred_revenue": -2000}
    assert books.held() == {}


def test_another_event_that_tells_of_a_posted_fact_is_kept_for_a_person(books: Books) -> None:
    given_paid(books)
    books.post(payment(amount_minor=9999))
    assert books.balances() == SETTLED
    assert books.held() == {"payment/pi_1/succeeded": "a person"}
    (row,) = books.world.rows("ledger_quarantine")
    assert row["reason"] == f"it was posted before, by {books.told[1].event_id}"
    assert row["event"]["payload"]["amount_minor"] == 9999


@pytest.mark.parametrize(
    "fact",
    [
        invoice("in_1", MONTH),
        payment(),
        refund(1000),
        CreditBalanceAdjusted(adjustment_id="ca_1", amount_minor=900, currency="usd", reason="a"),
    ],
)
def test_another_event_that_says_the_same_of_a_posted_fact_changes_nothing(books: Books, fact: Event) -> None:
    credit = CreditBalanceAdjusted(adjustment_id="ca_1", amount_minor=900, currency="usd", reason="a")
    books.post(invoice("in_1", MONTH), payment(), refund(1000), credit)
    before = books.balances()
    books.post(fact, day="2025-11-30")
    assert (books.balances(), books.held()) == (before, {})


def test_a_refund_that_names_no_payment_or_another_currency_waits_for_a_person(books: Books) -> None:
    given_paid(books)
    books.post(RefundIssued.model_validate({**REFUND, "payment_id": None}))
    books.post(RefundIssued.model_validate({**REFUND, "refund_id": "re_2", "currency": "eur"}))
    assert books.held() == {"refund/re_1/issued": "a person", "refund/re_2/issued": "a person"}
    assert books.balances() == SETTLED


def test_an_event_the_ledger_does_not_know_is_none_of_its_business(books: Books) -> None:
    books.post(
        InvoicePaid(
            invoice_id="in_9", subscription_id=None, amount_due_minor=0, currency="usd", amount_paid_minor=0
        )
    )
    assert (books.balances(), books.held()) == ({}, {"invoice/in_9/paid": "invoice/in_9/generated"})
    assert books.told[0].account_id == ACCOUNT
