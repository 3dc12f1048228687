"""Admission: a vendor is called when its bucket has a slot, and its refusals are told to the bucket."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Admission(Protocol):
    """Buckets are `vendor` (all its calls) and `vendor:what` (one endpoint), see policies/limits.yaml."""

    def call(self, *buckets: str) -> AbstractContextManager[None]:
        """Goes around one call to a vendor: waits, a second at most, for its slot before the block begins.

        Raises VendorUnavailable with `retry_after` when the slot lies further ahead: nothing was sent. A
        RateLimited that leaves the block slows the last bucket named, for everybody.
        """


class Unlimited:
    """Admits everything at once."""

    def call(self, *buckets: str) -> AbstractContextManager[None]:
        return nullcontext()


UNLIMITED: Admission = Unlimited()
