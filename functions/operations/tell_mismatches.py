"""Rule too-many-mismatches: operators are told when a reconciliation found more than policy lets pass."""

from usher.bootstrap.notices import rule_target
from usher.bootstrap.telling import services
from usher.domain.reconciliation_events import ReconciliationThresholdExceeded
from usher.usecases.tell_mismatches import tell_mismatches


@rule_target(ReconciliationThresholdExceeded, part="payload")
def handler(event: ReconciliationThresholdExceeded) -> str:
    s = services()
    return tell_mismatches(event, queue=s.queue, public_url=s.public_url)
