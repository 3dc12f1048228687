"""Promotion codes of the plan catalog: what a customer who types one pays less, and for how long."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from usher.domain.metering import Setting

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,40}$")]
"""As customers type it; case does not matter, and Stripe takes letters and digits only."""


class Promo(Setting):
    """One code. Exactly one of `percent_off` and `amount_off_minor` (in the catalog's currency).

    `months` is how long it holds from its redemption: a number, `once` (the first invoice) or `forever`.
    Without `plans` it is for all of them. It can be redeemed until the end of the day `last_day` (UTC), at
    most `most` times, and with `new_customers_only` by nobody who has paid before. `shown`: the pricing page
    tells of it.
    """

    percent_off: int | None = Field(default=None, ge=1, le=100)
    amount_off_minor: int | None = Field(default=None, ge=1)
    months: Annotated[int, Field(ge=1, le=36)] | Literal["once", "forever"] = "once"
    plans: tuple[str, ...] = ()
    last_day: date | None = None
    most: int | None = Field(default=None, ge=1)
    new_customers_only: bool = False
    shown: bool = False

    @model_validator(mode="after")
    def _takes_off_one_thing(self) -> "Promo":
        if (self.percent_off is None) == (self.amount_off_minor is None):
            raise ValueError("needs one of percent_off and amount_off_minor")
        return self
