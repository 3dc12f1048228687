"""Trials: how one ends, when its end is near, and how somebody who had one before is recognised."""

import hashlib
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from usher.domain.emails import unaliased

NEAR = timedelta(days=3, hours=1)
"""Stripe rings three days before the end (`trial_will_end`); its clock may be a little off ours."""


class TrialPolicy(BaseModel):
    """The part of policies/onboarding.yaml about trials."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    end_without_card: Literal["cancel", "pause"] = "cancel"
    repeat: Literal["refuse", "flag"] = "flag"


def ends_soon(status: str, trial_end: datetime | None, now: datetime) -> bool:
    """Whether this is a trial whose end is near."""
    return status == "trialing" and trial_end is not None and trial_end - now <= NEAR


def email_key(email: str) -> str:
    """The claims-table key of a trial by e-mail, the same for every alias of an address; no personal data."""
    return f"trial-email#{_hash(unaliased(email))}"


def card_key(fingerprint: str) -> str:
    """The claims-table key of a trial by the payment vendor's fingerprint of a card."""
    return f"trial-card#{_hash(fingerprint)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
