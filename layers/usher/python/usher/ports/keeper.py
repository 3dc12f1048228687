"""Keeper: what came in is stored and then queued, in one commit where the platform can."""

from collections.abc import Sequence
from typing import Protocol

from usher.ports.queue import Message
from usher.ports.store import Put


class Keeper(Protocol):
    """For who acknowledges what must not be lost: stored first, so that a message tells of what is there."""

    def keep(self, writes: Sequence[Put], queue: str, message: Message) -> None:
        """Do the writes, all or none, then send the message; returns once both are durable.

        Raises ConditionFailed (nothing stored, nothing sent) and StoreUnavailable (perhaps stored and not
        sent: the repeat finds it stored, and sends).
        """
