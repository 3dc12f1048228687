"""Consumer of the queue `stripe-events`: our records are brought in step with Stripe's, per customer."""

from collections.abc import Sequence

from usher.bootstrap.billing import services
from usher.bootstrap.consumers import group_consumer
from usher.bootstrap.parking import tell_parked
from usher.usecases.sync_billing import sync_billing


@group_consumer("stripe-events")
def handler(group: str, event_ids: Sequence[str]) -> dict[str, str]:
    s = services()
    return sync_billing(
        event_ids,
        billing=s.billing,
        inbox=s.inbox,
        accounts=s.accounts,
        records=s.records,
        failures=s.failures,
        clock=s.clock,
        on_parked=tell_parked,
        desk=s.desk,
        drift=s.drift,
    )
