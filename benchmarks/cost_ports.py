"""The ports of a deployment, each call counted as AWS counts it: store, secrets, workflows."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.cost_meter import Meter
from benchmarks.cost_sizes import index_units, item_bytes, read_units, write_units
from infra import catalog
from usher.adapters.secrets_manager import KEEP_SECONDS
from usher.ports.secrets import Secrets
from usher.ports.store import (
    Check,
    ConditionFailed,
    Delete,
    Equals,
    Item,
    Key,
    Page,
    Put,
    SortCondition,
    Store,
    Update,
    Write,
)
from usher.ports.workflows import Workflows


class MeteredStore:
    """A store whose every call is counted as DynamoDB counts it."""

    def __init__(self, store: Store, meter: Meter) -> None:
        self._store, self._meter = store, meter
        self._tables = {table.name: table for table in catalog.TABLES}

    def get(self, table: str, key: Key) -> Item | None:
        with self._meter.outside("dynamodb"):
            item = self._store.get(table, key)
            self._meter.read(table, read_units([item_bytes(item)]))
            return item

    def get_all(self, table: str, keys: Sequence[Key]) -> list[Item | None]:
        with self._meter.outside("dynamodb"):
            found = self._store.get_all(table, keys)
            for item in found:
                self._meter.read(table, read_units([item_bytes(item)]))
            return found

    def query(
        self,
        table: str,
        partition: Equals,
        *,
        index: str | None = None,
        sort: SortCondition | None = None,
        limit: int = 100,
        cursor: str | None = None,
        descending: bool = False,
    ) -> Page:
        with self._meter.outside("dynamodb"):
            page = self._store.query(
                table,
                partition,
                index=index,
                sort=sort,
                limit=limit,
                cursor=cursor,
                descending=descending,
            )
            self._meter.read(table, read_units(map(item_bytes, page.items), consistent=index is None))
            return page

    def write(self, write: Put | Update | Delete) -> Item | None:
        with self._meter.outside("dynamodb"):
            before = self._found(write)
            try:
                after = self._store.write(write)
            except ConditionFailed:
                self._count(write, before, before, transacted=False)
                raise
            self._count(write, before, after, transacted=False)
            return after

    def transact(self, writes: Sequence[Write]) -> None:
        with self._meter.outside("dynamodb_transaction"):
            before = [self._found(write) for write in writes]
            try:
                self._store.transact(writes)
            except ConditionFailed:
                for write, item in zip(writes, before, strict=True):
                    self._count(write, item, item, transacted=True)
                raise
            for write, item in zip(writes, before, strict=True):
                after = dict(write.item) if isinstance(write, Put) else self._found(write)  # it may be gone
                self._count(write, item, after, transacted=True)

    def _found(self, write: Write) -> Item | None:
        table = self._tables[write.table]
        names = [table.partition, *([table.sort] if table.sort else [])]
        key = {name: write.item[name] for name in names} if isinstance(write, Put) else write.key
        return self._store.get(write.table, key)

    def _count(self, write: Write, before: Item | None, after: Item | None, *, transacted: bool) -> None:
        units = write_units(before, after, transacted=transacted)
        self._meter.written(write.table, units)
        if not isinstance(write, Check):
            self._meter.written(write.table, index_units(self._tables[write.table], before, after))


class MeteredSecrets:
    """Secrets, asked for as rarely as the adapter on AWS asks (adapters/secrets_manager.py)."""

    def __init__(self, secrets: Secrets, meter: Meter) -> None:
        self._secrets, self._meter = secrets, meter

    def get(self, name: str) -> str:
        self._ask(name)
        with self._meter.outside():
            return self._secrets.get(name)

    def active(self, name: str) -> tuple[str, ...]:
        self._ask(name)
        self._ask(f"{name}, former")
        with self._meter.outside():
            return self._secrets.active(name)

    def _ask(self, name: str) -> None:
        meter = self._meter
        asked = (meter.function, name, int(meter.now() // KEEP_SECONDS))
        with meter.lock:
            meter.secret_asks.add(asked)


class MeteredWorkflows:
    """Workflows, whose API is free; what its calls take counts."""

    def __init__(self, workflows: Workflows, meter: Meter) -> None:
        self._workflows, self._meter = workflows, meter

    def start(self, workflow: str, *, name: str, input: Mapping[str, Any]) -> str:
        self._meter.root(workflow)
        with self._meter.outside("states"):
            return self._workflows.start(workflow, name=name, input=input)

    def succeed(self, token: str, output: Mapping[str, Any]) -> bool:
        with self._meter.outside("states"):
            return self._workflows.succeed(token, output)

    def fail(self, token: str, *, error: str, cause: str) -> bool:
        with self._meter.outside("states"):
            return self._workflows.fail(token, error=error, cause=cause)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._workflows, name)
