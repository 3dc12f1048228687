"""Services of dispatch and sweep: the inbox, the queues and the workflows."""

from dataclasses import dataclass

from usher.bootstrap.admission import buckets
from usher.bootstrap.platform import per_platform
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.ports.workflows import Workflows
from usher.records.buckets import Buckets
from usher.records.inbox import Inbox


@dataclass(frozen=True, slots=True)
class DispatchServices:
    """What moving a stored event on needs."""

    inbox: Inbox
    queue: Queue
    workflows: Workflows
    buckets: Buckets
    clock: Clock


@per_platform
def services(platform: Platform) -> DispatchServices:
    return DispatchServices(
        Inbox(platform.store), platform.queue, platform.workflows, buckets(platform), platform.clock
    )
