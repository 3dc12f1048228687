"""Onboarding: its statuses, its steps in order, and which path a sign-up takes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from usher.domain.plans import Plan

Status = Literal[
    "received",
    "waiting_confirmation",
    "waiting_review",
    "waiting_payment",
    "provisioning",
    "active",
    "degraded",
    "rolled_back",
    "rejected",
    "expired",
    "failed",
]

REOPENABLE: frozenset[str] = frozenset({"rolled_back", "rejected", "expired"})
"""After these the same e-mail may sign up anew (DESIGN.md section 4, "a repeat")."""

FINAL: frozenset[str] = REOPENABLE | {"active", "degraded", "failed"}

STEPS = (
    "register_signup",
    "create_billing_customer",
    "create_subscription",
    "create_identity",
    "provision_tenant",
    "issue_api_key",
    "activate_account",
    "sync_crm",
    "send_welcome_mail",
)
"""In the order they are shown; billing and provisioning run side by side."""


class OnboardingPolicy(BaseModel):
    """policies/onboarding.yaml."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    announce_success: bool = False
    product_url: str = Field(pattern=r"^https?://")
    welcome_template: str = "welcome"
    welcome_stream: str = "outbound"
    mail_sender: str
    inbox_retention_days: int = Field(default=90, ge=1)


class Path(BaseModel):
    """Which way a sign-up goes: `go` says whether the workflow may bill and provision it now."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    go: bool
    trial_days: int = 0
    reason: str | None = None


def choose_path(
    plan_key: str, plan: Plan, *, payment: str, has_payment_method: bool, trial: bool | None
) -> Path:
    """Decide how a sign-up proceeds: by card, on trial, free, or not by this workflow.

    A trial is taken when the plan has one and the sign-up asks for it, or says nothing and brings no
    payment method. Ways that need a person or a later payment are refused here with their reason.
    """
    if plan.admission != "open":
        return Path(go=False, reason=f"plan {plan_key} is given by {plan.admission}, not by sign-up alone")
    if payment != "card":
        return Path(
            go=False, reason=f"payment by {payment} needs an agreement that sign-up cannot make alone"
        )
    if plan.trial_days and (trial or (trial is None and not has_payment_method)):
        return Path(go=True, trial_days=plan.trial_days)
    if plan.is_paid and not has_payment_method:
        return Path(go=False, reason=f"plan {plan_key} has a price and the sign-up brought no payment method")
    return Path(go=True)
