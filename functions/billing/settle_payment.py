"""Rule first-payment-moved: whoever waits for a first payment hears that it moved."""

from usher.bootstrap.billing import services
from usher.bootstrap.notices import rule_target
from usher.usecases.settle_payment import BillingMoved, settle_payment


@rule_target(BillingMoved)
def handler(moved: BillingMoved) -> str:
    s = services()
    return settle_payment(
        moved,
        accounts=s.accounts,
        asker=s.asker,
        payments=s.payments,
        closer=s.undoing.closer,
        desk=s.desk,
    )
