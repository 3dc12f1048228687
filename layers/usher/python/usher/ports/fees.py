"""Fees: what the payment vendor kept of payments, listed a hundred at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fee:
    """What was kept of one payment, in minor units of the payment's currency."""

    payment_id: str
    charge_id: str
    fee_minor: int


class VendorFees(Protocol):
    """Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will)."""

    def charged(self, *, since: datetime, until: datetime) -> Iterator[Fee]:
        """Of every payment that succeeded from `since` and before `until`."""
