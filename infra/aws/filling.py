"""What fills a queue from the bus: the catalog's rules that name one.

They stand beside the queue, in the stack of what is kept: the queue's own policy names who may send.
"""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import catalog
from infra.aws.queues import DeadLetters
from infra.aws.stages import Stage

_RETRIES = 185  # EventBridge's own most, within its day
_MAX_AGE = Duration.hours(24)


def fill(
    scope: Construct, rule: catalog.Rule, queue: sqs.IQueue, bus: events.IEventBus, stage: Stage
) -> None:
    """Send the detail of every event that matches to the queue."""
    assert rule.bus == "usher" and not rule.redriven, f"{rule.name}: not needed so far"
    matching = events.Rule(
        scope,
        rule.name,
        rule_name=f"{stage.prefix}-{rule.name}",
        description=rule.why,
        event_bus=bus,
        event_pattern=events.EventPattern(
            source=[rule.source], detail_type=list(rule.detail_types), detail=chosen(rule) or None
        ),
    )
    matching.add_target(
        targets.SqsQueue(
            queue,
            message=events.RuleTargetInput.from_event_path("$.detail"),
            dead_letter_queue=DeadLetters(scope, stage=stage, name=rule.dead_letters),
            max_event_age=_MAX_AGE,
            retry_attempts=_RETRIES,
        )
    )


def chosen(rule: catalog.Rule) -> dict[str, Any]:
    """The rule's `detail` as an event pattern: which values its fields may have."""
    detail: dict[str, Any] = {}
    for path, values in rule.detail:
        *outer, field = path.split(".")
        place = detail
        for name in outer:
            place = place.setdefault(name, {})
        place[field] = list(values)
    return detail
