"""Functions of the room `intake`, which takes webhooks in and moves them on, and all each may touch."""

from infra.catalog_entries import Function

FUNCTIONS = (
    Function(
        "intake",
        "receive_signup",
        timeout_seconds=10,
        tables=(("inbox", "change"), ("signups", "change"), ("claims", "change")),
        sends_to=("signups",),
        secrets=("signup_webhook",),
        addresses=("public_url",),
    ),
    Function(
        "intake",
        "receive_stripe",
        timeout_seconds=10,
        tables=(("inbox", "change"),),
        sends_to=("stripe-events",),
        secrets=("stripe_webhook",),
    ),
    Function(
        "intake",
        "dispatch_signup",
        timeout_seconds=30,
        tables=(("inbox", "change"), ("buckets", "change")),
        sends_to=("signups",),
        starts=("onboarding", "payment_link"),
    ),
    Function(
        "intake",
        "sweep_inbox",
        timeout_seconds=60,
        tables=(("failures", "change"), ("inbox", "change")),
        sends_to=("signups", "stripe-events"),
        reserved_concurrency=1,
    ),
)
