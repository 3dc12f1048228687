"""A subscription that a checkout made becomes the account's, in place of a Beta plan; a second is refused."""

from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain.entitlements import HELD
from usher.domain.errors import NotYet
from usher.ports.store import ConditionFailed, Item, Store
from usher.records.accounts import Account, Accounts, adopting
from usher.records.link_onboardings import LinkOnboardings
from usher.records.unbilled import UnbilledPlans
from usher.usecases.refuse_second_subscription import Refusing, refuse_second_subscription


class SubscriptionBegan(BaseModel):
    """Our envelope of subscription.created or subscription.activated, told by sync."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    account_id: str
    payload: dict[str, Any]


def adopt_subscription(
    began: SubscriptionBegan,
    *,
    store: Store,
    accounts: Accounts,
    unbilled: UnbilledPlans,
    refusing: Refusing,
) -> str:
    """Returns what was done: nothing, kept, adopted or refused. Doing it twice does it once.

    Of several the one that began first is kept, whichever is told of first; one that is paused for want of a
    payment method gives way to any other. Of a closed account none is kept.
    """
    account = accounts.find(began.account_id)
    if account is None:
        return "nothing"
    held = sorted(_held(account, began, refusing), key=_rank)
    if not held:
        return "nothing"
    undecided: list[Item] = []
    if len(held) > 1:
        links = LinkOnboardings(store)
        held.sort(key=lambda row: not _counts(row, links))
        undecided = [row for row in held if _is_open(row, links)]
    if held[0] in undecided:
        raise NotYet(f"whether {held[0]['subscription_id']} counts is for its payment link to say; again")
    held = [row for row in held if row not in undecided]
    kept = held.pop(0) if account.status != "closed" else None
    for row in held:
        kept_id = kept["subscription_id"] if kept else None
        refuse_second_subscription(row, account, kept=kept_id, refusing=refusing)
    if kept is None:
        return "refused"
    adopted = _adopt(account, kept, store, unbilled, refusing)
    return "refused" if held else "adopted" if adopted else "kept"


def _held(account: Account, began: SubscriptionBegan, refusing: Refusing) -> list[Item]:
    """The account's subscriptions at the vendor; the new one too, though the index may lack it."""
    id = str(began.payload["subscription_id"])
    rows = {str(row["subscription_id"]): row for row in refusing.records.subscriptions_of(account.account_id)}
    if row := refusing.records.known({("subscriptions", id)})[("subscriptions", id)]:
        rows[id] = row
    return [row for row in rows.values() if row["status"] in HELD and "customer_id" in row]


def _rank(row: Item) -> tuple[bool, str, str]:
    return row["status"] == "paused", str(row["started_at"]), str(row["subscription_id"])


def _counts(row: Item, links: LinkOnboardings) -> bool:
    """Whether a payment link was paid by this one."""
    link = links.find_link(str(row.get("signup_id")))
    return link is not None and link.is_paid and link.subscription_id == row["subscription_id"]


def _is_open(row: Item, links: LinkOnboardings) -> bool:
    """Whether it is of a payment link of which nobody has decided yet what counts."""
    link = links.find_link(str(row.get("signup_id")))
    return link is not None and not link.is_paid and link.verdict is None


def _adopt(account: Account, kept: Item, store: Store, unbilled: UnbilledPlans, refusing: Refusing) -> bool:
    """Make it the account's, in place of a plan that nobody was billed for; returns whether that was new.

    An account that is still on its way in gets its subscription when it is activated.
    """
    id, plan = str(kept["subscription_id"]), str(kept.get("plan") or account.plan)
    own = unbilled.find(account.account_id)
    if own is not None and own.runs:
        now = refusing.clock.now()
        with suppress(ConditionFailed):  # it came to its end at this moment
            unbilled.end(own, correlation_id=account.correlation_id, now=now, replaced_by=id)
    if account.status == "pending" or (account.subscription_id, account.plan) == (id, plan):
        return False
    store.write(adopting(account.account_id, subscription_id=id, plan=plan))
    return True
