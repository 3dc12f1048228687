"""What the sweeper of the inbox assumes of the queues it feeds."""

import pytest

from infra import catalog
from infra.aws.queues import visibility_seconds
from usher.usecases.sweep_inbox import MAX_SWEEPS, lease


@pytest.mark.parametrize("name", catalog.function("intake/sweep_inbox").sends_to)
def test_no_event_is_parked_while_its_message_may_still_be_in_its_queue(name: str) -> None:
    """The longest honest way: every receive is held until its visibility timeout ends."""
    (queue,) = [entry for entry in catalog.QUEUES if entry.name == name]
    assert lease(MAX_SWEEPS).total_seconds() > visibility_seconds(queue) * queue.max_receives


def test_a_stripe_event_that_failed_once_waits_for_no_minutes() -> None:
    """A function that was killed holds its customer's events as long as the queue hides them."""
    (queue,) = [entry for entry in catalog.QUEUES if entry.name == "stripe-events"]
    assert visibility_seconds(queue) == queue.visibility_seconds == 180
