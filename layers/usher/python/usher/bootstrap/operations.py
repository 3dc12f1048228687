"""Services of the operator API: records to read and to change."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.audit import Audit
from usher.records.listing import Listing
from usher.records.signups import Signups


@dataclass(frozen=True, slots=True)
class OperationsServices:
    """What operator routes need."""

    signups: Signups
    listing: Listing
    audit: Audit
    clock: Clock


@per_platform
def services(platform: Platform) -> OperationsServices:
    store = platform.store
    return OperationsServices(Signups(store), Listing(store), Audit(store), platform.clock)
