"""What facts about invoices, credit notes and credit balances post (docs/ledger.md)."""

from datetime import date

from usher.domain import times
from usher.domain.invoice_events import (
    BilledService,
    CreditBalanceAdjusted,
    CreditNoteIssued,
    CreditNoteVoided,
    InvoiceGenerated,
    InvoicePaid,
    InvoiceUncollectible,
    InvoiceVoided,
)
from usher.domain.ledger import Account, Draft, Posting, Service, postings
from usher.domain.ledger_book import Book, give_back, settle
from usher.domain.service_days import days_of


def generated(fact: InvoiceGenerated, book: Book, day: date) -> Draft:
    """What is owed, and for what: service to come is deferred, what is used up is revenue.

    What the lines and the tax do not explain of the total goes to the adjustments, where a person sees it.
    """
    total = fact.total_minor
    if total is None:
        total = fact.amount_due_minor + fact.credit_applied_minor
    lines = [line for line in fact.lines if line.amount_minor]
    services = tuple(_service(line) for line in lines if not _is_used_up(line))
    sold = tuple(
        Posting(
            account="revenue" if _is_used_up(line) else "deferred_revenue",
            amount_minor=-line.amount_minor,
            line_id=line.line_id,
        )
        for line in lines
    )
    unexplained = total - fact.tax_minor - sum(line.amount_minor for line in lines)
    owed = postings(("receivable", total - fact.credit_applied_minor), ("credits", fact.credit_applied_minor))
    rest = postings(("tax_payable", -fact.tax_minor), ("adjustments", -unexplained))
    return Draft(postings=(*owed, *sold, *rest), services=services)


def paid(fact: InvoicePaid, book: Book, day: date) -> Draft | None:
    """Nothing is owed any more: what no payment on record has settled waits for its payment as unapplied."""
    owed = book.balance("receivable")
    return Draft(postings=postings(("unapplied", owed), ("receivable", -owed))) if owed > 0 else None


def voided(fact: InvoiceVoided, book: Book, day: date) -> Draft:
    """The invoice is taken back whole: all but money that moved, which the customer is owed then."""
    services = tuple(
        Service(line_id=line, amount_minor=-left, start=start, end=end)
        for line, (left, start, end) in book.unearned(day).items()
    )
    unearned = sum(-service.amount_minor for service in services)
    # What is earned and not recognised yet still comes: revenue is lowered by that too, and ends at nothing.
    earned = -(book.balance("revenue") + book.balance("deferred_revenue") + unearned)
    undone: tuple[Account, ...] = ("tax_payable", "credits", "refunds", "bad_debt", "adjustments")
    taken = [("revenue", earned), *((account, -book.balance(account)) for account in undone)]
    deferred = tuple(
        Posting(account="deferred_revenue", amount_minor=-each.amount_minor, line_id=each.line_id)
        for each in services
    )
    owed = -unearned - sum(amount for _, amount in taken)
    return Draft(postings=(*deferred, *postings(*taken, ("receivable", owed))), services=services)


def uncollectible(fact: InvoiceUncollectible, book: Book, day: date) -> Draft | None:
    """What is still owed of it is given up."""
    lost = min(fact.amount_remaining_minor, book.balance("receivable"))
    return Draft(postings=postings(("bad_debt", lost), ("receivable", -lost))) if lost > 0 else None


def note_issued(fact: CreditNoteIssued, book: Book, day: date) -> Draft:
    """The invoice is lowered: from what is owed, by what is to be paid back, or to the credit balance.

    What a refund gave back before its note came is not given back again; of a void invoice nothing is left
    to lower.
    """
    if book.is_void:
        return Draft(postings=())
    covered = min(fact.refunded_minor, book.uncovered())
    given = fact.amount_minor - covered
    debits, services = give_back(book, given, day)
    elsewhere = fact.refunded_minor + fact.credited_minor + fact.out_of_band_minor
    credits = postings(
        ("refunds_due", covered - fact.refunded_minor),
        ("credits", -fact.credited_minor),
        ("cash", -fact.out_of_band_minor),
    )
    return Draft(
        postings=(*debits, *credits, *settle(book, fact.amount_minor - elsewhere)),
        services=services,
        given_minor=given,
        uncovered_minor=-covered,
    )


def note_voided(fact: CreditNoteVoided, book: Book, day: date) -> Draft:
    """The note's entry the other way round."""
    issued = book.entry(f"credit_note/{fact.credit_note_id}/issued")
    if issued is None or book.is_void:
        return Draft(postings=())
    return Draft(
        postings=tuple(
            each.model_copy(update={"amount_minor": -each.amount_minor}) for each in issued.postings
        ),
        services=tuple(
            each.model_copy(update={"amount_minor": -each.amount_minor}) for each in issued.services
        ),
        given_minor=-issued.given_minor,
        uncovered_minor=-issued.uncovered_minor,
    )


def credit_adjusted(fact: CreditBalanceAdjusted, book: Book, day: date) -> Draft:
    """Credit that somebody of ours gave or took."""
    amounts = postings(("adjustments", fact.amount_minor), ("credits", -fact.amount_minor))
    return Draft(postings=amounts, reason=fact.reason)


def _is_used_up(line: BilledService) -> bool:
    return line.metered or line.end <= line.start


def _service(line: BilledService) -> Service:
    start, end = days_of(times.moment(line.start), times.moment(line.end))
    return Service(line_id=line.line_id, amount_minor=line.amount_minor, start=start, end=end)
