"""Plans: what can be bought, for how much, and what an account on the plan gets."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Admission = Literal["open", "review", "invitation"]


class Plan(BaseModel):
    """One plan with one billing interval. `amount_minor` is per interval, in the catalog's currency."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    name: str
    amount_minor: int = Field(ge=0)
    interval: Literal["month", "year"] = "month"
    trial_days: int = Field(default=0, ge=0, le=730)
    admission: Admission = "open"
    billed: bool = True
    flags: dict[str, bool] = Field(default_factory=dict)
    credits: int = Field(default=0, ge=0)

    @property
    def is_paid(self) -> bool:
        return self.billed and self.amount_minor > 0


class CreditSale(BaseModel):
    """How credits are sold on their own: the price of one in minor units, and how many at once."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    unit_amount_minor: int = Field(ge=1)
    least: int = Field(default=1, ge=1)
    most: int = Field(default=1_000_000, ge=1)


class PlanCatalog(BaseModel):
    """policies/plans.yaml. A plan's key is also the lookup key of its price at the payment vendor."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    currency: str = Field(pattern=r"^[a-z]{3}$")
    credits: CreditSale | None = None
    plans: dict[str, Plan]

    @model_validator(mode="after")
    def _has_plans(self) -> "PlanCatalog":
        if not self.plans:
            raise ValueError("plans: at least one plan is needed")
        return self
