"""What calls a function for a reason or at a time: the catalog's rules and schedules.

Both call asynchronously, so two things can fail: the call (the rule's own dead-letter queue) and, after
Lambda's retries, the function (its on-failure destination). Both land in the same queue.
"""

from typing import Any

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sqs as sqs

from infra import catalog
from infra.aws.data import Data
from infra.aws.filling import chosen
from infra.aws.function import Function
from infra.aws.queues import DeadLetters
from infra.aws.stages import Stage

_RETRIES = 2  # Lambda's most for asynchronous calls
_MAX_AGE = Duration.hours(6)
_DAY = 24 * 60


def subscribe(function: Function, rule: catalog.Rule, data: Data, stage: Stage) -> None:
    """Call the function's `live` for every event that matches the rule."""
    dead = _dead_letters(function, rule, stage)
    matching = events.Rule(
        function,
        rule.name,
        rule_name=f"{stage.prefix}-{rule.name}",
        description=rule.why,
        event_bus=data.bus if rule.bus == "usher" else None,
        event_pattern=events.EventPattern(
            source=[rule.source], detail_type=list(rule.detail_types), detail=_detail(function, rule, stage)
        ),
    )
    matching.add_target(
        targets.LambdaFunction(
            function.live, dead_letter_queue=dead, max_event_age=_MAX_AGE, retry_attempts=_RETRIES
        )
    )


def call_every(function: Function, schedule: catalog.Schedule, stage: Stage) -> None:
    """Call the function's `live` every so many minutes; a call that is late by one period is dropped."""
    dead = _dead_letters(function, schedule, stage)
    period = Duration.minutes(schedule.every_minutes)
    scheduler.Schedule(
        function,
        schedule.name,
        schedule_name=f"{stage.prefix}-{schedule.name}",
        description=schedule.why,
        schedule=_expression(schedule, period),
        target=scheduler_targets.LambdaInvoke(
            function.live, dead_letter_queue=dead, max_event_age=period, retry_attempts=_RETRIES
        ),
    )


def _expression(schedule: catalog.Schedule, period: Duration) -> scheduler.ScheduleExpression:
    if schedule.every_minutes != _DAY:
        return scheduler.ScheduleExpression.rate(period)
    hour, minute = divmod(schedule.after_minutes, 60)
    return scheduler.ScheduleExpression.cron(hour=str(hour), minute=str(minute))


def _dead_letters(function: Function, source: catalog.Rule | catalog.Schedule, stage: Stage) -> sqs.Queue:
    dead = DeadLetters(function, stage=stage, name=source.dead_letters)
    # CDK raises on a second such source: on-failure is one per alias, so give it a function of its own.
    function.live.configure_async_invoke(
        on_failure=destinations.SqsDestination(dead), max_event_age=_MAX_AGE, retry_attempts=_RETRIES
    )
    return dead


def _detail(function: Function, rule: catalog.Rule, stage: Stage) -> dict[str, Any] | None:
    detail = chosen(rule)
    if rule.redriven:  # resumed by a redrive, or started by one under a name that ends in -r and a number
        detail["$or"] = [{"redriveCount": [{"numeric": [">", 0]}]}, {"name": [{"wildcard": "*-r*"}]}]
    if (
        rule.source == "aws.states"
    ):  # the default bus carries every workflow of the account, other stages' too
        detail["stateMachineArn"] = [
            Stack.of(function).format_arn(
                service="states",
                resource="stateMachine",
                resource_name=stage.workflow(workflow.name),
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for workflow in catalog.WORKFLOWS
        ]
    return detail or None
