"""POST /v1/ledger/adjustments: a person sets something right by a new entry, which is audited.

Above a limit a second person approves it first (policies/money.yaml, decide_adjustment.py).
"""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from usher.domain import ids, times
from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.ledger import Account, Entry, Posting, Service
from usher.domain.money_policy import ApprovalPolicy
from usher.domain.problems import OfFields
from usher.ports.clock import Clock
from usher.ports.http import Answer
from usher.ports.store import Item, Store
from usher.records import audit
from usher.records.accounts import Accounts
from usher.records.ledger import Ledger
from usher.records.ledger_adjustments import ProposedAdjustment, ProposedAdjustments, entering
from usher.usecases.fields import Body, Text, Token

_MOST = 10**12
_LONGEST = 5 * 366  # days of a service
_REUSED = "This Idempotency-Key was used with another adjustment"


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


@dataclass(frozen=True, slots=True)
class AdjustmentDesk:
    """What setting the ledger right needs."""

    store: Store
    ledger: Ledger
    adjustments: ProposedAdjustments
    accounts: Accounts
    policy: ApprovalPolicy
    clock: Clock


def adjust_ledger(wanted: Adjustment, *, by: Caller, key: str, desk: AdjustmentDesk) -> Answer:
    """201 with the entry, or 202 when a second person has to approve it; once for each `key` of a caller.

    Raises NotFound: no such account or invoice; Conflict: another currency, or a key of another adjustment.
    """
    id, now = ids.derived("adj", by.subject, key), desk.clock.now()
    if proposed := desk.adjustments.find(id):  # its answer was lost
        if proposed.wanted != _item(wanted):
            raise Conflict(_REUSED)
        return Answer(202 if proposed.state == "waiting_approval" else 200, shown(proposed))
    entry = entry_of(id, wanted, desk)
    before = desk.ledger.posted(entry.fact)
    if before is not None:  # here too
        made = desk.ledger.book(before.book).entry(entry.fact)
        if made is None or not _same(made, entry):
            raise Conflict(_REUSED)
        return Answer(201, entry_shown(made))
    total = sum(line.debit_minor or 0 for line in wanted.postings)
    if desk.policy.needs_approval(total, wanted.currency):
        return _propose(id, wanted, entry, by, desk)
    subject, reason = wanted.account_id, wanted.reason
    noted = audit.entry(by, "ledger.adjust", subject=subject, now=now, after=told(entry), reason=reason)
    desk.ledger.add(entry, [noted])
    return Answer(201, entry_shown(entry))


def entry_of(id: str, wanted: Adjustment, desk: AdjustmentDesk) -> Entry:
    """The entry as it would be posted now. Raises NotFound and Conflict."""
    ledger, now = desk.ledger, desk.clock.now()
    if desk.accounts.find(wanted.account_id) is None:
        raise NotFound("There is no account of this id")
    book = ledger.book(f"invoice/{wanted.invoice_id}" if wanted.invoice_id else f"adjustment/{id}")
    if wanted.invoice_id and (not book.entries or book.entries[0].account_id != wanted.account_id):
        raise NotFound("The ledger has no such invoice of this account")
    if book.currency() not in (None, wanted.currency):
        raise Conflict(f"This invoice is in {book.currency()}")
    lines = [f"{id}/{number}" for number in range(1, len(wanted.postings) + 1)]
    return Entry(
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


def told(entry: Entry) -> dict[str, Any]:
    """What the audit log keeps of an entry."""
    postings = [posting.model_dump(exclude_none=True) for posting in entry.postings]
    return {"entry": entry.fact, "currency": entry.currency, "postings": postings}


def entry_shown(entry: Entry) -> dict[str, Any]:
    """An entry as the API answers it."""
    more = {"account_id": entry.account_id, "date": entry.date.isoformat(), "reason": entry.reason}
    return {**told(entry), **more}


def shown(proposed: ProposedAdjustment) -> dict[str, Any]:
    """One that needed a second person, as the API answers it."""
    own = proposed.model_dump(exclude_none=True, exclude={"version", "wanted", "account_id", "reason"})
    why = {"rejected_because": proposed.reason} if proposed.reason else {}
    if proposed.state == "waiting_approval":
        why = {"approve_url": f"/v1/ledger/adjustments/{proposed.adjustment_id}/approve"}
    return {**proposed.wanted, **own, **why}


def _propose(id: str, wanted: Adjustment, entry: Entry, by: Caller, desk: AdjustmentDesk) -> Answer:
    now = desk.clock.now()
    proposed = ProposedAdjustment(
        adjustment_id=id,
        account_id=wanted.account_id,
        wanted=_item(wanted),
        state="waiting_approval",
        entered_by=by.subject,
        entered_at=times.text(now),
        version=1,
    )
    subject, reason = wanted.account_id, wanted.reason
    noted = audit.entry(
        by, "ledger_adjustment.enter", subject=subject, now=now, after=told(entry), reason=reason
    )
    desk.store.transact([entering(proposed), noted])
    return Answer(202, shown(proposed))


def _item(wanted: Adjustment) -> Item:
    return wanted.model_dump(mode="json", exclude_none=True)


def _same(made: Entry, wanted: Entry) -> bool:
    own = {"number", "date", "posted_at"}  # of each writing
    return made.model_dump(exclude=own) == wanted.model_dump(exclude=own)
