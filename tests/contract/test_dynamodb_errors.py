"""What the DynamoDB store makes of DynamoDB's errors, as the API reference words them."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from tests.contract.aws import REGION
from usher.adapters.aws_platform import AwsPlatform
from usher.adapters.dynamodb_store import CONFLICT_ATTEMPTS, DynamoDbStore
from usher.domain.errors import StoreUnavailable
from usher.ports.store import ConditionFailed, Put, StoreRefused, Update
from usher.settings import Settings

SETTINGS = Settings(region=REGION, tables={"notes": "notes"})
PUT = Put("notes", {"note_id": "n1"})
UPDATE = Update("notes", {"note_id": "n2"}, add={"a": 1})


class Service:
    """A client that gives the answers laid out for it, in order; `pauses` are what the store slept."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.stub = Stubber(client)
        self.pauses: list[float] = []
        self.store = DynamoDbStore(client, SETTINGS, sleep=self.pauses.append)

    def fails(self, operation: str, code: str, *reasons: str, status: int = 400) -> None:
        entries = [{"Code": reason, "Message": reason} for reason in reasons]
        self.stub.add_client_error(
            operation,
            code,
            http_status_code=status,
            modeled_fields={"CancellationReasons": entries} if reasons else None,
        )


@pytest.fixture
def service(aws: Any) -> Iterator[Service]:
    service = Service(AwsPlatform(SETTINGS).client("dynamodb"))
    with service.stub:
        yield service
    service.client.close()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ProvisionedThroughputExceededException", 400),
        ("ThrottlingException", 400),
        ("RequestLimitExceeded", 400),
        ("InternalServerError", 500),
        ("ServiceUnavailable", 503),
        ("SomethingNew", 500),
    ],
)
def test_an_outage_may_pass_and_the_sdk_does_not_retry_it(service: Service, code: str, status: int) -> None:
    for operation, call in (
        ("get_item", lambda: service.store.get("notes", {"note_id": "n1"})),
        ("put_item", lambda: service.store.write(PUT)),
        ("transact_write_items", lambda: service.store.transact([PUT])),
    ):
        service.fails(operation, code, status=status)
        with pytest.raises(StoreUnavailable, match=code):
            call()
    service.stub.assert_no_pending_responses()
    assert service.pauses == []


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
)
def test_a_lost_connection_may_come_back(service: Service, error: Exception) -> None:
    def lose(**_: Any) -> None:
        raise error

    service.stub.deactivate()  # the network is what fails, not the service
    service.client.meta.events.register("before-call.dynamodb.GetItem", lose)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        service.store.get("notes", {"note_id": "n1"})


def test_a_conflict_is_tried_again_after_a_pause(service: Service) -> None:
    service.fails("transact_write_items", "TransactionCanceledException", "None", "TransactionConflict")
    service.fails("transact_write_items", "TransactionInProgressException")
    service.stub.add_response("transact_write_items", {})
    service.store.transact([PUT, UPDATE])
    service.stub.assert_no_pending_responses()
    assert len(service.pauses) == 2
    assert all(0 <= pause < 1 for pause in service.pauses)


def test_a_single_write_that_meets_a_transaction_is_tried_again(service: Service) -> None:
    service.fails("put_item", "TransactionConflictException")
    service.stub.add_response("put_item", {})
    service.store.write(PUT)
    service.stub.assert_no_pending_responses()


def test_a_conflict_that_does_not_end_is_an_outage(service: Service) -> None:
    for _ in range(CONFLICT_ATTEMPTS):
        service.fails("transact_write_items", "TransactionCanceledException", "TransactionConflict", "None")
    with pytest.raises(StoreUnavailable, match="another transaction"):
        service.store.transact([PUT, UPDATE])
    service.stub.assert_no_pending_responses()


def test_a_failed_condition_outweighs_a_conflict(service: Service) -> None:
    service.fails(
        "transact_write_items",
        "TransactionCanceledException",
        "TransactionConflict",
        "ConditionalCheckFailed",
    )
    with pytest.raises(ConditionFailed) as caught:
        service.store.transact([PUT, UPDATE])
    assert caught.value.failed == {1: None}


@pytest.mark.parametrize(
    ("reason", "expected"), [("ValidationError", StoreRefused), ("ThrottlingError", StoreUnavailable)]
)
def test_other_reasons_of_a_cancelled_transaction(
    service: Service, reason: str, expected: type[Exception]
) -> None:
    service.fails("transact_write_items", "TransactionCanceledException", "None", reason)
    with pytest.raises(expected):
        service.store.transact([PUT, UPDATE])


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_what_the_deployment_got_wrong_is_a_bug_that_keeps_its_name(service: Service, code: str) -> None:
    service.fails("get_item", code)
    with pytest.raises(ClientError, match=code):
        service.store.get("notes", {"note_id": "n1"})
