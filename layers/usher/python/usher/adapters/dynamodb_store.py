"""The store port on DynamoDB: conditions become expressions, DynamoDB's errors become ours."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from usher.adapters import cursors
from usher.adapters.aws_errors import code, outages
from usher.adapters.dynamodb_expressions import Expression, request
from usher.adapters.dynamodb_json import decode, encode
from usher.domain.errors import InvalidCommand, StoreUnavailable
from usher.ports.store import (
    MAX_READ,
    MAX_TRANSACTION,
    ConditionFailed,
    Delete,
    Equals,
    Item,
    Key,
    Page,
    Put,
    SortCondition,
    StoreRefused,
    Update,
    Write,
)
from usher.settings import Settings, physical

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONFLICT_ATTEMPTS = 5
CONFLICT_PAUSE_SECONDS = 0.02  # doubled with each attempt and taken at random below that

_CONFLICTS = {"TransactionConflictException", "TransactionConflict", "TransactionInProgressException"}
_REFUSALS = {"ValidationException", "ValidationError", "SerializationException"}


class _Conflict(Exception):
    """Another transaction holds an item; nothing was written."""


class DynamoDbStore:
    """Implements usher.ports.store.Store.

    Args:
        client: a DynamoDB client that does not retry by itself.
        settings: where the tables' physical names are.
        sleep: how to pause before a transaction that met a conflict is tried again, in seconds.
    """

    def __init__(
        self, client: "DynamoDBClient", settings: Settings, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._settings = settings
        self._sleep = sleep

    def get(self, table: str, key: Key) -> Item | None:
        parameters = {"TableName": self._name(table), "Key": encode(dict(key)), "ConsistentRead": True}
        item = self._call(self._client.get_item, parameters).get("Item")
        return None if item is None else decode(item)

    def get_all(self, table: str, keys: Sequence[Key]) -> list[Item | None]:
        found: dict[frozenset[tuple[str, Any]], Item] = {}
        for start in range(0, len(keys), MAX_READ):
            part = [dict(key) for key in keys[start : start + MAX_READ]]
            for item in self._read(self._name(table), [encode(key) for key in part]):
                names = part[0].keys()
                found[frozenset((name, item[name]) for name in names)] = item
        return [found.get(frozenset(key.items())) for key in keys]

    def _read(self, name: str, keys: list[dict[str, Any]]) -> Iterator[Item]:
        """Up to a hundred items by their keys. What DynamoDB leaves unread is asked for again."""
        for attempt in range(CONFLICT_ATTEMPTS):
            asked = {name: {"Keys": keys, "ConsistentRead": True}}
            answer = self._call(self._client.batch_get_item, {"RequestItems": asked})
            yield from map(decode, answer["Responses"].get(name, []))
            keys = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
            if not keys:
                return
            self._sleep(random.uniform(0, CONFLICT_PAUSE_SECONDS * 2**attempt))
        raise StoreUnavailable(f"{CONFLICT_ATTEMPTS} attempts left {len(keys)} items unread")

    def write(self, write: Put | Update | Delete) -> Item | None:
        _, parameters = request(write, self._name(write.table))
        if isinstance(write, Put):
            self._call(self._client.put_item, parameters)
            return dict(write.item)
        if isinstance(write, Delete):
            self._call(self._client.delete_item, parameters)
            return None
        answer = self._call(self._client.update_item, {**parameters, "ReturnValues": "ALL_NEW"})
        return decode(answer["Attributes"])

    def transact(self, writes: Sequence[Write]) -> None:
        if len(writes) > MAX_TRANSACTION:
            raise StoreRefused(f"a transaction takes {MAX_TRANSACTION} writes, not {len(writes)}")
        entries = [dict([request(write, self._name(write.table))]) for write in writes]
        if entries:
            self._call(self._client.transact_write_items, {"TransactItems": entries})

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
        if limit < 1:
            raise StoreRefused(f"a page holds at least 1 item, not {limit}")
        expression = Expression()
        conditions = [expression.condition(each) for each in (partition, sort) if each is not None]
        parameters: dict[str, Any] = {
            "TableName": self._name(table),
            "KeyConditionExpression": " AND ".join(conditions),
            "Limit": limit,
            "ScanIndexForward": not descending,
            **expression.parameters(),
            **({"ConsistentRead": True} if index is None else {"IndexName": index}),
        }
        if cursor is not None:
            parameters["ExclusiveStartKey"] = encode(dict(cursors.decode(cursor, partition)))
        try:
            answer = self._call(self._client.query, parameters)
        except StoreRefused as error:
            if cursor is None:
                raise
            raise InvalidCommand("cursor: belongs to another query; start again without it") from error
        last = answer.get("LastEvaluatedKey")
        return Page(
            [decode(item) for item in answer["Items"]], None if last is None else cursors.encode(decode(last))
        )

    def _name(self, table: str) -> str:
        return physical(self._settings, "tables", table)

    def _call(self, operation: Callable[..., Any], parameters: dict[str, Any]) -> Any:
        for attempt in range(CONFLICT_ATTEMPTS):
            try:
                with outages("DynamoDB"):
                    return operation(**parameters)
            except ClientError as error:
                meaning = _meaning(error)
                if meaning is error:
                    raise
                if not isinstance(meaning, _Conflict):
                    raise meaning from error
                conflict = error
            self._sleep(random.uniform(0, CONFLICT_PAUSE_SECONDS * 2**attempt))
        raise StoreUnavailable(
            f"{CONFLICT_ATTEMPTS} attempts met another transaction on the same items"
        ) from conflict


def _meaning(error: ClientError) -> Exception:
    """Our error for DynamoDB's; the same error when the deployment is wrong (no permission, no table)."""
    answer: dict[str, Any] = dict(error.response)
    word = code(error)
    if word == "ConditionalCheckFailedException":
        found = answer.get("Item")
        return ConditionFailed(str(error), {0: decode(found) if found else None})
    reasons = answer.get("CancellationReasons", [])
    failed = {
        position: decode(reason["Item"]) if reason.get("Item") else None
        for position, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    if failed:
        return ConditionFailed(str(error), failed)
    words = {word, *(reason.get("Code") for reason in reasons)}
    if words & _REFUSALS:
        return StoreRefused(str(error))
    if words & _CONFLICTS:
        return _Conflict()
    return StoreUnavailable(str(error)) if word == "TransactionCanceledException" else error
