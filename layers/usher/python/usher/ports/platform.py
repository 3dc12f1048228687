"""Platform: the bundle of non-vendor ports one deployment offers."""

from typing import Protocol

from usher.ports.blobs import Blobs
from usher.ports.bus import Bus
from usher.ports.clock import Clock
from usher.ports.keeper import Keeper
from usher.ports.queue import Queue
from usher.ports.secrets import Secrets
from usher.ports.store import Store
from usher.ports.workflows import Workflows


class Platform(Protocol):
    """Built from boto3 on AWS (adapters/aws_platform.py), from SQLite elsewhere (infra/local/platform.py)."""

    @property
    def store(self) -> Store: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def keeper(self) -> Keeper: ...
    @property
    def bus(self) -> Bus: ...
    @property
    def workflows(self) -> Workflows: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def clock(self) -> Clock: ...
