"""The ledger's entries: double entry, never changed, each balanced in whole minor units of one currency."""

from collections.abc import Iterable
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

Account = Literal[
    "cash",
    "receivable",
    "unapplied",
    "disputes",
    "deferred_revenue",
    "credits",
    "refunds_due",
    "tax_payable",
    "revenue",
    "refunds",
    "bad_debt",
    "fees",
    "adjustments",
]

CHART: dict[Account, tuple[str, str]] = {
    "cash": ("asset", "Money at the payment vendor and in the bank."),
    "receivable": ("asset", "What customers owe of their invoices; below 0 what they paid beyond them."),
    "unapplied": (
        "asset",
        "Paid, says the invoice, and no payment is on record; below 0 the other way round.",
    ),
    "disputes": ("asset", "What a bank holds until a dispute is decided."),
    "deferred_revenue": ("liability", "Billed for service that is still to be given."),
    "credits": ("liability", "Customers' credit balances, which their next invoices use up."),
    "refunds_due": ("liability", "What is to go back to a customer and has not left, or has come back."),
    "tax_payable": ("liability", "Tax that was billed for the state."),
    "revenue": ("income", "Service that was given."),
    "refunds": ("income", "Paid back for service that was given: lowers revenue."),
    "bad_debt": ("expense", "Given up: uncollectible invoices and lost disputes."),
    "fees": ("expense", "What the payment vendor keeps."),
    "adjustments": ("expense", "Set right by a person, credit given away, and what lines do not explain."),
}
"""Every account: its kind, and what its balance says."""


class Kept(BaseModel):
    """Base of what the ledger keeps."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)


class Posting(Kept):
    """One side of an entry: above 0 a debit, below 0 a credit. `line_id` is the invoice's line it is for."""

    account: Account
    amount_minor: int
    line_id: str | None = None


class Service(Kept):
    """Deferred revenue by the days on which it is earned: from `start` up to, and without, `end` (UTC).

    Below 0 it takes back what another one defers.
    """

    line_id: str
    amount_minor: int
    start: date
    end: date

    @model_validator(mode="after")
    def _lasts(self) -> "Service":
        if self.end <= self.start:
            raise ValueError("a service ends after it starts")
        return self


class Draft(Kept):
    """What a rule wants posted; the services it brings are those of its postings to deferred revenue.

    `given_minor` is what it gives back of an invoice; `uncovered_minor` how much of that was a refund which
    no credit note tells of (yet), below 0 what a credit note tells of that a refund gave back before.
    `received_minor` is what came in by the payment `payment_id`, below 0 what went back of it; `due_minor`
    what is to go back of it to the customer, and stands in the payment's own book.
    """

    postings: tuple[Posting, ...]
    services: tuple[Service, ...] = ()
    given_minor: int = 0
    uncovered_minor: int = 0
    received_minor: int = 0
    due_minor: int = 0
    payment_id: str | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _balances(self) -> "Draft":
        if sum(posting.amount_minor for posting in self.postings):
            raise ValueError("debits equal credits")
        deferred = sum(p.amount_minor for p in self.postings if p.account == "deferred_revenue")
        if self.services and deferred != -sum(service.amount_minor for service in self.services):
            raise ValueError("what is deferred has its days of service")
        return self


class Entry(Draft):
    """One entry. `fact` is its id: what it posts, once, such as `invoice/in_1/generated`.

    `book` holds all entries of one invoice, or of what has none; `kind` is the event's type; `date` is when
    it counts, `posted_at` when it was written (domain/times.py).
    """

    fact: str
    book: str
    number: int
    kind: str
    account_id: str
    currency: str
    date: date
    posted_at: str
    event_id: str | None = None


def postings(*amounts: tuple[Account, int]) -> tuple[Posting, ...]:
    """Postings of these amounts, debits above 0; without those that are nothing."""
    return tuple(Posting(account=account, amount_minor=amount) for account, amount in amounts if amount)


def balance(entries: Iterable[Draft], account: Account) -> int:
    """Debits less credits of an account, in minor units."""
    return sum(p.amount_minor for entry in entries for p in entry.postings if p.account == account)
