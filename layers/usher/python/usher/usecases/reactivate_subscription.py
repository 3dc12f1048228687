"""POST /v1/accounts/{id}/subscription/reactivate: what was to end, or has ended, goes on (C6)."""

from usher.domain.errors import Conflict, VendorRejected
from usher.domain.plan_changes import ENDED, PlanChange, Wanted, judged_anew
from usher.ports.billing_facts import Declined
from usher.ports.store import Item, Write
from usher.records.accounts import Account, adopting
from usher.records.change_leases import Lease
from usher.usecases.change_subscription import Quantity, may_review, refused, with_promotion
from usher.usecases.end_subscription import ends_at
from usher.usecases.fields import Body, Text
from usher.usecases.subscription_desk import Request, SubscriptionDesk
from usher.usecases.subscription_state import SubscriptionState, declined


class ReactivateBody(Body):
    """Body of .../reactivate. After the end: which plan; the former one where none is said."""

    plan: Text | None = None
    quantity: Quantity | None = None
    promo: Text | None = None


def reactivate_subscription(
    request: Request, body: ReactivateBody, desk: SubscriptionDesk
) -> SubscriptionState:
    """Undo a scheduled end, or begin a new subscription after it, once per request.

    Raises NotFound; Conflict when there is nothing to take up again; Problem 400 for a plan or code that
    cannot be, 402 when the first payment was declined, 409 when another change was faster.
    """

    def judge(account: Account, row: Item) -> Item:
        if row["status"] in ENDED:
            return _anew(request, body, account, row, desk)
        if row["status"] == "paused":
            raise Conflict("the subscription is paused; POST .../subscription/resume lets it go on")
        if ends_at(row) is None:
            raise Conflict("the subscription runs and is not to end; there is nothing to reactivate")
        if body.plan or body.quantity or body.promo:
            raise Conflict("the subscription has not ended: reactivate it as it is, then change it")
        return {"keep": True}

    def do(account: Account, row: Item, lease: Lease) -> SubscriptionState:
        if "keep" in lease.plan:
            desk.changes.keep(lease.subscription_id, key=lease.key)
            id, also = lease.subscription_id, list[Write]()
        else:
            change = PlanChange.of_item(lease.plan)
            id = _begin(account, row, change, lease, desk)
            also = [adopting(account.account_id, subscription_id=id, plan=change.plan)]
        return desk.record(request, account, id, before=row, also=tuple(also))

    return desk.changing(request, judge, do, at=desk.clock.now().replace(microsecond=0))


def _anew(
    request: Request, body: ReactivateBody, account: Account, row: Item, desk: SubscriptionDesk
) -> Item:
    if account.status == "closed":
        raise Conflict("the account is closed; sign up again")
    wanted = Wanted(body.plan, body.quantity, body.promo)
    change = judged_anew(
        wanted, row, catalog=desk.catalog, policy=desk.policy, may_review=may_review(request)
    )
    found = with_promotion(change, desk)
    return found.as_item()


def _begin(account: Account, row: Item, change: PlanChange, lease: Lease, desk: SubscriptionDesk) -> str:
    try:
        outcome = desk.changes.begin_again(
            customer_id=str(row["customer_id"]),
            account_id=account.account_id,
            signup_id=account.signup_id,
            correlation_id=account.correlation_id,
            change=change,
            name=lease.name,
            key=lease.key,
        )
    except VendorRejected as error:
        raise refused(change, error) from error
    if isinstance(outcome, Declined):
        raise declined(outcome, f"A new subscription to {change.plan}")
    return outcome
