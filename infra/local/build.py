"""Usher on one machine: everything the catalog lists, built, started, watched and stopped as one."""

import dataclasses
import logging
import sqlite3
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from infra import catalog
from infra.local.activity import Activity, RuntimeClock
from infra.local.blobs import SqliteBlobs
from infra.local.bus import LocalBus
from infra.local.database import Database
from infra.local.documents import documents
from infra.local.engine import Engine
from infra.local.functions import Functions, Handler
from infra.local.gateway import Gateway
from infra.local.gateway_server import GatewayServer
from infra.local.integrations import LocalIntegrations
from infra.local.keeper import OneCommit
from infra.local.lanes import Lane
from infra.local.platform import LocalPlatform
from infra.local.pollers import Poller
from infra.local.queues import LocalQueue
from infra.local.schedules import Schedules
from infra.local.secrets import FileSecrets
from infra.local.sqlite_store import SqliteStore
from infra.local.streams import StreamConsumer
from infra.local.workflows import LocalWorkflows
from usher import settings as usher_settings
from usher.bootstrap import platform as usher_platform
from usher.ports.clock import Clock
from usher.ports.secrets import Secrets
from usher.settings import Settings

logger = logging.getLogger("usher.local")

POOL_THREADS = 48  # shared by the consumers of queues, streams, rules and schedules
EXPIRY_SECONDS = 60.0  # wall time between two sweeps of what expired
STOP_SECONDS = (
    15.0  # how long `stop` waits for consumers; what is not done then comes again at the next start
)
FILE = "usher.db"
SECRETS_FILE = "secrets.json"


class FullClock(RuntimeClock, Clock, Protocol):
    """A clock that the runtime and the handlers can use."""


class LocalUsher:
    """One machine's deployment of the catalog, durable in `data_dir`.

    Args:
        data_dir: exists and belongs to this process alone (the caller holds its lock).
        settings: of the handlers; an empty `public_url` becomes the gateway's own.
        clock: of everything; closed by the caller.
        secrets: those of `data_dir` when None.
        host, port: where the gateway listens; port 0 takes a free one.
        handlers: by `room/name`, in place of the files of functions/ (tests).
        workers: threads of the workflow engine.
        synchronous: SQLite's durability; less than FULL is for simulations, which nobody resumes.
        schedules: whether schedules fire, or the names of those that do; a clock that skips would skip from
            one to the next for ever.

    Raises:
        OSError: the port is taken. StateMachineFileError: a workflow file cannot be used.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: Settings,
        *,
        clock: FullClock,
        secrets: Secrets | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        handlers: Mapping[str, Handler] | None = None,
        workers: int = 32,
        schedules: bool | Collection[str] = True,
        synchronous: str = "FULL",
    ) -> None:
        machines = documents()  # refused before anything is opened
        self.functions = Functions(catalog.FUNCTIONS, handlers=handlers)
        self._gateway = Gateway(catalog.ROUTES, self.functions, authorizer=catalog.AUTHORIZER)
        self._server = GatewayServer(self._gateway, host=host, port=port)
        self.url = self._server.url
        self.settings = dataclasses.replace(settings, public_url=settings.public_url or self.url)
        self.clock = clock
        self.activity = work = Activity(clock)
        self.database = database = Database(data_dir / FILE, synchronous=synchronous)
        self._pool = pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="consumer")

        self.store = SqliteStore(database, catalog.TABLES, clock)
        self.queue = LocalQueue(database, catalog.QUEUES, work, dead_letter_queues=_dead_letter_queues())
        self._consumed = [each for entry in catalog.QUEUES for each in entry.consumed]
        self._pollers = [Poller(entry, self.queue, self.functions, pool, work) for entry in self._consumed]
        self.bus = LocalBus(database, catalog.RULES, self.functions, self.queue, pool, work)
        self.engine = Engine(
            database,
            work,
            LocalIntegrations(self.functions, self.queue, self.bus),
            workers=workers,
            on_ended=self.bus.put_own,
        )
        for name, document in machines.items():
            self.engine.register(name, document)
        self._workflow_names = tuple(machines)
        self._streams = [
            StreamConsumer(
                entry, self.store.stream(entry.table), self.functions, self.queue, database, pool, work
            )
            for entry in catalog.STREAMS
        ]
        self._schedules = Schedules(_wanted(schedules), database, self.functions, self.queue, pool, work)
        self._expiry = Lane[int](
            "expiry", pool, work, limit=1, take=self._take_expiry, work=lambda _: self._expire()
        )
        self._expiry_due = False
        self._expiry_on = True
        self.platform = LocalPlatform(
            store=self.store,
            queue=self.queue,
            keeper=OneCommit(database, self.store, self.queue),
            bus=self.bus,
            workflows=LocalWorkflows(self.engine),
            blobs=SqliteBlobs(database),
            secrets=secrets or FileSecrets(data_dir / SECRETS_FILE),
            clock=clock,
        )

    # -- life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Install platform and settings in this process, resume what was unfinished, and take requests.

        Raises:
            FunctionMissing: a function of the catalog has no file or no handler.
        """
        usher_settings.install(self.settings)
        usher_platform.install(self.platform)
        self.functions.load()
        self.database.write(_void_unfinished_claims)
        self.activity.begin()  # no time is skipped to a deadline before what was under way is taken up
        try:
            self.engine.start()
            for lane in self._lanes():
                lane.start()
            self._schedules.start()
            self._ring_expiry()
            self._server.start()
        finally:
            self.activity.end()

    def stop(self) -> None:
        """Take nothing more, let what is in hand end, and close; what is unfinished resumes at a start."""
        self._server.stop()
        self._gateway.close()
        self._schedules.stop()
        self._expiry_on = False
        lanes = self._lanes()
        for lane in lanes:
            lane.stop()
        deadline = time.monotonic() + STOP_SECONDS
        for lane in lanes:
            if not lane.join(max(0.0, deadline - time.monotonic())):
                logger.warning("%s was still at work; its job comes again at the next start", lane.name)
        self.engine.stop()
        self._pool.shutdown(wait=False)
        self.database.close()
        usher_platform.install(None)

    def __enter__(self) -> "LocalUsher":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- watching ------------------------------------------------------------------------------------------

    def idle(self, *, waiting: int = 0) -> bool:
        """Whether everything is done: nothing at work, queued, delayed, backing off or undelivered.

        Args:
            waiting: how many executions may still be running (those that wait for somebody).
        """
        return self.activity.holds(lambda: self._quiet(waiting))

    def wait_idle(self, timeout: float = 30.0, *, waiting: int = 0) -> bool:
        """Wait until `idle`; False when it was not after `timeout` seconds of wall time."""
        deadline = time.monotonic() + timeout
        while not self.idle(waiting=waiting):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.activity.wait(min(left, 0.05))  # backing off ends without anybody at work before it
        return True

    def inventory(self) -> dict[str, tuple[str, ...]]:
        """What this deployment consists of, by kind, as the catalog names it; dead-letter queues included."""
        return {
            "tables": tuple(table.name for table in catalog.TABLES),
            "queues": self.queue.names,
            "streams": tuple(stream.table for stream in self._streams),
            "rules": self.bus.rules,
            "schedules": self._schedules.names,
            "functions": self.functions.paths,
            "workflows": self._workflow_names,
            "routes": self._gateway.routes,
            "authorizers": (self._gateway.authorizer,),
        }

    def _quiet(self, waiting: int) -> bool:
        return (
            all(self.queue.depth(entry.name).total == 0 for entry in self._consumed)
            and self.bus.pending() == 0
            and all(stream.caught_up() for stream in self._streams)
            and len(self.engine.list_executions(status="RUNNING", limit=waiting + 1)) <= waiting
        )

    def _lanes(self) -> list[Lane[Any]]:
        return [
            *(poller.lane for poller in self._pollers),
            *(stream.lane for stream in self._streams),
            *self.bus.lanes,
            *self._schedules.lanes,
            self._expiry,
        ]

    # -- expiry --------------------------------------------------------------------------------------------

    def _ring_expiry(self) -> None:
        if self._expiry_on:
            self._expiry_due = True
            self._expiry.wake()
            self.clock.call_after_wall(EXPIRY_SECONDS, self._ring_expiry)

    def _take_expiry(self) -> int | None:
        due, self._expiry_due = self._expiry_due, False
        return 1 if due else None

    def _expire(self) -> None:
        while self.store.expire():
            pass  # some hundred items at a time, so that others get their turn at the writer


def _void_unfinished_claims(connection: sqlite3.Connection) -> None:
    """Free what functions of a killed process had begun: nobody is at work on it any more.

    On AWS such a claim ends with the function's timeout; here its message would wait for that in vain.
    """
    connection.execute("DELETE FROM item_idempotency WHERE item->>'status' = 'INPROGRESS'")


def _wanted(schedules: bool | Collection[str]) -> list[catalog.Schedule]:
    if isinstance(schedules, bool):
        return list(catalog.SCHEDULES) if schedules else []
    return [entry for entry in catalog.SCHEDULES if entry.name in schedules]


def _dead_letter_queues() -> list[str]:
    return [entry.dead_letters for entry in (*catalog.STREAMS, *catalog.RULES, *catalog.SCHEDULES)]
