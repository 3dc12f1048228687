"""Gates of one sign-up: which comes next, what its record says meanwhile, and what an answer makes of it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from usher.domain import times
from usher.domain.event import Event
from usher.domain.gates import Applicant, WaitKind, Way
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.onboarding_events import OnboardingWaiting
from usher.domain.plans import PlanCatalog
from usher.domain.waiting_policy import Deadline
from usher.ports.store import Item
from usher.records.signups import Signup
from usher.usecases.step import StepResult, WaitTimes

KIND: dict[str, WaitKind] = {"confirm": "confirmation", "review": "review", "pay": "payment"}
_ENDS = {"reject": "rejected", "expire": "expired"}


def way_of(
    signup: Signup,
    *,
    plans: PlanCatalog,
    policy: OnboardingPolicy,
    passed: Collection[str] | None = None,
    not_invited: str | None = None,
) -> Way:
    """Where this sign-up goes next; `passed` in place of the gates its record names.

    `not_invited`: what is wrong with the invitation key that it brought.
    """
    company = signup.company
    asks_country = policy.confirmation.who.countries or policy.review.who.countries
    applicant = Applicant(
        plan_key=signup.plan,
        plan=plans.plans[signup.plan],
        payment=signup.payment,
        has_payment_method=signup.payment_method is not None,
        trial=signup.trial,
        email_domain=signup.email.rpartition("@")[2].casefold(),
        country=_country(signup) if asks_country else None,
        company_size=company.size if company else None,
        invited=signup.invited,
        at_door=passed is None,
        **({"not_invited": not_invited} if not_invited else {}),
    )
    return policy.way(applicant, signup.gates_passed if passed is None else passed)


def deadline_of(signup: Signup, kind: WaitKind, policy: OnboardingPolicy) -> Deadline:
    """How long this sign-up waits; a bank debit takes its days."""
    if kind == "payment" and signup.payment == "bank":
        hours = policy.payment.bank_ends_after_hours
        return Deadline(remind_after_hours=min(hours - 1, 24 * 30), ends_after_hours=hours)
    return policy.deadline(kind)


def entering(signup: Signup, way: Way, *, policy: OnboardingPolicy, now: datetime) -> tuple[Item, StepResult]:
    """What the record says while the sign-up goes this way, and what its step answers the workflow."""
    if way.gate == "ok":
        return {"status": "provisioning", "trial_days": way.trial_days}, StepResult()
    if way.gate == "reject":
        return {"verdict": {"status": "rejected", "reason": "; ".join(way.reasons)}}, StepResult(
            outcome="reject"
        )
    kind = KIND[way.gate]
    limit = deadline_of(signup, kind, policy)
    waiting = {
        "kind": kind,
        "since": times.text(now),
        "deadline": times.text(now + timedelta(hours=limit.ends_after_hours)),
        "reasons": list(way.reasons),
    }
    if kind == "review":
        waiting |= policy.review.model_dump(include={"reviewer", "delegate", "default"})
    # Who has to pay is told so together with where: AskPayment sets that status, once there is a page.
    status = "provisioning" if kind == "payment" else f"waiting_{kind}"
    values: Item = {"status": status, "stage": f"waiting_{kind}", "waiting": waiting}
    wait = WaitTimes(remind_seconds=limit.remind_seconds, rest_seconds=limit.rest_seconds)
    return values, StepResult(outcome=way.gate, wait=wait)


def told(signup_id: str, values: Item, *, reminder: bool = False) -> list[Event]:
    """The event that says who is waited for, when `values` open a wait."""
    if (waiting := values.get("waiting")) is None:
        return []
    return [
        OnboardingWaiting(
            signup_id=signup_id,
            kind=waiting["kind"],
            deadline=waiting["deadline"],
            reasons=tuple(waiting["reasons"]),
            reminder=reminder,
        )
    ]


def answered(
    signup: Signup,
    kind: WaitKind,
    answer: Item,
    *,
    plans: PlanCatalog,
    policy: OnboardingPolicy,
    now: datetime,
) -> tuple[Item, StepResult]:
    """What an answer (`decision`, `reason`) makes of the sign-up: the next gate, or its end."""
    if answer["decision"] != "approve":
        status = _ENDS.get(answer["decision"], "rolled_back")
        verdict = {
            "status": status,
            "reason": answer.get("reason") or f"{kind}: {answer['decision']}",
            "step": f"ask_{kind}",
        }
        return {"verdict": verdict}, StepResult(outcome="reject")
    passed = (*(gate for gate in signup.gates_passed if gate != kind), kind)
    way = way_of(signup, plans=plans, policy=policy, passed=passed)
    values, result = entering(signup, way, policy=policy, now=now)
    return {"gates_passed": list(passed), **values}, result


def cleared(values: Item) -> tuple[str, ...]:
    """What no longer holds once these values are on the record."""
    return () if "waiting" in values else ("waiting",)


def _country(signup: Signup) -> str | None:
    """The country of the phone number, else that of the locale (ISO 3166)."""
    if signup.phone:
        import phonenumbers  # noqa: PLC0415 - half a megabyte of metadata that most policies never ask for

        number: Any = phonenumbers.parse(signup.phone, None)
        return phonenumbers.region_code_for_number(number)
    language, _, region = (signup.locale or "").replace("_", "-").rpartition("-")
    return region.upper() if language and len(region) == 2 else None
