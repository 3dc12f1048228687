"""What moves by itself on AWS and not in moto: queues and streams to their functions, rules, executions."""

import json
import threading
import time
from typing import Any

from tests.infra.assembly import REGION
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

    def settle(self) -> None:
        """Go on until nothing moves any more; a message that fails or a refused call is an error here."""
        while self._executions() + self._queues() + self._streams() + self._heard():
            assert self._functions.denied == []

    def depth(self, queue: str) -> int:
        """Messages in a queue, those in flight included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._client("sqs").get_queue_attributes(QueueUrl=self._url(queue), AttributeNames=names)
        return sum(map(int, answer["Attributes"].values()))

    def statuses(self) -> list[str]:
        """How every execution stands."""
        states = self._client("stepfunctions")
        return [
            execution["status"]
            for machine in states.list_state_machines()["stateMachines"]
            for execution in states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        ]

    def _executions(self) -> int:
        """Wait until none runs; those that wait for a collector's answer need their messages delivered."""
        running = self.statuses().count("RUNNING")
        deadline = time.monotonic() + WAIT_SECONDS
        while "RUNNING" in self.statuses():
            assert time.monotonic() < deadline, "an execution does not end"
            if not self._queues():
                threading.Event().wait(0.2)  # asking moto costs more than waiting
        return running

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
            for record in records:
                self._functions.call_qualified(rule["Targets"][0]["Arn"], json.loads(record["body"]))
            self._delete(heard_by(rule), records)
            moved += len(records)
        return moved

    def _receive(self, queue: str, at_most: int) -> list[dict[str, Any]]:
        """Messages in the shape Lambda hands them over; SQS itself gives ten at a time."""
        messages: list[Any] = []
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

    def _url(self, queue: str) -> str:
        url: str = self._client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
        return url
