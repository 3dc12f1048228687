"""Schedule collect-fees: what the vendor kept of payments, asked for when nobody waits for it."""

from datetime import timedelta

from usher.domain.errors import StaleWrite
from usher.ports.clock import Clock
from usher.ports.fees import Fee, VendorFees
from usher.ports.store import ConditionFailed
from usher.records.accounts import Accounts
from usher.records.billing import PAYMENTS, BillingRecords

SPAN = timedelta(days=3)  # so that two nights may fail
LAG = timedelta(hours=1)  # by then sync has recorded the payment
_TRIES = 3


def collect_fees(*, fees: VendorFees, records: BillingRecords, accounts: Accounts, clock: Clock) -> int:
    """Record the fees of the last days' payments that lack them; returns how many were told.

    Doing it again does nothing. Raises VendorUnavailable and StaleWrite: what was recorded stays.
    """
    until = clock.now() - LAG
    charged = fees.charged(since=until - SPAN, until=until)
    return sum(_record(fee, records=records, accounts=accounts, clock=clock) for fee in charged)


def _record(fee: Fee, *, records: BillingRecords, accounts: Accounts, clock: Clock) -> bool:
    pair = (PAYMENTS, fee.payment_id)
    for _ in range(_TRIES):
        row = records.known({pair})[pair]
        if row is None or "fee_minor" in row:  # nobody's that we know, or told already
            return False
        account = accounts.find(row["account_id"])
        if account is None:
            return False
        try:
            records.note_fee(row, fee, correlation_id=account.correlation_id, now=clock.now())
        except ConditionFailed:
            continue
        return True
    raise StaleWrite(f"{fee.payment_id} kept changing while its fee was recorded; again")
