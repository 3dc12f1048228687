"""Consumer of the queue `usage-reports`: what is new of an hour is told, to Stripe where it is billed."""

from usher.bootstrap.consumers import each_consumer
from usher.bootstrap.metering import services
from usher.usecases.push_usage import PushUsage, push_usage


@each_consumer(PushUsage)
def handler(command: PushUsage) -> str:
    s = services()
    return push_usage(
        command,
        hours=s.hours,
        subscribers=s.subscribers,
        meters=s.meters,
        plans=s.plans,
        policy=s.policy,
        clock=s.clock,
    )
