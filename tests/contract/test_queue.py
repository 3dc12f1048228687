"""What every Queue promises: SQS (through moto) and the local queues answer alike."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from boto3.session import Session
from botocore.stub import Stubber

from infra.catalog import Queue as Entry
from infra.local.manual_clock import ManualClock
from infra.local.queues import LocalQueue
from tests.contract.aws import REGION
from tests.contract.aws_messaging import NOBODY_LISTENS, answering_error, unreachable
from usher.adapters.sqs_queue import SqsQueue
from usher.domain.errors import InvalidCommand, StoreUnavailable
from usher.ports.queue import Message, Queue
from usher.settings import MissingSetting, Settings

PLAIN = Entry("plain", "any order", "room/consume")
ORDERED = Entry("ordered", "per group", "room/consume", fifo=True)

_numbers = itertools.count()


class Deployed(Protocol):
    """A deployment's queues, from the sender's and from the receiver's side."""

    queue: Queue

    def receipts(self, name: str) -> list[str]:
        """Take what can be taken now, without deleting it."""

    def taken(self, name: str) -> list[dict[str, Any]]:
        """Everything in the queue, taken and deleted: body, attributes and group of each."""


class Local:
    def __init__(self, request: pytest.FixtureRequest) -> None:
        database = request.getfixturevalue("database")
        self._local = LocalQueue(database, (PLAIN, ORDERED), ManualClock())
        self.queue: Queue = self._local

    def receipts(self, name: str) -> list[str]:
        return [message.receipt for message in self._local.receive(name)]

    def taken(self, name: str) -> list[dict[str, Any]]:
        messages = []
        while batch := self._local.receive(name):
            messages += batch
            self._local.delete(name, [message.receipt for message in batch])
        return [
            {"body": json.loads(each.body), "attributes": each.attributes, "group": each.group}
            for each in messages
        ]


class Sqs:
    def __init__(self, client: Any) -> None:
        self._client = client
        number = next(_numbers)
        self._urls = {
            "plain": client.create_queue(QueueName=f"plain-{number}")["QueueUrl"],
            "ordered": client.create_queue(
                QueueName=f"ordered-{number}.fifo", Attributes={"FifoQueue": "true"}
            )["QueueUrl"],
        }
        self.queue: Queue = SqsQueue(client, Settings(region=REGION, queues=self._urls))

    def receipts(self, name: str) -> list[str]:
        asked = self._client.receive_message(QueueUrl=self._urls[name], MaxNumberOfMessages=10)
        return [message["ReceiptHandle"] for message in asked.get("Messages", [])]

    def taken(self, name: str) -> list[dict[str, Any]]:
        messages: list[Any] = []
        asked = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "AttributeNames": ["All"]}
        while batch := self._client.receive_message(QueueUrl=self._urls[name], **asked).get("Messages"):
            messages += batch
            for each in batch:
                self._client.delete_message(QueueUrl=self._urls[name], ReceiptHandle=each["ReceiptHandle"])
        return [
            {
                "body": json.loads(each["Body"]),
                "attributes": {
                    key: value["StringValue"] for key, value in each.get("MessageAttributes", {}).items()
                },
                "group": each["Attributes"].get("MessageGroupId"),
            }
            for each in messages
        ]


@pytest.fixture(params=["local", "sqs"])
def deployed(request: pytest.FixtureRequest) -> Iterator[Deployed]:
    if request.param == "local":
        yield Local(request)
        return
    client = request.getfixturevalue("aws").client("sqs")
    yield Sqs(client)
    client.close()


def ns(messages: list[dict[str, Any]]) -> list[int]:
    return [message["body"]["n"] for message in messages]


def test_a_message_arrives_with_its_body_and_attributes(deployed: Deployed) -> None:
    body = {"n": 1, "text": "Zoë ✓ \u2028", "nested": {"list": [1, None, True]}}
    deployed.queue.send("plain", [Message(body, attributes={"trace": "t-1"})])
    assert deployed.taken("plain") == [{"body": body, "attributes": {"trace": "t-1"}, "group": None}]


def test_more_messages_than_one_call_takes_all_arrive(deployed: Deployed) -> None:
    deployed.queue.send("plain", [Message({"n": n}) for n in range(25)])
    assert Counter(ns(deployed.taken("plain"))) == Counter(range(25))


def test_more_bytes_than_one_call_takes_all_arrive(deployed: Deployed) -> None:
    deployed.queue.send("plain", [Message({"n": n, "text": "x" * 100_000}) for n in range(5)])
    assert Counter(ns(deployed.taken("plain"))) == Counter(range(5))


def test_sending_nothing_is_fine(deployed: Deployed) -> None:
    deployed.queue.send("plain", [])
    assert deployed.taken("plain") == []


def test_the_messages_of_a_group_keep_their_order(deployed: Deployed) -> None:
    deployed.queue.send("ordered", [Message({"n": n}, group=f"cus_{n % 2}") for n in range(24)])
    messages = deployed.taken("ordered")
    assert sorted(ns(messages)) == list(range(24))
    for group in ("cus_0", "cus_1"):
        own = ns([message for message in messages if message["group"] == group])
        assert own == sorted(own)


def test_a_deduplication_id_counts_once(deployed: Deployed) -> None:
    message = Message({"n": 1}, group="cus_1", deduplication_id="evt_1")
    deployed.queue.send("ordered", [message])
    deployed.queue.send("ordered", [message, Message({"n": 2}, group="cus_1", deduplication_id="evt_2")])
    assert ns(deployed.taken("ordered")) == [1, 2]


def test_without_an_id_equal_content_counts_once(deployed: Deployed) -> None:
    deployed.queue.send("ordered", [Message({"n": 1}, group="cus_1"), Message({"n": 1}, group="cus_1")])
    deployed.queue.send("ordered", [Message({"n": 2}, group="cus_1")])
    assert ns(deployed.taken("ordered")) == [1, 2]


def test_a_delayed_message_is_not_there_yet(deployed: Deployed) -> None:
    deployed.queue.send("plain", [Message({"n": 1}, delay_seconds=900), Message({"n": 2})])
    assert ns(deployed.taken("plain")) == [2]


@pytest.mark.parametrize(
    ("queue", "message"),
    [
        ("plain", Message({"text": "x" * 262_144})),
        ("plain", Message({}, attributes={"text": "x" * 262_144})),
        ("plain", Message({}, attributes={f"a{n}": "x" for n in range(11)})),
        ("plain", Message({}, delay_seconds=901)),
        ("plain", Message({}, delay_seconds=-1)),
        ("ordered", Message({})),
        ("ordered", Message({}, group="cus_1", delay_seconds=1)),
    ],
)
def test_what_no_queue_takes_is_refused_and_nothing_is_sent(
    deployed: Deployed, queue: str, message: Message
) -> None:
    with pytest.raises(InvalidCommand):
        deployed.queue.send(queue, [Message({"n": 1}, group="cus_1"), message])
    assert deployed.taken(queue) == []


def test_what_was_taken_and_not_done_comes_again_when_it_is_said_to(deployed: Deployed) -> None:
    deployed.queue.send("ordered", [Message({"n": n}, group="cus_1") for n in range(3)])
    receipts = deployed.receipts("ordered")
    assert len(receipts) == 3
    assert deployed.taken("ordered") == []
    deployed.queue.retry_soon("ordered", receipts, seconds=0)
    assert ns(deployed.taken("ordered")) == [0, 1, 2]


def test_a_message_that_is_gone_cannot_be_hurried_and_that_is_no_error(deployed: Deployed) -> None:
    deployed.queue.send("plain", [Message({"n": 1})])
    receipts = deployed.receipts("plain")
    deployed.queue.retry_soon("plain", receipts, seconds=0)
    assert ns(deployed.taken("plain")) == [1]
    deployed.queue.retry_soon("plain", receipts, seconds=0)


SETTINGS = Settings(queues={"plain": f"{NOBODY_LISTENS}/plain"})


def test_an_sqs_that_cannot_be_reached_is_an_outage(aws: Session) -> None:
    with unreachable(aws, "sqs") as client, pytest.raises(StoreUnavailable, match="SQS cannot be reached"):
        SqsQueue(client, SETTINGS).send("plain", [Message({})])


@pytest.mark.parametrize(("code", "status"), [("RequestThrottled", 403), ("ServiceUnavailable", 503)])
def test_an_sqs_that_throttles_or_fails_is_an_outage(aws: Session, code: str, status: int) -> None:
    with (
        answering_error(aws, "sqs", "send_message_batch", code, status) as client,
        pytest.raises(StoreUnavailable, match=code),
    ):
        SqsQueue(client, SETTINGS).send("plain", [Message({})])


def test_a_message_that_sqs_did_not_take_is_an_outage(aws: Session) -> None:
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    sent = {"Id": "0", "MessageId": "m", "MD5OfMessageBody": "d"}
    client = aws.client("sqs")
    with Stubber(client) as stub:
        stub.add_response("send_message_batch", {"Successful": [sent], "Failed": [failed]})
        with pytest.raises(StoreUnavailable, match="1 of 2 messages: InternalError"):
            SqsQueue(client, SETTINGS).send("plain", [Message({}), Message({})])
    client.close()


def test_a_queue_that_is_gone_is_a_mistake_of_the_deployment_not_an_outage(aws: Session) -> None:
    client = aws.client("sqs")
    gone = client.create_queue(QueueName="gone")["QueueUrl"]
    client.delete_queue(QueueUrl=gone)
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        SqsQueue(client, Settings(queues={"gone": gone})).send("gone", [Message({})])
    with pytest.raises(MissingSetting, match="USHER_QUEUE_UNLISTED"):
        SqsQueue(client, Settings()).send("unlisted", [Message({})])
    client.close()
