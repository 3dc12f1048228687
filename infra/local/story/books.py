"""The books of the story's account at one moment, and whether they agree with themselves and with Stripe."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.story.customer import Customer
from usher.domain.event import Envelope
from usher.domain.ledger import CHART, Account
from usher.domain.mrr import COUNTED, monthly_minor
from usher.records.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Books:
    """Balances in minor units, as people read them: what is owed, earned and there is above 0.

    `balances` are debits less credits by account of the ledger; `moved` is how often and how much MRR moved
    so far, by movement.
    """

    currency: str
    balances: Mapping[Account, int]
    mrr_minor: int
    moved: dict[str, tuple[int, int]]

    @property
    def cash_minor(self) -> int:
        return self.balances["cash"]

    @property
    def receivable_minor(self) -> int:
        return self.balances["receivable"]

    @property
    def deferred_minor(self) -> int:
        return -self.balances["deferred_revenue"]

    @property
    def revenue_minor(self) -> int:
        return -self.balances["revenue"] - self.balances["refunds"]


def read(customer: Customer, told: list[Envelope], *, currency: str) -> Books:
    """The books after all that was `told` so far."""
    totals = Ledger(customer.store).totals(until=customer.now.date()).get(currency, {})
    sides = {account: totals.get(account, (0, 0)) for account in CHART}
    moved: dict[str, tuple[int, int]] = {}
    mrr = 0
    for event in told:
        if event.type == "mrr.changed":
            times, amount = moved.get(event.payload["movement"], (0, 0))
            moved[event.payload["movement"]] = times + 1, amount + event.payload["amount_minor"]
            mrr = event.payload["total_minor"]
    balances = {account: debit - credit for account, (debit, credit) in sides.items()}
    return Books(currency, balances, mrr, moved)


def disagreements(books: Books) -> Iterator[str]:
    """What is wrong in the books themselves."""
    if off := sum(books.balances.values()):
        yield f"the ledger is out of balance by {off}"
    if loose := books.balances["unapplied"]:
        yield f"{loose} of payments belong to no invoice"
    if (moved := sum(amount for _, amount in books.moved.values())) != books.mrr_minor:
        yield f"the movements of MRR add up to {moved}, MRR is {books.mrr_minor}"


def against_stripe(books: Books, customer: Customer) -> Iterator[str]:
    """Where the books say otherwise than Stripe does."""
    billed = sum(invoice["total"] for invoice in _invoices(customer))
    back = sum(refund["amount"] for refund in customer.stripe_list("/v1/refunds"))
    for name, ours, theirs in (
        ("what is earned and to be earned", books.revenue_minor + books.deferred_minor, billed - back),
        ("cash", books.cash_minor, _net(customer)),
        ("what is owed", books.receivable_minor, _open(customer)),
        ("the credit balance", -books.balances["credits"], _credit(customer)),
        ("MRR", books.mrr_minor, _mrr(customer)),
    ):
        if ours != theirs:
            yield f"{name} is {ours} in our books and {theirs} at Stripe"
    yield from _states(customer)


def _net(customer: Customer) -> int:
    """What Stripe has for us: payments less refunds and fees."""
    return sum(each["net"] for each in customer.stripe_list("/v1/balance_transactions"))


def _invoices(customer: Customer) -> list[dict[str, Any]]:
    """Those that bill something: neither drafts nor void."""
    every = customer.stripe_list("/v1/invoices", customer=customer.customer_id)
    return [invoice for invoice in every if invoice["status"] in ("open", "paid", "uncollectible")]


def _open(customer: Customer) -> int:
    return sum(each["amount_remaining"] for each in _invoices(customer) if each["status"] == "open")


def _credit(customer: Customer) -> int:
    return -int(customer.stripe("GET", f"/v1/customers/{customer.customer_id}", {})["balance"])


def _mrr(customer: Customer) -> int:
    """What Stripe's running subscriptions bring in a month; the story's have no discounts."""
    total = 0
    for each in customer.stripe_list("/v1/subscriptions", customer=customer.customer_id):
        price = each["items"]["data"][0]["price"]
        if each["status"] in COUNTED:
            total += monthly_minor(
                amount_minor=price["unit_amount"],
                quantity=each["items"]["data"][0]["quantity"],
                interval=price["recurring"]["interval"],
                interval_count=price["recurring"]["interval_count"],
            )
    return total


def _states(customer: Customer) -> Iterator[str]:
    """Subscriptions and invoices of which we say another status than Stripe."""
    for table, key, path in (
        ("subscriptions", "subscription_id", "/v1/subscriptions"),
        ("invoices", "invoice_id", "/v1/invoices"),
    ):
        more = {"status": "all"} if table == "subscriptions" else {}
        theirs = {
            each["id"]: each["status"]
            for each in customer.stripe_list(path, customer=customer.customer_id, **more)
        }
        ours = {row[key]: row["status"] for row in customer.rows(table)}
        for id in sorted(Counter([*theirs, *ours])):
            if theirs.get(id) != ours.get(id):
                yield f"{id} is {ours.get(id)} in our records and {theirs.get(id)} at Stripe"
