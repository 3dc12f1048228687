"""Waiting: who waits for what by policy, for how long, and what holds when nobody answers."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Policy(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")


class WhoWaits(Policy):
    """A sign-up waits when any of these says so; none of them: nobody."""

    plans: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    countries: tuple[str, ...] = Field(default=(), description="ISO 3166 codes, of the phone or the locale")
    company_size_at_least: int | None = Field(default=None, ge=1)
    amount_minor_at_least: int | None = Field(default=None, ge=1)
    free_mail: bool = False


class Deadline(Policy):
    """When whoever is waited for is reminded, and when the wait ends; hours from its beginning."""

    remind_after_hours: int = Field(ge=1, le=24 * 30)
    ends_after_hours: int = Field(ge=2, le=24 * 60)

    @property
    def remind_seconds(self) -> int:
        return min(self.remind_after_hours, self.ends_after_hours - 1) * 3600

    @property
    def rest_seconds(self) -> int:
        """From the reminder to the end; at least an hour."""
        return self.ends_after_hours * 3600 - self.remind_seconds


class ConfirmationPolicy(Deadline):
    """Whose e-mail address has to be confirmed by its link."""

    who: WhoWaits = WhoWaits()
    remind_after_hours: int = Field(default=24, ge=1, le=24 * 30)
    ends_after_hours: int = Field(default=72, ge=2, le=24 * 60)


class ReviewPolicy(Deadline):
    """Which sign-ups a person decides, who that is, and what holds when nobody does in time."""

    who: WhoWaits = WhoWaits()
    remind_after_hours: int = Field(default=24, ge=1, le=24 * 30)
    ends_after_hours: int = Field(default=72, ge=2, le=24 * 60)
    default: Literal["approve", "reject"] = "reject"
    reviewer: str = "sales"
    delegate: str = "head of sales"


class PaymentPolicy(Deadline):
    """How long a first payment is waited for; Stripe keeps a checkout open for a day at most."""

    remind_after_hours: int = Field(default=6, ge=1, le=22)
    ends_after_hours: int = Field(default=23, ge=2, le=23)
    bank_ends_after_hours: int = Field(default=14 * 24, ge=24, le=24 * 60)
    invoice_due_days: int = Field(default=30, ge=1, le=365)
