"""POST /v1/accounts/{id}/subscription/{pause,resume}: neither service nor invoices for a while."""

from usher.domain.errors import Conflict
from usher.domain.plan_changes import refuse_unless_changeable
from usher.ports.store import Item
from usher.records.accounts import Account
from usher.records.change_leases import Lease
from usher.usecases.fields import Body, Text
from usher.usecases.subscription_desk import Request, SubscriptionDesk
from usher.usecases.subscription_state import SubscriptionState, declined


class PauseBody(Body):
    """Body of .../pause and .../resume."""

    reason: Text | None = None


def pause_subscription(request: Request, body: PauseBody, desk: SubscriptionDesk) -> SubscriptionState:
    """Pause it, once per request; what is left of the paid period becomes credit for when it goes on.

    Raises NotFound; Conflict when it cannot be paused now, and what to do first.
    """

    def judge(account: Account, row: Item) -> Item:
        if not desk.policy.pause:
            raise Conflict("subscriptions are not paused here; cancel it, and reactivate it later")
        refuse_unless_changeable(row)
        if row["status"] == "trialing":
            raise Conflict("a trial cannot be paused; let it end, or cancel it")
        if row.get("collection") == "send_invoice":
            raise Conflict("a subscription whose invoices are sent cannot be paused; cancel it instead")
        if row.get("scheduled_plan"):
            raise Conflict("a change is scheduled; call it off first: change to the plan that holds now")
        return {"pause": True}

    def do(account: Account, row: Item, lease: Lease) -> SubscriptionState:
        desk.changes.pause(lease.subscription_id, key=lease.key)
        return _recorded(request, body, account, row, lease, desk)

    return desk.changing(request, judge, do, at=desk.clock.now())


def resume_subscription(request: Request, body: PauseBody, desk: SubscriptionDesk) -> SubscriptionState:
    """Let it go on with a new period, once per request, as soon as that is paid.

    Raises NotFound; Conflict when it is not paused; Problem 402 when the payment failed: it stays paused, and
    the invoice becomes void.
    """

    def judge(account: Account, row: Item) -> Item:
        if row["status"] != "paused":
            raise Conflict(f"the subscription is {row['status']}, not paused")
        return {"resume": True}

    def do(account: Account, row: Item, lease: Lease) -> SubscriptionState:
        outcome = desk.changes.resume(lease.subscription_id, key=lease.key)
        if outcome is not None:
            desk.closer.void_invoices(lease.subscription_id)
            raise declined(outcome, "The resumption")
        return _recorded(request, body, account, row, lease, desk)

    return desk.changing(request, judge, do, at=desk.clock.now())


def _recorded(
    request: Request,
    body: PauseBody,
    account: Account,
    row: Item,
    lease: Lease,
    desk: SubscriptionDesk,
) -> SubscriptionState:
    id = lease.subscription_id
    return desk.record(request, account, id, before=row, reason=body.reason)
