"""Step SyncCrm: contact, company and subscription in the CRM, with plan, source, size and stage."""

from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.crm import Crm, CrmProfile
from usher.records.signups import Signup, Signups
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "sync_crm"


def sync_crm(
    command: StepCommand, *, crm: Crm, signups: Signups, plans: PlanCatalog, clock: Clock
) -> StepResult:
    """Upsert by keys of ours and keep the CRM's ids on the record."""
    signup = signups.get(command.signup_id)
    ids = crm.upsert(_profile(signup, plans), correlation_id=signup.correlation_id)
    values = {"stage": "in_crm", **ids.model_dump(), **mark(command, STEP, clock.now())}
    signups.change(signup.signup_id, values)
    return OK


def _profile(signup: Signup, plans: PlanCatalog) -> CrmProfile:
    assert signup.account_id is not None  # RegisterSignup ran before
    company = signup.company
    return CrmProfile(
        account_id=signup.account_id,
        email=signup.email,
        name=signup.name,
        phone=signup.phone,
        company_name=signup.company_name,
        company_domain=company.domain if company else None,
        company_size=company.size if company else None,
        plan=signup.plan,
        referral_source=signup.referral_source,
        lifecycle_stage="customer",
        subscription_id=signup.subscription_id,
        subscription_status=signup.subscription_status or "none",
        amount_minor=plans.plans[signup.plan].amount_minor,
        currency=plans.currency,
    )
