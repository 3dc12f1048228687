"""POST /v1/accounts/{id}/trial: an operator gives a trial more days."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound, NotYet
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed
from usher.ports.trials import Trials
from usher.records.accounts import Accounts
from usher.records.audit import entry
from usher.records.billing import BillingRecords, ids_in
from usher.usecases.fields import Body, Text

LONGEST = timedelta(days=730)  # Stripe takes no trial that ends later than in two years


class ExtensionBody(Body):
    """Body of POST /v1/accounts/{id}/trial."""

    days: Annotated[int, Field(ge=1, le=365)]
    reason: Text


def extend_trial(
    account_id: str,
    body: ExtensionBody,
    caller: Caller,
    *,
    accounts: Accounts,
    records: BillingRecords,
    trials: Trials,
    clock: Clock,
) -> dict[str, Any]:
    """Returns the subscription's id and when its trial ends now; audited.

    A request that is sent again while the first one's answer was not recorded does it once: its key names
    the end that it moved. Raises NotFound, and Conflict when no trial runs or it would be too long.
    """
    account = accounts.find(account_id)
    if account is None:
        raise NotFound(f"no account {account_id}")
    rows = records.subscriptions_of(account_id)
    running = [row for row in rows if row["status"] == "trialing" and "trial_end" in row]
    if not running:
        states = ", ".join(sorted({row["status"] for row in rows})) or "none"
        raise Conflict(f"the account has no trial that runs; its subscriptions: {states}")
    id, former, now = str(running[-1]["subscription_id"]), str(running[-1]["trial_end"]), clock.now()
    end = times.moment(former) + timedelta(days=body.days)
    if end - now > LONGEST:
        raise Conflict(f"a trial can end in {LONGEST.days} days at the latest")
    known = records.known({("subscriptions", id)})
    key = f"account/{account_id}/trial/{former}+{body.days}"
    facts = trials.extend(id, trial_end=end, idempotency_key=key)
    assert facts.subscription is not None  # what was changed
    known |= records.known(ids_in(facts) - known.keys())
    new = times.text(end)
    audit = entry(
        caller,
        "trial.extend",
        subject=account_id,
        before={"trial_end": former},
        after={"trial_end": new},
        reason=body.reason,
        now=now,
    )
    try:
        records.record(
            facts,
            account_id=account_id,
            known=known,
            correlation_id=account.correlation_id,
            now=now,
            also=(audit,),
        )
    except ConditionFailed as error:
        raise NotYet(f"sync changed {id} at this moment; send the request again") from error
    return {"account_id": account_id, "subscription_id": id, "trial_end": new}
