"""The non-vendor ports of one machine."""

from dataclasses import dataclass

from usher.ports.blobs import Blobs
from usher.ports.bus import Bus
from usher.ports.clock import Clock
from usher.ports.keeper import Keeper
from usher.ports.queue import Queue
from usher.ports.secrets import Secrets
from usher.ports.store import Store
from usher.ports.workflows import Workflows


@dataclass(frozen=True, slots=True)
class LocalPlatform:
    """Implements ports.platform.Platform."""

    store: Store
    queue: Queue
    keeper: Keeper
    bus: Bus
    workflows: Workflows
    blobs: Blobs
    secrets: Secrets
    clock: Clock
