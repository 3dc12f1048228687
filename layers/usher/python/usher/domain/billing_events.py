"""Events of subscriptions and trials."""

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


class SubscriptionResumed(SubscriptionEvent):
    type: ClassVar[str] = "subscription.resumed"


class SubscriptionPaymentRecovered(SubscriptionEvent):
    """What was past due has been paid."""

    type: ClassVar[str] = "subscription.payment_recovered"


class SubscriptionEscalated(SubscriptionEvent):
    """Nothing that was tried brought the money in; a person or the end of the subscription is next."""

    type: ClassVar[str] = "subscription.escalated"


class TrialRepeated(Event):
    """Somebody who had a trial asked for another: known by `email` or `card`; `refused` or `flagged`."""

    type: ClassVar[str] = "trial.repeated"
    signup_id: str
    known_by: tuple[str, ...]
    outcome: str
    reason: str
