"""The policy of money that people enter by hand (policies/money.yaml)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Currency = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]


class ApprovalPolicy(BaseModel):
    """When what a person enters needs a second person's approval."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    approval_above: dict[Currency, Annotated[int, Field(ge=0)]]

    def needs_approval(self, amount_minor: int, currency: str) -> bool:
        """Whether it is above its currency's limit; of a currency without a limit every payment is."""
        return amount_minor > self.approval_above.get(currency, 0)


class MoneyPolicy(BaseModel):
    """policies/money.yaml."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")

    offline_payments: ApprovalPolicy
    ledger_adjustments: ApprovalPolicy = ApprovalPolicy(approval_above={})
