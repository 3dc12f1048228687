"""Events of subscriptions, trials, invoices and payments."""

from typing import ClassVar

from usher.domain.event import Event


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
