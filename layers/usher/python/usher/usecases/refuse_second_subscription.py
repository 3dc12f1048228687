"""A second subscription of one account (two tabs, two checkouts): refunded, cancelled, told and audited."""

from dataclasses import dataclass

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.billing_events import SubscriptionRefused
from usher.domain.errors import NotYet
from usher.ports.billing import BillingGateway
from usher.ports.clock import Clock
from usher.ports.closing import BillingCloser
from usher.ports.store import Absent, ConditionFailed, Item, Put
from usher.records.accounts import Account
from usher.records.audit import entry
from usher.records.billing import BillingRecords, ids_in
from usher.records.events import EventLog

CLAIMS = "claims"
USHER = Caller("usher")


@dataclass(frozen=True, slots=True)
class Refusing:
    """What refusing a subscription needs."""

    billing: BillingGateway
    closer: BillingCloser
    records: BillingRecords
    log: EventLog
    clock: Clock


def refuse_second_subscription(row: Item, account: Account, *, kept: str | None, refusing: Refusing) -> None:
    """Undo the subscription `row`; `kept` is the one that holds, None when the account is closed.

    First it is noted, once; then the money goes back, then the subscription ends. A run that dies in between
    finds it still running and does the rest.
    """
    _note(row, account, kept, refusing)
    id, account_id = str(row["subscription_id"]), account.account_id
    facts = refusing.billing.fetch("subscription", id)
    for payment in facts.payments if facts else ():
        if payment.status == "succeeded":
            refusing.closer.refund(
                payment.payment_id,
                correlation_id=account.correlation_id,
                idempotency_key=f"account/{account_id}/refund/{payment.payment_id}",
            )
    known = refusing.records.known({("subscriptions", id)})
    ended = refusing.closer.cancel_subscription(id, idempotency_key=f"account/{account_id}/refuse/{id}")
    if ended is None:
        return
    known |= refusing.records.known(ids_in(ended) - known.keys())
    try:
        refusing.records.record(
            ended,
            account_id=account_id,
            known=known,
            correlation_id=account.correlation_id,
            now=refusing.clock.now(),
        )
    except ConditionFailed as error:
        assert ended.subscription is not None  # what was cancelled
        stored = refusing.records.known({("subscriptions", id)})[("subscriptions", id)]
        if stored is None or stored["status"] != ended.subscription.status:
            raise NotYet(f"sync changed {id} while it was refused; again") from error
        # else sync was told of the end and was faster


def _note(row: Item, account: Account, kept: str | None, refusing: Refusing) -> None:
    """The event and the entry in the audit log, in one transaction, once per subscription."""
    id, now = str(row["subscription_id"]), refusing.clock.now()
    reason = f"the account has {kept}" if kept else "the account is closed"
    claim = {"claim": f"refused#{id}", "account_id": account.account_id, "at": times.text(now)}
    told = SubscriptionRefused(
        subscription_id=id,
        plan=row.get("plan"),
        status=row["status"],
        signup_id=account.signup_id,
        reason=reason,
    )
    audit = entry(
        USHER,
        "subscription.refuse",
        subject=id,
        before={"status": row["status"]},
        after={"status": "canceled", "kept": kept} if kept else {"status": "canceled"},
        reason=reason,
        now=now,
    )
    try:
        refusing.log.commit(
            account.account_id,
            [told],
            [Put(CLAIMS, claim, if_=Absent("claim")), audit],
            correlation_id=account.correlation_id,
            now=now,
        )
    except ConditionFailed as error:
        if 0 not in error.failed:
            raise
