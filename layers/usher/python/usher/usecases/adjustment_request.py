"""Body of POST /v1/ledger/adjustments: the postings, which balance, for whom and why."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from usher.domain.ledger import Account
from usher.domain.problems import OfFields
from usher.usecases.fields import Body, Text, Token

_MOST = 10**12
_LONGEST = 5 * 366  # days of a service


class Line(Body):
    """One posting: exactly one of `debit_minor` and `credit_minor`, in minor units.

    What goes to or from `deferred_revenue` says the days of service: `start`, and `end`, the day after the
    last.
    """

    account: Account
    debit_minor: Annotated[int, Field(ge=1, le=_MOST)] | None = None
    credit_minor: Annotated[int, Field(ge=1, le=_MOST)] | None = None
    start: Annotated[date, Field(strict=False)] | None = None
    end: Annotated[date, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _one_side(self) -> "Line":
        if (self.debit_minor is None) == (self.credit_minor is None):
            raise OfFields("give either debit_minor or credit_minor", "debit_minor", "credit_minor")
        days = (self.start, self.end)
        if self.account != "deferred_revenue":
            if any(days):
                raise OfFields("start and end are of deferred_revenue alone", "start", "end")
        elif self.start is None or self.end is None:
            raise OfFields("deferred_revenue needs start and end, the days of its service", "start", "end")
        elif not 0 < (self.end - self.start).days <= _LONGEST:
            raise OfFields("end is a day after start, by five years at most", "end")
        return self

    @property
    def amount_minor(self) -> int:
        return (self.debit_minor or 0) - (self.credit_minor or 0)


class Adjustment(Body):
    """What is posted, for whom and why. Debits and credits are equal. `book` is the invoice it is about."""

    account_id: Token
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
    postings: Annotated[list[Line], Field(min_length=2, max_length=20)]
    reason: Text
    invoice_id: Token | None = None

    @model_validator(mode="after")
    def _balances(self) -> "Adjustment":
        difference = sum(line.amount_minor for line in self.postings)
        if difference:
            raise OfFields(
                f"debits are {difference} more than credits: an entry needs both to be equal", "postings"
            )
        return self
