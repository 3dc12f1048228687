"""Events of subscriptions and trials."""

from typing import ClassVar

from usher.domain.event import Event


class SubscriptionEvent(Event):
    """What every event about a subscription says."""

    subscription_id: str
    plan: str | None
    status: str


class SubscriptionCreated(SubscriptionEvent):
    """The payment vendor has a subscription of the account that we did not know."""

    type: ClassVar[str] = "subscription.created"
    trial_end: str | None = None


class SubscriptionTrialStarted(SubscriptionEvent):
    """A trial runs until `trial_end`."""

    type: ClassVar[str] = "subscription.trial_started"
    trial_end: str


class SubscriptionActivated(SubscriptionEvent):
    """It is paid for, or need not be: its status became active."""

    type: ClassVar[str] = "subscription.activated"


class SubscriptionPaymentFailed(SubscriptionEvent):
    """What is owed for it could not be collected: it is past due."""

    type: ClassVar[str] = "subscription.payment_failed"


class SubscriptionCanceled(SubscriptionEvent):
    """It has ended, whoever ended it."""

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
    """A trial that runs ends later than was said."""

    type: ClassVar[str] = "subscription.trial_extended"
    trial_end: str


class SubscriptionTrialConverted(SubscriptionEvent):
    """A trial has become a subscription that is paid for."""

    type: ClassVar[str] = "subscription.trial_converted"


class SubscriptionPaused(SubscriptionEvent):
    """Nothing is collected for it until it is resumed."""

    type: ClassVar[str] = "subscription.paused"


class SubscriptionResumed(SubscriptionEvent):
    """It is collected for again."""

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
