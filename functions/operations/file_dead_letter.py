"""Consumer of the work queues' dead-letter queues: each message becomes a row that a person sees."""

from typing import Any

from usher.bootstrap.dead_letters import dead_letter_consumer
from usher.bootstrap.filing import services
from usher.usecases.file_dead_letter import file_dead_letter


@dead_letter_consumer(
    "signups", "stripe-events", "notices", "usage", "usage-reports", "payments", "subscriptions", "ledger"
)
def handler(queue: str, body: dict[str, Any], group: str | None) -> str | None:
    s = services()
    return file_dead_letter(queue, body, group=group, failures=s.failures, inbox=s.inbox, clock=s.clock)
