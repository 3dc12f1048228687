"""policies/entitlements.yaml: access while a payment is late, and while nobody can look up what holds."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Policy(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")


class PastDue(_Policy):
    """Who is past due has everything for `full_days`, then `keeps` alone, or nothing with `then: none`."""

    full_days: int = Field(default=7, ge=0, le=60)
    then: Literal["reduced", "none"] = "reduced"
    keeps: tuple[str, ...] = ("api",)


class AccessPolicy(_Policy):
    """A process remembers an account for `remembered_seconds`; what is kept of it is checked against the
    records after `checked_minutes` though no event told of a change.

    `when_unknown`: what holds while the store does not answer. `last_known` is what this process knew last,
    for `last_known_minutes`; who it does not know, or no more, is let in or not as `unseen` says.
    """

    past_due: PastDue = PastDue()
    remembered_seconds: int = Field(default=5, ge=0, le=300)
    checked_minutes: int = Field(default=15, ge=1, le=1440)
    when_unknown: Literal["last_known", "allow", "deny"] = "last_known"
    unseen: Literal["allow", "deny"] = "allow"
    last_known_minutes: int = Field(default=60, ge=1, le=1440)
