"""Our copies of the vendor's objects (subscriptions, invoices, money), each written with its events."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from usher.domain import billing_changes, payment_changes, times, trials
from usher.domain.billing_events import SubscriptionTrialEnding
from usher.domain.change_events import SubscriptionProratedCharge, SubscriptionReactivated
from usher.domain.event import Event
from usher.domain.invoice_events import InvoicePaymentActionRequired
from usher.domain.subscription_changes import subscription_changes
from usher.ports.billing_facts import BillingFacts
from usher.ports.fees import Fee
from usher.ports.store import Equals, Item, Store, Write
from usher.records import accounts
from usher.records.billing_rows import (
    ACCOUNTS,
    CREDIT_NOTES,
    DISPUTES,
    INVOICES,
    KEYS,
    PAYMENTS,
    REFUNDS,
    SUBSCRIPTIONS,
    Pair,
    changed,
    confirmed,
    differing,
    ids_in,
    objects,
    row_of,
    without,
)
from usher.records.events import EventLog
from usher.records.mrr import MrrTotals, former_subscription, moved

__all__ = [
    "ACCOUNTS",
    "CREDIT_NOTES",
    "DISPUTES",
    "INVOICES",
    "PAYMENTS",
    "REFUNDS",
    "SUBSCRIPTIONS",
    "BillingRecords",
    "Known",
    "differing",
    "ids_in",
    "without",
]

Known = dict[Pair, Item | None]
_CHANGES: Mapping[str, Callable[[Item | None, Item], list[Event]]] = {
    SUBSCRIPTIONS: subscription_changes,
    INVOICES: billing_changes.invoice_changes,
    PAYMENTS: payment_changes.payment_changes,
    REFUNDS: payment_changes.refund_changes,
    DISPUTES: payment_changes.dispute_changes,
    CREDIT_NOTES: billing_changes.credit_note_changes,
}
_RUNS = frozenset({"active", "trialing"})
_BEGINS = frozenset({None, "incomplete"})


class BillingRecords:
    """Keeps local billing state equal to the vendor's.

    Read `known` first, ask the vendor then, `record` last: the write is conditional on the versions
    read before the question, so an old answer can never replace a newer one.
    """

    def __init__(self, store: Store, log: EventLog) -> None:
        self._store = store
        self._log = log
        self._mrr = MrrTotals(store)

    def known(self, ids: set[Pair]) -> Known:
        """What we hold now of these (table, id) pairs."""
        return {pair: self._get(*pair) for pair in ids}

    def subscriptions_of(self, account_id: str) -> list[Item]:
        """The account's subscriptions, our own among them, oldest first, each as of the last write.

        One that began a moment ago may be missing: the index that lists them may lag.
        """
        ids = [item["subscription_id"] for item in self._of_account(SUBSCRIPTIONS, account_id)]
        found = self._store.get_all(SUBSCRIPTIONS, [{"subscription_id": id} for id in ids])
        return [item for item in found if item is not None]

    def invoices_of(self, account_id: str) -> list[Item]:
        """The account's invoices, oldest first; the index may lag a moment."""
        return self._of_account(INVOICES, account_id)

    def _of_account(self, table: str, account_id: str) -> list[Item]:
        found, cursor = list[Item](), None
        while True:
            account = Equals("account_id", account_id)
            page = self._store.query(table, account, index="by_account", cursor=cursor)
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
        after = {
            (table, id): row_of(table, each, account_id, known.get((table, id)))
            for table, id, each in objects(facts)
        }
        for (table, id), row in after.items():
            before = known.get((table, id))
            near = _trial_told(row, now) if table == SUBSCRIPTIONS else []
            if table == SUBSCRIPTIONS:
                _date_lateness(row, before, now)
            if before is not None and row == before:
                writes.append(confirmed(table, id, before))
                continue
            writes.append(changed(table, row, before, now))
            happened.extend([*_CHANGES[table](before, row), *near])
            if table == SUBSCRIPTIONS:
                moves, events = self._mrr_of(row, before, now)
                writes.extend(moves)
                happened.extend(events)
            happened.extend(self._beside(table, before, row, after))
        account = known.get((ACCOUNTS, account_id))
        if facts.customer and account:
            write, names = accounts.following(account, facts.customer, now=now)
            writes.append(write)
            customer_id = facts.customer.customer_id
            happened.extend(billing_changes.customer_changes(customer_id=customer_id, changed=names))
        if writes and not happened:
            self._store.transact(writes)
        elif writes:
            context = {name: value for name, value in (("by", by), ("tenant_id", tenant_id)) if value}
            self._log.commit(
                account_id, happened, writes, correlation_id=correlation_id, now=now, context=context
            )
        return happened

    def note_fee(self, row: Item, fee: Fee, *, correlation_id: str, now: datetime) -> None:
        """Add the fee to a payment, with its event. Raises ConditionFailed when the row has changed."""
        after = {**row, "fee_minor": fee.fee_minor, "charge_id": fee.charge_id}
        self._log.commit(
            row["account_id"],
            payment_changes.payment_changes(row, after),
            [changed(PAYMENTS, after, row, now)],
            correlation_id=correlation_id,
            now=now,
        )

    def _get(self, table: str, id: str) -> Item | None:
        return self._store.get(table, {KEYS[table]: id})

    def _mrr_of(self, row: Item, before: Item | None, now: datetime) -> tuple[Sequence[Write], list[Event]]:
        """What the subscription's change does to the account's MRR, and whether it brings a customer back."""
        former = int(before.get("mrr_minor", 0)) if before else 0
        begins = row["status"] in _RUNS and (before["status"] if before else None) in _BEGINS
        if former == row["mrr_minor"] and not begins:
            return [], []
        totals = self._mrr.of(row["account_id"])
        events: list[Event] = []
        if begins and (left := former_subscription(totals, row["subscription_id"])):
            events.append(
                SubscriptionReactivated(
                    subscription_id=row["subscription_id"],
                    plan=row.get("plan"),
                    status=row["status"],
                    former_subscription_id=left,
                )
            )
        writes, moves = moved(
            totals, account_id=row["account_id"], subscription=row, before_minor=former, now=now
        )
        return writes, [*events, *moves]

    def _beside(self, table: str, before: Item | None, row: Item, after: Mapping[Pair, Item]) -> list[Event]:
        """What an invoice says of its subscription, and a payment of its invoice."""
        if table == INVOICES and billing_changes.invoice_is_new(before, row):
            billed = [line["amount_minor"] for line in row["lines"] if line["proration"]]
            id = row.get("subscription_id")
            subscription = (
                (after.get((SUBSCRIPTIONS, id)) or self._get(SUBSCRIPTIONS, id)) if billed and id else None
            )
            if subscription:
                return [
                    SubscriptionProratedCharge(
                        subscription_id=subscription["subscription_id"],
                        plan=subscription.get("plan"),
                        status=subscription["status"],
                        invoice_id=row["invoice_id"],
                        amount_minor=sum(billed),
                        currency=row["currency"],
                    )
                ]
        waits = row["status"] == "requires_action" and (before is None or before["status"] != row["status"])
        if table == PAYMENTS and waits and (id := row.get("invoice_id")):
            invoice = after.get((INVOICES, id)) or self._get(INVOICES, id)
            if invoice:
                return [
                    InvoicePaymentActionRequired(
                        invoice_id=id,
                        subscription_id=invoice.get("subscription_id"),
                        amount_due_minor=invoice["amount_due_minor"],
                        currency=invoice["currency"],
                        hosted_url=invoice.get("hosted_url"),
                    )
                ]
        return []


def _date_lateness(row: Item, before: Item | None, now: datetime) -> None:
    """Note since when a subscription is past due: how long its account keeps everything counts from there."""
    if row["status"] != "past_due":
        row.pop("past_due_since", None)
    elif before is None or before["status"] != "past_due":
        row["past_due_since"] = times.text(now)


def _trial_told(row: Item, now: datetime) -> list[Event]:
    """The event that a trial's end is near, noted on the row: it is told once for each end."""
    trial_end = row.get("trial_end")
    if not trial_end or not trials.ends_soon(row["status"], times.moment(trial_end), now):
        return []
    if row.get("trial_end_told") == trial_end:
        return []
    row["trial_end_told"] = trial_end
    return [
        SubscriptionTrialEnding(
            subscription_id=row["subscription_id"],
            plan=row.get("plan"),
            status=row["status"],
            trial_end=trial_end,
        )
    ]
