"""Onboarding: its statuses, its steps in order, and the policy that shapes it."""

from typing import Literal

from pydantic import Field

from usher.domain import payment_links
from usher.domain.gates import GatePolicy
from usher.domain.trials import TrialPolicy

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

ASKS = ("ask_confirmation", "ask_review", "ask_payment")
WORK = (
    "create_billing_customer",
    "create_subscription",
    "create_identity",
    "provision_tenant",
    "issue_api_key",
    "activate_account",
    "sync_crm",
    "send_welcome_mail",
)
UNDO = (
    "revoke_api_key",
    "remove_tenant",
    "remove_identity",
    "refund_payment",
    "cancel_subscription",
    "close_customer",
    "withdraw_from_crm",
)
STEPS = ("register_signup", *ASKS, *WORK, *UNDO)
"""In the order they are shown; billing and provisioning run side by side, and UNDO is for the rolled back."""


def steps_of(kind: str) -> tuple[str, ...]:
    """The steps of an onboarding of this kind."""
    return payment_links.STEPS if kind == "payment_link" else STEPS


_CLOSING = {"close_payment": "ask_payment", "close_link_payment": "await_link_payment"}


def step_of(function: str) -> str:
    """The step that a function of a workflow works for; the end of a wait is part of the step that waits."""
    return _CLOSING.get(function, function)


def undo_of(kind: str) -> tuple[str, ...]:
    """Those of them that undo."""
    return payment_links.UNDO if kind == "payment_link" else UNDO


def execution_name(kind: str, signup_id: str, redrives: int = 0) -> tuple[str, str]:
    """The workflow of an onboarding of this kind, and the name of its execution (of the n-th redrive)."""
    again = f"-r{redrives}" if redrives else ""
    if kind == "payment_link":
        return kind, f"link-{signup_id}{again}"
    return "onboarding", f"signup-{signup_id}{again}"


class OnboardingPolicy(GatePolicy):
    """policies/onboarding.yaml."""

    announce_success: Literal["off", "each", "digest"] = "off"
    repair_after_minutes: int = Field(default=15, ge=1)
    repair_until_days: int = Field(default=14, ge=1)
    crm_failure: Literal["degrade", "strict"] = "degrade"
    product_url: str = Field(pattern=r"^https?://")
    trial: TrialPolicy = TrialPolicy()
    beta_offer_months: int = Field(default=12, ge=1, le=36)
    user_invitation_days: int = Field(default=7, ge=1, le=90)
    welcome_template: str = "welcome"
    welcome_stream: str = "outbound"
    mail_sender: str
    inbox_retention_days: int = Field(default=90, ge=1)
    payment_link: payment_links.LinkPolicy = payment_links.LinkPolicy()
