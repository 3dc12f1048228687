"""What customers may do with their subscription, as policies/changes.yaml says."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

When = Literal["now", "period_end"]
Refund = Literal["none", "prorated", "full"]


class Retention(BaseModel):
    """What stays after a subscription has ended."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    data_days: int = Field(default=90, ge=0)
    records_years: int = Field(default=10, ge=0)


class ChangePolicy(BaseModel):
    """policies/changes.yaml.

    Attributes:
        upgrade, downgrade: when such a change begins where the request does not say.
        downgrade_now: whether a downgrade may begin at once; what is paid too much becomes credit.
        most: the largest quantity.
        cancel, refund: how a subscription ends where the request does not say.
        refunds: what may be asked for when it ends at once.
        preview_minutes: how long the prices of a preview hold.
        pause: whether a subscription may be paused.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    upgrade: When = "now"
    downgrade: When = "period_end"
    downgrade_now: bool = True
    most: int = Field(default=10_000, ge=1)
    cancel: When = "period_end"
    refund: Refund = "none"
    refunds: tuple[Refund, ...] = ("none", "prorated", "full")
    preview_minutes: int = Field(default=60, ge=1, le=24 * 60)
    pause: bool = True
    retention: Retention = Retention()
