"""Which of Stripe's events we ask for, and which of them only repeat what our own call was told."""

FOLLOWED = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
)
"""The types our webhook endpoint at Stripe is enabled for; any other that comes is stored and ignored."""

_OUR_KEYS = "signup/"


def is_echo(idempotency_key: str | None) -> bool:
    """Whether a call of the onboarding workflow caused the event: its step records the answer itself."""
    return bool(idempotency_key and idempotency_key.startswith(_OUR_KEYS))
