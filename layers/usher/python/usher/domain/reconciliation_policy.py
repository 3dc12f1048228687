"""The policy of reconciliation: how far it looks back, what it heals by itself, when it is an alarm."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from usher.domain.reconciliation import ObjectKind


class ReconciliationPolicy(BaseModel):
    """policies/reconciliation.yaml."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    look_back_days: Mapping[ObjectKind, int] = Field(min_length=1)
    nightly_heals: bool = True
    quiet_seconds: int = Field(default=15, ge=0, le=600)
    alarm_above: int = Field(default=20, ge=0)
    alarm_above_per_ten_thousand: int = Field(default=20, ge=0)
    alarm_from: int = Field(default=3, ge=1)
    most_per_slice: int = Field(default=1000, ge=1)


def exceeds(policy: ReconciliationPolicy, *, found: int, compared: int) -> bool:
    """Whether so many mismatches are an alarm: above policy's number, or its share of what was compared."""
    many = found * 10_000 > policy.alarm_above_per_ten_thousand * compared
    return found > policy.alarm_above or (many and found >= policy.alarm_from)
