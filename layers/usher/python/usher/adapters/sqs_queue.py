"""The queue port on SQS."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from usher.adapters.aws_errors import outages
from usher.adapters.batches import batches
from usher.adapters.queue_messages import Encoded, encode
from usher.domain.errors import StoreUnavailable
from usher.ports.queue import Message
from usher.settings import Settings, physical

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsQueue:
    """Implements usher.ports.queue.Queue; the settings hold queue URLs, a FIFO queue's ends in `.fifo`."""

    def __init__(self, client: "SQSClient", settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def send(self, queue: str, messages: Sequence[Message]) -> None:
        url = physical(self._settings, "queues", queue)
        fifo = url.endswith(".fifo")
        encoded = [(message, encode(message, fifo=fifo)) for message in messages]
        for batch in batches([((message, text), text.size) for message, text in encoded]):
            entries = [_entry(str(n), message, text) for n, (message, text) in enumerate(batch)]
            with outages("SQS"):
                answer = self._client.send_message_batch(QueueUrl=url, Entries=entries)
            failed = answer.get("Failed", [])
            if failed:
                codes = ", ".join(sorted({entry["Code"] for entry in failed}))
                raise StoreUnavailable(
                    f"queue {queue} did not take {len(failed)} of {len(batch)} messages: {codes}"
                )

    def retry_soon(self, queue: str, receipts: Sequence[str], *, seconds: int) -> None:
        url = physical(self._settings, "queues", queue)
        with outages("SQS"):
            self._client.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                    for n, receipt in enumerate(receipts)
                ],
            )


def _entry(id: str, message: Message, text: Encoded) -> Any:
    entry: dict[str, Any] = {"Id": id, "MessageBody": text.body}
    if message.delay_seconds:
        entry["DelaySeconds"] = message.delay_seconds
    if message.attributes:
        entry["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        }
    if message.group:
        entry["MessageGroupId"] = message.group
    if text.deduplication_id:
        entry["MessageDeduplicationId"] = text.deduplication_id
    return entry
