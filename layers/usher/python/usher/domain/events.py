"""Events: the typed, versioned facts Usher publishes, and the envelope each travels in."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """Base of all payloads. `type` and `version` name the schema; money is minor units, time ISO 8601 UTC."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    type: ClassVar[str]
    version: ClassVar[int] = 1


class AccountCreated(Event):
    type: ClassVar[str] = "account.created"
    signup_id: str


class PlanSelected(Event):
    type: ClassVar[str] = "plan.selected"
    plan: str


class AccountActivated(Event):
    type: ClassVar[str] = "account.activated"
    signup_id: str
    plan: str
    milliseconds_to_active: int


class AccountBillingChanged(Event):
    """What the payment vendor holds of the customer changed; `changed` names our fields, no values."""

    type: ClassVar[str] = "account.billing_changed"
    changed: tuple[str, ...]


class AccountCustomerDeleted(Event):
    """The account's customer is gone at the payment vendor, and with it whatever it was billed for."""

    type: ClassVar[str] = "account.customer_deleted"
    customer_id: str


class SubscriptionEvent(Event):
    """What every event about a subscription says."""

    subscription_id: str
    plan: str | None
    status: str


class SubscriptionCreated(SubscriptionEvent):
    type: ClassVar[str] = "subscription.created"
    trial_end: str | None = None


class SubscriptionTrialStarted(SubscriptionEvent):
    type: ClassVar[str] = "subscription.trial_started"
    trial_end: str


class SubscriptionActivated(SubscriptionEvent):
    type: ClassVar[str] = "subscription.activated"


class SubscriptionPaymentFailed(SubscriptionEvent):
    type: ClassVar[str] = "subscription.payment_failed"


class SubscriptionCanceled(SubscriptionEvent):
    type: ClassVar[str] = "subscription.canceled"


class SubscriptionRefused(SubscriptionEvent):
    """A second subscription of an account was undone, and what was paid for it paid back."""

    type: ClassVar[str] = "subscription.refused"
    signup_id: str
    reason: str


class SubscriptionTrialEnding(SubscriptionEvent):
    """A trial ends within three days."""

    type: ClassVar[str] = "subscription.trial_ending"
    trial_end: str


class SubscriptionTrialExtended(SubscriptionEvent):
    type: ClassVar[str] = "subscription.trial_extended"
    trial_end: str


class SubscriptionTrialConverted(SubscriptionEvent):
    """A trial has become a subscription that is paid for."""

    type: ClassVar[str] = "subscription.trial_converted"


class SubscriptionPaused(SubscriptionEvent):
    type: ClassVar[str] = "subscription.paused"


class TrialRepeated(Event):
    """Somebody who had a trial asked for another: known by `email` or `card`; `refused` or `flagged`."""

    type: ClassVar[str] = "trial.repeated"
    signup_id: str
    known_by: tuple[str, ...]
    outcome: str
    reason: str


class PlanEnding(Event):
    """A plan that nobody is billed for ends at a moment, and the customer was made an offer."""

    type: ClassVar[str] = "plan.ending"
    plan: str
    ends_at: str


class UserEvent(Event):
    """What every event about a person of an account says."""

    user_id: str
    role: str


class UserInvited(UserEvent):
    type: ClassVar[str] = "user.invited"


class UserAccepted(UserEvent):
    type: ClassVar[str] = "user.accepted"


class InvoiceGenerated(Event):
    type: ClassVar[str] = "invoice.generated"
    invoice_id: str
    subscription_id: str | None
    amount_due_minor: int
    currency: str


class PaymentEvent(Event):
    """What every event about a payment says."""

    payment_id: str
    invoice_id: str | None
    amount_minor: int
    currency: str


class PaymentSucceeded(PaymentEvent):
    type: ClassVar[str] = "payment.succeeded"


class PaymentFailed(PaymentEvent):
    type: ClassVar[str] = "payment.failed"
    failure_code: str | None


class OnboardingCompleted(Event):
    type: ClassVar[str] = "onboarding.completed"
    signup_id: str
    plan: str


class OnboardingDegraded(Event):
    type: ClassVar[str] = "onboarding.degraded"
    signup_id: str
    step: str
    reason: str


class OnboardingFailed(Event):
    type: ClassVar[str] = "onboarding.failed"
    signup_id: str
    step: str
    reason: str


class OnboardingEnded(Event):
    """What every event about a sign-up that came to nothing says."""

    signup_id: str
    reason: str


class OnboardingRolledBack(OnboardingEnded):
    type: ClassVar[str] = "onboarding.rolled_back"
    step: str


class OnboardingRejected(OnboardingEnded):
    type: ClassVar[str] = "onboarding.rejected"


class OnboardingExpired(OnboardingEnded):
    type: ClassVar[str] = "onboarding.expired"


class OnboardingRepaired(Event):
    """A redrive has come to a good end: `by` a person or `itself`, after so many tries that failed."""

    type: ClassVar[str] = "onboarding.repaired"
    signup_id: str
    step: str
    by: str
    tries: int


class OnboardingWaiting(Event):
    """A sign-up waits for somebody: `kind` is confirmation, review or payment."""

    type: ClassVar[str] = "onboarding.waiting"
    signup_id: str
    kind: str
    deadline: str
    reasons: tuple[str, ...] = ()
    reminder: bool = False


class OnboardingStageChanged(Event):
    """An onboarding by payment link reached its next stage; `team` is the team's id in the product."""

    type: ClassVar[str] = "onboarding.stage_changed"
    signup_id: str
    stage: str
    former_stage: str | None = None
    team: str | None = None


class OnboardingPaymentReturned(Event):
    """A payment on a link that may not count was given back: paid twice, too late, or of a wrong amount."""

    type: ClassVar[str] = "onboarding.payment_returned"
    signup_id: str
    checkout_id: str
    amount_minor: int
    currency: str
    reason: str


CATALOG: dict[str, type[Event]] = {
    kind.type: kind
    for base in (Event, SubscriptionEvent, PaymentEvent, OnboardingEnded, UserEvent)
    for kind in base.__subclasses__()
    if "type" in vars(kind)  # the bases have none
}


class Envelope(BaseModel):
    """How an event is stored and published. `sequence` counts per account from 1, without gaps."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    event_id: str
    type: str
    version: int
    timestamp: str
    account_id: str
    sequence: int
    correlation_id: str
    payload: dict[str, Any]
    context: dict[str, str]
