"""POST /v1/ledger/adjustments: a person sets something right by a new entry, which is audited.

Above a limit a second person approves it first (policies/money.yaml, decide_adjustment.py).
"""

from dataclasses import dataclass

from usher.domain import ids, times
from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.ledger import Entry, Posting, Service
from usher.domain.money_policy import ApprovalPolicy
from usher.ports.clock import Clock
from usher.ports.http import Answer
from usher.ports.store import Item, Store
from usher.records import audit
from usher.records.accounts import Accounts
from usher.records.ledger import Ledger
from usher.records.ledger_adjustments import ProposedAdjustment, ProposedAdjustments, entering
from usher.usecases.adjustment_answers import entry_shown, shown, told
from usher.usecases.adjustment_request import Adjustment

_REUSED = "This Idempotency-Key was used with another adjustment"


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
