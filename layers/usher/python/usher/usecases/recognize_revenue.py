"""Schedule recognize-revenue: what was deferred becomes revenue, month by month, by days."""

from usher.domain import times
from usher.domain.errors import StaleWrite
from usher.domain.ledger import Draft, Entry, Posting
from usher.domain.service_days import last_day, month_before, month_of, next_due, share
from usher.ports.clock import Clock
from usher.records.ledger import SHARDS, Due, Ledger

AT_ONCE = 2500  # of each shard in one run: what is left is taken up by the next
KIND = "revenue.recognized"


def recognize_revenue(*, ledger: Ledger, clock: Clock) -> int:
    """Recognise what is due of the months that are over; returns how many entries were added.

    An entry per entry that deferred something and month, as of the month's last day. Run twice, or cut off in
    between, it adds nothing twice and leaves nothing out: what is due goes with the entry that recognises it.
    """
    now = clock.now()
    over = month_before(month_of(now))
    count = 0
    for shard in range(SHARDS):
        for due in ledger.due(shard, over, limit=AT_ONCE):
            following: Due | None = due
            while following is not None and following.month <= over:
                try:
                    following = _recognize(following, ledger, times.text(now))
                except StaleWrite:
                    break  # its book has just changed: it is still due at the next run
                count += 1
    return count


def _recognize(due: Due, ledger: Ledger, posted_at: str) -> Due | None:
    """Recognise one month of one entry; returns what of it is due next."""
    book = ledger.book(due.book)
    source = book.entries[due.number - 1]
    month = next_due(source.services, since=source.date, after=due.month)
    following = None if month is None else Due(month, due.book, due.number)
    entry = Entry(
        **dict(recognition(source, due.month)),
        fact=f"recognition/{source.fact}/{due.month}",
        book=book.id,
        number=len(book.entries) + 1,
        kind=KIND,
        account_id=source.account_id,
        currency=source.currency,
        date=max(last_day(due.month), source.date),
        posted_at=posted_at,
    )
    ledger.recognise(entry, due, following)
    return following


def recognition(source: Entry, month: str) -> Draft:
    """What one entry's services earn in a month, line by line, from deferred revenue to revenue."""
    earned = [(each.line_id, share(each, month, since=source.date)) for each in source.services]
    sides = [
        (
            Posting(account="deferred_revenue", amount_minor=part, line_id=line),
            Posting(account="revenue", amount_minor=-part, line_id=line),
        )
        for line, part in earned
        if part
    ]
    return Draft(postings=tuple(each for pair in sides for each in pair))
