"""Snapshots of the vendor's objects as rows of our tables, and what of them differs from what we hold."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from usher.domain import times
from usher.domain.subscription_changes import monthly_minor
from usher.ports.billing_facts import BillingFacts, Snapshot
from usher.ports.store import Absent, Condition, Equals, Item, Put, Update
from usher.records import accounts, created

SUBSCRIPTIONS, INVOICES, PAYMENTS = "subscriptions", "invoices", "payments"
REFUNDS, DISPUTES, CREDIT_NOTES = "refunds", "disputes", "credit_notes"
ACCOUNTS = accounts.TABLE
KEYS = {
    SUBSCRIPTIONS: "subscription_id",
    INVOICES: "invoice_id",
    PAYMENTS: "payment_id",
    REFUNDS: "refund_id",
    DISPUTES: "dispute_id",
    CREDIT_NOTES: "credit_note_id",
    ACCOUNTS: "account_id",
}
# What an answer about something else may leave out: what was known of it stays.
_OF_CHARGE = ("method", "charge_id", "card_brand", "card_country", "fee_minor", "refunded_minor", "paid_at")
_UNTOLD = {
    PAYMENTS: frozenset({"invoice_id", "signup_id", *_OF_CHARGE}),
    INVOICES: frozenset({"lines", "paid_out_of_band"}),
    REFUNDS: frozenset({"payment_id", "charge_id", "customer_id"}),
    DISPUTES: frozenset({"payment_id", "charge_id", "customer_id"}),
}

Pair = tuple[str, str]


def objects(facts: BillingFacts) -> list[tuple[str, str, Snapshot]]:
    """Table, id and snapshot of every object these facts speak of, the customer left out."""
    of_table: list[tuple[str, Iterable[Snapshot]]] = [
        (SUBSCRIPTIONS, [facts.subscription] if facts.subscription else []),
        (INVOICES, facts.invoices),
        (PAYMENTS, facts.payments),
        (REFUNDS, facts.refunds),
        (DISPUTES, facts.disputes),
        (CREDIT_NOTES, facts.credit_notes),
    ]
    return [(table, getattr(each, KEYS[table]), each) for table, found in of_table for each in found]


def ids_in(facts: BillingFacts) -> set[Pair]:
    """The (table, id) pairs of the objects these facts speak of, without the customer's account."""
    return {(table, id) for table, id, _ in objects(facts)}


def without(facts: BillingFacts, ids: Collection[Pair]) -> BillingFacts:
    """The facts but for these (table, id) pairs."""

    def kept(table: str, found: Iterable[Snapshot]) -> tuple[Any, ...]:
        return tuple(each for each in found if (table, getattr(each, KEYS[table])) not in ids)

    subscriptions = kept(SUBSCRIPTIONS, [facts.subscription] if facts.subscription else [])
    return BillingFacts(
        customer=facts.customer,
        subscription=subscriptions[0] if subscriptions else None,
        invoices=kept(INVOICES, facts.invoices),
        payments=kept(PAYMENTS, facts.payments),
        refunds=kept(REFUNDS, facts.refunds),
        disputes=kept(DISPUTES, facts.disputes),
        credit_notes=kept(CREDIT_NOTES, facts.credit_notes),
    )


def differing(facts: BillingFacts, *, account_id: str, known: dict[Pair, Item | None]) -> set[Pair]:
    """Those of `known` that these facts would change; what we do not have, or have as it is, is none."""
    return {
        (table, id)
        for table, id, snapshot in objects(facts)
        if (before := known.get((table, id))) and row_of(table, snapshot, account_id, before) != before
    }


def row_of(table: str, snapshot: Snapshot, account_id: str, before: Item | None) -> Item:
    """The row as it should be now: what the snapshot says is set, what it denies is gone, the rest stays."""
    row = dict(before or {})
    for name, value in snapshot:
        if value is not None:
            row[name] = _plain(value)
        elif name not in _UNTOLD.get(table, ()):
            row.pop(name, None)
    row["account_id"] = account_id
    if before and "created_at" in before:
        row["created_at"] = before["created_at"]  # no two answers about something date it differently
    row |= created.attributes(row)
    if table == SUBSCRIPTIONS:
        row["mrr_minor"] = monthly_minor(row)
    return row


def confirmed(table: str, id: str, before: Item) -> Update:
    """The write for a row that is still as the vendor says."""
    return Update(table, {KEYS[table]: id}, add={"version": 1}, if_=Equals("version", before["version"]))


def changed(table: str, after: Item, before: Item | None, now: datetime) -> Put:
    """The write for a row that is new or differs; it fails when `before` is no longer what is stored."""
    version = int(before["version"]) if before else 0
    condition: Condition = Equals("version", version) if before else Absent(KEYS[table])
    return Put(table, {**after, "version": version + 1, "recorded_at": times.text(now)}, if_=condition)


def _plain(value: Any) -> Any:
    """A field's value as the store keeps it."""
    if isinstance(value, datetime):
        return times.text(value)
    if isinstance(value, BaseModel):
        return {name: _plain(held) for name, held in value if held is not None}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
