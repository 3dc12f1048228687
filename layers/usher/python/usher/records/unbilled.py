"""Plans that nobody is billed for: a subscription of our own, which the payment vendor knows nothing of.

It is a row of the table `subscriptions` beside our copies of the vendor's. While it runs it is on the list
`by_unbilled`, in the order in which such plans end.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain import ids, times
from usher.domain.billing_events import SubscriptionActivated, SubscriptionCanceled, SubscriptionCreated
from usher.domain.event import Event
from usher.ports.store import (
    Absent,
    AtMost,
    Both,
    Either,
    Equals,
    Item,
    Page,
    Present,
    Put,
    Store,
    Update,
    Write,
)
from usher.records.events import EventLog

TABLE = "subscriptions"
NEVER = "9999-12-31T00:00:00.000Z"
_RUNS = Both((Present("unbilled"), Equals("status", "active")))


class Offer(BaseModel):
    """What a customer pays less when the plan ends: a coupon or a promotion code, by the vendor's id."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    kind: str
    id: str
    text: str


class UnbilledPlan(BaseModel):
    """An account's plan without a bill. `ends_at` is None while it never ends; `round` counts its offers."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    subscription_id: str
    account_id: str
    plan: str
    status: str
    started_at: str
    ends_at: str | None = None
    offer: Offer | None = None
    round: int = 0
    replaced_by: str | None = None
    version: int

    @property
    def runs(self) -> bool:
        return self.status == "active"


def subscription_id(account_id: str) -> str:
    """The id of an account's subscription without a bill; it has one at most."""
    return ids.sibling("own", account_id)


class UnbilledPlans:
    """Reads them, and changes them with the events that tell of it."""

    def __init__(self, store: Store, log: EventLog) -> None:
        self._store = store
        self._log = log

    def find(self, account_id: str) -> UnbilledPlan | None:
        item = self._store.get(TABLE, {"subscription_id": subscription_id(account_id)})
        return None if item is None else parse(item)

    def running(self, plan: str, *, limit: int, cursor: str | None = None) -> Page:
        """Rows of those on the plan, the next to end first. Raises InvalidCommand: a wrong cursor."""
        return self._store.query(
            TABLE, Equals("unbilled", plan), index="by_unbilled", limit=limit, cursor=cursor
        )

    def due(self, plan: str, now: datetime) -> list[UnbilledPlan]:
        """A hundred at most of those on the plan whose end has come."""
        page = self._store.query(
            TABLE, Equals("unbilled", plan), index="by_unbilled", sort=AtMost("ends_at", times.text(now))
        )
        return [parse(item) for item in page.items]

    def begin(
        self, account_id: str, plan: str, *, correlation_id: str, now: datetime, also: tuple[Write, ...] = ()
    ) -> None:
        """Start the plan, with `also`. Raises ConditionFailed when it runs already."""
        id = subscription_id(account_id)
        item: Item = {
            "subscription_id": id,
            "account_id": account_id,
            "plan": plan,
            "status": "active",
            "quantity": 1,
            "started_at": times.text(now),
            "unbilled": plan,
            "ends_at": NEVER,
            "version": 1,
        }
        fresh = Put(TABLE, item, if_=Either((Absent("subscription_id"), Equals("status", "canceled"))))
        happened: list[Event] = [
            kind(subscription_id=id, plan=plan, status="active")
            for kind in (SubscriptionCreated, SubscriptionActivated)
        ]
        self._log.commit(account_id, happened, [*also, fresh], correlation_id=correlation_id, now=now)

    def end(
        self,
        plan: UnbilledPlan,
        *,
        correlation_id: str,
        now: datetime,
        replaced_by: str | None = None,
        also: tuple[Write, ...] = (),
    ) -> None:
        """End the plan now, with `also`. Raises ConditionFailed when it runs no more."""
        canceled = SubscriptionCanceled(
            subscription_id=plan.subscription_id, plan=plan.plan, status="canceled"
        )
        values: Item = {"status": "canceled", "canceled_at": times.text(now), "ends_at": times.text(now)}
        if replaced_by is not None:
            values["replaced_by"] = replaced_by
        ended = Update(
            TABLE,
            {"subscription_id": plan.subscription_id},
            set=values,
            add={"version": 1},
            remove=("unbilled",),
            if_=_RUNS,
        )
        self._log.commit(plan.account_id, [canceled], [*also, ended], correlation_id=correlation_id, now=now)


def scheduling(plan: UnbilledPlan, *, ends_at: str, offer: Offer) -> Update:
    """The write that lets a running plan end at a moment, with an offer for what comes after it.

    It fails when the plan was changed since it was read.
    """
    return Update(
        TABLE,
        {"subscription_id": plan.subscription_id},
        set={"ends_at": ends_at, "offer": offer.model_dump()},
        add={"version": 1, "round": 1},
        if_=Both((_RUNS, Equals("version", plan.version))),
    )


def parse(item: Item) -> UnbilledPlan:
    values: dict[str, Any] = dict(item)
    if values.get("ends_at") == NEVER:
        del values["ends_at"]
    return UnbilledPlan.model_validate(values)
