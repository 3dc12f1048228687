"""Sync: a Stripe event is a doorbell; this looks who is there and brings our records in step (A2)."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from usher.domain import times
from usher.domain.errors import NotYet
from usher.domain.stripe_events import CATALOG
from usher.ports.billing import BillingGateway
from usher.ports.billing_facts import BillingFacts
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed, Item
from usher.records.accounts import Account, Accounts
from usher.records.billing import (
    ACCOUNTS,
    CREDIT_NOTES,
    DISPUTES,
    INVOICES,
    PAYMENTS,
    REFUNDS,
    SUBSCRIPTIONS,
    BillingRecords,
    differing,
    ids_in,
    without,
)
from usher.records.failures import Failures
from usher.records.inbox import Inbox, OnParked
from usher.usecases.link_payment import LinkDesk
from usher.usecases.settle_link import settle_checkout

TABLES = {
    "subscription": SUBSCRIPTIONS,
    "invoice": INVOICES,
    "payment_intent": PAYMENTS,
    "refund": REFUNDS,
    "dispute": DISPUTES,
    "credit_note": CREDIT_NOTES,
}
KINDS = (  # in the order that answers most at once
    "subscription",
    "credit_note",
    "invoice",
    "charge",
    "payment_intent",
    "refund",
    "dispute",
    "customer",
)
CHECKOUT = "checkout.session"  # of a payment link: told to whoever follows the link, last
UNDER_WAY = timedelta(minutes=2)  # as long as `usher catalog apply` may take
BY = "sync"  # in the context of its events: what our own steps did is told without it
_TRIES = 4


def sync_billing(
    event_ids: Sequence[str],
    *,
    billing: BillingGateway,
    inbox: Inbox,
    accounts: Accounts,
    records: BillingRecords,
    failures: Failures,
    clock: Clock,
    on_parked: OnParked,
    desk: LinkDesk,
    drift: Callable[[], str | None] = lambda: None,
) -> dict[str, str]:
    """Deal with events of one customer; returns what became of each: synced, ignored, parked or done.

    However many events speak of one object, it is fetched once. An event of a kind we do not follow is
    stored and ignored; one of a customer we do not know is parked with the reason. So is one of a price or
    product when the vendor's catalog has come to differ from ours and stays so: `drift` says how.
    """
    outcomes: dict[str, str] = {}
    to_fetch: dict[tuple[str, str], list[Item]] = {}
    for event_id in event_ids:
        row = inbox.get(event_id)
        outcomes[event_id] = _triage(row)
        if row is not None and outcomes[event_id] == "synced":
            to_fetch.setdefault((row["object_kind"], row["object_id"]), []).append(row)
    checkouts = [id for kind, id in to_fetch if kind == CHECKOUT]
    sold = to_fetch.pop((CATALOG, CATALOG), [])
    to_fetch = {pair: rows for pair, rows in to_fetch.items() if pair[0] != CHECKOUT}

    def park(rows: Sequence[Item], reason: str) -> None:
        for row in rows:
            outcomes[row["event_id"]] = "parked"
            filed = failures.filing_event(row, step="sync_stripe", reason=reason, now=clock.now())
            if inbox.park(row["event_id"], reason=reason, now=clock.now(), filed=filed):
                on_parked(row["event_id"], row["type"], reason)

    told: set[tuple[str, str]] = set()
    for (kind, id), rows in sorted(to_fetch.items(), key=lambda found: KINDS.index(found[0][0])):
        if (TABLES.get(kind, kind), id) in told:
            continue
        named = {(TABLES[kind], id) for kind, id in to_fetch if kind in TABLES} - told
        seen = bring_in_step(
            kind, id, named, billing=billing, accounts=accounts, records=records, clock=clock
        )
        if seen is None or not (seen or any(accounts.find_by_customer(row["group"]) for row in rows)):
            park(rows, f"no account of ours belongs to {kind} {id}")
        else:
            told |= seen
    for id in checkouts:  # what they made is on record by now, as far as it was told
        settle_checkout(id, desk=desk)
    if sold and (reason := drift()):
        if clock.now() < max(times.moment(row["received_at"]) for row in sold) + UNDER_WAY:
            raise NotYet("the vendor's catalog is being changed; look again")
        park(sold, reason)
    for event_id, outcome in outcomes.items():
        if outcome not in {"parked", "done"}:
            inbox.finish(event_id, now=clock.now())
    return outcomes


def _triage(row: Item | None) -> str:
    if row is None or row["state"] == "done":
        return "done"
    followed = (*KINDS, CHECKOUT, CATALOG)
    return "synced" if row["object_kind"] in followed and "object_id" in row else "ignored"


def bring_in_step(
    kind: str,
    id: str,
    named: set[tuple[str, str]],
    *,
    billing: BillingGateway,
    accounts: Accounts,
    records: BillingRecords,
    clock: Clock,
) -> set[tuple[str, str]] | None:
    """Read what we know, ask the vendor, write the difference; returns what was told, None: nobody's.

    `named` is what events speak of that this answer may tell too: it is read before the question as well.
    """
    ids = named | _account_of(kind, id, accounts)
    for _ in range(_TRIES):
        known = records.known(ids)
        facts = billing.fetch(kind, id)
        if facts is None:
            return set()  # gone, as a draft that was deleted is
        account = _account(facts, billing=billing, accounts=accounts)
        if account is None:
            return None
        told = ids_in(facts)
        of_account = {(ACCOUNTS, account.account_id)} if facts.customer else set()
        # What the answer speaks of beyond what we had read may be new, and what we hold of it may say the
        # same: one look is enough then. Only a difference needs a version from before the question.
        late = records.known(told - ids)
        unread = differing(facts, account_id=account.account_id, known=late) | (of_account - ids)
        if unread:
            ids |= told | of_account
            continue
        try:
            records.record(
                without(facts, {pair for pair, item in late.items() if item is not None}),
                account_id=account.account_id,
                known=known,
                correlation_id=account.correlation_id,
                now=clock.now(),
                by=BY,
                tenant_id=account.tenant_id,
            )
        except ConditionFailed:
            ids |= told | of_account  # somebody was faster: read all of it, then ask again
            continue
        return told | {(TABLES.get(kind, kind), id)}
    raise ConditionFailed(f"{kind} {id} kept changing while it was synced; try again", {})


def _account_of(kind: str, id: str, accounts: Accounts) -> set[tuple[str, str]]:
    """The account that a customer's answer will speak of, when we know whose customer it is."""
    if kind != "customer":
        return set()
    account = accounts.find_by_customer(id)
    return {(ACCOUNTS, account.account_id)} if account else set()


def _account(facts: BillingFacts, *, billing: BillingGateway, accounts: Accounts) -> Account | None:
    """Whose facts these are: by our index, else by the account id that our own metadata carries."""
    customer_id = _customer_id(facts)
    if customer_id and (account := accounts.find_by_customer(customer_id)):
        return account
    named = next((each.account_id for each in _snapshots(facts) if each.account_id), None)
    if named is None and customer_id is not None:
        named = billing.account_of(customer_id)
    return accounts.find(named) if named else None


def _customer_id(facts: BillingFacts) -> str | None:
    return next((each.customer_id for each in _snapshots(facts) if each.customer_id), None)


def _snapshots(facts: BillingFacts) -> list[Any]:
    """All of them; each says whose customer's it is, and what our metadata on it say."""
    money = (*facts.payments, *facts.refunds, *facts.disputes, *facts.credit_notes)
    return [each for each in (facts.customer, facts.subscription, *facts.invoices, *money) if each]
