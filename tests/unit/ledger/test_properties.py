"""Laws of the ledger over random histories of facts, told in any order and more than once (SCENARIO 22)."""

import random
import sqlite3
from collections import Counter
from datetime import date, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.histories import History, histories
from tests.fakes.ledger import Books, at, invoice, line, payment
from tests.fakes.world import World
from usher.domain.event import Event
from usher.domain.invoice_events import InvoicePaid
from usher.domain.ledger import Draft, Entry, Posting, Service, balance
from usher.domain.payment_events import (
    DisputeFeeKnown,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    PaymentApplied,
    RefundFailed,
    RefundIssued,
)
from usher.domain.service_days import earned, month_of, next_due, share, unearned
from usher.records.ledger import Ledger

MANY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
END = "2027-02-02"  # all service of the histories is given by then


def emptied(connection: sqlite3.Connection, table: str) -> None:
    connection.execute(f"DELETE FROM item_{table}")


def emptied_books(world: World) -> Books:
    for table in ("ledger", "ledger_totals", "ledger_deferrals", "ledger_quarantine"):
        world.database.write(partial(emptied, table=table))
    return Books(world)


def told(world: World, history: History, seed: int) -> Books:
    """The history on a ledger of its own: shuffled, each event up to three times."""
    books = emptied_books(world)
    events = [books.event(each, day) for day, each in history.facts]
    chance = random.Random(seed)
    stream = [event for event in events for _ in range(chance.choice((1, 1, 2, 3)))]
    chance.shuffle(stream)
    for event in stream:
        books.take(event)
        assert sum(books.balances().values()) == 0
        books_of = {entry.book for entry in books.entries() if entry.payment_id}
        for book in map(books.ledger.book, books_of):
            assert all(book.received(entry.payment_id or "") >= 0 for entry in book.entries)
    return books


@MANY
@given(history=histories(), seed=st.integers(0, 2**32))
def test_in_any_order_the_books_come_to_the_same_and_nothing_is_left_waiting(
    world: World, history: History, seed: int
) -> None:
    books = told(world, history, seed)
    assert books.held() == {}
    entries = books.entries()
    assert all(sum(posting.amount_minor for posting in entry.postings) == 0 for entry in entries)
    assert max(Counter(entry.fact for entry in entries).values()) == 1
    assert {account: amount for account, amount in books.balances().items() if account == "cash"} == (
        {"cash": history.cash} if history.cash else {}
    )
    for id, owed in history.receivable.items():
        assert books.balances(f"invoice/{id}").get("receivable", 0) == owed
    assert "unapplied" not in books.balances()
    totals = Ledger(world.store).totals(until=date(2030, 1, 1)).get("usd", {})
    assert {account: debit - credit for account, (debit, credit) in totals.items() if debit != credit} == (
        books.balances()
    )


@MANY
@given(history=histories(), seed=st.integers(0, 2**32))
def test_recognised_and_deferred_are_what_was_billed_and_all_is_recognised_in_the_end(
    world: World, history: History, seed: int
) -> None:
    books = told(world, history, seed)
    world.clock = type(world.clock)(at("2025-11-21"))
    books.desk = type(books.desk)(books.ledger, books.quarantine, world.clock)
    before = books.balances()
    sold = before.get("deferred_revenue", 0) + before.get("revenue", 0)
    for day in ("2025-12-02", "2026-01-15", "2026-01-16", "2026-06-01", END):
        books.recognize(day)
        now = books.balances()
        assert now.get("deferred_revenue", 0) + now.get("revenue", 0) == sold
    assert "deferred_revenue" not in books.balances()
    assert world.rows("ledger_deferrals") == []
    assert books.recognize("2027-03-03") == 0


@st.composite
def refunds_of_late_payments(draw: st.DrawFn) -> list[Event]:
    """A payment whose invoice is told after it, and a refund of it that fails: all on one day."""
    billed = draw(st.lists(st.integers(1, 50_000), min_size=1, max_size=3))
    lines = [
        line(each, "2025-11-01", "2026-11-01", line_id=f"il_{n}", metered=draw(st.booleans()))
        for n, each in enumerate(billed)
    ]
    tax, owed = draw(st.sampled_from((0, 777))), sum(billed)
    owed += tax
    of = {"invoice_id": "in_1", "subscription_id": None, "amount_due_minor": owed, "currency": "usd"}
    money = {"payment_id": "pi_1", "currency": "usd"}
    refund = {"refund_id": "re_1", "amount_minor": draw(st.integers(1, owed)), **money}
    return [
        invoice("in_1", *lines, tax=tax),
        InvoicePaid(**of, amount_paid_minor=owed),
        payment("pi_1", owed, of=None),
        PaymentApplied(invoice_id="in_1", amount_minor=owed, **money),
        RefundIssued(**refund),
        RefundFailed(**refund),
    ]


@MANY
@given(
    facts=refunds_of_late_payments(),
    order=st.permutations(range(6)),
    again=st.permutations(range(6)),
    retried=st.booleans(),
)
def test_a_refund_that_fails_comes_to_the_same_before_and_after_its_payment_has_an_invoice(
    world: World, facts: list[Event], order: list[int], again: list[int], retried: bool
) -> None:
    ends = []
    for each in (order, again):
        books = emptied_books(world)
        books.post(*(facts[at] for at in each))
        if retried:
            books.post(RefundIssued.model_validate(dict(facts[4]) | {"refund_id": "re_2"}))
        assert books.held() == {}
        ends.append(books.balances())
    assert ends[0] == ends[1]
    assert ("refunds_due" in ends[0]) is not retried


@st.composite
def disputes_of_late_payments(draw: st.DrawFn) -> list[Event]:
    """A payment whose invoice is told after it, and a dispute with its fees: all on one day."""
    paid = draw(st.integers(1, 50_000))
    of = {"invoice_id": "in_1", "subscription_id": None, "amount_due_minor": paid, "currency": "usd"}
    money = {"payment_id": "pi_1", "currency": "usd"}
    dispute = {"dispute_id": "dp_1", "amount_minor": draw(st.integers(1, paid)), **money}
    first, more = draw(st.sampled_from((0, 15))), draw(st.sampled_from((15, 20)))
    back = draw(st.sampled_from((0, 15)))
    won = draw(st.booleans())
    end = DisputeWon(**dispute, fee_returned_minor=back) if won else DisputeLost(**dispute)
    return [
        invoice("in_1", line(paid, "2025-11-01", "2026-11-01")),
        InvoicePaid(**of, amount_paid_minor=paid),
        payment("pi_1", paid, of=None),
        PaymentApplied(invoice_id="in_1", amount_minor=paid, **money),
        DisputeOpened(**dispute, fee_minor=first),
        DisputeFeeKnown(**dispute, fee_minor=more, fee_returned_minor=back if won else 0),
        end,
    ]


@MANY
@given(
    facts=disputes_of_late_payments(),
    order=st.permutations(range(7)),
    again=st.permutations(range(7)),
)
def test_a_dispute_comes_to_the_same_before_and_after_its_payment_has_an_invoice(
    world: World, facts: list[Event], order: list[int], again: list[int]
) -> None:
    ends = []
    for each in (order, again):
        books = emptied_books(world)
        books.post(*(facts[at] for at in each))
        if isinstance(facts[6], DisputeWon):  # all of it is ours again: all of it can go back
            paid = facts[2].model_dump()["amount_minor"]
            refund = {"refund_id": "re_1", "payment_id": "pi_1", "amount_minor": paid, "currency": "usd"}
            books.post(RefundIssued.model_validate(refund))
        assert books.held() == {}
        ends.append(books.balances())
    assert ends[0] == ends[1]


@given(
    amount=st.integers(-(10**9), 10**9),
    start=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    days=st.integers(1, 800),
    late=st.integers(-400, 400),
)
def test_the_months_of_a_service_add_up_to_its_amount(amount: int, start: date, days: int, late: int) -> None:
    service = Service(line_id="il", amount_minor=amount, start=start, end=start + timedelta(days))
    since = start + timedelta(late)
    parts, month = [], next_due([service], since=since)
    while month is not None:
        assert month >= month_of(since)
        parts.append(share(service, month, since=since))
        month = next_due([service], since=since, after=month)
    assert sum(parts) == amount
    assert 0 not in parts


@given(
    amount=st.integers(0, 10**9),
    days=st.integers(1, 800),
    first=st.integers(-10, 810),
    more=st.integers(0, 400),
)
def test_more_days_never_earn_less_and_earned_and_unearned_are_the_amount(
    amount: int, days: int, first: int, more: int
) -> None:
    start = date(2025, 1, 31)
    service = Service(line_id="il", amount_minor=amount, start=start, end=start + timedelta(days))
    day, later = start + timedelta(first), start + timedelta(first + more)
    assert earned(service, day) <= earned(service, later) <= amount
    assert earned(service, day) + unearned(service, day) == amount


def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="debits equal credits"):
        Draft(postings=(Posting(account="cash", amount_minor=1),))
    with pytest.raises(ValueError, match="days of service"):
        Draft(
            postings=(
                Posting(account="cash", amount_minor=1),
                Posting(account="deferred_revenue", amount_minor=-1),
            ),
            services=(Service(line_id="il", amount_minor=2, start=date(2025, 1, 1), end=date(2025, 1, 2)),),
        )
    assert balance(list[Entry](), "cash") == 0
