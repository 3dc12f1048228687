"""Powertools idempotency behaves alike on its own DynamoDB layer and on our store port, wherever that is."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency import (
    BasePersistenceLayer,
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)

from infra.local.sqlite_store import SqliteStore
from tests.contract.aws import create_tables
from tests.contract.conftest import IDEMPOTENCY
from usher.adapters.dynamodb_store import DynamoDbStore
from usher.adapters.store_idempotency import StoreIdempotency
from usher.adapters.system_clock import SystemClock

_numbers = itertools.count()
Record = dict[str, Any]
Payment = Record


class Context:
    """A Lambda context that knows how much time is left."""

    def __init__(self, milliseconds: int = 10_000) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture(params=["sqlite", "store on dynamodb", "powertools"])
def layer(request: pytest.FixtureRequest) -> Callable[[], BasePersistenceLayer]:
    """Makes persistence layers over one table, as each decorated function wants its own."""
    if request.param == "sqlite":
        store = SqliteStore(request.getfixturevalue("database"), (IDEMPOTENCY,), SystemClock())
        return lambda: StoreIdempotency(store, SystemClock())
    client = request.getfixturevalue("dynamodb")
    settings = create_tables(client, [IDEMPOTENCY], prefix=f"i{next(_numbers)}-")
    if request.param == "powertools":
        name = settings.tables["idempotency"]
        return lambda: DynamoDBPersistenceLayer(name, boto3_client=client)
    return lambda: StoreIdempotency(DynamoDbStore(client, settings), SystemClock())


class Charge:
    """A function that must take effect once; `during` runs inside it."""

    def __init__(
        self,
        layer: BasePersistenceLayer,
        *,
        context: Context | None = None,
        during: Callable[[], object] = lambda: None,
        **options: Any,
    ) -> None:
        self.taken: list[Payment] = []
        config = IdempotencyConfig(event_key_jmespath="id", **options)
        config.register_lambda_context(context or Context())

        def charge(payment: Payment) -> Record:
            during()
            self.taken.append(payment)
            return {"charge": len(self.taken), "of": payment["amount"]}

        self.call = idempotent_function(
            charge,
            data_keyword_argument="payment",
            persistence_store=layer,
            config=config,
            key_prefix="charge",
        )

    def __call__(self, **payment: Any) -> Record:
        answer: Record = self.call(payment=payment)
        return answer


def test_a_repeat_gets_the_stored_result(layer: Callable[[], BasePersistenceLayer]) -> None:
    charge = Charge(layer())
    first = charge(id="p1", amount=5)
    assert first == {"charge": 1, "of": 5}
    assert charge(id="p1", amount=5) == first
    assert charge(id="p2", amount=6) == {"charge": 2, "of": 6}
    assert len(charge.taken) == 2


def test_another_process_sees_the_result(layer: Callable[[], BasePersistenceLayer]) -> None:
    first, second = Charge(layer()), Charge(layer())
    assert first(id="p1", amount=5) == second(id="p1", amount=5)
    assert second.taken == []


def test_a_repeat_while_the_first_is_at_work_is_told_so(layer: Callable[[], BasePersistenceLayer]) -> None:
    second = Charge(layer())

    def meanwhile() -> None:
        with pytest.raises(IdempotencyAlreadyInProgressError):
            second(id="p1", amount=5)

    first = Charge(layer(), during=meanwhile)
    assert first(id="p1", amount=5) == {"charge": 1, "of": 5}
    assert second.taken == []


def test_one_that_died_at_work_is_taken_over_after_its_time(
    layer: Callable[[], BasePersistenceLayer],
) -> None:
    second = Charge(layer())
    answers = []
    first = Charge(
        layer(), context=Context(-1000), during=lambda: answers.append(second(id="p1", amount=5))
    )  # its time was over a second ago
    first(id="p1", amount=5)
    assert answers == [{"charge": 1, "of": 5}]


def test_a_failure_is_forgotten_so_that_the_next_try_works(layer: Callable[[], BasePersistenceLayer]) -> None:
    failures = [ZeroDivisionError()]

    def fail_once() -> None:
        if failures:
            raise failures.pop()

    charge = Charge(layer(), during=fail_once)
    with pytest.raises(ZeroDivisionError):
        charge(id="p1", amount=5)
    assert charge(id="p1", amount=5) == {"charge": 1, "of": 5}


def test_the_same_key_with_another_payload_is_an_error(layer: Callable[[], BasePersistenceLayer]) -> None:
    charge = Charge(layer(), payload_validation_jmespath="amount")
    charge(id="p1", amount=5)
    with pytest.raises(IdempotencyValidationError):
        charge(id="p1", amount=6)
    assert charge(id="p1", amount=5) == {"charge": 1, "of": 5}
    assert len(charge.taken) == 1


def test_an_expired_result_is_not_used(layer: Callable[[], BasePersistenceLayer]) -> None:
    charge = Charge(layer(), expires_after_seconds=-2)  # what it stores has expired already
    charge(id="p1", amount=5)
    assert charge(id="p1", amount=5) == {"charge": 2, "of": 5}


def test_a_repeat_is_answered_from_the_local_cache_where_one_is_used(
    layer: Callable[[], BasePersistenceLayer],
) -> None:
    persistence = layer()
    charge = Charge(persistence, use_local_cache=True)
    first = charge(id="p1", amount=5)
    assert charge(id="p1", amount=5) == first
    assert len(charge.taken) == 1


def test_a_record_expires_with_the_tables_own_attribute(layer: Callable[[], BasePersistenceLayer]) -> None:
    persistence = layer()
    charge = Charge(persistence, expires_after_seconds=3600)
    before = int(time.time())
    charge(id="p1", amount=5)
    after = int(time.time())
    record = persistence.get_record(data={"id": "p1"})
    assert record is not None
    assert record.expiry_timestamp is not None
    assert before + 3600 <= int(record.expiry_timestamp) <= after + 3600


def test_a_store_that_is_away_is_an_error_not_a_second_effect(request: pytest.FixtureRequest) -> None:
    database = request.getfixturevalue("database")
    store = SqliteStore(database, (IDEMPOTENCY,), SystemClock())
    charge = Charge(StoreIdempotency(store, SystemClock()))
    database.write(lambda connection: connection.execute("DROP TABLE item_idempotency"))
    with pytest.raises(IdempotencyPersistenceLayerError):
        charge(id="p1", amount=5)
    assert charge.taken == []
