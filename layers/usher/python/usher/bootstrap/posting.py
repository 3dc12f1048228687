"""The channel in Slack: the services that posting needs, and the wrapper of its queue's consumer."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from usher.adapters.slack_chat import SlackChat
from usher.bootstrap.observe import logger
from usher.bootstrap.platform import per_platform
from usher.domain.errors import UsherError
from usher.ports.chat import Chat
from usher.ports.clock import Clock
from usher.ports.platform import Platform
from usher.ports.queue import Queue
from usher.records.chat_slot import ChatSlot
from usher.settings import settings
from usher.usecases.post_to_slack import Waiting

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PostingServices:
    """What posting needs."""

    chat: Chat
    slot: ChatSlot
    queue: Queue
    clock: Clock


@per_platform
def services(platform: Platform) -> PostingServices:
    here = settings()
    chat = SlackChat(
        api_base=here.slack_api_base,
        api_key=lambda: platform.secrets.get("slack_webhook"),
        timeout=here.vendor_timeout_seconds,
    )
    return PostingServices(chat, ChatSlot(platform.store), platform.queue, platform.clock)


def batch_consumer(run: Callable[[Sequence[Waiting]], Mapping[int, UsherError]]) -> Handler:
    """Turn `what waits -> failures by position` into a handler of SQS batches: what failed comes again."""
    name = run.__module__.rpartition(".")[2]

    @wraps(run)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        records = event["Records"]
        failed = run([_waiting(record) for record in records])
        for error in failed.values():
            logger.warning("message failed", function=name, error=type(error).__name__)
        return {"batchItemFailures": [{"itemIdentifier": records[n]["messageId"]} for n in failed]}

    return handler


def _waiting(record: dict[str, Any]) -> Waiting:
    """The message as it was sent, with the receives since then, each of which was a post that failed."""
    body = json.loads(record["body"])
    receives = int(record["attributes"]["ApproximateReceiveCount"])
    return Waiting.model_validate({**body, "failed": body.get("failed", 0) + receives - 1})
