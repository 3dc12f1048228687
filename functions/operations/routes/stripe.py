"""Routes about what Stripe tells us."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.backfill import services
from usher.usecases.backfill_stripe import BackfillBody, backfill_stripe

routes = Routes()


@routes.post("/v1/stripe/backfills", body=BackfillBody)
def backfill(call: Call[BackfillBody]) -> dict[str, Any]:
    s = services()
    return backfill_stripe(
        call.input,
        call.caller,
        events=s.events,
        store=s.store,
        queue=s.queue,
        keeper=s.keeper,
        clock=s.clock,
        keep_days=s.keep_days,
    )
