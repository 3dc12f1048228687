"""Events of onboardings: how sign-ups and payment links fare."""

from typing import ClassVar

from usher.domain.event import Event


class OnboardingCompleted(Event):
    """A sign-up has come to an active account, CRM and mail included."""

    type: ClassVar[str] = "onboarding.completed"
    signup_id: str
    plan: str


class OnboardingDegraded(Event):
    """The account is active, but its CRM or mail step is left for a person."""

    type: ClassVar[str] = "onboarding.degraded"
    signup_id: str
    step: str
    reason: str


class OnboardingFailed(Event):
    """A sign-up broke at a step and waits for a person."""

    type: ClassVar[str] = "onboarding.failed"
    signup_id: str
    step: str
    reason: str


class OnboardingEnded(Event):
    """What every event about a sign-up that came to nothing says."""

    signup_id: str
    reason: str


class OnboardingRolledBack(OnboardingEnded):
    """A sign-up failed at a step, and all that it had made was undone."""

    type: ClassVar[str] = "onboarding.rolled_back"
    step: str


class OnboardingRejected(OnboardingEnded):
    """Somebody who decides has said no."""

    type: ClassVar[str] = "onboarding.rejected"


class OnboardingExpired(OnboardingEnded):
    """Whoever was waited for did not come in time."""

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
