"""The keeper of one machine: what came in and its message are one commit."""

import sqlite3
from collections.abc import Sequence

from infra.local.database import Database
from infra.local.queues import LocalQueue
from infra.local.sqlite_store import SqliteStore
from usher.adapters.store_then_queue import StoreThenQueue
from usher.domain.errors import StoreUnavailable
from usher.ports.queue import Message
from usher.ports.store import Put


class OneCommit:
    """Implements usher.ports.keeper.Keeper: whoever waits to be acknowledged waits for the disk once."""

    def __init__(self, database: Database, store: SqliteStore, queue: LocalQueue) -> None:
        self._database, self._store, self._queue = database, store, queue
        self._in_two = StoreThenQueue(store, queue)

    def keep(self, writes: Sequence[Put], queue: str, message: Message) -> None:
        """See ports/keeper.py. What does more than create is rare and takes the two steps."""
        stored = self._store.creation(writes)
        if stored is None:
            return self._in_two.keep(writes, queue, message)
        sending = self._queue.sending(queue, [message])
        try:
            self._database.write_together(stored, sending.part)
        except (sqlite3.Error, RuntimeError) as error:  # RuntimeError: the database is closed
            raise StoreUnavailable(f"nothing could be kept: {type(error).__name__}") from error
        return self._queue.sent(sending)
