"""Trials by Stripe. Source: docs.stripe.com/api/subscriptions/update, `trial_end` (read 2026-11)."""

from datetime import datetime

from usher.adapters.stripe_billing import FACTS
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_snapshots import facts_of
from usher.ports.billing_facts import BillingFacts


class StripeTrials:
    """Fulfils ports/trials.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def extend(self, subscription_id: str, *, trial_end: datetime, idempotency_key: str) -> BillingFacts:
        params = {
            "trial_end": int(trial_end.timestamp()),
            "proration_behavior": "none",
            "expand": FACTS,
        }
        path = f"/v1/subscriptions/{subscription_id}"
        return facts_of(self._calls.call("post", path, params, idempotency_key))
