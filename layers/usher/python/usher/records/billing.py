"""Our copies of the vendor's subscriptions, invoices and payments, each written with its events."""

from collections.abc import Collection, Sequence
from datetime import datetime

from usher.domain import billing_changes, times, trials
from usher.domain.billing_events import SubscriptionTrialEnding
from usher.domain.event import Event
from usher.ports.billing_facts import (
    BillingFacts,
    InvoiceSnapshot,
    PaymentSnapshot,
    Snapshot,
    SubscriptionSnapshot,
)
from usher.ports.store import Absent, Condition, Equals, Item, Put, Store, Update, Write
from usher.records import accounts
from usher.records.events import EventLog

SUBSCRIPTIONS, INVOICES, PAYMENTS = "subscriptions", "invoices", "payments"
ACCOUNTS = accounts.TABLE
_KEYS = {
    SUBSCRIPTIONS: "subscription_id",
    INVOICES: "invoice_id",
    PAYMENTS: "payment_id",
    ACCOUNTS: "account_id",
}
_UNTOLD = {
    PAYMENTS: frozenset({"invoice_id", "method", "signup_id"})
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

    def subscriptions_of(self, account_id: str) -> list[Item]:
        """The account's subscriptions, our own among them, oldest first; the index may lag a moment."""
        return self._store.query(SUBSCRIPTIONS, Equals("account_id", account_id), index="by_account").items

    def invoices_of(self, account_id: str) -> list[Item]:
        """The account's invoices, oldest first; the index may lag a moment."""
        found, cursor = [], None
        while True:
            account = Equals("account_id", account_id)
            page = self._store.query(INVOICES, account, index="by_account", cursor=cursor)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found

    def record(
        self,
        facts: BillingFacts,
        *,
        account_id: str,
        known: Known,
        correlation_id: str,
        now: datetime,
        also: tuple[Write, ...] = (),
        told: Sequence[Event] = (),
        by: str | None = None,
        tenant_id: str | None = None,
    ) -> list[Event]:
        """Write what differs from `known` with the events that tell of it; returns those events.

        What is equal gets a new version all the same: an older answer that says otherwise, whose asker is
        still on the way here, must find that a newer one was there.

        Objects that `known` does not list count as never seen; what the facts say of the customer goes to
        the account, which `known` must list for that. Raises ConditionFailed when another writer was
        faster: read and ask again. `told` joins the events; their context says who found out (`by`), and
        which tenant of the product is the account's, where that is known.
        """
        writes: list[Write] = list(also)
        happened: list[Event] = list(told)
        for table, id, snapshot in _objects(facts):
            before = known.get((table, id))
            after = _after(table, snapshot, account_id, before)
            near = _trial_told(after, snapshot, now)
            if before is not None and after == before:
                writes.append(_confirmed(table, id, before))
                continue
            writes.append(_put(table, after, before, now))
            happened.extend([*_events(snapshot, before), *near])
        account = known.get((ACCOUNTS, account_id))
        if facts.customer and account:
            write, changed = accounts.following(account, facts.customer, now=now)
            writes.append(write)
            customer_id = facts.customer.customer_id
            happened.extend(billing_changes.customer_changes(customer_id=customer_id, changed=changed))
        if writes and not happened:
            self._store.transact(writes)
        elif writes:
            context = {name: value for name, value in (("by", by), ("tenant_id", tenant_id)) if value}
            self._log.commit(
                account_id, happened, writes, correlation_id=correlation_id, now=now, context=context
            )
        return happened


def ids_in(facts: BillingFacts) -> set[tuple[str, str]]:
    """The (table, id) pairs of the objects these facts speak of, without the customer's account."""
    return {(table, id) for table, id, _ in _objects(facts)}


def differing(facts: BillingFacts, *, account_id: str, known: Known) -> set[tuple[str, str]]:
    """Those of `known` that these facts would change; what we do not have, or have as it is, is none."""
    return {
        (table, id)
        for table, id, snapshot in _objects(facts)
        if (before := known.get((table, id))) and _after(table, snapshot, account_id, before) != before
    }


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


def without(facts: BillingFacts, ids: Collection[tuple[str, str]]) -> BillingFacts:
    """The facts but for these (table, id) pairs."""
    kept = [snapshot for table, id, snapshot in _objects(facts) if (table, id) not in ids]
    return BillingFacts(
        customer=facts.customer,
        subscription=next((each for each in kept if isinstance(each, SubscriptionSnapshot)), None),
        invoices=tuple(each for each in kept if isinstance(each, InvoiceSnapshot)),
        payments=tuple(each for each in kept if isinstance(each, PaymentSnapshot)),
    )


def _confirmed(table: str, id: str, before: Item) -> Update:
    return Update(table, {_KEYS[table]: id}, add={"version": 1}, if_=Equals("version", before["version"]))


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


def _trial_told(after: Item, snapshot: Snapshot, now: datetime) -> list[Event]:
    """The event that a trial's end is near, noted on the item: it is told once for each end."""
    if not isinstance(snapshot, SubscriptionSnapshot) or not trials.ends_soon(
        snapshot.status, snapshot.trial_end, now
    ):
        return []
    if after.get("trial_end_told") == after["trial_end"]:
        return []
    after["trial_end_told"] = after["trial_end"]
    return [
        SubscriptionTrialEnding(
            subscription_id=snapshot.subscription_id,
            plan=snapshot.plan,
            status=snapshot.status,
            trial_end=after["trial_end"],
        )
    ]
