"""Sync: a Stripe event is a doorbell; this looks who is there and brings our records in step."""

from collections.abc import Sequence

from usher.ports.billing import BillingFacts, BillingGateway
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed, Item
from usher.records.accounts import Account, Accounts
from usher.records.billing import INVOICES, PAYMENTS, SUBSCRIPTIONS, BillingRecords, ids_in
from usher.records.inbox import Inbox

TABLES = {"subscription": SUBSCRIPTIONS, "invoice": INVOICES, "payment_intent": PAYMENTS}
KINDS = ("subscription", "invoice", "payment_intent", "customer")  # in the order that answers most at once
_TRIES = 4


def sync_billing(
    event_ids: Sequence[str],
    *,
    billing: BillingGateway,
    inbox: Inbox,
    accounts: Accounts,
    records: BillingRecords,
    clock: Clock,
) -> dict[str, str]:
    """Deal with events of one customer; returns what became of each: synced, ignored, parked or done.

    However many events speak of one object, it is fetched once. An event of a kind we do not follow is
    stored and ignored; one of a customer we do not know is parked with the reason.
    """
    outcomes: dict[str, str] = {}
    to_fetch: dict[tuple[str, str], list[str]] = {}
    for event_id in event_ids:
        row = inbox.get(event_id)
        outcomes[event_id] = _triage(row)
        if row is not None and outcomes[event_id] == "synced":
            to_fetch.setdefault((row["object_kind"], row["object_id"]), []).append(event_id)
    told: set[tuple[str, str]] = set()
    for kind, id in sorted(to_fetch, key=lambda pair: KINDS.index(pair[0])):
        if (TABLES.get(kind, kind), id) in told:
            continue
        seen = _bring_in_step(kind, id, billing=billing, accounts=accounts, records=records, clock=clock)
        if seen is None:
            for event_id in to_fetch[(kind, id)]:
                outcomes[event_id] = "parked"
                inbox.park(event_id, reason=f"no account of ours belongs to {kind} {id}", now=clock.now())
        else:
            told |= seen
    for event_id, outcome in outcomes.items():
        if outcome not in {"parked", "done"}:
            inbox.finish(event_id, now=clock.now())
    return outcomes


def _triage(row: Item | None) -> str:
    if row is None or row["state"] == "done":
        return "done"
    return "synced" if row["object_kind"] in KINDS and "object_id" in row else "ignored"


def _bring_in_step(
    kind: str, id: str, *, billing: BillingGateway, accounts: Accounts, records: BillingRecords, clock: Clock
) -> set[tuple[str, str]] | None:
    """Read what we know, ask the vendor, write the difference; returns what was told, None: nobody's."""
    ids = {(TABLES[kind], id)} if kind in TABLES else set()
    for _ in range(_TRIES):
        known = records.known(ids)
        facts = billing.fetch(kind, id)
        if facts is None:
            return {(TABLES.get(kind, kind), id)}
        account = _account(facts, billing=billing, accounts=accounts)
        if account is None:
            return None
        told = ids_in(facts)
        try:
            records.record(
                facts,
                account_id=account.account_id,
                known=known,
                correlation_id=account.correlation_id,
                now=clock.now(),
            )
        except ConditionFailed:
            ids |= told  # the answer spoke of more than we had read: read that too, then ask again
            continue
        return told | {(TABLES.get(kind, kind), id)}
    raise ConditionFailed(f"{kind} {id} kept changing while it was synced; try again", {})


def _account(facts: BillingFacts, *, billing: BillingGateway, accounts: Accounts) -> Account | None:
    """Whose facts these are: by our index, else by the account id that our own metadata carries."""
    customer_id = _customer_id(facts)
    if customer_id and (account := accounts.find_by_customer(customer_id)):
        return account
    named = facts.subscription.account_id if facts.subscription else None
    if named is None and facts.customer is not None:
        named = facts.customer.account_id
    if named is None and customer_id is not None and facts.customer is None:
        fetched = billing.fetch("customer", customer_id)
        named = fetched.customer.account_id if fetched and fetched.customer else None
    return accounts.find(named) if named else None


def _customer_id(facts: BillingFacts) -> str | None:
    for snapshot in (facts.customer, facts.subscription, *facts.invoices, *facts.payments):
        if snapshot is not None:
            return snapshot.customer_id
    return None
