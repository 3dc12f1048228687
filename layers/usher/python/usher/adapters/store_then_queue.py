"""Keeper over a store and a queue that know nothing of each other."""

from collections.abc import Sequence

from usher.ports.queue import Message, Queue
from usher.ports.store import Put, Store


class StoreThenQueue:
    """Implements usher.ports.keeper.Keeper; what dies between its two steps is the sweeper's."""

    def __init__(self, store: Store, queue: Queue) -> None:
        self._store, self._queue = store, queue

    def keep(self, writes: Sequence[Put], queue: str, message: Message) -> None:
        """See ports/keeper.py. A single write is none for a transaction, which costs twice as much on AWS."""
        if len(writes) == 1:
            self._store.write(writes[0])
        else:
            self._store.transact(writes)
        self._queue.send(queue, [message])
