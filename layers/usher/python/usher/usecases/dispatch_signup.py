"""Dispatch of a sign-up: start its workflow, named after it, with ids only."""

from pydantic import BaseModel, ConfigDict

from usher.ports.clock import Clock
from usher.ports.workflows import Workflows
from usher.records.inbox import Inbox


class DispatchSignup(BaseModel):
    """What the queue carries; a newer sender may add fields."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    signup_id: str
    correlation_id: str
    event_id: str


def dispatch_signup(command: DispatchSignup, *, workflows: Workflows, inbox: Inbox, clock: Clock) -> str:
    """Start `signup-{id}`, then close the inbox row; returns the execution's id.

    The name makes a second delivery find the first one's execution.
    """
    execution_id = workflows.start(
        "onboarding",
        name=f"signup-{command.signup_id}",
        input={"signup_id": command.signup_id, "correlation_id": command.correlation_id},
    )
    inbox.finish(command.event_id, now=clock.now())
    return execution_id
