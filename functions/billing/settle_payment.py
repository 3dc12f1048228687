"""Consumer of the queue `payments`: whoever waits for a first payment hears that it moved."""

from usher.bootstrap.billing import services
from usher.bootstrap.consumers import each_consumer
from usher.usecases.settle_payment import BillingMoved, settle_payment


@each_consumer(BillingMoved, hurried="payments")
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
