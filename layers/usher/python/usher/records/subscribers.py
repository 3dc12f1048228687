"""Whose usage it is: an account with its subscription, as far as counting needs them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from usher.domain import times
from usher.domain.usage import Billed, Period, calendar_month
from usher.ports.store import Item, Store
from usher.records import accounts

SUBSCRIPTIONS = "subscriptions"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """`billed` is None for who has no subscription at the payment vendor: months count then.

    `began`: when the subscription did.
    """

    account_id: str
    correlation_id: str
    plan: str | None
    subscription_id: str | None = None
    customer_id: str | None = None
    billed: Billed | None = None
    began: datetime | None = None

    def counted_at(self, moment: datetime, *, skew: timedelta) -> datetime:
        """When usage of a moment counts: what a slow clock dates before the beginning counts as that."""
        if self.began is not None and self.began - skew <= moment < self.began:
            return self.began
        return moment

    def period_of(self, moment: datetime) -> Period:
        return self.billed.period_of(moment) if self.billed else calendar_month(moment)


class Subscribers:
    """Reads accounts with their subscriptions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def statuses(self, account_ids: Collection[str]) -> dict[str, str]:
        """By account id (pending, active, ...); an account that does not exist is not among them."""
        return {item["account_id"]: item["status"] for item in self._accounts(account_ids)}

    def of(self, account_ids: Collection[str]) -> dict[str, Subscriber]:
        """By account id; an account that does not exist is not among them."""
        known = self._accounts(account_ids)
        ids = sorted({item["subscription_id"] for item in known if "subscription_id" in item})
        found = self._store.get_all(SUBSCRIPTIONS, [{"subscription_id": id} for id in ids])
        subscriptions = {item["subscription_id"]: item for item in found if item is not None}
        return {
            item["account_id"]: _subscriber(item, subscriptions.get(item.get("subscription_id", "")))
            for item in known
        }

    def _accounts(self, account_ids: Collection[str]) -> list[Item]:
        keys = [{"account_id": account_id} for account_id in account_ids]
        return [item for item in self._store.get_all(accounts.TABLE, keys) if item is not None]


def _subscriber(account: Item, subscription: Item | None) -> Subscriber:
    held = subscription or {}
    return Subscriber(
        account_id=account["account_id"],
        correlation_id=account["correlation_id"],
        plan=held.get("plan") or account.get("plan"),
        subscription_id=held.get("subscription_id"),
        customer_id=account.get("customer_id"),
        billed=_billed(held),
        began=times.moment(held["started_at"]) if "started_at" in held else None,
    )


def _billed(subscription: Item) -> Billed | None:
    start, end = subscription.get("current_period_start"), subscription.get("current_period_end")
    if not start or not end or start >= end:
        return None
    return Billed(
        Period(times.moment(start), times.moment(end)),
        "year" if subscription.get("interval") == "year" else "month",
        trialing=subscription["status"] == "trialing",
    )
