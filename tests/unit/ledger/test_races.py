"""Two writers at once, a death in between: nothing is posted twice, and nothing waits for what is there."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.ledger import Books, invoice, line, payment
from usher.domain.event import Event
from usher.domain.payment_events import PaymentApplied, RefundFailed, RefundIssued
from usher.usecases.post_ledger import post_ledger

MONTH = line(3000, "2025-11-21", "2025-12-21")
REFUND = RefundIssued(refund_id="re_1", payment_id="pi_1", amount_minor=1000, currency="usd")
AFTER = {"cash": 2000, "deferred_revenue": -2000}


def test_a_fact_that_arrives_while_what_builds_on_it_is_put_away_finds_it(books: Books) -> None:
    books.post(invoice("in_1", MONTH))
    books.world.store.meanwhile("transact", lambda: books.post(payment()))
    books.post(REFUND)
    assert (books.balances(), books.held()) == (AFTER, {})


def test_a_book_that_moves_while_a_refund_is_put_away_lets_it_go(books: Books) -> None:
    other = {"refund_id": "re_0", "payment_id": "pi_1", "amount_minor": 600, "currency": "usd"}
    books.post(invoice("in_1", MONTH), payment(amount_minor=1000), RefundIssued.model_validate(other))
    books.world.store.meanwhile("transact", lambda: books.post(RefundFailed.model_validate(other)))
    books.post(REFUND)
    assert books.held() == {}
    assert books.balances()["receivable"] == 2000


def test_an_application_of_what_was_told_with_its_invoice_posts_nothing(books: Books) -> None:
    applied = PaymentApplied(payment_id="pi_1", invoice_id="in_1", amount_minor=3000, currency="usd")
    books.post(invoice("in_1", MONTH), payment(), applied)
    assert len(books.entries()) == 2
    assert books.held() == {}


def test_who_dies_after_posting_tells_those_who_wait_when_the_event_comes_again(books: Books) -> None:
    books.post(invoice("in_1", MONTH), REFUND)
    paid = books.event(payment())
    books.world.store.fail("transact", after_effect=True)
    assert list(post_ledger([paid], desk=books.desk)) == [0]
    assert list(books.held()) == ["refund/re_1/issued"]
    books.take(paid)
    assert (books.balances(), books.held()) == (AFTER, {})


def test_an_application_and_a_refund_at_once_come_to_the_same(books: Books) -> None:
    applied = PaymentApplied(payment_id="pi_1", invoice_id="in_1", amount_minor=3000, currency="usd")
    books.post(invoice("in_1", MONTH), payment(of=None))
    books.world.store.meanwhile("transact", lambda: books.post(applied))
    books.post(REFUND)
    assert books.balances() == AFTER
    assert books.balances("payment/pi_1") == {"cash": 3000, "unapplied": -3000}


@pytest.mark.parametrize("copies", [1, 2])
def test_eight_hands_at_once_post_each_fact_once(books: Books, copies: int) -> None:
    facts: list[Event] = [invoice("in_1", MONTH), REFUND, payment(amount_minor=1500)]
    facts += [payment(f"pi_{n}", 500) for n in range(2, 5)]
    events = [books.event(each) for each in facts for _ in range(1)] * copies
    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda event: post_ledger([event], desk=books.desk), events))
    for answer, event in zip(answers, events, strict=True):
        if answer:  # contended for too long: the queue brings it again
            books.take(event)
    assert (books.balances(), books.held()) == (AFTER, {})
    assert len(books.entries()) == len(facts)


def test_however_many_wait_for_one_fact_all_of_them_are_posted_with_it(books: Books) -> None:
    refunds = [
        RefundIssued(refund_id=f"re_{n}", payment_id="pi_1", amount_minor=10, currency="usd")
        for n in range(101)
    ]
    books.post(invoice("in_1", MONTH), *refunds)
    assert len(books.held()) == 101
    books.post(payment())
    assert (books.held(), books.balances()["cash"]) == ({}, 3000 - 1010)


def test_what_waits_in_two_places_leaves_both(books: Books) -> None:
    """Delivered twice: once it waits for its payment's invoice already, once still for its payment."""
    refund = books.event(REFUND)
    books.take(refund)  # waits for the payment
    paid = books.event(payment())
    books.world.store.meanwhile("query", lambda: books.take(refund), skip=1)  # now that the payment is there
    books.take(paid)
    books.post(invoice("in_1", MONTH))
    assert (books.held(), books.balances()) == ({}, AFTER)
