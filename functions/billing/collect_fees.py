"""Schedule collect-fees: what Stripe kept of payments."""

from usher.bootstrap.billing import services
from usher.bootstrap.notices import scheduled
from usher.usecases.collect_fees import collect_fees


@scheduled
def handler() -> int:
    s = services()
    return collect_fees(fees=s.fees, records=s.records, accounts=s.accounts, clock=s.clock)
