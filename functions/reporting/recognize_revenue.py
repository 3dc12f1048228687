"""Schedule recognize-revenue: what was deferred for a month that is over becomes revenue."""

from usher.bootstrap.ledger import desk
from usher.bootstrap.notices import scheduled
from usher.usecases.recognize_revenue import recognize_revenue


@scheduled
def handler() -> int:
    return recognize_revenue(ledger=desk().ledger, clock=desk().clock)
