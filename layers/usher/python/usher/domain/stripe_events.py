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
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.automatically_updated",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "credit_note.created",
    "credit_note.voided",
    "price.updated",
    "price.deleted",
    "product.updated",
    "product.deleted",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
)
"""The types our webhook endpoint at Stripe is enabled for.

Every sign-up by card has a `payment_method.attached`, which changes nothing that we keep: it is an echo of
our own call, settled at intake without a look at Stripe. One that a customer causes is looked at together
with what else is told of that customer.
"""

_OUR_KEYS = "signup/"
CATALOG = "catalog"
_SOLD = frozenset({"price", "product"})
_UNRECORDED = frozenset({"charge", "refund", "dispute", "credit_note"})


def subject(kind: str, id: str | None, customer: str | None, former: str | None) -> tuple[str, str | None]:
    """Kind and id of what to look at for an event about this object of a customer.

    Of a payment method we keep only whether its customer has one, so we look at the customer: at the former
    one when it was taken away. Prices and products are nobody's: the catalog is looked at as a whole.
    """
    if kind in _SOLD:
        return CATALOG, CATALOG
    if kind == "payment_method" and (holder := customer or former):
        return "customer", holder
    return kind, id


def is_echo(idempotency_key: str | None, kind: str) -> bool:
    """Whether a call of the onboarding workflow caused the event: its step records the answer itself.

    What is paid back by one is on no step's record: its bell is answered like any other.
    """
    return bool(idempotency_key and idempotency_key.startswith(_OUR_KEYS)) and kind not in _UNRECORDED
