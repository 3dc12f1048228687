"""Schedule finish-ends: an end that broke off, and whose request is not sent again, is finished.

Before a subscription is ended at once, what goes back is worked out and noted. Where the end took effect,
the rest is paid back as noted, by the same keys; where it did not, nothing has happened, and the subscription
is free for other changes.
"""

from usher.domain.access import Caller
from usher.domain.errors import Conflict, KeySpent, NotYet, VendorRejected
from usher.domain.plan_changes import ENDED
from usher.records.billing import SUBSCRIPTIONS
from usher.records.change_leases import BeingChanged, Lease
from usher.usecases.end_subscription import make_end
from usher.usecases.subscription_desk import Request, SubscriptionDesk


def finish_ends(desk: SubscriptionDesk) -> int:
    """Finish them; returns how many. One that fails holds up no other, and is tried again the next time.

    Raises the last failure, so that somebody is told when it lasts.
    """
    done, failed = 0, list[Exception]()
    for id in desk.leases.unfinished(desk.clock.now()):
        try:
            done += _finish(id, desk)
        except BeingChanged:
            continue  # its request has come again after all
        except Exception as error:  # noqa: BLE001 - one end's failure must not hold up the others
            failed.append(error)
    if failed:
        raise failed[-1]
    return done


def _finish(id: str, desk: SubscriptionDesk) -> bool:
    row = desk.records.known({(SUBSCRIPTIONS, id)})[SUBSCRIPTIONS, id]
    if row is None or "change_unfinished" not in row:
        return False  # the index lags
    now = desk.clock.now()
    lease = desk.leases.taken_up(row, intent=row["change_intent"], now=now)
    assert lease is not None  # it is the row's own
    if not _took_effect(lease, desk):
        desk.leases.release(lease, came_to=None)
        return False
    account = desk.accounts.find(str(row["account_id"]))
    if account is None:
        raise Conflict(f"{id} has ended, and its account is gone: pay back by hand what {lease.name} notes")
    asked, amounts = lease.plan, dict[str, int]()
    request = Request(account.account_id, "cancel", Caller(asked["by"], asked["role"]), asked["key"])
    try:
        make_end(request, account, row, lease, desk, amounts)
    except (KeySpent, VendorRejected):  # what it may have done all the same is looked for first
        desk.leases.spent(lease)
        raise
    desk.leases.release(lease, came_to=amounts, is_end=True)
    return True


def _took_effect(lease: Lease, desk: SubscriptionDesk) -> bool:
    facts = desk.billing.fetch("subscription", lease.subscription_id)
    if facts is None or facts.subscription is None:
        raise NotYet(f"the vendor has no subscription {lease.subscription_id}; again")
    return facts.subscription.status in ENDED
