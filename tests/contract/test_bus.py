"""What every Bus promises: EventBridge (through moto) and the local bus answer alike."""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import pytest
from boto3.session import Session
from botocore.stub import Stubber

from infra.catalog import Function, Rule
from infra.local.activity import Activity
from infra.local.bus import LocalBus
from infra.local.functions import Functions
from infra.local.manual_clock import ManualClock
from infra.local.queues import LocalQueue
from tests.contract.aws import REGION
from tests.contract.aws_messaging import answering_error, unreachable
from usher.adapters.eventbridge_bus import EventBridgeBus
from usher.domain.errors import StoreUnavailable
from usher.ports.bus import Bus
from usher.settings import Settings

RULE = Rule("paid", "a test's", "usher", "usher", ("payment.succeeded", "payment.failed"), "room/consume")

_numbers = itertools.count()


class Deployed(Protocol):
    """A deployment's bus, and what arrived behind its one rule."""

    bus: Bus

    def delivered(self) -> list[dict[str, Any]]:
        """The EventBridge events delivered so far."""


class Local:
    def __init__(self, database: Any, pool: ThreadPoolExecutor) -> None:
        self._events: list[dict[str, Any]] = []
        self._clock = Activity(ManualClock())
        functions = Functions([Function("room", "consume", 30)], handlers={"room/consume": self._consume})
        queue = LocalQueue(database, (), self._clock, dead_letter_queues=(RULE.dead_letters,))
        self._local = LocalBus(database, (RULE,), functions, queue, pool, self._clock)
        for lane in self._local.lanes:
            lane.start()
        self.bus: Bus = self._local

    def _consume(self, event: dict[str, Any], context: Any) -> None:
        self._events.append(event)

    def delivered(self) -> list[dict[str, Any]]:
        while not self._clock.holds(lambda: True):
            self._clock.wait(1.0)
        return self._events


class EventBridge:
    def __init__(self, events: Any, sqs: Any) -> None:
        number = next(_numbers)
        name = f"usher-{number}"
        self._sqs = sqs
        self._url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        events.create_event_bus(Name=name)
        pattern = json.dumps({"source": [RULE.source], "detail-type": list(RULE.detail_types)})
        events.put_rule(Name=name, EventBusName=name, EventPattern=pattern)
        events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
        self.bus: Bus = EventBridgeBus(events, Settings(region=REGION, bus=name))

    def delivered(self) -> list[dict[str, Any]]:
        found = []
        while batch := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in batch]
        return found


@pytest.fixture(params=["local", "eventbridge"])
def deployed(request: pytest.FixtureRequest) -> Iterator[Deployed]:
    if request.param == "local":
        with ThreadPoolExecutor(4) as pool:
            yield Local(request.getfixturevalue("database"), pool)
        return
    aws = request.getfixturevalue("aws")
    events, sqs = aws.client("events"), aws.client("sqs")
    yield EventBridge(events, sqs)
    events.close()
    sqs.close()


def event(n: int, type: str = "payment.succeeded") -> dict[str, Any]:
    return {"type": type, "event_id": f"evt_{n}", "account_id": "acc_1", "payload": {"text": "Zoë ✓"}}


def test_an_event_arrives_as_the_detail_of_an_eventbridge_event(deployed: Deployed) -> None:
    assert deployed.bus.publish([event(1)]) == []
    [delivered] = deployed.delivered()
    assert delivered["detail"] == event(1)
    assert (delivered["source"], delivered["detail-type"]) == ("usher", "payment.succeeded")
    assert {"id", "version", "time", "region", "resources"} <= delivered.keys()


def test_what_no_rule_names_is_accepted_and_goes_nowhere(deployed: Deployed) -> None:
    assert deployed.bus.publish([event(1, "account.created")]) == []
    assert deployed.delivered() == []


def test_more_events_than_one_call_takes_all_arrive(deployed: Deployed) -> None:
    assert deployed.bus.publish([event(n) for n in range(25)]) == []
    assert {each["detail"]["event_id"] for each in deployed.delivered()} == {f"evt_{n}" for n in range(25)}


def test_more_bytes_than_one_call_takes_all_arrive(deployed: Deployed) -> None:
    events = [event(n) | {"payload": {"text": "x" * 100_000}} for n in range(5)]
    assert deployed.bus.publish(events) == []
    assert len(deployed.delivered()) == 5


def test_a_refused_event_is_told_by_position_and_its_neighbours_arrive(deployed: Deployed) -> None:
    large = event(2) | {"payload": {"text": "x" * 262_144}}
    nameless = {"event_id": "evt_3"}
    assert deployed.bus.publish([event(1), large, nameless, event(4)]) == [1, 2]
    assert {each["detail"]["event_id"] for each in deployed.delivered()} == {"evt_1", "evt_4"}


def test_publishing_nothing_is_fine(deployed: Deployed) -> None:
    assert deployed.bus.publish([]) == []


def test_an_eventbridge_that_cannot_be_reached_is_an_outage(aws: Session) -> None:
    with unreachable(aws, "events") as client, pytest.raises(StoreUnavailable, match="cannot be reached"):
        EventBridgeBus(client, Settings()).publish([event(1)])


def test_a_throttled_bus_is_an_outage(aws: Session) -> None:
    with (
        answering_error(aws, "events", "put_events", "ThrottlingException") as client,
        pytest.raises(StoreUnavailable, match="Throttling"),
    ):
        EventBridgeBus(client, Settings()).publish([event(1)])


def test_when_a_later_call_fails_its_events_alone_are_refused(aws: Session) -> None:
    client = aws.client("events")
    with Stubber(client) as stub:
        stub.add_response(
            "put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": str(n)} for n in range(10)]}
        )
        stub.add_client_error("put_events", service_error_code="InternalException", http_status_code=500)
        assert EventBridgeBus(client, Settings()).publish([event(n) for n in range(12)]) == [10, 11]
    client.close()


def test_an_entry_that_eventbridge_refuses_is_told_by_position(aws: Session) -> None:
    client = aws.client("events")
    entries = [{"EventId": "1"}, {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}]
    with Stubber(client) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": entries})
        assert EventBridgeBus(client, Settings()).publish([event(0), event(1)]) == [1]
    client.close()
