"""GET /v1/accounts/{id}/entitlements: what the product lets an account do, and where it sends the others."""

from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.entitlements import Held, Page, entitlement
from usher.domain.errors import NotFound
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords


class Entitlements(BaseModel):
    """What is answered. `features` and `credits` are of the plan, and nothing while not `enabled`."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    account_id: str
    enabled: bool
    status: str
    plan: str | None
    features: dict[str, bool]
    credits: int
    page: Page
    url: str


def entitlements(
    account_id: str,
    *,
    accounts: Accounts,
    records: BillingRecords,
    plans: PlanCatalog,
    policy: OnboardingPolicy,
    clock: Clock,
    public_url: str,
) -> Entitlements:
    """What the account may do now, and the address of the page it is to see. Raises NotFound."""
    account = accounts.find(account_id)
    if account is None:
        raise NotFound(f"no account {account_id}")
    held = [Held.model_validate(item) for item in records.subscriptions_of(account_id)]
    found = entitlement(account.status, held, beta_phase=policy.beta_phase, now=times.text(clock.now()))
    plan = plans.plans.get(found.plan or "") if found.enabled else None
    addresses = {
        "app": policy.product_url,
        "blocked": f"{public_url}/blocked",
        "subscription": f"{public_url}/subscription?{urlencode({'account': account_id})}",
        "pricing": f"{public_url}/pricing?{urlencode({'client_reference_id': account_id})}",
    }
    return Entitlements(
        account_id=account_id,
        enabled=found.enabled,
        status=found.status,
        plan=found.plan,
        features=dict(plan.flags) if plan else {},
        credits=plan.credits if plan else 0,
        page=found.page,
        url=addresses[found.page],
    )
