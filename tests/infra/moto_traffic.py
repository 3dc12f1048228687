"""What moves by itself on AWS and not in moto: queues and streams to their functions, rules, executions."""

import json
import threading
import time
from typing import Any

from moto.sqs.models import sqs_backends

from tests.infra import moto_states
from tests.infra.assembly import ACCOUNT, REGION
from tests.infra.moto_account import MotoAccount, heard_by
from tests.infra.moto_functions import MotoFunctions

WAIT_SECONDS = 60.0


class MotoTraffic:
    """Delivers as the templates' event sources and rules say, one batch after the other."""

    def __init__(self, account: MotoAccount, functions: MotoFunctions) -> None:
        self._client = account.client
        self._functions = functions
        self._rules = account.rules
        self._sources = account.assembly.properties("AWS::Lambda::EventSourceMapping")
        self._iterators: dict[str, str] = {}
        self._held = sqs_backends[ACCOUNT][REGION].queues  # moto's own: polling through its API is half a run

    def settle(self) -> None:
        """Go on until nothing moves any more; a message that fails or a refused call is an error here.

        Executions that wait for somebody, and nothing else, are left waiting.
        """
        while True:
            self._rest()
            if self._queues() + self._streams() + self._heard():
                assert self._functions.denied == []
            elif not self._delayed():
                return

    def depth(self, queue: str) -> int:
        """Messages in a queue, those in flight and those that are delayed included."""
        held = self._held[queue]
        numbers = (
            held.approximate_number_of_messages,
            held.approximate_number_of_messages_not_visible,
            held.approximate_number_of_messages_delayed,
        )
        return sum(numbers)

    def _rest(self) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not moto_states.at_rest():
            assert time.monotonic() < deadline, f"an execution goes on and on: {moto_states.statuses()}"
            threading.Event().wait(0.02)

    def _delayed(self) -> bool:
        """Whether a message is in a queue and cannot be had yet; waits a little when there is."""
        sources = {source["EventSourceArn"] for source in self._sources}
        waiting = any(self.depth(each.rsplit(":", 1)[1]) for each in sources if ":sqs:" in each)
        if waiting:
            threading.Event().wait(0.1)
        return waiting

    def _queues(self) -> int:
        moved = 0
        for source in self._sources:
            if ":sqs:" not in source["EventSourceArn"]:
                continue
            queue = source["EventSourceArn"].rsplit(":", 1)[1]
            records = self._receive(queue, source["BatchSize"])
            if records:
                event = {
                    "Records": [{**each, "eventSourceARN": source["EventSourceArn"]} for each in records]
                }
                answer = self._functions.call_qualified(source["FunctionName"], event)
                assert answer == {"batchItemFailures": []}, f"{queue}: {answer}"
                self._delete(queue, records)
            moved += len(records)
        return moved

    def _streams(self) -> int:
        moved = 0
        for source in self._sources:
            if ":dynamodb:" not in source["EventSourceArn"]:
                continue
            table = source["EventSourceArn"].split("/")[1]
            start = self._iterators.get(table) or self._begin(table, source["StartingPosition"])
            page = self._client("dynamodbstreams").get_records(ShardIterator=start, Limit=source["BatchSize"])
            self._iterators[table] = page["NextShardIterator"]
            if page["Records"]:
                answer = self._functions.call_qualified(source["FunctionName"], {"Records": page["Records"]})
                assert answer == {"batchItemFailures": []}, f"stream of {table}: {answer}"
            moved += len(page["Records"])
        return moved

    def _begin(self, table: str, position: str) -> str:
        streams = self._client("dynamodbstreams")
        (stream,) = streams.list_streams(TableName=table)["Streams"]
        (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
        iterator: str = streams.get_shard_iterator(
            StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType=position
        )["ShardIterator"]
        return iterator

    def _heard(self) -> int:
        moved = 0
        for rule in self._rules:
            records = self._receive(heard_by(rule), 10)
            target = rule["Targets"][0]["Arn"]
            for record in records:
                event = json.loads(record["body"])
                if ":sqs:" in target:
                    body = json.dumps(event["detail"])
                    self._client("sqs").send_message(
                        QueueUrl=self._url(target.rsplit(":", 1)[1]), MessageBody=body
                    )
                else:
                    self._functions.call_qualified(target, event)
            self._delete(heard_by(rule), records)
            moved += len(records)
        return moved

    def _receive(self, queue: str, at_most: int) -> list[dict[str, Any]]:
        """Messages in the shape Lambda hands them over; SQS itself gives ten at a time."""
        messages: list[Any] = []
        if not self._held[queue].approximate_number_of_messages:
            return []
        while len(messages) < at_most:
            answer = self._client("sqs").receive_message(
                QueueUrl=self._url(queue),
                MaxNumberOfMessages=min(10, at_most - len(messages)),
                MessageSystemAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                break
            messages += answer["Messages"]
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "awsRegion": REGION,
            }
            for message in messages
        ]

    def _delete(self, queue: str, records: list[dict[str, Any]]) -> None:
        for record in records:
            self._client("sqs").delete_message(
                QueueUrl=self._url(queue), ReceiptHandle=record["receiptHandle"]
            )

    @staticmethod
    def _url(queue: str) -> str:
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{queue}"
