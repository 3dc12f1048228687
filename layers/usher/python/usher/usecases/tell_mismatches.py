"""Operators are told that a reconciliation found too much, and where to look."""

from usher.domain.chat_messages import ChatMessage
from usher.domain.reconciliation_events import ReconciliationThresholdExceeded
from usher.ports.queue import Queue
from usher.usecases.post_to_slack import CHAT, waiting


def tell_mismatches(event: ReconciliationThresholdExceeded, *, queue: Queue, public_url: str) -> str:
    """Queue the message; returns its text."""
    kinds = ", ".join(f"{each.kind} {each.count}" for each in event.by_kind)
    lines = (
        f"Reconciliation: {event.found} of {event.compared} objects differ from Stripe ({kinds})",
        f"{event.healed} are healed, {event.open} wait for a person",
        f"{public_url}/v1/reconciliations/{event.run_id}",
    )
    message = ChatMessage(text="\n".join(lines))
    queue.send(CHAT, [waiting(message)])
    return message.text
