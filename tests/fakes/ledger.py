"""Facts of money as the bus brings them, and a ledger to post them to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.world import World
from usher.domain import times
from usher.domain.event import Envelope, Event
from usher.domain.invoice_events import BilledService, InvoiceGenerated
from usher.domain.ledger import Account, Entry
from usher.domain.payment_events import PaymentSucceeded
from usher.records.ledger import Ledger
from usher.records.ledger_quarantine import Quarantine
from usher.usecases.post_ledger import Desk, post_ledger
from usher.usecases.recognize_revenue import recognize_revenue

ACCOUNT = "acc_" + "a" * 26


def at(day: str) -> datetime:
    """Noon of a day such as 2025-11-21."""
    return datetime.fromisoformat(f"{day}T12:00:00+00:00").astimezone(UTC)


def line(
    amount_minor: int, start: str, end: str, *, line_id: str = "il_1", metered: bool = False
) -> BilledService:
    """A line of an invoice for service from the noon of a day to that of another."""
    return BilledService(
        line_id=line_id,
        amount_minor=amount_minor,
        start=times.text(at(start)),
        end=times.text(at(end)),
        metered=metered,
    )


def invoice(
    id: str = "in_1", *lines: BilledService, tax: int = 0, credit: int = 0, **more: Any
) -> InvoiceGenerated:
    """A final invoice of these lines; `credit` of it was met from the credit balance."""
    total = sum(each.amount_minor for each in lines) + tax
    values = {
        "invoice_id": id,
        "subscription_id": "sub_1",
        "amount_due_minor": max(total - credit, 0),
        "currency": "usd",
        "total_minor": total,
        "tax_minor": tax,
        "credit_applied_minor": credit,
        "lines": lines,
        **more,
    }
    return InvoiceGenerated(**values)


def payment(
    id: str = "pi_1", amount_minor: int = 3000, *, of: str | None = "in_1", **more: Any
) -> PaymentSucceeded:
    values = {"payment_id": id, "invoice_id": of, "amount_minor": amount_minor, "currency": "usd", **more}
    return PaymentSucceeded(**values)


@dataclass
class Books:
    """A ledger in a world; each fact it is told is an event of its own, a day a moment."""

    world: World
    told: list[Envelope] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.world.store)
        self.quarantine = Quarantine(self.world.store)
        self.desk = Desk(self.ledger, self.quarantine, self.world.clock)

    def event(self, happened: Event, day: str = "2025-11-21", *, account_id: str = ACCOUNT) -> Envelope:
        """The event as the bus brings it."""
        sequence = len(self.told) + 1
        envelope = Envelope(
            event_id=f"evt_{account_id[-26:]}_{sequence}",
            type=happened.type,
            version=happened.version,
            timestamp=times.text(at(day)),
            account_id=account_id,
            sequence=sequence,
            correlation_id="cor",
            payload=happened.model_dump(mode="json", exclude_none=True),
            context={},
        )
        self.told.append(envelope)
        return envelope

    def post(self, *happened: Event, day: str = "2025-11-21", account_id: str = ACCOUNT) -> None:
        """These events, one after the other."""
        self.take(*(self.event(each, day, account_id=account_id) for each in happened))

    def take(self, *events: Envelope) -> None:
        for event in events:
            assert post_ledger([event], desk=self.desk) == {}

    def recognize(self, day: str) -> int:
        """The schedule's run on a day."""
        self.world.clock.advance_to(at(day))
        return recognize_revenue(ledger=self.ledger, clock=self.world.clock)

    def entries(self) -> list[Entry]:
        rows = [row for row in self.world.rows("ledger") if "dated" in row]
        return [
            Entry.model_validate(row) for row in sorted(rows, key=lambda row: (row["book"], row["number"]))
        ]

    def balances(self, book: str | None = None) -> dict[Account, int]:
        """What is not nothing, debits less credits; of one book, or of all."""
        sums: dict[Account, int] = {}
        for entry in self.entries():
            for posting in entry.postings if book in (None, entry.book) else ():
                sums[posting.account] = sums.get(posting.account, 0) + posting.amount_minor
        return {account: amount for account, amount in sums.items() if amount}

    def held(self) -> dict[str, str]:
        """What is in quarantine: the fact, and what it waits for."""
        return {row["fact"]: row["waits_for"] for row in self.world.rows("ledger_quarantine")}
