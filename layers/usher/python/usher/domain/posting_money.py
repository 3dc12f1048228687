"""What facts about money that moved post: payments and refunds (docs/ledger.md)."""

from datetime import date

from usher.domain.ledger import Account, Draft, Posting, Service, balance, postings
from usher.domain.ledger_book import APPLIED, LOST, Book, give_back, settle
from usher.domain.payment_events import (
    PaymentApplied,
    PaymentFeeKnown,
    PaymentSucceeded,
    RefundFailed,
    RefundIssued,
)


def succeeded(fact: PaymentSucceeded, book: Book, day: date) -> Draft:
    """Money came in for an invoice; without one it stays unapplied."""
    fee = fact.fee_minor or 0
    rest: Account = "receivable" if fact.invoice_id else "unapplied"
    came = postings(("cash", fact.amount_minor - fee), ("fees", fee))
    settled = settle(book, fact.amount_minor, rest=rest)
    return Draft(postings=(*came, *settled), payment_id=fact.payment_id, received_minor=fact.amount_minor)


def applied(fact: PaymentApplied, book: Book, day: date, origin: Book | None) -> Draft | None:
    """A payment that was unapplied is its invoice's, and so is what went and goes back of it.

    `origin` is the payment's book, where it is posted already; None to post when that is the invoice's.
    """
    if origin is book:
        return None
    came = origin or Book("")
    gone = max(fact.amount_minor + came.balance("unapplied"), 0) if origin is not None else 0
    lost = min(gone, _lost(came))
    debits, services, given = paid_back(book, gone - lost, day)
    settled = (*settle(book, fact.amount_minor), *debits)
    if lost:  # as if it were lost after this
        before = Draft(postings=(*postings(("unapplied", fact.amount_minor - gone + lost)), *settled))
        more = paid_back(
            book.followed_by(
                before.model_copy(update={"services": services, "given_minor": given}), APPLIED, day
            ),
            lost,
            day,
            earned="bad_debt",
            taxed=False,
        )
        settled, services = (*settled, *more[0]), (*services, *more[1])
    return Draft(
        postings=(*postings(("unapplied", fact.amount_minor - gone)), *settled),
        services=services,
        given_minor=given + (more[2] if lost else 0),
        uncovered_minor=given,
        received_minor=came.received(fact.payment_id) if origin is not None else fact.amount_minor,
        due_minor=max(-came.balance("refunds_due"), 0),
        payment_id=fact.payment_id,
    )


def _lost(book: Book) -> int:
    """What of a payment that has no invoice yet was lost by disputes."""
    lost = [each for entry in book.entries if entry.kind == LOST for each in entry.postings]
    return sum(each.amount_minor for each in lost if each.account == "unapplied")


def fee_known(fact: PaymentFeeKnown, book: Book, day: date) -> Draft | None:
    """The vendor's fee, or what it differs by from what the payment itself told."""
    own = [each for each in book.entries if each.fact == f"payment/{fact.payment_id}/succeeded"]
    more = fact.fee_minor - balance(own, "fees")
    if not more:
        return None
    return Draft(postings=postings(("fees", more), ("cash", -more)), payment_id=fact.payment_id)


def refund_issued(fact: RefundIssued, book: Book, day: date) -> Draft:
    """Money goes back: what is due to the customer first; what is more is given back of the invoice."""
    debits, services, given = paid_back(book, fact.amount_minor, day)
    return Draft(
        postings=(*debits, *postings(("cash", -fact.amount_minor))),
        services=services,
        given_minor=given,
        uncovered_minor=given,
        received_minor=-fact.amount_minor,
        payment_id=fact.payment_id,
        reason=fact.reason,
    )


def refund_failed(fact: RefundFailed, book: Book, day: date) -> Draft:
    """The money is ours again and still due to the customer."""
    amount = fact.amount_minor
    return Draft(
        postings=postings(("cash", amount), ("refunds_due", -amount)),
        received_minor=amount,
        payment_id=fact.payment_id,
    )


def paid_back(
    book: Book, amount_minor: int, day: date, *, earned: Account = "refunds", taxed: bool = True
) -> tuple[tuple[Posting, ...], tuple[Service, ...], int]:
    """The debits of money that went back, their services, and how much of it the invoice is lowered by.

    What was earned of it is debited to the account `earned`, its tax too unless it is `taxed`.
    """
    due: list[tuple[Account, int]] = []
    left = amount_minor
    for account in ("refunds_due", "unapplied", "receivable"):  # below 0: ours to pay back, whatever else is
        part = min(left, max(-book.open(account), 0))
        due.append((account, part))
        left -= part
    debits, services = give_back(book, left, day, earned=earned, taxed=taxed)
    return (*postings(*due), *debits), services, left
