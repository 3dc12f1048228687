"""Metering: what usage is counted in, how much of it a plan holds, and what more of it costs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Currency = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""Of a plan, a product or a metric: without the signs that `price_key` puts between them."""
Prices = dict[Currency, Annotated[int, Field(ge=1)]]
"""Amounts in minor units in further currencies. None is converted: each is decided."""


class Setting(BaseModel):
    """Base of what the file may say: nothing else."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")


class Metric(Setting):
    """What usage is counted in, such as API calls; its quantities are summed."""

    name: str
    unit: str


class Limit(Setting):
    """How much of a metric a plan holds per billing period. `hard`: more than that is not served."""

    most: int = Field(ge=0)
    hard: bool = False


class Metered(Setting):
    """Usage that is billed when the period ends: `amount_minor` for `per` units, and in proportion."""

    amount_minor: int = Field(ge=1)
    per: int = Field(default=1, ge=1)
    currencies: Prices = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_an_exact_price(self) -> "Metered":
        """Stripe takes the price of one with 12 decimals at most (docs.stripe.com/api/prices, 2026-11)."""
        for amount in (self.amount_minor, *self.currencies.values()):
            if amount * 10**12 % self.per:
                raise ValueError(f"{amount} for {self.per} is no exact price of one; choose another `per`")
        return self


def meter_event(metric: str) -> str:
    """The name under which the payment vendor's meter of a metric takes usage."""
    return f"usher_{metric}"
