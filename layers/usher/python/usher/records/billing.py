"""Our copies of the vendor's subscriptions, invoices and payments, each written with its events."""

from datetime import datetime

from usher.domain import billing_changes, times
from usher.domain.events import Event
from usher.ports.billing import BillingFacts, InvoiceSnapshot, PaymentSnapshot, Snapshot, SubscriptionSnapshot
from usher.ports.store import Absent, Condition, Equals, Item, Put, Store, Write
from usher.records.events import EventLog

SUBSCRIPTIONS, INVOICES, PAYMENTS = "subscriptions", "invoices", "payments"
_KEYS = {SUBSCRIPTIONS: "subscription_id", INVOICES: "invoice_id", PAYMENTS: "payment_id"}
_UNTOLD = {
    PAYMENTS: frozenset({"invoice_id", "method"})
}  # an answer about something else may leave these out

Known = dict[tuple[str, str], Item | None]


class BillingRecords:
    """Keeps local billing state equal to the vendor's.

    Read `known` first, ask the vendor then, `record` last: the write is conditional on the versions
    read before the question, so an old answer can never replace a newer one.
    """

    def __init__(self, store: Store, log: EventLog) -> None:
        self._store = store
        self._log = log

    def known(self, ids: set[tuple[str, str]]) -> Known:
        """What we hold now of these (table, id) pairs."""
        return {(table, id): self._store.get(table, {_KEYS[table]: id}) for table, id in ids}

    def record(
        self,
        facts: BillingFacts,
        *,
        account_id: str,
        known: Known,
        correlation_id: str,
        now: datetime,
        also: tuple[Write, ...] = (),
    ) -> list[Event]:
        """Write what differs from `known` with the events that tell of it; returns those events.

        Objects that `known` does not list count as never seen. Raises ConditionFailed when another
        writer was faster: read and ask again.
        """
        writes: list[Write] = list(also)
        happened: list[Event] = []
        for table, id, snapshot in _objects(facts):
            before = known.get((table, id))
            after = _after(table, snapshot, account_id, before)
            if after == before:
                continue
            writes.append(_put(table, after, before, now))
            happened.extend(_events(snapshot, before))
        if writes:
            self._log.commit(account_id, happened, writes, correlation_id=correlation_id, now=now)
        return happened


def ids_in(facts: BillingFacts) -> set[tuple[str, str]]:
    """The (table, id) pairs these facts speak of."""
    return {(table, id) for table, id, _ in _objects(facts)}


def _objects(facts: BillingFacts) -> list[tuple[str, str, Snapshot]]:
    found: list[tuple[str, str, Snapshot]] = []
    if facts.subscription is not None:
        found.append((SUBSCRIPTIONS, facts.subscription.subscription_id, facts.subscription))
    found.extend((INVOICES, invoice.invoice_id, invoice) for invoice in facts.invoices)
    found.extend((PAYMENTS, payment.payment_id, payment) for payment in facts.payments)
    return found


def _after(table: str, snapshot: Snapshot, account_id: str, before: Item | None) -> Item:
    """The item as it should be now: what the snapshot says is set, what it denies is gone, the rest stays."""
    item = dict(before or {})
    for name, value in snapshot:
        if value is not None:
            item[name] = times.text(value) if isinstance(value, datetime) else value
        elif name not in _UNTOLD.get(table, ()):
            item.pop(name, None)
    return item | {"account_id": account_id}


def _put(table: str, after: Item, before: Item | None, now: datetime) -> Put:
    key = _KEYS[table]
    version = int(before["version"]) if before else 0
    condition: Condition = Equals("version", version) if before else Absent(key)
    return Put(table, {**after, "version": version + 1, "recorded_at": times.text(now)}, if_=condition)


def _events(snapshot: Snapshot, before: Item | None) -> list[Event]:
    status = before["status"] if before else None
    if isinstance(snapshot, SubscriptionSnapshot):
        return billing_changes.subscription_changes(
            before=status,
            after=snapshot.status,
            subscription_id=snapshot.subscription_id,
            plan=snapshot.plan,
            trial_end=times.text(snapshot.trial_end) if snapshot.trial_end else None,
        )
    if isinstance(snapshot, InvoiceSnapshot):
        return billing_changes.invoice_changes(
            known=before is not None and status != "draft",
            status=snapshot.status,
            invoice_id=snapshot.invoice_id,
            subscription_id=snapshot.subscription_id,
            amount_due_minor=snapshot.amount_due_minor,
            currency=snapshot.currency,
        )
    assert isinstance(snapshot, PaymentSnapshot)
    return billing_changes.payment_changes(
        before=status,
        after=snapshot.status,
        payment_id=snapshot.payment_id,
        invoice_id=snapshot.invoice_id,
        amount_minor=snapshot.amount_minor,
        currency=snapshot.currency,
        failure_code=snapshot.failure_code,
    )
