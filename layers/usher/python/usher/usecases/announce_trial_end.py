"""A trial's end is near: its customer gets a mail that says what happens then (B13)."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.ports.queue import Message, Queue
from usher.records.accounts import Accounts
from usher.usecases.asking import NOTICES


class TrialEnding(BaseModel):
    """Our envelope of subscription.trial_ending."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    account_id: str
    correlation_id: str
    payload: dict[str, Any]


def announce_trial_end(ending: TrialEnding, *, accounts: Accounts, queue: Queue) -> bool:
    """Queue the mail; returns whether there is somebody to write to. One per end of a trial goes out."""
    account = accounts.find(ending.account_id)
    if account is None:
        return False
    notice = {
        "notice": "trial_ending",
        "signup_id": account.signup_id,
        "correlation_id": ending.correlation_id,
        "round": ending.payload["trial_end"],
    }
    queue.send(NOTICES, [Message(notice)])
    return True
