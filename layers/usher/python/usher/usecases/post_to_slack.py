"""What waits for the operators' channel is posted, several messages at a time and one post per second.

Row B14 of docs/product.md.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain.chat_messages import ChatMessage, merged
from usher.domain.errors import NotYet, UsherError, VendorRejected
from usher.ports.chat import Chat
from usher.ports.queue import Message, Queue
from usher.records.chat_slot import ChatSlot

CHAT = "chat"
MOST = 16  # messages of one post: as cards with dividers they stay under Slack's 50 blocks
LONGEST_DELAY = 4  # seconds
PATIENCE = 4  # failed posts after which a message that has to wait comes back to its queue as a failed one


class Waiting(BaseModel):
    """What one message of the queue wants said, and whether it goes alone.

    `put_off` counts how often it had to wait for the slot, `failed` how often its post failed.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    messages: tuple[ChatMessage, ...]
    put_off: int = 0
    failed: int = 0
    alone: bool = False


def waiting(*messages: ChatMessage, delay: int = 0, **more: Any) -> Message:
    """The message of the queue `chat` that has these said in one post."""
    said = [each.model_dump(exclude_none=True) for each in messages]
    return Message({"messages": said, **more}, delay_seconds=delay)


def post_to_slack(
    batch: Sequence[Waiting], *, chat: Chat, slot: ChatSlot, queue: Queue, wall: datetime
) -> dict[int, UsherError]:
    """Post what fits into one post; the rest, or all when somebody just posted, is sent again with a delay.

    A post that Slack refuses is taken apart, so that a message it does not like keeps no other from being
    told. Returns, by position in the batch, what could not be posted and why: it comes again, and after its
    queue's last try ends among the dead letters, however much there is to be told meanwhile.
    """
    wait = slot.take(wall)
    chosen = [] if wait else _choice(batch)
    rest = [number for number in range(len(batch)) if number not in chosen]
    hopeless = [number for number in rest if batch[number].failed >= PATIENCE]
    _put_off([batch[number] for number in rest if number not in hopeless], wait or 1.0, queue)
    late: dict[int, UsherError] = dict.fromkeys(hopeless, NotYet("the channel's slot lies ahead"))
    return late | _post(batch, chosen, chat, queue)


def _post(batch: Sequence[Waiting], chosen: Sequence[int], chat: Chat, queue: Queue) -> dict[int, UsherError]:
    if not chosen:
        return {}
    said = [message for number in chosen for message in batch[number].messages]
    post = merged(said)
    try:
        chat.post(text=post.text, blocks=post.blocks)
    except VendorRejected as error:
        if len(said) == 1:
            return dict.fromkeys(chosen, error)
        queue.send(CHAT, [waiting(message, alone=True) for message in said])
    except UsherError as error:
        return dict.fromkeys(chosen, error)
    return {}


def _choice(batch: Sequence[Waiting]) -> list[int]:
    """The positions of what goes into one post: one that goes alone, else as many as fit."""
    for number, each in enumerate(batch):
        if each.alone:
            return [number]
    chosen: list[int] = []
    room = MOST
    for number, each in enumerate(batch):
        if not chosen or len(each.messages) <= room:
            chosen.append(number)
            room -= len(each.messages)
    return chosen


def _put_off(rest: Sequence[Waiting], wait: float, queue: Queue) -> None:
    """Send again after the wait, joined, and later each time: many that wait then meet less often."""
    fresh = [message for each in rest if not (each.alone or each.failed) for message in each.messages]
    times = 1 + max((each.put_off for each in rest), default=0)
    delay = min(LONGEST_DELAY, max(math.ceil(wait), 2 ** min(times - 1, 6)))
    parts = [fresh[start : start + MOST] for start in range(0, len(fresh), MOST)]
    again = [waiting(*part, put_off=times, delay=delay) for part in parts]
    again += [
        waiting(*each.messages, put_off=times, failed=each.failed, alone=each.alone, delay=delay)
        for each in rest
        if each.alone or each.failed
    ]
    if again:
        queue.send(CHAT, again)
