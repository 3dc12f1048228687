"""Step SyncCrm: contact, company and subscription in the CRM, with plan, size and stage; in batches (B5)."""

from collections.abc import Sequence

from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.crm import Crm, CrmIds, CrmProfile
from usher.ports.store import Store, Write
from usher.records.signups import Signup, Signups
from usher.records.transactions import transact_all
from usher.usecases.step import OK, StepCommand, mark
from usher.usecases.step_batch import Outcome, in_order, of_signups

STEP = "sync_crm"


def sync_crm(
    commands: Sequence[StepCommand],
    *,
    crm: Crm,
    store: Store,
    signups: Signups,
    plans: PlanCatalog,
    clock: Clock,
) -> list[Outcome]:
    """Upsert by keys of ours and keep the CRM's ids on each record; per command its outcome.

    The commands are of different sign-ups. One that fails fails alone. A message that comes so late that the
    workflow has given up and undoes the sign-up brings nothing to the CRM any more. One that comes again once
    its step was done, as who did it died before the queue knew, takes nobody back from where they are.
    """
    asked, outcomes = of_signups(commands, signups)
    found = [(command, signup) for command, signup in asked if signup.verdict is None]
    outcomes |= {command.signup_id: OK for command, signup in asked if signup.verdict is not None}
    answers = crm.upsert_many([(profile_of(s, plans), s.correlation_id) for _, s in found])
    now = clock.now()
    known: list[tuple[StepCommand, list[Write]]] = []
    for (command, signup), answer in zip(found, answers, strict=True):
        if isinstance(answer, CrmIds):
            stage = {} if is_done(signup) else {"stage": "in_crm"}
            values = {**stage, **answer.model_dump(), **mark(command, STEP, now)}
            known.append((command, [signups.changing(signup.signup_id, values)]))
        else:
            outcomes[command.signup_id] = answer
    written = transact_all(store, [writes for _, writes in known])
    outcomes |= {c.signup_id: error or OK for (c, _), error in zip(known, written, strict=True)}
    return in_order(commands, outcomes)


def is_done(signup: Signup) -> bool:
    """Whether the CRM has it already: that is on record before the workflow hears of it and goes on."""
    return bool(signup.steps.get(STEP, {}).get("status") == "done")


def profile_of(signup: Signup, plans: PlanCatalog) -> CrmProfile:
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
