"""What every change of a subscription shares: whose it is, one change at a time, the record and the audit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from usher.domain.access import Caller
from usher.domain.change_policy import ChangePolicy
from usher.domain.entitlements import HELD, NEVER_BEGAN
from usher.domain.errors import Conflict, KeySpent, NotFound, NotYet, PermanentError
from usher.domain.event import Event
from usher.domain.plans import PlanCatalog
from usher.domain.problems import Problem
from usher.ports.billing import BillingGateway
from usher.ports.clock import Clock
from usher.ports.closing import BillingCloser
from usher.ports.refunds import RefundGateway
from usher.ports.store import ConditionFailed, Item, Write
from usher.ports.subscription_changes import ChangeCosts, SubscriptionChanges
from usher.records.accounts import Account, Accounts
from usher.records.audit import entry
from usher.records.billing import SUBSCRIPTIONS, BillingRecords, ids_in
from usher.records.change_leases import BeingChanged, ChangeLeases, Lease, is_of, made
from usher.usecases.flush_usage import UsageFlush
from usher.usecases.subscription_state import SubscriptionState, shown, state_of

_TRIES = 4


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for what of which account; `key` is the same when the request is sent again."""

    account_id: str
    action: str
    caller: Caller
    key: str

    @property
    def intent(self) -> str:
        return f"{self.caller.subject}|{self.action}|{self.key}"


@dataclass(frozen=True, slots=True)
class SubscriptionDesk:
    """What changing subscriptions needs."""

    accounts: Accounts
    records: BillingRecords
    leases: ChangeLeases
    billing: BillingGateway
    changes: SubscriptionChanges
    costs: ChangeCosts
    closer: BillingCloser
    refunds: RefundGateway
    catalog: PlanCatalog
    policy: ChangePolicy
    usage: UsageFlush
    clock: Clock

    def held(self, account_id: str, *, by: Request | None = None) -> tuple[Account, Item]:
        """The account and its subscription: that which `by` was about before, that which runs, or ran last.

        Raises NotFound; Conflict when it never had one at the payment vendor.
        """
        account = self.accounts.find(account_id)
        if account is None:
            raise NotFound(f"no account {account_id}")
        rows = [row for row in self.records.subscriptions_of(account_id) if "customer_id" in row]
        begun = [row for row in rows if row["status"] not in NEVER_BEGAN]
        if not begun:
            raise Conflict("the account has no subscription; POST /v1/checkouts opens the page to buy one")
        own = [row for row in begun if by and is_of(row, by.intent)]
        chosen = max(own or begun, key=lambda row: (row["status"] in HELD, str(row["started_at"])))
        id = str(chosen["subscription_id"])
        return account, self.records.known({(SUBSCRIPTIONS, id)})[SUBSCRIPTIONS, id] or chosen

    def changing(
        self,
        request: Request,
        judge: Callable[[Account, Item], Item],
        do: Callable[[Account, Item, Lease], SubscriptionState],
        *,
        at: datetime,
        came_to: dict[str, int] | None = None,
    ) -> SubscriptionState:
        """Judge the request by how the subscription stands, then do it while nobody else changes it.

        A request that is sent again goes on where its first run broke off, and is done once.

        Args:
            judge: returns the plan of what is to be done; raises what is in its way.
            do: does what the lease's plan says. What it raises for good ends the change, unless that has
                to be finished; with a failure that may pass it is taken up again.
            came_to: filled by `do` with what the change came to, which is kept and filled in for a repeat.

        Raises NotFound, Conflict, Problem: 409 with how it stands when another change was faster.
        """
        account, row = self.held(request.account_id, by=request)
        came_to = {} if came_to is None else came_to
        if (before := made(row, request.intent)) is not None:
            came_to.update(before)
            return state_of(account.account_id, row)
        lease, row = self._lease(request, account, row, judge, at=at)
        try:
            state = do(account, row, lease)
        except (Problem, PermanentError):
            self.leases.refused(lease)
            raise
        except KeySpent:  # what it may have done all the same is looked for first
            self.leases.spent(lease)
            raise
        self.leases.release(lease, came_to=dict(came_to), is_end=bool(came_to))  # amounts are of an end
        return state

    def _lease(
        self,
        request: Request,
        account: Account,
        row: Item,
        judge: Callable[[Account, Item], Item],
        *,
        at: datetime,
    ) -> tuple[Lease, Item]:
        """The lease, and the row it was judged by.

        Sync may write the row between our reading it and taking the lease: that is no other change, and the
        request is judged once more by how the row stands then.
        """
        now = self.clock.now()
        for _ in range(_TRIES):
            try:
                lease = self.leases.taken_up(row, intent=request.intent, now=now)
                if lease is None:
                    plan = judge(account, row)
                    lease = self.leases.take(row, intent=request.intent, plan=plan, at=at, now=now)
                return lease, row
            except BeingChanged as busy:
                if busy.by_another_change_than(row, now=now):
                    raise _busy(account.account_id, busy) from busy
                row = busy.row
        raise NotYet(f"{row['subscription_id']} kept moving while its change began; send the request again")

    def record(
        self,
        request: Request,
        account: Account,
        subscription_id: str,
        *,
        before: Item,
        reason: str | None = None,
        also: tuple[Write, ...] = (),
        noted: dict[str, Any] | None = None,
        told: Sequence[Event] = (),
    ) -> SubscriptionState:
        """Bring our copy in step with the vendor, with the audit of who changed it; returns how it stands.

        `noted` stands in the audit beside what changed; `told` joins the events.
        """
        for _ in range(_TRIES):
            known = self.records.known({(SUBSCRIPTIONS, subscription_id)})
            facts = self.billing.fetch("subscription", subscription_id)
            if facts is None or facts.subscription is None:
                raise NotYet(f"the vendor has no subscription {subscription_id}; again")
            known |= self.records.known(ids_in(facts) - known.keys())
            after = facts.subscription.model_dump(mode="json", exclude_none=True)
            audit = entry(
                request.caller,
                f"subscription.{request.action}",
                subject=account.account_id,
                before=shown(before),
                after=shown(after) | {"subscription_id": subscription_id} | (noted or {}),
                reason=reason,
                now=self.clock.now(),
                request=request.key,
            )
            try:
                self.records.record(
                    facts,
                    account_id=account.account_id,
                    known=known,
                    correlation_id=account.correlation_id,
                    now=self.clock.now(),
                    also=(audit, *also),
                    told=told,
                )
            except ConditionFailed:
                continue  # sync was told of it at this moment: read again, ask again
            row = self.records.known({(SUBSCRIPTIONS, subscription_id)})[SUBSCRIPTIONS, subscription_id]
            assert row is not None  # it has just been recorded
            return state_of(account.account_id, row)
        raise NotYet(f"{subscription_id} kept changing while it was recorded; send the request again")


def _busy(account_id: str, busy: BeingChanged) -> Problem:
    state = state_of(account_id, busy.row).model_dump(exclude_none=True)
    detail = f"{busy}; look at how it stands, then decide again"
    return Problem(409, "Conflict", detail, headers={"retry-after": "2"}, more={"subscription": state})
