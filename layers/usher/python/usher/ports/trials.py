"""Trials at the payment vendor: what is changed of one that runs."""

from datetime import datetime
from typing import Protocol

from usher.ports.billing_facts import BillingFacts


class Trials(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def extend(self, subscription_id: str, *, trial_end: datetime, idempotency_key: str) -> BillingFacts:
        """Let the trial end at another moment; the first bill comes then. Returns it as it is then."""
