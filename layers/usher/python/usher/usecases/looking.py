"""A second look at one object: fetched from the vendor, read from our records, and healed."""

from collections.abc import Mapping
from dataclasses import dataclass

from usher.domain.reconciliation import COMPARED, Difference, ObjectKind, Side, difference, side
from usher.domain.reconciliation_policy import ReconciliationPolicy
from usher.ports.billing import BillingGateway
from usher.ports.billing_facts import BillingFacts
from usher.ports.clock import Clock
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.billing_rows import objects
from usher.records.created import Created
from usher.records.mismatches import Mismatches
from usher.records.reconciliations import Reconciliations, Suspicion
from usher.usecases.sync_billing import bring_in_step

AT_THE_VENDOR: Mapping[ObjectKind, str] = {
    "subscription": "subscription",
    "invoice": "invoice",
    "payment": "payment_intent",
    "refund": "refund",
}


@dataclass(frozen=True, slots=True)
class Looking:
    """What a second look takes: the vendor, our records, and where findings go."""

    billing: BillingGateway
    records: BillingRecords
    accounts: Accounts
    created: Created
    mismatches: Mismatches
    runs: Reconciliations
    policy: ReconciliationPolicy
    clock: Clock


def look(suspicion: Suspicion, looking: Looking) -> Difference | None:
    facts = looking.billing.fetch(AT_THE_VENDOR[suspicion.object], suspicion.object_id)
    there = None if facts is None else _side_in(facts, suspicion)
    return difference(there, looking.created.find(suspicion.object, suspicion.object_id))


def heal(suspicion: Suspicion, looking: Looking) -> Difference | None:
    """Bring the object in step as its webhook would; returns what differs even then."""
    bring_in_step(
        AT_THE_VENDOR[suspicion.object],
        suspicion.object_id,
        set(),
        billing=looking.billing,
        accounts=looking.accounts,
        records=looking.records,
        clock=looking.clock,
    )
    return look(suspicion, looking)


def _side_in(facts: BillingFacts, suspicion: Suspicion) -> Side | None:
    wanted = (COMPARED[suspicion.object].table, suspicion.object_id)
    found = next((each for table, id, each in objects(facts) if (table, id) == wanted), None)
    return None if found is None else side(suspicion.object, vars(found))


def is_nobodys(there: Side | None, looking: Looking) -> bool:
    if there is None or there.customer_id is None:
        return False  # the fetch that heals finds out
    if looking.accounts.find_by_customer(there.customer_id):
        return False
    named = looking.billing.account_of(there.customer_id)
    return named is None or looking.accounts.find(named) is None
