"""Services of the operator API: records to read and to change."""

from dataclasses import dataclass

from usher.bootstrap.asking import asker
from usher.bootstrap.platform import per_platform
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.records.audit import Audit
from usher.records.events import EventLog
from usher.records.listing import Listing
from usher.records.signups import Signups
from usher.usecases.answer_wait import Asker


@dataclass(frozen=True, slots=True)
class OperationsServices:
    """What operator routes need."""

    signups: Signups
    listing: Listing
    audit: Audit
    log: EventLog
    asker: Asker
    clock: Clock


@per_platform
def services(platform: Platform) -> OperationsServices:
    store = platform.store
    return OperationsServices(
        signups=Signups(store),
        listing=Listing(store),
        audit=Audit(store),
        log=EventLog(store),
        asker=asker(platform),
        clock=platform.clock,
    )
