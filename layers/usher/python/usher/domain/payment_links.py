"""Payment links: what one sells, for how much and until when, and the stages its onboarding goes through."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Stage = Literal["quotation_sent", "link_opened", "paid", "activated", "welcome_sent"]

STAGES: tuple[Stage, ...] = ("quotation_sent", "link_opened", "paid", "activated", "welcome_sent")
"""In their order; `link_opened` only when somebody is known to have looked."""

UNDO = ("withdraw_link", "refund_link", "close_link")

STEPS = (
    "prepare_payment_link",
    "send_payment_link",
    "await_link_payment",
    "close_link_payment",
    "provision_link",
    "activate_link",
    "send_link_welcome",
    "open_check_task",
    *UNDO,
)
"""In the order they are shown; UNDO is for those that came to nothing."""

ENDED = {"rejected": "cancelled", "expired": "expired", "rolled_back": "rolled_back"}
"""The last stage of an onboarding that came to nothing, by its status."""


class LinkPolicy(BaseModel):
    """How long a link can be paid, when its customer is reminded, and when a new account is looked at."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    deadline_hours: int = Field(default=7 * 24, ge=1)
    shortest_hours: int = Field(default=1, ge=1)
    longest_hours: int = Field(default=30 * 24, ge=1)
    remind_before_hours: int = Field(default=24, ge=1)
    bank_hours: int = Field(default=14 * 24, ge=24, description="how long a debit under way is waited for")
    check_after_hours: int = Field(default=24, ge=1)
    base_plan: str = Field(default="free", description="of a new team that buys credits only")

    @model_validator(mode="after")
    def _in_order(self) -> "LinkPolicy":
        if not self.shortest_hours <= self.deadline_hours <= self.longest_hours:
            raise ValueError("deadline_hours lies between shortest_hours and longest_hours")
        return self

    def deadline(self, wanted: datetime | None, now: datetime) -> datetime:
        """The moment until which a link made now can be paid. Raises ValueError outside the bounds."""
        if wanted is None:
            return now + timedelta(hours=self.deadline_hours)
        least, most = now + timedelta(hours=self.shortest_hours), now + timedelta(hours=self.longest_hours)
        if not least <= wanted <= most:
            raise ValueError(
                f"must lie between {self.shortest_hours} and {self.longest_hours} hours from now"
            )
        return wanted

    def waiting(self, deadline: datetime, now: datetime) -> tuple[int, int]:
        """Seconds until the reminder, which comes at half-time or later, and from there to the deadline."""
        left = max(2, round((deadline - now).total_seconds()))
        rest = max(1, min(self.remind_before_hours * 3600, left // 2))
        return left - rest, rest


class Offer(BaseModel):
    """What a link sells: a plan or a number of credits; `amount_minor` is its price, to the cent."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    plan: str | None = None
    credits: int | None = None
    title: str
    amount_minor: int
    currency: str

    @property
    def key(self) -> str:
        """A name of the thing that is sold."""
        return f"plan:{self.plan}" if self.plan else f"credits:{self.credits}"
