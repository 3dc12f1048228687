"""A book: all entries of one invoice (or of what has none), and what they add up to."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from usher.domain.ledger import Account, Draft, Entry, Posting, Service, balance, postings
from usher.domain.service_days import unearned

GENERATED, VOIDED = "invoice.generated", "invoice.voided"
APPLIED, LOST = "payment.applied", "dispute.lost"


@dataclass(frozen=True)
class Book:
    """Entries in the order they were posted. Balances are debits less credits, in minor units."""

    id: str
    entries: tuple[Entry, ...] = ()

    def balance(self, account: Account) -> int:
        return balance(self.entries, account)

    def open(self, account: Account) -> int:
        """The balance, with what stands for it in the books of payments that were applied later."""
        if account == "refunds_due":
            return self.balance(account) - sum(entry.due_minor for entry in self.entries)
        if account != "unapplied":
            return self.balance(account)
        applied = [each for entry in self.entries if entry.kind == APPLIED for each in entry.postings]
        elsewhere = sum(max(each.amount_minor, 0) for each in applied if each.account == account)
        return self.balance(account) - elsewhere

    def upto(self, fact: str) -> "Book":
        """The book as it was when this fact had just been posted to it."""
        last = next(entry.number for entry in self.entries if entry.fact == fact)
        return Book(self.id, self.entries[:last])

    def followed_by(self, draft: Draft, kind: str, day: date) -> "Book":
        """The book as it would be with this too."""
        own = {"fact": "", "account_id": "", "posted_at": "", "currency": self.currency() or ""}
        number = len(self.entries) + 1
        entry = Entry(**dict(draft), **own, book=self.id, number=number, kind=kind, date=day)
        return Book(self.id, (*self.entries, entry))

    def entry(self, fact: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.fact == fact), None)

    @cached_property
    def invoice(self) -> Entry | None:
        """The entry of the invoice itself, once it was posted."""
        return next((entry for entry in self.entries if entry.kind == GENERATED), None)

    @cached_property
    def is_void(self) -> bool:
        return any(entry.kind == VOIDED for entry in self.entries)

    def received(self, payment_id: str) -> int:
        """What came in by a payment and has not gone back, before the vendor's fees."""
        return sum(entry.received_minor for entry in self.entries if entry.payment_id == payment_id)

    def currency(self) -> str | None:
        return self.entries[0].currency if self.entries else None

    def uncovered(self) -> int:
        """What refunds gave back of which no credit note has told."""
        return sum(entry.uncovered_minor for entry in self.entries)

    def unearned(self, day: date) -> dict[str, tuple[int, date, date]]:
        """Per line: what is still to be earned from this day on, and the days it is earned on."""
        found: dict[str, tuple[int, date, date]] = {}
        for service in (each for entry in self.entries for each in entry.services):
            left, start, end = found.get(service.line_id, (0, service.start, service.end))
            span = min(start, service.start), max(end, service.end)
            found[service.line_id] = (left + unearned(service, day), *span)
        return {line: (left, max(start, day), end) for line, (left, start, end) in found.items() if left}

    def tax_in(self, amount_minor: int) -> int:
        """The tax in a part of the invoice that is given back now; the parts' taxes add up to its tax."""
        if self.invoice is None:
            return 0
        tax = -balance((self.invoice,), "tax_payable")
        total = balance((self.invoice,), "receivable") + balance((self.invoice,), "credits")
        given = sum(entry.given_minor for entry in self.entries)
        return _part(tax, given + amount_minor, total) - _part(tax, given, total)


def give_back(
    book: Book, amount_minor: int, day: date, *, earned: Account = "refunds", taxed: bool = True
) -> tuple[tuple[Posting, ...], tuple[Service, ...]]:
    """The debits of giving back so much of an invoice: service still to be given first.

    Its tax goes back in proportion (unless not `taxed`), deferred revenue is lowered by what is unearned on
    the day, over the lines in proportion; what is left was earned, and is debited to the account `earned`.
    """
    tax = book.tax_in(amount_minor) if taxed else 0
    open_lines = {line: each for line, each in book.unearned(day).items() if each[0] > 0}
    lowered = min(amount_minor - tax, max(sum(each[0] for each in book.unearned(day).values()), 0))
    pool = sum(left for left, _, _ in open_lines.values())
    services: list[Service] = []
    done = passed = 0
    for line, (left, start, end) in open_lines.items():
        passed += left
        part = _part(lowered, passed, pool) - done
        done += part
        if part:
            services.append(Service(line_id=line, amount_minor=-part, start=start, end=end))
    deferred = tuple(
        Posting(account="deferred_revenue", amount_minor=-each.amount_minor, line_id=each.line_id)
        for each in services
    )
    rest = postings(("tax_payable", tax), (earned, amount_minor - tax - lowered))
    return (*deferred, *rest), tuple(services)


def settle(book: Book, amount_minor: int, *, rest: Account = "receivable") -> tuple[Posting, ...]:
    """The credits of money (or of a credit note) for an invoice: they add up to the amount.

    First what the invoice was said to be paid with, then what is owed, then what was given up as bad debt;
    what is more than all that is credited to the account `rest`.
    """
    found: list[tuple[Account, int]] = []
    for account in ("unapplied", "receivable", "bad_debt"):
        part = min(amount_minor, max(book.open(account), 0))
        found.append((account, -part))
        amount_minor -= part
    return postings(*found, (rest, -amount_minor))


def _part(amount: int, of: int, total: int) -> int:
    """amount * of / total rounded half up, all of it once `of` reaches `total`."""
    if total <= 0 or of <= 0:
        return 0
    return (amount * min(of, total) * 2 + total) // (2 * total)
