"""Powertools idempotency on the store port, so that it works on one machine as it does on DynamoDB.

Same table, attributes and conditions as powertools' own DynamoDBPersistenceLayer, which AWS uses.
"""

from typing import Any

from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS, DataRecord

from usher.ports.clock import Clock
from usher.ports.store import (
    Absent,
    AtMost,
    Both,
    ConditionFailed,
    Delete,
    Either,
    Equals,
    Item,
    Put,
    Store,
    Update,
)

TABLE = "idempotency"
IN_PROGRESS = STATUS_CONSTANTS["INPROGRESS"]


class StoreIdempotency(BasePersistenceLayer):
    """Records by `id`: status, expiration (epoch seconds), in_progress_expiration (ms), data, validation."""

    def __init__(self, store: Store, clock: Clock, *, table: str = TABLE) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # powertools left it untyped
        self._store = store
        self._clock = clock
        self._table = table

    def _get_record(self, idempotency_key: str) -> DataRecord:
        item = self._store.get(self._table, {"id": idempotency_key})
        if item is None:
            raise IdempotencyItemNotFoundError
        return _record(item)

    def _put_record(self, data_record: DataRecord) -> None:
        item: Item = {
            "id": data_record.idempotency_key,
            "status": data_record.status,
            "expiration": data_record.expiry_timestamp,
        }
        if data_record.in_progress_expiry_timestamp is not None:
            item["in_progress_expiration"] = data_record.in_progress_expiry_timestamp
        if self.payload_validation_enabled and data_record.payload_hash:
            item["validation"] = data_record.payload_hash
        now = self._clock.wall().timestamp()  # powertools sets expirations by wall time
        free = Either(
            (
                Absent("id"),
                AtMost("expiration", int(now) - 1),
                Both((Equals("status", IN_PROGRESS), AtMost("in_progress_expiration", int(now * 1000) - 1))),
            )
        )
        try:
            self._store.write(Put(self._table, item, if_=free))
        except ConditionFailed as error:
            found = error.failed[0]
            if found is None:
                raise IdempotencyItemAlreadyExistsError from error
            old = _record(found)
            self._validate_payload(data_payload=data_record, stored_data_record=old)
            self._save_to_cache(data_record=old)
            raise IdempotencyItemAlreadyExistsError(old_data_record=old) from error

    def _update_record(self, data_record: DataRecord) -> None:
        values: dict[str, Any] = {
            "data": data_record.response_data,
            "expiration": data_record.expiry_timestamp,
            "status": data_record.status,
        }
        if self.payload_validation_enabled:
            values["validation"] = data_record.payload_hash
        self._store.write(Update(self._table, {"id": data_record.idempotency_key}, set=values))

    def _delete_record(self, data_record: DataRecord) -> None:
        self._store.write(Delete(self._table, {"id": data_record.idempotency_key}))


def _record(item: Item) -> DataRecord:
    return DataRecord(
        idempotency_key=item["id"],
        status=item["status"],
        expiry_timestamp=item["expiration"],
        in_progress_expiry_timestamp=item.get("in_progress_expiration"),
        response_data=item.get("data", ""),
        payload_hash=item.get("validation", ""),
    )
