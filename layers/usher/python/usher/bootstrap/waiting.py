"""Services of whatever answers a workflow's waiting tasks: the workflows and the sign-ups' records."""

from dataclasses import dataclass

from usher.bootstrap.platform import per_platform
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.workflows import Workflows
from usher.records.signups import Signups


@dataclass(frozen=True, slots=True)
class WaitingServices:
    """What answering a waiting task needs."""

    signups: Signups
    workflows: Workflows
    clock: Clock


@per_platform
def services(platform: Platform) -> WaitingServices:
    return WaitingServices(Signups(platform.store), platform.workflows, platform.clock)
