"""What each account brings in a month: one row per account, moved in the transaction that changes it.

The row is what makes the movements of an account add up: two subscriptions that change at one moment meet at
its version.
"""

from datetime import datetime

from usher.domain import mrr, times
from usher.domain.change_events import MrrChanged
from usher.ports.store import Absent, Equals, Item, Put, Store

TABLE = "mrr"


class MrrTotals:
    """Reads the rows. `totals` of one is its MRR in minor units by currency; no row: never a customer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, account_id: str) -> Item | None:
        return self._store.get(TABLE, {"account_id": account_id})


def moved(
    row: Item | None, *, account_id: str, subscription: Item, before_minor: int, now: datetime
) -> tuple[list[Put], list[MrrChanged]]:
    """The write and the event of a subscription that brought `before_minor` a month; none when it still does.

    `subscription` is its record with `mrr_minor` as it is now. The write fails when `row`, the account's, was
    changed since it was read.
    """
    delta, currency = int(subscription["mrr_minor"]) - before_minor, subscription.get("currency")
    if not delta or currency is None:
        return [], []
    totals = dict(row["totals"]) if row else {}
    former = int(totals.get(currency, 0))
    totals[currency] = former + delta
    movement = mrr.movement(before_minor=former, after_minor=totals[currency], was_customer=row is not None)
    assert movement is not None  # the totals differ
    version = int(row["version"]) if row else 0
    item: Item = {
        "account_id": account_id,
        "totals": totals,
        "since": row["since"] if row else times.text(now),
        "subscription_id": subscription["subscription_id"],
        "version": version + 1,
    }
    event = MrrChanged(
        subscription_id=subscription["subscription_id"],
        movement=movement,
        amount_minor=delta,
        total_minor=totals[currency],
        currency=currency,
        plan=subscription.get("plan"),
    )
    return [Put(TABLE, item, if_=Equals("version", version) if row else Absent("account_id"))], [event]


def former_subscription(row: Item | None, subscription_id: str) -> str | None:
    """The subscription that brought the account's last MRR, when it has none now: it left, and may return."""
    if row is None or any(row["totals"].values()) or row["subscription_id"] == subscription_id:
        return None
    return str(row["subscription_id"])
