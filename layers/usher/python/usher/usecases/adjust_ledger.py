"""POST /v1/ledger/adjustments: a person sets something right by a new entry, which is audited."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from usher.domain import ids, times
from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.ledger import Account, Entry, Posting, Service
from usher.domain.problems import OfFields
from usher.ports.clock import Clock
from usher.records import audit
from usher.records.accounts import Accounts
from usher.records.ledger import Ledger
from usher.usecases.fields import Body, Text, Token

_MOST = 10**12
_LONGEST = 5 * 366  # days of a service


class Line(Body):
    """One posting: exactly one of `debit_minor` and `credit_minor`, in minor units.

    What goes to or from `deferred_revenue` says the days of service: `start`, and `end`, the day after the
    last.
    """

    account: Account
    debit_minor: Annotated[int, Field(ge=1, le=_MOST)] | None = None
    credit_minor: Annotated[int, Field(ge=1, le=_MOST)] | None = None
    start: Annotated[date, Field(strict=False)] | None = None
    end: Annotated[date, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _one_side(self) -> "Line":
        if (self.debit_minor is None) == (self.credit_minor is None):
            raise OfFields("give either debit_minor or credit_minor", "debit_minor", "credit_minor")
        days = (self.start, self.end)
        if self.account != "deferred_revenue":
            if any(days):
                raise OfFields("start and end are of deferred_revenue alone", "start", "end")
        elif self.start is None or self.end is None:
            raise OfFields("deferred_revenue needs start and end, the days of its service", "start", "end")
        elif not 0 < (self.end - self.start).days <= _LONGEST:
            raise OfFields("end is a day after start, by five years at most", "end")
        return self

    @property
    def amount_minor(self) -> int:
        return (self.debit_minor or 0) - (self.credit_minor or 0)


class Adjustment(Body):
    """What is posted, for whom and why. Debits and credits are equal. `book` is the invoice it is about."""

    account_id: Token
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
    postings: Annotated[list[Line], Field(min_length=2, max_length=20)]
    reason: Text
    invoice_id: Token | None = None

    @model_validator(mode="after")
    def _balances(self) -> "Adjustment":
        difference = sum(line.amount_minor for line in self.postings)
        if difference:
            raise OfFields(
                f"debits are {difference} more than credits: an entry needs both to be equal", "postings"
            )
        return self


def adjust_ledger(
    wanted: Adjustment, *, by: Caller, key: str, ledger: Ledger, accounts: Accounts, clock: Clock
) -> dict[str, Any]:
    """Post it, once for each `key` of a caller; returns the entry.

    Raises NotFound: no such account or invoice; Conflict: another currency, or a key of another adjustment.
    """
    if accounts.find(wanted.account_id) is None:
        raise NotFound("There is no account of this id")
    now = clock.now()
    id = ids.derived("adj", by.subject, key)
    book = ledger.book(f"invoice/{wanted.invoice_id}" if wanted.invoice_id else f"adjustment/{id}")
    if wanted.invoice_id and (not book.entries or book.entries[0].account_id != wanted.account_id):
        raise NotFound("The ledger has no such invoice of this account")
    if book.currency() not in (None, wanted.currency):
        raise Conflict(f"This invoice is in {book.currency()}")
    lines = [f"{id}/{number}" for number in range(1, len(wanted.postings) + 1)]
    entry = Entry(
        postings=tuple(
            Posting(
                account=each.account, amount_minor=each.amount_minor, line_id=line if each.start else None
            )
            for line, each in zip(lines, wanted.postings, strict=True)
        ),
        services=tuple(
            Service(line_id=line, amount_minor=-each.amount_minor, start=each.start, end=each.end)
            for line, each in zip(lines, wanted.postings, strict=True)
            if each.start is not None and each.end is not None
        ),
        reason=wanted.reason,
        fact=f"adjustment/{id}",
        book=book.id,
        number=len(book.entries) + 1,
        kind="ledger.adjusted",
        account_id=wanted.account_id,
        currency=wanted.currency,
        date=now.date(),
        posted_at=times.text(now),
    )
    before = ledger.posted(entry.fact)
    if before is not None:  # its answer was lost
        made = ledger.book(before.book).entry(entry.fact)
        if made is None or not _same(made, entry):
            raise Conflict("This Idempotency-Key was used with another adjustment")
        return _shown(made)
    noted = audit.entry(
        by, "ledger.adjust", subject=wanted.account_id, now=now, after=_told(entry), reason=wanted.reason
    )
    ledger.add(entry, [noted])
    return _shown(entry)


def _same(made: Entry, wanted: Entry) -> bool:
    own = {"number", "date", "posted_at"}  # of each writing
    return made.model_dump(exclude=own) == wanted.model_dump(exclude=own)


def _shown(entry: Entry) -> dict[str, Any]:
    more = {"account_id": entry.account_id, "date": entry.date.isoformat(), "reason": entry.reason}
    return {**_told(entry), **more}


def _told(entry: Entry) -> dict[str, Any]:
    postings = [posting.model_dump(exclude_none=True) for posting in entry.postings]
    return {"entry": entry.fact, "currency": entry.currency, "postings": postings}
