"""Services of dispatch and sweep: the inbox, the queues and the workflows."""

from dataclasses import dataclass

from usher.bootstrap.admission import buckets
from usher.bootstrap.filing import failures
from usher.bootstrap.platform import per_platform
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.ports.workflows import Workflows
from usher.records.buckets import Buckets
from usher.records.failures import Failures
from usher.records.inbox import Inbox


@dataclass(frozen=True, slots=True)
class DispatchServices:
    """What moving a stored event on needs."""

    inbox: Inbox
    failures: Failures
    queue: Queue
    workflows: Workflows
    buckets: Buckets
    clock: Clock


@per_platform
def services(platform: Platform) -> DispatchServices:
    return DispatchServices(
        inbox=Inbox(platform.store),
        failures=failures(platform),
        queue=platform.queue,
        workflows=platform.workflows,
        buckets=buckets(platform),
        clock=platform.clock,
    )
