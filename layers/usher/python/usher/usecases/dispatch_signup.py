"""Dispatch of sign-ups: each starts its workflow, named after it, when the vendors have slots for it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from usher.domain.admission import SECOND
from usher.domain.onboarding import execution_name
from usher.ports.clock import Clock
from usher.ports.queue import Message, Queue
from usher.ports.workflows import Workflows
from usher.records.buckets import Buckets
from usher.records.inbox import Inbox

QUEUE = "signups"
BOOKED = {"signups": 1, "stripe": 2, "stripe:customers": 1, "stripe:subscriptions": 1}
"""What one sign-up calls at its first try, by bucket; everything else takes its slots when it calls."""

LONGEST_DELAY = 900  # seconds; SQS's limit
LONG_DELAY = 60  # seconds; from here on the sweeper has to know that the event is not lost


class DispatchSignup(BaseModel):
    """What the queue carries; a newer sender may add fields. `places` are those booked in line, by bucket."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    signup_id: str
    correlation_id: str
    event_id: str
    workflow: str = "onboarding"
    places: Mapping[str, int] = {}


def dispatch_signups(
    commands: Sequence[DispatchSignup],
    *,
    buckets: Buckets,
    queue: Queue,
    workflows: Workflows,
    inbox: Inbox,
    clock: Clock,
) -> dict[int, Exception]:
    """Start those whose slots have come, in the order of their slots, and send the others on.

    A message whose slot lies a second or more ahead is sent again with that delay and its places, as a new
    message: it has failed nothing. What is left of a second is waited for here. Returns, by position, what
    failed: those come again. No message is remembered beyond that, because a repeat starts what is started.
    """
    moments, booked = _line_up(commands, buckets)
    now = buckets.now()
    ahead = {at: (moment - now) // SECOND for at, moment in enumerate(moments)}
    later = {at: min(int(seconds), LONGEST_DELAY) for at, seconds in ahead.items() if seconds >= 1}
    messages = [
        Message(booked[at].model_dump(mode="json"), delay_seconds=delay) for at, delay in later.items()
    ]
    if messages:
        queue.send(QUEUE, messages)
    for at, delay in later.items():
        if delay >= LONG_DELAY:
            inbox.postponed(booked[at].event_id, until=clock.now() + timedelta(seconds=delay))
    failures: dict[int, Exception] = {}
    for at in sorted(ahead.keys() - later.keys(), key=moments.__getitem__):
        if (early := moments[at] - buckets.now()) > 0:
            clock.sleep(early / SECOND)
        try:
            dispatch_signup(booked[at], workflows=workflows, inbox=inbox, clock=clock)
        except Exception as error:  # noqa: BLE001 - one sign-up's failure must not fail its neighbours
            failures[at] = error
    return failures


def dispatch_signup(command: DispatchSignup, *, workflows: Workflows, inbox: Inbox, clock: Clock) -> str:
    """Start `signup-{id}`, or `link-{id}`, then close the inbox row; returns the execution's id.

    The name makes a second delivery find the first one's execution.
    """
    workflow, name = execution_name(command.workflow, command.signup_id)
    execution_id = workflows.start(
        workflow,
        name=name,
        input={"signup_id": command.signup_id, "correlation_id": command.correlation_id},
    )
    inbox.finish(command.event_id, now=clock.now())
    return execution_id


def _line_up(commands: Sequence[DispatchSignup], buckets: Buckets) -> tuple[list[int], list[DispatchSignup]]:
    """The moment each may go, and each with its places: one write per bucket for all that have none yet."""
    fresh = [at for at, command in enumerate(commands) if not command.places]
    moments, places = [0] * len(commands), [dict(command.places) for command in commands]
    for bucket in buckets.limited(tuple(BOOKED)):
        if fresh:
            taken, row = buckets.book(bucket, BOOKED[bucket], len(fresh))
            for at, place in zip(fresh, taken, strict=True):
                places[at][bucket] = place
        else:
            row = buckets.row(bucket)
        going = 0
        for at, of in enumerate(places):
            if bucket in of:
                due = buckets.due(bucket, of[bucket], row)
                moments[at] = max(moments[at], due)
                going += due < buckets.now() + SECOND
        buckets.goes(bucket, going * BOOKED[bucket], row)
    lined = [command.model_copy(update={"places": of}) for command, of in zip(commands, places, strict=True)]
    return moments, lined
