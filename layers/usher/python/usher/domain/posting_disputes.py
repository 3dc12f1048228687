"""What facts about disputes post: the money that a bank takes back, and what the vendor asks for it."""

from datetime import date

from usher.domain.ledger import Draft, balance, postings
from usher.domain.ledger_book import Book
from usher.domain.payment_events import DisputeFeeKnown, DisputeLost, DisputeOpened, DisputeWon
from usher.domain.posting_money import paid_back


def dispute_opened(fact: DisputeOpened, book: Book, day: date) -> Draft:
    """The bank has taken the money, and the vendor its fee."""
    taken = fact.amount_minor + fact.fee_minor
    amounts = postings(("disputes", fact.amount_minor), ("fees", fact.fee_minor), ("cash", -taken))
    return Draft(
        postings=amounts,
        received_minor=-fact.amount_minor,
        payment_id=fact.payment_id,
        reason=fact.reason,
    )


def dispute_won(fact: DisputeWon, book: Book, day: date, opened: Book) -> Draft:
    """What the bank held is ours again, and what of the fee came back.

    `opened` is the book of its beginning: another one, when the payment's invoice was told in between.
    """
    beginning = opened.entry(f"dispute/{fact.dispute_id}/opened")
    assert beginning is not None, "posted after it was opened"
    held = balance((beginning,), "disputes")
    back = max(fact.fee_returned_minor - _fees(fact.dispute_id, book, opened)[1], 0)
    amounts = postings(("cash", held + back), ("disputes", -held), ("fees", -back))
    return Draft(postings=amounts, received_minor=held, payment_id=fact.payment_id)


def dispute_fee_known(fact: DisputeFeeKnown, book: Book, day: date, opened: Book) -> Draft | None:
    """What the vendor's fees, and what of them came back, are more than was posted by now."""
    taken, returned = _fees(fact.dispute_id, book, opened)
    more, back = max(fact.fee_minor - taken, 0), max(fact.fee_returned_minor - returned, 0)
    if not more and not back:
        return None
    amounts = postings(("fees", more), ("fees", -back), ("cash", back - more))
    return Draft(postings=amounts, payment_id=fact.payment_id)


def dispute_lost(fact: DisputeLost, book: Book, day: date) -> Draft:
    """The customer has the money back: like a refund, but what was earned by it is bad debt, its tax too."""
    held = fact.amount_minor
    debits, services, given = paid_back(book, held, day, earned="bad_debt", taxed=False)
    return Draft(
        postings=(*debits, *postings(("disputes", -held))),
        services=services,
        given_minor=given,
        payment_id=fact.payment_id,
    )


def _fees(dispute_id: str, book: Book, opened: Book) -> tuple[int, int]:
    """The dispute's fees as they are posted: what was taken, and what came back."""
    entries = (*book.entries, *(opened.entries if opened is not book else ()))
    own = [each for each in entries if each.fact.startswith(f"dispute/{dispute_id}/")]
    amounts = [each.amount_minor for entry in own for each in entry.postings if each.account == "fees"]
    return sum(each for each in amounts if each > 0), -sum(each for each in amounts if each < 0)
