"""Gates: what a sign-up has to pass before it is billed and provisioned, in which order, and why."""

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from usher.domain.plans import Plan
from usher.domain.waiting_policy import (
    ConfirmationPolicy,
    Deadline,
    PaymentPolicy,
    Policy,
    ReviewPolicy,
    WhoWaits,
)

Gate = Literal["ok", "confirm", "review", "pay", "reject"]
WaitKind = Literal["confirmation", "review", "payment"]


class Applicant(BaseModel):
    """What gates look at."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    plan_key: str
    plan: Plan
    payment: str = "card"
    has_payment_method: bool = False
    trial: bool | None = None
    email_domain: str = ""
    country: str | None = None
    company_size: int | None = None
    invited: bool = False
    not_invited: str = "no invitation key came with it"
    at_door: bool = Field(default=True, description="not yet registered: who is in is not asked again")


class Way(BaseModel):
    """The next gate of a sign-up, the reasons for it, and the trial it gets once it is through."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    gate: Gate
    reasons: tuple[str, ...] = ()
    trial_days: int = 0


class GatePolicy(Policy):
    """The part of policies/onboarding.yaml that decides who waits for what."""

    beta_phase: bool = False
    confirmation: ConfirmationPolicy = ConfirmationPolicy()
    review: ReviewPolicy = ReviewPolicy()
    payment: PaymentPolicy = PaymentPolicy()
    free_mail_domains: tuple[str, ...] = ("gmail.com", "googlemail.com", "outlook.com", "hotmail.com")

    def deadline(self, kind: WaitKind) -> Deadline:
        """How long a wait of this kind lasts."""
        found: Deadline = getattr(self, kind)
        return found

    def way(self, applicant: Applicant, passed: Collection[str] = ()) -> Way:
        """Where a sign-up that has `passed` these waits goes next.

        In order: an invitation where one is needed, the address confirmed, a person's approval, the first
        payment. A trial is taken when the plan has one and the sign-up asks for it.
        """
        plan, key = applicant.plan, applicant.plan_key
        needs_key = applicant.at_door and not applicant.invited
        if needs_key and plan.admission == "invitation":
            return Way(gate="reject", reasons=(f"plan {key} is by invitation: {applicant.not_invited}",))
        if needs_key and self.beta_phase:
            reason = f"the product is in its beta phase, by invitation only: {applicant.not_invited}"
            return Way(gate="reject", reasons=(reason,))
        reasons = self._reasons(self.confirmation.who, applicant)
        if reasons and "confirmation" not in passed:
            return Way(gate="confirm", reasons=reasons)
        reasons = self._reasons(self.review.who, applicant)
        if plan.admission == "review":
            reasons = (f"plan {key} is given by review", *reasons)
        if reasons and "review" not in passed:
            return Way(gate="review", reasons=reasons)
        trial_days = trial_of(applicant)
        owes = plan.is_paid and not trial_days and applicant.payment != "invoice"
        if owes and not applicant.has_payment_method and "payment" not in passed:
            return Way(gate="pay", reasons=(f"plan {key} has a price and no payment method came with it",))
        return Way(gate="ok", trial_days=trial_days)

    def _reasons(self, who: WhoWaits, applicant: Applicant) -> tuple[str, ...]:
        size, amount = applicant.company_size, applicant.plan.amount_minor
        found: dict[str, bool] = {
            f"plan {applicant.plan_key}": applicant.plan_key in who.plans,
            f"domain {applicant.email_domain}": applicant.email_domain in who.domains,
            f"country {applicant.country}": applicant.country in who.countries,
            f"a company of {size}": bool(
                who.company_size_at_least and (size or 0) >= who.company_size_at_least
            ),
            f"an amount of {amount}": bool(who.amount_minor_at_least and amount >= who.amount_minor_at_least),
            "a free-mail address": who.free_mail and applicant.email_domain in self.free_mail_domains,
        }
        return tuple(reason for reason, holds in found.items() if holds)


def trial_of(applicant: Applicant) -> int:
    """The days of trial this sign-up gets, 0 for none."""
    return applicant.plan.trial_days if applicant.trial and applicant.payment != "invoice" else 0
