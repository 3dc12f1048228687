"""What Stripe sells for us, through the reader that `usher catalog` uses."""

from usher.adapters import stripe_catalog
from usher.adapters.stripe_calls import StripeCalls
from usher.domain.vendor_catalog import Held


class StripeShelf:
    """Fulfils ports/vendor_shelf.py."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def held(self) -> Held:
        return stripe_catalog.held(self._calls)
