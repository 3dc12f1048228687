"""What facts about invoices, credit notes and credit balances post."""

from tests.fakes.ledger import Books, invoice, line, payment
from usher.domain.invoice_events import (
    CreditBalanceAdjusted,
    CreditNoteIssued,
    CreditNoteVoided,
    InvoiceGenerated,
    InvoicePaid,
    InvoiceUncollectible,
    InvoiceVoided,
)
from usher.domain.payment_events import RefundIssued

MONTH = line(3000, "2025-11-21", "2025-12-21")
OF_INVOICE = {"invoice_id": "in_1", "subscription_id": "sub_1", "amount_due_minor": 3000, "currency": "usd"}


def paid(**more: object) -> InvoicePaid:
    return InvoicePaid.model_validate({**OF_INVOICE, "amount_paid_minor": 3000, **more})


def voided(remaining: int = 3000) -> InvoiceVoided:
    return InvoiceVoided.model_validate({**OF_INVOICE, "amount_remaining_minor": remaining})


def given_up(remaining: int = 3000) -> InvoiceUncollectible:
    return InvoiceUncollectible.model_validate({**OF_INVOICE, "amount_remaining_minor": remaining})


def note(amount: int, **parts: int) -> CreditNoteIssued:
    return CreditNoteIssued(
        credit_note_id="cn_1", invoice_id="in_1", amount_minor=amount, currency="usd", **parts
    )


def refund(amount: int, id: str = "re_1") -> RefundIssued:
    return RefundIssued(refund_id=id, payment_id="pi_1", amount_minor=amount, currency="usd")


def test_an_invoice_is_owed_and_defers_service_to_come(books: Books) -> None:
    books.post(invoice("in_1", MONTH, tax=600))
    assert books.balances() == {"receivable": 3600, "deferred_revenue": -3000, "tax_payable": -600}


def test_what_was_used_up_is_revenue_at_once(books: Books) -> None:
    used = line(500, "2025-10-21", "2025-11-21", line_id="il_2", metered=True)
    once = line(700, "2025-11-21", "2025-11-21", line_id="il_3")
    books.post(invoice("in_1", used, once))
    assert books.balances() == {"receivable": 1200, "revenue": -1200}


def test_unused_service_that_is_given_back_lowers_what_is_deferred(books: Books) -> None:
    back = line(-1000, "2025-12-01", "2025-12-21", line_id="il_2")
    more = line(2000, "2025-12-01", "2025-12-21", line_id="il_3")
    books.post(invoice("in_1", back, more))
    assert books.balances() == {"receivable": 1000, "deferred_revenue": -1000}


def test_credit_pays_for_an_invoice_and_is_filled_by_one_below_nothing(books: Books) -> None:
    books.post(CreditBalanceAdjusted(adjustment_id="ca_1", amount_minor=800, currency="usd", reason="sorry"))
    books.post(invoice("in_1", MONTH, credit=800))
    assert books.balances("invoice/in_1") == {"receivable": 2200, "credits": 800, "deferred_revenue": -3000}
    books.post(invoice("in_2", line(-1000, "2025-12-01", "2025-12-21"), credit=-1000))
    assert books.balances("invoice/in_2") == {"credits": -1000, "deferred_revenue": 1000}
    assert books.balances()["adjustments"] == 800


def test_what_lines_do_not_explain_is_an_adjustment_that_shows(books: Books) -> None:
    books.post(invoice("in_1", MONTH, total_minor=3001, amount_due_minor=3001))
    assert books.balances() == {"receivable": 3001, "deferred_revenue": -3000, "adjustments": -1}


def test_an_event_of_the_first_version_has_no_lines(books: Books) -> None:
    books.post(InvoiceGenerated.model_validate(OF_INVOICE))
    assert books.balances() == {"receivable": 3000, "adjustments": -3000}


def test_a_payment_settles_the_invoice_and_paid_says_nothing_more(books: Books) -> None:
    books.post(invoice("in_1", MONTH), payment(fee_minor=117), paid())
    assert books.balances() == {"cash": 2883, "fees": 117, "deferred_revenue": -3000}


def test_money_that_came_past_the_vendor_is_unapplied_until_it_is_on_record(books: Books) -> None:
    books.post(invoice("in_1", MONTH), paid(out_of_band=True))
    assert books.balances() == {"unapplied": 3000, "deferred_revenue": -3000}
    books.post(payment(method="offline"))
    assert books.balances() == {"cash": 3000, "deferred_revenue": -3000}


def test_a_void_invoice_leaves_nothing_once_its_months_are_over(books: Books) -> None:
    books.post(CreditBalanceAdjusted(adjustment_id="ca_1", amount_minor=800, currency="usd", reason="sorry"))
    books.post(invoice("in_1", MONTH, tax=600, credit=800), day="2025-11-21")
    books.recognize("2025-12-02")
    assert books.balances("invoice/in_1")["revenue"] == -1000
    books.post(voided(2800), day="2025-12-06")
    assert books.balances("invoice/in_1").keys() == {"deferred_revenue", "revenue"}
    books.recognize("2026-01-02")
    assert books.balances("invoice/in_1") == {}


def test_a_void_invoice_that_somebody_paid_in_part_owes_it_to_them(books: Books) -> None:
    books.post(invoice("in_1", MONTH), payment(amount_minor=500), voided(2500))
    assert books.balances() == {"cash": 500, "receivable": -500}
    books.post(refund(500))
    assert books.balances() == {}


def test_what_is_given_up_is_bad_debt_until_it_is_paid_after_all(books: Books) -> None:
    books.post(invoice("in_1", MONTH), given_up())
    assert books.balances() == {"bad_debt": 3000, "deferred_revenue": -3000}
    books.post(paid(), payment())
    assert books.balances() == {"cash": 3000, "deferred_revenue": -3000}


def test_a_note_on_an_open_invoice_lowers_what_is_owed_and_what_is_to_be_earned(books: Books) -> None:
    books.post(invoice("in_1", MONTH, tax=600))
    books.post(note(1200), day="2025-12-01")
    assert books.balances() == {"receivable": 2400, "deferred_revenue": -2000, "tax_payable": -400}


def test_a_note_pays_back_to_the_card_or_the_balance_or_past_the_vendor(books: Books) -> None:
    books.post(invoice("in_1", MONTH), payment())
    books.post(note(900, refunded_minor=400, credited_minor=300, out_of_band_minor=200))
    assert books.balances() == {
        "cash": 2800,
        "refunds_due": -400,
        "credits": -300,
        "deferred_revenue": -2100,
    }
    books.post(refund(400))
    assert books.balances() == {"cash": 2400, "credits": -300, "deferred_revenue": -2100}


def test_a_refund_and_its_note_give_back_once_whichever_comes_first(books: Books) -> None:
    books.post(invoice("in_1", MONTH, tax=600), payment(amount_minor=3600))
    books.post(refund(1200), note(1200, refunded_minor=1200))
    assert books.balances() == {"cash": 2400, "deferred_revenue": -2000, "tax_payable": -400}


def test_a_note_beyond_what_is_unearned_lowers_what_was_earned(books: Books) -> None:
    books.post(invoice("in_1", MONTH))
    books.post(note(3000), day="2025-12-11")  # 20 of 30 days were served
    assert books.balances() == {"deferred_revenue": -2000, "refunds": 2000}


def test_a_void_note_is_as_if_it_had_not_been(books: Books) -> None:
    books.post(invoice("in_1", MONTH, tax=600), note(1200))
    books.post(CreditNoteVoided(credit_note_id="cn_1", invoice_id="in_1", amount_minor=1200, currency="usd"))
    assert books.balances() == {"receivable": 3600, "deferred_revenue": -3000, "tax_payable": -600}
    books.recognize("2026-01-02")
    assert books.balances()["revenue"] == -3000


def test_of_a_void_invoice_nothing_is_left_to_lower_or_to_give_up(books: Books) -> None:
    books.post(invoice("in_1", MONTH), voided(), note(1200), given_up(), paid())
    books.post(CreditNoteVoided(credit_note_id="cn_1", invoice_id="in_1", amount_minor=1200, currency="usd"))
    assert books.balances() == {}


def test_a_note_whose_parts_are_more_than_itself_waits_for_a_person(books: Books) -> None:
    books.post(invoice("in_1", MONTH), note(100, refunded_minor=90, credited_minor=20))
    assert books.held() == {"credit_note/cn_1/issued": "a person"}
